"""Machines for tests: each has its own home, its own clone of the repository, its own servers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import uuid
from typing import TYPE_CHECKING, Any

import psutil
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.sessions.sharing.line_codec import portable
from claude_agent_lsp.sessions.sharing.stores.opening import open_store
from claude_agent_lsp.sessions.transcripts.repository import project_key
from tests.conftest import trust_in_terminal
from tests.e2e.editor import Editor
from tests.processes import MARK, all_gone, processes_of

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.editor import Asked

    from .servers import Postgres, RedisServer

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


async def shared(editor: Editor) -> list[dict[str, Any]]:
    sessions = (await editor.command("session.list", {}))["sessions"]
    return [session for session in sessions if session["origin"] == "shared"]


async def until_shared(editor: Editor, count: int = 1) -> list[dict[str, Any]]:
    """Waits for what another machine sends a moment later."""
    async with asyncio.timeout(SECONDS):
        while len(found := await shared(editor)) < count:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.05)
    return found


async def asked_until_free(editor: Editor, prompt: str, session: str) -> dict[str, Any]:
    """Asks until nobody has the session any more."""
    async with asyncio.timeout(SECONDS):
        while True:
            asked = editor.query(prompt, session=session)
            with contextlib.suppress(SessionIsBusy):
                return await unless_busy(asked)
            await asyncio.sleep(0.1)


class SessionIsBusy(Exception):
    """Whoever has it told so."""


async def unless_busy(asked: Asked) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = await asked
    except JsonRpcException as error:
        if isinstance(error.data, dict) and error.data["reason"] == "sessionBusy":
            raise SessionIsBusy(error.message) from None
        raise
    return answer


async def in_store(server: Postgres | RedisServer, machine: Machine, session_id: str) -> list[Any]:
    store = open_store(server.url)
    try:
        key = {"project_key": project_key(machine.folder), "session_id": session_id}
        return list(await store.load(key) or [])  # type: ignore[arg-type]
    finally:
        await store.close()


def lines(machine: Machine, session_id: str) -> list[Any]:
    content = machine.transcript(session_id).read_text()
    return [json.loads(line) for line in content.splitlines()]


async def assert_mirrored(
    server: Postgres | RedisServer, machine: Machine, session_id: str
) -> None:
    """All of a machine's transcript is in the store, once and in order."""
    async with asyncio.timeout(SECONDS):
        while True:
            content = machine.transcript(session_id).read_bytes()
            here = [portable(line, str(machine.folder)) for line in content.splitlines()]
            there = await in_store(server, machine, session_id)
            if here == there:
                break
            await asyncio.sleep(0.1)
    ids = [line["uuid"] for line in there if "uuid" in line]
    assert len(ids) == len(set(ids))
