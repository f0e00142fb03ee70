"""Machines for tests: each has its own home, its own clone of the repository, its own servers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import uuid
from typing import TYPE_CHECKING, Any

import psutil

from tests.conftest import trust_in_terminal
from tests.e2e.editor import Editor
from tests.processes import MARK, all_gone, processes_of

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback

SECONDS = 60.0  # only catches hangs


class Machine:
    """A home directory with a clone in it.

    Attributes:
        folder: The clone.
        log: What its servers log, at the level of debug.
    """

    def __init__(self, root: Path, name: str, model: Loopback, store: str | None) -> None:
        self.home = root / name
        self.home.mkdir()
        self.folder = self.home / f"where-{name}-works" / "project"
        self.log = self.home / "log"
        trust_in_terminal(self.home, self.home)
        self.store = store
        self.environment = {
            **model.environment(self.home),
            MARK: str(uuid.uuid4()),
            "CLAUDE_CODE_MAX_RETRIES": "0",
        }
        self._editors: list[Editor] = []

    async def clone(self, origin: Path) -> None:
        self.folder.parent.mkdir()
        await git("clone", "-q", str(origin), str(self.folder))

    async def open(
        self, profile: str = "vscode", folder: Path | None = None, **settings: Any
    ) -> Editor:
        """An editor with the clone open, or another folder."""
        editor = Editor(profile)
        self._editors.append(editor)
        await editor.launch(
            self.environment,
            (folder or self.folder,),
            settings={"sessionStore": self.store, "prewarm": False, **settings},
            arguments=("--log-level", "debug", "--log-file", str(self.log)),
        )
        return editor

    def transcript(self, session_id: str) -> Path:
        """A session's file here."""
        (found,) = (self.home / ".claude" / "projects").glob(f"*/{session_id}.jsonl")
        return found

    async def die(self) -> None:
        """All processes of the machine are killed."""
        for process in processes_of(self.environment):
            with contextlib.suppress(psutil.Error):
                os.kill(process.pid, signal.SIGKILL)
        assert await all_gone(self.environment, SECONDS)
        for editor in self._editors:
            with contextlib.suppress(Exception):
                await editor.gone()
        self._editors.clear()

    async def leave(self) -> None:
        """All its editors are quit; nothing is left."""
        for editor in self._editors:
            if not editor.stopped:
                await editor.quit()
        assert await all_gone(self.environment, SECONDS)


async def git(*arguments: str) -> None:
    """Run git, as nobody in particular."""
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    process = await asyncio.create_subprocess_exec("git", *who, *arguments)
    assert await process.wait() == 0


def told(editor: Editor, words: str = "shared store") -> list[str]:
    """What the user was told with these words: by message, or by a run's notices."""
    shown = [message.message for message in editor.messages]
    values = [getattr(params, "value", None) for _, _, params in editor.log]
    noticed = [v["text"] for v in values if isinstance(v, dict) and v.get("kind") == "notice"]
    return [text for text in shown + noticed if words in text]
