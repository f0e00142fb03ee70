"""CLIs whose server is gone, and the watchdog that outlives the server for their sake."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from claude_agent_lsp.agent.os_processes.adoption import OWN
from claude_agent_lsp.agent.os_processes.orphans import (
    SERVER,
    _alive,
    end_all,
    end_orphans,
    server_mark,
)
from claude_agent_lsp.agent.os_processes.watchdog import Watchdog
from claude_agent_lsp.sessions.lock import SessionLocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.starts

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
    program = (
        "from claude_agent_lsp.agent.os_processes.orphans import server_mark; print(server_mark())"
    )
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
from claude_agent_lsp.agent.os_processes.orphans import SERVER, server_mark
from claude_agent_lsp.agent.os_processes.watchdog import Watchdog
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


UNMARKED_PROGRAM = """
import os, subprocess, sys, time
from claude_agent_lsp.agent.os_processes.tree import Process, started
from claude_agent_lsp.agent.os_processes.watchdog import Watchdog
watchdog = Watchdog()
words = ["sh", "-c", "trap : TERM HUP; sleep 99 & echo; wait"]
children = [subprocess.Popen(words, env={}, stdout=subprocess.PIPE) for _ in range(3)]
for child in children:
    child.stdout.readline()
first, second, other = [child.pid for child in children]
watchdog.tell({first: started(Process(first))})
watchdog.ensure()
starts = {pid: started(Process(pid)) for pid in (first, second)}
for more in range(int(sys.argv[1])):
    watchdog.tell({**starts, **{10**8 + n: n for n in range(more)}})
# One that has had the id of another is left alone.
while not watchdog.tell({**starts, other: started(Process(other)) - 1}):
    time.sleep(0.01)
print(first, second, other, flush=True)
time.sleep(1000)
"""


@pytest.mark.parametrize("times", [0, 400])
async def test_the_watchdog_ends_what_it_was_told_of_last(times: int) -> None:
    def lives(process: psutil.Process) -> bool:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE

    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", UNMARKED_PROGRAM, str(times), stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    pids = map(int, (await server.stdout.readline()).split())
    first, second, other = (psutil.Process(pid) for pid in pids)
    gone = [first, second, *first.children(), *second.children()]
    left = [other, *other.children()]
    server.kill()
    await server.wait()
    async with asyncio.timeout(SECONDS):
        while any(map(lives, gone)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert all(each.is_running() for each in left)
    for each in left:
        each.kill()


def test_a_watchdog_that_reads_nothing_holds_up_nobody() -> None:
    watchdog = Watchdog()
    watchdog.ensure()
    assert watchdog.pid is not None
    os.kill(watchdog.pid, signal.SIGSTOP)
    many = dict.fromkeys(range(10**6, 10**6 + 400), 10**6)
    assert not all(watchdog.tell(many) for _ in range(50))
    watchdog.close()
    assert watchdog.pid is None


def until(look: Callable[[], object]) -> None:
    """Waits for what the system alone tells, by looking."""
    end = time.monotonic() + SECONDS
    while not look():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_it_weighs_little_and_does_nothing_while_it_waits() -> None:
    watchdog = Watchdog()
    watchdog.ensure()
    assert watchdog.pid is not None
    process = psutil.Process(watchdog.pid)
    try:
        until(lambda: process.status() == psutil.STATUS_SLEEPING and process.num_threads())
        before = process.cpu_times()
        info = process.memory_full_info()
        assert getattr(info, "pss", info.uss) < 15 * 2**20
        assert process.environ() == {OWN: "1"}
        assert process.cpu_times() == before
    finally:
        watchdog.close()
    assert not psutil.pid_exists(process.pid)


def test_one_that_was_ended_is_replaced_before_the_next_start() -> None:
    watchdog = Watchdog()
    watchdog.ensure()
    first = watchdog.pid
    assert first is not None
    watchdog.ensure()
    assert watchdog.pid == first
    os.kill(first, signal.SIGKILL)
    until(lambda: watchdog.pid is None)
    watchdog.ensure()
    assert watchdog.pid not in (None, first)
    watchdog.close()
    assert watchdog.pid is None


PSUTIL = (
    *((psutil.Process, name) for name in ("__init__", "environ", "create_time", "status")),
    *((psutil.Process, name) for name in ("is_running", "wait", "terminate", "kill")),
    (psutil, "pids"),
    (psutil, "wait_procs"),
)
ERRORS = [SystemError, OSError, RuntimeError, psutil.AccessDenied]


def name_of(value: Any) -> str:
    return str(getattr(value, "__name__", value))


@pytest.fixture
def mark_anew() -> Iterator[None]:
    """This process's mark is told once; here it is told as psutil tells it now."""
    server_mark.cache_clear()
    yield
    server_mark.cache_clear()


@pytest.mark.usefixtures("mark_anew")
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(("owner", "name"), PSUTIL, ids=name_of)
def test_nothing_raises_whatever_psutil_does(
    started: list[subprocess.Popen[bytes]],
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    error: type[Exception],
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise error(name)

    monkeypatch.setattr("claude_agent_lsp.agent.os_processes.orphans.TERM_SECONDS", 0.01)
    monkeypatch.setattr("claude_agent_lsp.agent.os_processes.orphans.ROUNDS", 2)
    left = f"{uuid.uuid4()}"
    start(started, left)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fail)
        end_orphans()
        end_all(lambda found: found == left)
        mark = server_mark()
        SessionLocks(Path)
    assert _alive(mark)  # a server that goes on is taken for none that is gone
    while marked(left):
        end_all(lambda found: found == left)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("name", ["__init__", "environ", "status"])
def test_a_process_that_can_not_be_looked_at_hides_no_other(
    started: list[subprocess.Popen[bytes]],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    error: type[Exception],
) -> None:
    mark = f"{uuid.uuid4()}"
    start(started, mark)
    look: Callable[..., Any] = getattr(psutil.Process, name)

    def fail_for_others(process: psutil.Process, pid: int | None = None) -> Any:
        if (process.pid if pid is None else pid) not in own:
            raise error(name)
        return look(process) if pid is None else look(process, pid)

    own = {os.getpid(), *marked(mark)}
    assert len(own) == 4
    with monkeypatch.context() as patch:
        patch.setattr(psutil.Process, name, fail_for_others)
        assert end_all(lambda found: found == mark) == 3
    assert marked(mark) == []


def test_the_mark_stays_when_the_clock_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    before = server_mark()
    monkeypatch.setattr(psutil.Process, "create_time", lambda _: 1.0)
    assert server_mark() == before


def test_a_cli_starts_without_a_watchdog(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise ValueError("embedded null byte")

    monkeypatch.setattr(subprocess, "Popen", fail)
    watchdog = Watchdog()
    watchdog.ensure()
    assert watchdog.pid is None
    watchdog.close()
