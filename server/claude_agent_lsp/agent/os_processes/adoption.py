"""What has lost its parents and its mark: on Linux it stays below the server.

    a tool's shell ──▶ ( env -i setsid … & )      neither a parent nor the mark in its environment
                                └─▶ the system gives it to its next "subreaper": this process

So a daemon is a child of the server from the moment on in which its own parents are gone. The
server gets their signals when they end, too, and has to reap them.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

from claude_agent_lsp.base import lanes
from claude_agent_lsp.base.system.processes import any_child_ended, become_subreaper, now, reap

if TYPE_CHECKING:
    from claude_agent_lsp.agent.os_processes.tree import Process

# Whoever waits for a process of its own has noticed its end long before.
REAP_SECONDS: Final = 1.0
# What is about to be killed may just have started something.
ROUNDS: Final = 20
ROUND_SECONDS: Final = 0.05
# Set in the environment of what the server itself starts in a session of its own.
OWN: Final = "CLAUDE_AGENT_LSP_OWN"


class Adoption:
    """Takes in what has lost its parents, for the whole process. Begin it on the event loop.

    Attributes:
        begun: When it has begun, a time of `processes.now`; None where nothing is adopted.
    """

    begun: ClassVar[int | None] = None

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None
        self._reaping: asyncio.Task[None] | None = None
        # The children that had ended at the last look, and nobody had waited for.
        self._ended: frozenset[int] = frozenset()

    def begin(self) -> None:
        """Adopt from now on, where the system knows of it."""
        if sys.platform == "linux" and become_subreaper():
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGCHLD, self._look_soon, loop)
            Adoption.begun = now()

    def _look_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is None:
            self._timer = loop.call_later(REAP_SECONDS, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if any_child_ended():
            self._reaping = loop.create_task(self._reap(loop))

    async def _reap(self, loop: asyncio.AbstractEventLoop) -> None:
        """Reap what had ended at the last look already: what somebody waits for is gone by now."""
        self._ended = await lanes.processes.run(_reap_children, self._ended)
        if self._ended:
            self._look_soon(loop)


def adopted(since: int | None = None, until: int | None = None) -> list[Process]:
    """Return what this process has adopted that has no mark, and all below it.

    Of those that were adopted, the start counts; what is below, a daemon of an earlier run has
    started for itself.

    Args:
        since: Leaves out what has started before; a time of `processes.now`.
        until: Leaves out what has started later.
    """
    begun = Adoption.begun
    if begun is None:
        return []
    # What has a mark of ours is found by it, and belongs to that mark's CLI.
    from claude_agent_lsp.agent.os_processes.orphans import SERVER
    from claude_agent_lsp.agent.os_processes.tree import (
        Process,
        environment_of,
        outside_group_of,
        started,
        try_psutil,
    )

    me = os.getpid()
    mine = try_psutil(lambda: Process(me).environ(), dict[str, str]())
    found: list[Process] = []
    for child in try_psutil(lambda: Process(me).children(), list[Process]()):
        start, environment = started(child), environment_of(child)
        if (
            start is not None
            and max(begun, since or 0) <= start
            and (until is None or start <= until)
            # What the server starts is in its group, or says so once it has its own environment.
            and outside_group_of(me, child)
            and not {OWN, SERVER} & environment.keys()
            and (not environment or environment != mine)
        ):
            found.append(child)
            below = try_psutil(partial(child.children, recursive=True), list[Process]())
            found += [each for each in below if SERVER not in environment_of(each)]
    return found


def end_adopted() -> None:
    """Send SIGKILL to all that is adopted, until nothing of it is left; never raises."""
    if Adoption.begun is None:
        return
    from claude_agent_lsp.agent.os_processes.tree import is_zombie, kill, wait_gone

    for _ in range(ROUNDS):
        left = [each for each in adopted() if not is_zombie(each)]
        if not left:
            return
        kill(left)
        wait_gone(left, ROUND_SECONDS)


def _reap_children(known: frozenset[int]) -> frozenset[int]:
    """Reap those of `known` that are still not waited for; return the others that have ended."""
    from claude_agent_lsp.agent.os_processes.tree import Process, is_zombie, try_psutil

    children = try_psutil(lambda: Process().children(), list[Process]())
    found = frozenset(each.pid for each in children if is_zombie(each))
    for pid in found & known:
        reap(pid)
    return found - known
