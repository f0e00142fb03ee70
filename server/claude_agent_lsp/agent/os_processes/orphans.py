"""CLIs whose server is gone: found by a mark in their environment, and ended.

A CLI whose server was killed in mid-turn goes on to the end of its turn, tools included, with
nobody watching; a session that is resumed meanwhile is torn in two (CLI 2.1.330). A process and all
that it starts, wherever it is moved to, keeps its environment: that is how they are found. What has
another environment is found below them, or is told of by the server (`adoption_report.py`).
"""

from __future__ import annotations

import os
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.agent.os_processes.adoption import OWN
from claude_agent_lsp.agent.os_processes.tree import (
    Process,
    environment_of,
    every_process,
    is_zombie,
    kill,
    started,
    terminate,
    try_psutil,
    wait_gone,
)
from claude_agent_lsp.sessions.lock import is_alive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

# Which server a CLI belongs to: its process id, when that started, and where such ids count.
SERVER: Final = "CLAUDE_AGENT_LSP_SERVER"
# A CLI that is asked to end writes its prompt down within 50 ms.
TERM_SECONDS: Final = 0.3
ROUNDS: Final = 20
ROUND_SECONDS: Final = 0.05


@cache
def server_mark() -> str:
    """Return this process's mark, for the environment of its CLIs.

    It is the same after the system's clock is set, which changes what psutil returns as a start. A
    server whose start is not known has a mark that nobody takes for that of one that is gone.
    """
    started = try_psutil(lambda: f"{Process().create_time():.2f}", "unknown")
    return f"{os.getpid()}:{started}:{_namespace()}"


def end_orphans() -> int:
    """End all CLIs whose server is gone, and what they have started; never raises.

    Returns:
        How many processes there were.
    """
    return end_all(cache(lambda mark: not _alive(mark)))


def end_all(belongs: Callable[[str], bool]) -> int:
    """End all processes whose mark is meant: SIGTERM, then SIGKILL until none is left.

    Args:
        belongs: Whether a mark is meant.

    Returns:
        How many processes there were.
    """
    found = _with_below(_marked(belongs))
    if not found:
        return 0
    terminate(found)
    left = wait_gone(found, TERM_SECONDS)
    for _ in range(ROUNDS):
        # Looked for anew: what is about to die may just have started something.
        left = [*(each for each in left if not is_zombie(each)), *_marked(belongs)]
        if not left:
            break
        kill(left)
        left = wait_gone(left, ROUND_SECONDS)
    return len(found)


def end_told(starts: Mapping[int, int]) -> None:
    """Send SIGKILL to these processes and all below them; never raises.

    Args:
        starts: By a process's id, when it has started, as `started` has it: another one that has
            the id by now is left alone.
    """
    processes = (try_psutil(partial(Process, pid), None) for pid in starts)
    kill(_with_below(p for p in processes if p is not None and started(p) == starts[p.pid]))


def _with_below(processes: Iterable[Process]) -> list[Process]:
    """Return these, and what is below them without a mark of its own to judge it by."""
    found = list(processes)
    for process in tuple(found):
        for each in try_psutil(partial(process.children, recursive=True), list[Process]()):
            if each.pid != os.getpid() and not {SERVER, OWN} & environment_of(each).keys():
                found.append(each)  # noqa: PERF401 - shorter so
    return list(dict.fromkeys(found))


def _marked(belongs: Callable[[str], bool]) -> Iterator[Process]:
    me = os.getpid()
    for process in every_process():
        if process.pid != me and not is_zombie(process):
            mark = environment_of(process).get(SERVER)
            if mark and belongs(mark):
                yield process


def _alive(mark: str) -> bool:
    """Return whether a mark's server is there, or can't be judged from here: a container's, say."""
    try:
        pid, started, namespace = mark.split(":", 2)
        return namespace != _namespace() or is_alive(int(pid), float(started))
    except ValueError:
        return True


@cache
def _namespace() -> str:
    """Return where this process's ids count; empty where a system has one such place."""
    try:
        return os.fspath(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
