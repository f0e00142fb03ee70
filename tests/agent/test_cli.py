"""An executable whose disk hangs, really: the kernel lets nobody open it. The loop goes on."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.agent import cli as module
from claude_agent_lsp.agent.cli import check
from claude_agent_lsp.agent.process import process as process_module
from claude_agent_lsp.agent.process.process import AgentProcess
from claude_agent_lsp.errors import CliFailedToStart, ProcessDied

from .conftest import launch_of, new_session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.starts,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux has leases on files"),
]

SECONDS = 20.0  # only catches hangs
# A callback that holds up the loop longer is one that waits for the disk: a busy machine does not.
HELD_UP_SECONDS = 5.0
# Whoever opens a file waits until the one who has a lease on it gives it back. It does so by itself
# in the end, so that a loop that waits for it can fail its test.
HOLDER = """
import fcntl, os, select, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
fcntl.fcntl(os.open(sys.argv[1], os.O_RDWR), fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("held", flush=True)
select.select([sys.stdin], [], [], 10)
"""


@contextmanager
def hanging(path: Path) -> Iterator[None]:
    """Has everybody wait who opens a file."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield
        holder.stdin.close()


class Turns:
    """Watches how long the loop does not turn."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._turn()

    def _turn(self) -> None:
        now = self._loop.time()
        self.longest = max(self.longest, now - self._last)
        self._last = now
        self._next = self._loop.call_later(0.01, self._turn)

    def stop(self) -> None:
        self._next.cancel()


async def turned(turns: Turns, times: int = 5) -> None:
    """Waits until the loop has turned so often."""
    for _ in range(times):
        last = turns._last
        while turns._last == last:  # noqa: ASYNC110 - it is the turning that is waited for
            await asyncio.sleep(0)


async def test_a_look_at_the_version_of_one_that_hangs_holds_up_nobody(home: Path) -> None:
    path = launch_of("obedient", home).settings.cli_path
    assert path is not None
    turns = Turns()
    with hanging(path):
        looking = asyncio.ensure_future(check(path))
        await turned(turns)
        assert not looking.done()
    assert (await asyncio.wait_for(looking, SECONDS)).version == "2.1.330"
    turns.stop()
    assert turns.longest < HELD_UP_SECONDS


async def test_a_look_at_the_version_of_one_that_hangs_ends(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "VERSION_SECONDS", 0.1)
    path = launch_of("obedient", home).settings.cli_path
    assert path is not None
    with hanging(path):
        for _ in range(20):  # more than there are threads for what has no lane
            with pytest.raises(CliFailedToStart, match="disk does not answer"):
                await asyncio.wait_for(check(path), SECONDS)
        other = launch_of("mute", home).settings.cli_path
        monkeypatch.undo()
        assert other is not None
        assert (await asyncio.wait_for(check(other), SECONDS)).version == "2.1.330"


@pytest.mark.parametrize("known", [True, False], ids=["known", "new"])
async def test_the_start_of_one_that_hangs_holds_up_nobody(home: Path, known: bool) -> None:
    launch = launch_of("obedient", home)
    assert launch.settings.cli_path is not None
    if known:
        await check(launch.settings.cli_path)
    turns = Turns()
    with hanging(launch.settings.cli_path):
        process = AgentProcess(launch, new_session())
        await turned(turns, 30)
        assert not process.started.done()
    await asyncio.wait_for(process.started, SECONDS)
    turns.stop()
    assert turns.longest < HELD_UP_SECONDS
    await asyncio.wait_for(process.end(), SECONDS)


@pytest.mark.parametrize("by", ["an order", "time"])
async def test_the_start_of_one_that_hangs_is_given_up(
    home: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    launch = launch_of("obedient", home)
    assert launch.settings.cli_path is not None
    turns = Turns()
    if by == "time":
        monkeypatch.setattr(process_module, "START_SECONDS", 0.3)
    with hanging(launch.settings.cli_path):
        process = AgentProcess(launch, new_session())
        await turned(turns)
        if by == "an order":
            await asyncio.wait_for(process.end(), SECONDS)
        with pytest.raises(CliFailedToStart if by == "time" else ProcessDied):
            await asyncio.wait_for(process.started, SECONDS)
        await asyncio.wait_for(process.gone.wait(), SECONDS)
    turns.stop()
    assert turns.longest < HELD_UP_SECONDS
