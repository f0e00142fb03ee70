"""What a stopped turn takes with it, with a stand-in for the CLI and real processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from claude_agent_lsp.agent.os_processes.marked import MARK
from claude_agent_lsp.agent.process.interrupt import LeftAtWork
from claude_agent_lsp.agent.process.process import AgentProcess
from tests.agent.conftest import alive, new_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claude_agent_lsp.agent.process.launch import Launch

pytestmark = pytest.mark.starts

SECONDS = 20


@contextlib.contextmanager
def detached(process: AgentProcess) -> Iterator[psutil.Process]:
    """What a tool of this process has put into a session of its own."""
    environment = {**os.environ, MARK: process._mark}
    child = subprocess.Popen(["sleep", "1000"], env=environment, start_new_session=True)
    try:
        yield psutil.Process(child.pid)
    finally:
        child.kill()
        child.wait()


async def in_the_next_tick() -> None:
    """Waits for as long as the system takes two starts for one."""
    until = time.monotonic() + 1 / os.sysconf("SC_CLK_TCK")
    while time.monotonic() <= until:  # noqa: ASYNC110
        await asyncio.sleep(0)


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="Linux's own clock")
@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.049, 0.06, 0.25, 0.5, 0.75, 0.9, 0.99])
async def test_what_a_turn_has_detached_at_once_ends_with_it_whenever_the_system_was_started(
    launch: Launch, monkeypatch: pytest.MonkeyPatch, fraction: float
) -> None:
    # The second of the system's start is all that psutil knows of it: its fraction is cut off.
    boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot - fraction)
    process = AgentProcess(launch, new_session())
    await asyncio.wait_for(process.started, SECONDS)
    with detached(process) as earlier:
        await in_the_next_tick()
        background = await LeftAtWork.scan(process)
        with detached(process) as own:
            process.sweep((), since=background.since)
            await process._marked.swept()
            assert not alive(own)
            assert alive(earlier)
    await asyncio.wait_for(process.end(), SECONDS)
