"""What a process weighs and what it has burnt, as the kernel tells.

A worker loads this too, and must weigh no more than what it runs: psutil is only loaded where
there is no /proc, or by the benchmark itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import psutil

MARK = "CLAUDE_AGENT_LSP_BENCHMARK"
# Of a CLI process and of nothing else that is below an adapter.
_CLI_ARGUMENT = "stream-json"
_REST_SECONDS = 0.03
_CALM_SECONDS = 2.0
# The share of one core that counts as nothing.
_IDLE = 0.1


@dataclass(frozen=True)
class Weight:
    """A process at one moment.

    Attributes:
        memory: Its proportional set size in bytes; where there is none, what is its alone.
        cpu: The seconds of CPU time that it has used.
    """

    memory: int
    cpu: float

    @classmethod
    def of(cls, pid: int) -> Weight:
        """Weighs a live process."""
        return cls(memory_of(pid), cpu_of(pid))


def memory_of(pid: int) -> int:
    """Return a process's proportional set size in bytes."""
    rollup = Path(f"/proc/{pid}/smaps_rollup")
    if rollup.exists():
        for line in rollup.read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    import psutil

    return int(psutil.Process(pid).memory_full_info().uss)


def cpu_of(pid: int) -> float:
    """Return the CPU seconds of all threads of a process, also of those that have ended.

    Linux's clock of a process counts nanoseconds, where /proc counts ticks of 10 ms.
    """
    with contextlib.suppress(AttributeError, OSError):
        return time.clock_gettime((~pid << 3) | 2)
    import psutil

    spent = psutil.Process(pid).cpu_times()
    return float(spent.user + spent.system)


async def cpu_at_rest(pids: list[int]) -> float:
    """Return the CPU seconds of these processes together once they have come to rest."""
    before, now = -1.0, sum(map(cpu_of, pids))
    while now - before > 1e-3:
        await asyncio.sleep(_REST_SECONDS)
        before, now = now, sum(map(cpu_of, pids))
    return now


async def calm(adapters: Iterable[int]) -> None:
    """Wait until these processes, and all below them, do next to nothing.

    A CLI works on for a while after its result: the next peer's turn must not pay for it.
    """
    import psutil

    processes: list[psutil.Process] = []
    for adapter in adapters:
        with contextlib.suppress(psutil.Error):
            parent = psutil.Process(adapter)
            processes += [parent, *parent.children(recursive=True)]
    loop = asyncio.get_running_loop()
    until = loop.time() + _CALM_SECONDS
    before = _spent(processes)
    while loop.time() < until:
        await asyncio.sleep(_REST_SECONDS)
        now = _spent(processes)
        if now - before < _IDLE * _REST_SECONDS:
            return
        before = now


def _spent(processes: Iterable[psutil.Process]) -> float:
    """Return their CPU seconds; no number as long as one of them would like to have more."""
    import psutil

    spent = 0.0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            spent += cpu_of(process.pid)
            if process.status() in (psutil.STATUS_RUNNING, psutil.STATUS_DISK_SLEEP):
                return math.nan
    return spent


def cli_of(session_id: str, adapter: int) -> int:
    """Return the process id of the CLI that works in a session.

    Args:
        session_id: The session.
        adapter: The CLI's parent; what a CLI starts looks like the CLI itself for a moment.

    Raises:
        LookupError: There is none.
    """
    for pid, parent, command in _processes():
        if parent == adapter and _CLI_ARGUMENT in command and session_id in command:
            return pid
    raise LookupError(f"there is no CLI of the session {session_id}")


def _processes() -> Iterator[tuple[int, int, str]]:
    """Yield each process's id, its parent's and its command line."""
    if Path("/proc/self/cmdline").exists():
        for pid in filter(str.isdecimal, os.listdir("/proc")):  # noqa: PTH208 - hundreds of them
            with contextlib.suppress(OSError):
                command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
                state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
                yield int(pid), int(state.split()[1]), command
        return
    import psutil

    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            yield process.pid, process.ppid(), " ".join(process.cmdline())


def below(pid: int) -> tuple[list[psutil.Process], list[psutil.Process]]:
    """Return the CLIs below an adapter, and what is the adapter's own, itself first."""
    import psutil

    adapter = psutil.Process(pid)
    clis: list[psutil.Process] = []
    own = [adapter]
    for child in adapter.children():
        with contextlib.suppress(psutil.Error):
            (clis if _CLI_ARGUMENT in child.cmdline() else own).append(child)
    return clis, own


async def without_clis(pid: int, seconds: float) -> None:
    """Wait until no CLI is below an adapter.

    Raises:
        TimeoutError: One still is.
    """
    import psutil

    _, alive = await asyncio.to_thread(psutil.wait_procs, below(pid)[0], seconds)
    if alive:
        raise TimeoutError(f"these CLIs did not end within {seconds} s: {alive}")


def marked(mark: str) -> list[psutil.Process]:
    """Return all live processes with this mark in their environment, but this one."""
    import psutil

    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            alive = process.status() != psutil.STATUS_ZOMBIE and process.pid != os.getpid()
            if alive and process.environ().get(MARK) == mark:
                found.append(process)
    return found
