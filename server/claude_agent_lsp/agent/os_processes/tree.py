"""The processes below a CLI: shells that tools run in, MCP servers.

The CLI ends a tool's shell with SIGTERM and then SIGKILL, but what the shell has started and
ignores SIGTERM lives on (seen with CLI 2.1.330). Whoever wants it gone must have looked before
anything was signalled: afterwards the grandchildren have lost their parent and can't be found.

This is the one door to psutil: whatever that raises, here it means that something is not known.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psutil

from claude_agent_lsp.base.system.processes import TICKS_PER_SECOND, group_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

logger = logging.getLogger(__name__)

T = TypeVar("T")
Process = psutil.Process

# What is killed is gone at once, unless the system is busy with it.
GONE_SECONDS = 1.0


def try_psutil(look: Callable[[], T], unknown: T) -> T:
    """Return what psutil answers, or `unknown` whatever it raises.

    Beside its own errors psutil passes on what the system's calls raise: OSError and
    RuntimeError, and on macOS SystemError out of `environ`, for a process that is just ending.
    """
    try:
        return look()
    except Exception as error:
        if not isinstance(error, psutil.Error):
            logger.debug("psutil failed", exc_info=True)
        return unknown


def available_memory() -> int | None:
    """Return how many bytes of memory the machine can still give, or None if it can't be told."""
    return try_psutil(lambda: int(psutil.virtual_memory().available), None)


@dataclass(frozen=True, slots=True)
class ProcessTree:
    """A process and all below it, as they were at one moment.

    psutil distinguishes a process from a later one with the same id by its start, so a stale
    picture never hits a stranger.
    """

    root: Process | None
    descendants: tuple[Process, ...] = ()

    @classmethod
    def scan(cls, pid: int) -> ProcessTree:
        """Look at the tree below `pid`; empty if there is no such process any more."""
        root = try_psutil(lambda: Process(pid), None)
        if root is None:
            return cls(None)
        return cls(root, tuple(try_psutil(lambda: root.children(recursive=True), ())))

    @property
    def processes(self) -> tuple[Process, ...]:
        """The root, if there is one, and everything below it."""
        return ((self.root,) if self.root else ()) + self.descendants

    def tool_shells(self) -> tuple[Process, ...]:
        """Return what tools have started: below the CLI, but not in its process group.

        The CLI starts each tool's shell in a session of its own, and MCP servers in its own
        group (seen with CLI 2.1.330). Windows has no groups; there it is nothing.
        """
        if self.root is None:
            return ()
        root = self.root.pid
        return tuple(process for process in self.descendants if outside_group_of(root, process))

    def terminate(self) -> None:
        """Ask every process of the tree to end (SIGTERM), the root first."""
        terminate(self.processes)

    def kill(self) -> None:
        """End every process of the tree (SIGKILL)."""
        kill(self.processes)


def kill(processes: Iterable[Process]) -> None:
    """Send SIGKILL to each of `processes` that still lives."""
    for process in processes:
        try_psutil(process.kill, None)


def terminate(processes: Iterable[Process]) -> None:
    """Send SIGTERM to each of `processes` that still lives."""
    for process in processes:
        try_psutil(process.terminate, None)


def wait_gone(processes: Collection[Process], seconds: float) -> list[Process]:
    """Wait until all of `processes` are gone, for at most so many seconds.

    Returns:
        What may still be there.
    """
    return try_psutil(lambda: psutil.wait_procs(processes, timeout=seconds)[1], list(processes))


def every_process() -> Iterator[Process]:
    """Return all processes of the machine.

    psutil.process_iter gives up at the first one that it can't look at, and remembers processes
    of earlier looks whose ids others may have by now.
    """
    for pid in try_psutil(psutil.pids, list[int]()):
        process = try_psutil(partial(Process, pid), None)
        if process is not None:
            yield process


