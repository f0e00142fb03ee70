"""Noticing an editor's end, with real processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from claude_agent_lsp.lsp.wire.editor_process import EditorProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SECONDS = 20


@contextlib.asynccontextmanager
async def a_process() -> AsyncIterator[asyncio.subprocess.Process]:
    """One that ends when its input does, or is killed."""
    process = await asyncio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE)
    yield process
    assert process.stdin is not None
    process.stdin.close()
    await process.wait()


@pytest_asyncio.fixture
async def editor() -> AsyncIterator[asyncio.subprocess.Process]:
    async with a_process() as process:
        yield process


async def another_is_noticed() -> None:
    """Until the end of a second editor has been noticed, in which time the first was looked at."""
    noticed = asyncio.Event()
    async with a_process() as other:
        EditorProcess(noticed.set).watch(other.pid)
        other.kill()
        await asyncio.wait_for(noticed.wait(), SECONDS)


@pytest.fixture(params=["told", "polled"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the end is noticed: as on Linux, or as elsewhere."""
    if request.param == "polled":
        # Taken away from us alone: asyncio watches its own children with it from Python 3.12 on.
        monkeypatch.setattr("claude_agent_lsp.lsp.wire.editor_process.pidfd_open", None)
        monkeypatch.setattr("claude_agent_lsp.lsp.wire.editor_process.POLL_SECONDS", 0.01)
    elif not hasattr(os, "pidfd_open"):
        pytest.skip("only Linux signals the end of a process; elsewhere it is polled")
    return str(request.param)


@pytest.mark.usefixtures("way")
async def test_the_end_is_noticed_once(editor: asyncio.subprocess.Process) -> None:
    ends = 0
    noticed = asyncio.Event()

    def on_end() -> None:
        nonlocal ends
        ends += 1
        noticed.set()

    EditorProcess(on_end).watch(editor.pid)
    editor.kill()
    await asyncio.wait_for(noticed.wait(), SECONDS)
    await another_is_noticed()
    assert ends == 1


@pytest.mark.usefixtures("way")
async def test_one_that_lives_is_left_alone(editor: asyncio.subprocess.Process) -> None:
    noticed = asyncio.Event()
    EditorProcess(noticed.set).watch(editor.pid)
    await another_is_noticed()
    assert not noticed.is_set()
    editor.kill()
    await asyncio.wait_for(noticed.wait(), SECONDS)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("pid", [None, 0, -1])
async def test_an_editor_that_tells_no_id_is_not_watched(pid: int | None) -> None:
    EditorProcess(pytest.fail).watch(pid)


@pytest.mark.usefixtures("way")
async def test_an_id_that_means_nothing_here_is_not_watched() -> None:
    gone = await asyncio.create_subprocess_exec("true")
    await gone.wait()
    EditorProcess(pytest.fail).watch(gone.pid)
