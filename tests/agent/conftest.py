"""Agent processes that are stand-ins, in a home of their own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import uuid
from typing import TYPE_CHECKING

import psutil
import pytest

from claude_agent_lsp.agent.process.launch import Launch, SessionStart
from claude_agent_lsp.workspace.settings import Settings
from tests.standins import stand_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


GONE_SECONDS = 1.0
"""What was killed may take a moment to go."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory; nothing of this machine's own Claude is seen."""
    for name in tuple(os.environ):
        if name.startswith(("ANTHROPIC_", "CLAUDE")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / ".claude"))
    return tmp_path


@pytest.fixture(autouse=True)
def no_child_is_left() -> Iterator[None]:
    """Ends what a test has left, and fails it."""
    before = psutil.Process().children(recursive=True)
    yield
    new = [each for each in psutil.Process().children(recursive=True) if each not in before]
    _, left = psutil.wait_procs(new, timeout=GONE_SECONDS)
    left = [process for process in left if alive(process)]
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    assert not left


def alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


@pytest.fixture
def launch(home: Path) -> Launch:
    """Of a stand-in that does what it should."""
    return launch_of("obedient", home)


def launch_of(behaviour: str, home: Path) -> Launch:
    return Launch(folder=home, settings=Settings(cli_path=stand_in(behaviour, home)))


def new_session() -> SessionStart:
    return SessionStart(str(uuid.uuid4()))


async def soon() -> None:
    """Lets what is ready take its steps."""
    for _ in range(10):
        await asyncio.sleep(0)