def environment_of(process: Process) -> Mapping[str, str]:
    """Return the environment that a process was started with; empty if it is not known."""
    return try_psutil(process.environ, {})


def is_zombie(process: Process) -> bool:
    """Return whether a process has ended and only waits for its parent to notice."""
    return try_psutil(process.status, "") == psutil.STATUS_ZOMBIE


def child_with(variable: str, value: str) -> int | None:
    """Return the id of this process's child that has this in its environment.

    It finds a CLI that has not reported its id yet.
    """
    for child in try_psutil(lambda: Process().children(), list[Process]()):
        if environment_of(child).get(variable) == value:
            return int(child.pid)
    return None


def child_ids(of: int | None = None) -> frozenset[int]:
    """Return the ids of a process's children: quick, so it may be asked again and again.

    Linux alone tells (proc_pid_children(5)); elsewhere it is nothing.

    Args:
        of: Its id; None for this process.
    """
    found: set[int] = set()
    for thread in Path("/proc", "self" if of is None else str(of), "task").glob("*/children"):
        with contextlib.suppress(OSError):
            found.update(map(int, thread.read_bytes().split()))
    return frozenset(found)


def opaque_child(since: int, known: Collection[int]) -> int | None:
    """Find the id of this process's child that has started since then, if only one can be meant.

    It finds a CLI that has not reported its id yet where no environment can be read. While
    two start at the same time it finds none; the next look does, once one of them is known.

    Args:
        since: A time of `now`.
        known: The ids of those that it can't be.
    """
    found = [
        child
        for child in try_psutil(lambda: Process().children(), list[Process]())
        if child.pid not in known
        and (start := started(child)) is not None
        and start >= since
        # The watchdog has a group of its own; what has ended needs no end.
        and not outside_group_of(os.getpid(), child)
        and not is_zombie(child)
        and try_psutil(child.environ, None) is None
    ]
    return int(found[0].pid) if len(found) == 1 else None


def all_with(variable: str, value: str) -> list[Process]:
    """Return all processes that have this in their environment, wherever they have got to.

    It looks at every process of the machine: for when a tree has lost its root.
    """
    return [each for each in every_process() if environment_of(each).get(variable) == value]


def kill_all_with(variable: str, value: str) -> None:
    """Send SIGKILL to all that `all_with` finds, and wait a moment until they are gone."""
    found = all_with(variable, value)
    kill(found)
    wait_gone(found, GONE_SECONDS)


def outside_group_of(cli: int, process: Process) -> bool:
    """Return whether a process is in another group than a CLI, as what its tools start is.

    Windows has no groups; there nothing is.
    """
    group, its = group_of(cli), group_of(process.pid)
    return group is not None and its is not None and its != group


def below(process: Process) -> frozenset[Process]:
    """Return all that is below a process."""
    return frozenset(try_psutil(partial(process.children, recursive=True), list[Process]()))


def started(process: Process) -> int | None:
    """When a process has started, in ticks of 10 ms; None if that is not known.

    Linux counts from the system's start (proc_pid_stat(5), field 22), which it reports to the
    second alone: a start in seconds since 1970, as psutil has it, is up to a second early. macOS
    keeps the wall clock's time of each start, to the microsecond.
    """
    start: int | None = None
    if sys.platform == "linux":
        with contextlib.suppress(OSError, LookupError, ValueError):
            # The command's name may hold anything, parentheses too.
            fields = Path(f"/proc/{process.pid}/stat").read_bytes().rpartition(b")")[2].split()
            start = int(fields[19])
    else:
        seconds = try_psutil(process.create_time, None)
        start = None if seconds is None else int(seconds * TICKS_PER_SECOND)
    return start


async def in_process_thread(look: Callable[..., T], *arguments: Any) -> T:
    """Do it in a thread for looks at processes: a cancel waits for no disk."""
    # The watchdog needs none of it, and has no time to lose.
    from claude_agent_lsp.base.lanes import processes

    return await processes.run(look, *arguments)
