"""CLIs whose server is gone, and the watchdog that outlives the server for their sake."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING

import psutil
import pytest

from claude_agent_lsp.agent.process.orphans import SERVER, end_all, end_orphans, server_mark
from claude_agent_lsp.agent.process.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 20
STUBBORN = "trap '' TERM; setsid sleep 1000 & sleep 1000 & echo ready; wait"


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        with contextlib.suppress(OSError):
            process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def start(
    started: list[subprocess.Popen[bytes]], mark: str, program: str = STUBBORN
) -> subprocess.Popen[bytes]:
    environment = {**os.environ, SERVER: mark}
    process = subprocess.Popen(["sh", "-c", program], env=environment, stdout=subprocess.PIPE)
    started.append(process)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def marked(mark: str) -> list[int]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            alive = process.status() != psutil.STATUS_ZOMBIE
            if alive and process.environ().get(SERVER) == mark:
                found.append(process.pid)
    return found


def test_all_with_the_mark_end_wherever_they_have_got_to(
    started: list[subprocess.Popen[bytes]],
) -> None:
    mark, other = (f"{uuid.uuid4()}" for _ in range(2))
    start(started, mark)
    start(started, other)
    assert len(marked(mark)) == 3
    assert end_all(lambda found: found == mark) == 3
    assert marked(mark) == []
    assert len(marked(other)) == 3
    end_all(lambda found: found == other)


def test_only_those_whose_server_is_gone_are_orphans(
    started: list[subprocess.Popen[bytes]],
) -> None:
    program = "from claude_agent_lsp.agent.process.orphans import server_mark; print(server_mark())"
    gone = subprocess.check_output([sys.executable, "-c", program], text=True).strip()
    # In a container the same number means another process.
    elsewhere = gone.rsplit(":", 1)[0] + ":[1]"
    others = (server_mark(), "nonsense", elsewhere)
    for mark in (gone, *others):
        start(started, mark)
    end_orphans()
    assert marked(gone) == []
    for mark in others:
        assert len(marked(mark)) == 3
    end_all(lambda mark: mark in others)


SERVER_PROGRAM = """
import os, subprocess, sys, time
from claude_agent_lsp.agent.process.orphans import SERVER, server_mark
from claude_agent_lsp.agent.process.watchdog import Watchdog
watchdog = Watchdog()
watchdog.ensure()
environment = {**os.environ, SERVER: server_mark()}
child = subprocess.Popen(["sh", "-c", sys.argv[1]], env=environment, stdout=subprocess.PIPE)
child.stdout.readline()
print(server_mark(), watchdog.pid, flush=True)
time.sleep(1000)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_the_watchdog_ends_what_a_killed_server_leaves(how: signal.Signals) -> None:
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER_PROGRAM, STUBBORN, stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    mark, watchdog = (await server.stdout.readline()).decode().split()
    assert len(marked(mark)) == 3
    server.send_signal(how)
    await server.wait()
    async with asyncio.timeout(SECONDS):
        while marked(mark) or psutil.pid_exists(int(watchdog)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def test_it_weighs_little_and_does_nothing_while_it_waits() -> None:
    watchdog = Watchdog()
    watchdog.ensure()
    assert watchdog.pid is not None
    process = psutil.Process(watchdog.pid)
    try:
        while process.status() != psutil.STATUS_SLEEPING or not process.num_threads():
            pass
        before = process.cpu_times()
        info = process.memory_full_info()
        assert getattr(info, "pss", info.uss) < 15 * 2**20
        assert process.environ() == {}
        assert process.cpu_times() == before
    finally:
        watchdog.close()
    assert not psutil.pid_exists(process.pid)


def at_work(watchdog: Watchdog) -> bool:
    return watchdog.pid is not None


def test_one_that_was_ended_is_replaced_before_the_next_start() -> None:
    watchdog = Watchdog()
    watchdog.ensure()
    first = watchdog.pid
    assert first is not None
    watchdog.ensure()
    assert watchdog.pid == first
    os.kill(first, signal.SIGKILL)
    while at_work(watchdog):
        pass
    watchdog.ensure()
    assert watchdog.pid not in (None, first)
    watchdog.close()
    assert watchdog.pid is None
