"""The processes below a CLI: shells that tools run in, MCP servers.

The CLI ends a tool's shell with SIGTERM and then SIGKILL, but what the shell has started and
ignores SIGTERM lives on (seen with CLI 2.1.330). Whoever wants it gone must have looked before
anything was signalled: afterwards the grandchildren have lost their parent and can't be found.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psutil

from claude_agent_lsp.base.lanes import processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

# What is killed is gone at once, unless the system is busy with it.
GONE_SECONDS = 1.0
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True, slots=True)
class ProcessTree:
    """A process and all below it, as they were at one moment.

    psutil tells a process from a later one with the same id by its start time, so a stale
    picture never hits a stranger.
    """

    root: psutil.Process | None
    descendants: tuple[psutil.Process, ...] = ()

    @classmethod
    def of(cls, pid: int) -> ProcessTree:
        """Look at the tree below `pid`; empty if there is no such process any more."""
        try:
            root = psutil.Process(pid)
            return cls(root, tuple(root.children(recursive=True)))
        except psutil.Error:
            return cls(None)

    @property
    def processes(self) -> tuple[psutil.Process, ...]:
        """The root, if there is one, and everything below it."""
        return ((self.root,) if self.root else ()) + self.descendants

    def tool_shells(self) -> tuple[psutil.Process, ...]:
        """What tools have started: below the CLI, but not in its process group.

        The CLI starts each tool's shell in a session of its own, and MCP servers in its own
        group (seen with CLI 2.1.330). Windows has no groups; there it is nothing.
        """
        if self.root is None:
            return ()
        root = self.root.pid
        return tuple(process for process in self.descendants if outside_group_of(root, process))

    def terminate(self) -> None:
        """Ask every process of the tree to end (SIGTERM), the root first."""
        for process in self.processes:
            try:
                process.terminate()
            except psutil.Error:
                continue

    def kill(self) -> None:
        """End every process of the tree (SIGKILL)."""
        kill(self.processes)


def kill(processes: Iterable[psutil.Process]) -> None:
    """SIGKILL to each of `processes` that still lives."""
    for process in processes:
        try:
            process.kill()
        except psutil.Error:
            continue


def child_with(variable: str, value: str) -> int | None:
    """The id of this process's child that has this in its environment.

    It finds a CLI that has not told its id yet.
    """
    for child in psutil.Process().children():
        try:
            if child.environ().get(variable) == value:
                return child.pid
        except psutil.Error:
            continue
    return None


def all_with(variable: str, value: str) -> list[psutil.Process]:
    """All processes that have this in their environment, wherever they have got to.

    It looks at every process of the machine: for when a tree has lost its root.
    """
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(variable) == value:
                found.append(process)
        except psutil.Error:
            continue
    return found


def kill_all_with(variable: str, value: str) -> None:
    """SIGKILL to all that `all_with` finds, and wait a moment until they are gone."""
    found = all_with(variable, value)
    kill(found)
    psutil.wait_procs(found, timeout=GONE_SECONDS)


def outside_group_of(cli: int, process: psutil.Process) -> bool:
    """Whether a process is in another group than a CLI, as what its tools start is.

    Windows has no groups; there nothing is.
    """
    if not hasattr(os, "getpgid"):
        return False
    try:
        return os.getpgid(process.pid) != os.getpgid(cli)
    except OSError:
        return False


def now() -> int:
    """This moment as the system counts the starts of processes: see `started`."""
    if sys.platform == "linux":
        nanoseconds = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    else:
        nanoseconds = time.time_ns()
    return nanoseconds * TICKS_PER_SECOND // 10**9


def started(process: psutil.Process) -> int | None:
    """When a process has started, in ticks of 10 ms; None if that can't be told.

    Linux counts from the system's start (proc_pid_stat(5), field 22), which it tells to the second
    alone: a start told in seconds since 1970, as psutil does, is up to a second too early. macOS
    keeps the wall clock's time of each start, to the microsecond.
    """
    try:
        if sys.platform != "linux":
            return int(process.create_time() * TICKS_PER_SECOND)
        # The command's name may hold anything, parentheses too.
        fields = Path(f"/proc/{process.pid}/stat").read_bytes().rpartition(b")")[2].split()
        return int(fields[19])
    except (psutil.Error, OSError):
        return None


async def looking(look: Callable[..., T], *arguments: Any) -> T:
    """Do it in a thread for looks at processes: a cancel waits for no disk."""
    return await processes.run(look, *arguments)
