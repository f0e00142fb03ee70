"""The real server over stdio, the real SDK and CLI; only the model is a stand-in."""

from __future__ import annotations

import asyncio
import contextlib
import os
import uuid
from typing import TYPE_CHECKING, Any, Protocol

import psutil
import pytest
import pytest_asyncio

from claude_agent_lsp.loopback import Loopback, recall, reply, say, tokens

from .editor import Editor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

MARK = "CLAUDE_AGENT_LSP_TEST"


class Open(Protocol):
    """Starts a server for an editor that has folders open."""

    async def __call__(
        self,
        *folders: Path,
        profile: str = "vscode",
        environment: dict[str, str] | None = None,
        **launch: Any,
    ) -> Editor:
        """See `Editor.launch`; without folders, the test's `folder` is open."""


@pytest.fixture
def model() -> Iterator[Loopback]:
    """A model with the answers that most tests need; tests add their own."""
    with Loopback(
        reply("remember the code", say("I will remember it.")),
        reply("which code", recall(r"[A-Z]+-\d+")),
        reply("count slowly", tokens(5000, pace=0.02)),
    ) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project folder."""
    project = tmp_path / "project"
    project.mkdir()
    return project


@pytest.fixture
def environment(model: Loopback, tmp_path: Path) -> dict[str, str]:
    """Of a server that talks to the model and to nothing else."""
    home = tmp_path / "home"
    home.mkdir()
    return {**model.environment(home), MARK: str(uuid.uuid4()), "CLAUDE_CODE_MAX_RETRIES": "0"}


@pytest_asyncio.fixture
async def editor_with(folder: Path, environment: dict[str, str]) -> AsyncIterator[Open]:
    """Opens editors; at the end each is quit, and no process of theirs may be left."""
    editors: list[Editor] = []
    usual = environment

    async def open_editor(
        *folders: Path,
        profile: str = "vscode",
        environment: dict[str, str] | None = None,
        **launch: Any,
    ) -> Editor:
        editor = Editor(profile)
        editors.append(editor)
        await editor.launch({**usual, **(environment or {})}, folders or (folder,), **launch)
        return editor

    yield open_editor
    try:
        for editor in editors:
            if editor.stopped:
                continue
            await editor.quit()
    finally:
        left = processes_of(usual)
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
    assert not left, f"these processes were left: {left}"


@pytest_asyncio.fixture
async def editor(editor_with: Open) -> Editor:
    """An editor with `folder` open."""
    return await editor_with()


def processes_of(environment: dict[str, str], name: str | None = None) -> list[psutil.Process]:
    """All live processes that were started with a test's environment; of one name if named."""
    mark = environment[MARK]
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # it may be gone at any moment
            alive = process.status() != psutil.STATUS_ZOMBIE
            ours = alive and process.environ().get(MARK) == mark
            if ours and name in (None, process.name()):
                found.append(process)
    return found


async def all_gone(environment: dict[str, str], seconds: float) -> bool:
    """Whether no process of a test is left within `seconds`."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while processes_of(environment):
        if loop.time() > until:
            return False
        await asyncio.sleep(0.02)
    return True


def pytest_configure() -> None:
    """No variable of the machine's own Claude reaches a test."""
    for name in list(os.environ):
        if name.startswith(("ANTHROPIC_", "CLAUDE")):
            del os.environ[name]
