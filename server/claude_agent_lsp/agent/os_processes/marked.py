"""What one CLI has started: found in its tree while it lives, and by its mark wherever else.

Everything that a CLI starts inherits its environment, and with it a mark that no other CLI has.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from typing import TYPE_CHECKING, ClassVar

from claude_agent_lsp.agent.os_processes.adoption import adopted
from claude_agent_lsp.agent.os_processes.orphans import SERVER, server_mark
from claude_agent_lsp.agent.os_processes.tree import (
    ProcessTree,
    all_with,
    below,
    child_with,
    in_process_thread,
    kill,
    kill_all_with,
    opaque_child,
    outside_group_of,
    started,
    wait_gone,
)
from claude_agent_lsp.base import lanes
from claude_agent_lsp.base.system.processes import now, session_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from claude_agent_lsp.agent.os_processes.tree import Process

logger = logging.getLogger(__name__)

# Set to a value of its own in each process, by which it is found before it has reported its id.
MARK = "CLAUDE_AGENT_LSP_PROCESS"
# What was asked to end by the CLI may clean up for this long.
SWEEP_SECONDS = 0.5
# What a cancelled run's answer takes, with room.
ANSWER_SECONDS = 0.1


def marks(mark: str) -> dict[str, str]:
    """Return what is set in a CLI's environment, and in that of all it starts, to find them by.

    Args:
        mark: The process's own.
    """
    return {MARK: mark, SERVER: server_mark()}


def is_of_an_agent() -> bool:
    """Return whether this very process is what an agent's tool has started."""
    return MARK in os.environ


class Marked:
    """All processes with one CLI's mark. Nothing here raises: what can't be seen is not there.

    Args:
        mark: The CLI's own.
    """

    # The process ids that the CLIs of this server have reported.
    _told: ClassVar[dict[str, int]] = {}
    # When the last turn of each has ended, and what it had left in the background; None before.
    _rested: ClassVar[dict[str, int | None]] = {}
    # The last of these times of a CLI that is gone.
    _last_gone: ClassVar[int] = 0

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._since: int | None = None
        self._gone = False
        self._sweeps: set[asyncio.Task[None]] = set()

    def works(self) -> None:
        """Record that a turn is at work in the CLI."""
        if not self._gone:
            self._rested[self._mark] = None

    def rests(self) -> None:
        """Record that nothing is at work in the CLI any more."""
        if not self._gone:
            self._rested[self._mark] = now()

    def starts(self) -> None:
        """Record that the CLI is about to be started."""
        self._since = now()

    def has_told(self, pid: int | None) -> None:
        """Record the process id that the CLI has reported; None once it is gone."""
        if pid is None:
            self._gone = True
            self._told.pop(self._mark, None)
            if self._mark in self._rested:
                del self._rested[self._mark]
                Marked._last_gone = now()
        else:
            self._told[self._mark] = pid

    async def tree(self, pid: int | None) -> ProcessTree:
        """Look at the CLI and everything below it.

        Args:
            pid: The CLI's process id; None if it has not reported it yet.
        """
        try:
            if pid is None:
                pid = await in_process_thread(child_with, MARK, self._mark)
            if pid is None and self._since is not None:
                others = tuple(self._told.values())
                pid = await in_process_thread(opaque_child, self._since, others)
            return (
                ProcessTree(None) if pid is None else await in_process_thread(ProcessTree.scan, pid)
            )
        except Exception:
            logger.debug(
                "Processes are no longer scanned: the interpreter is shutting down", exc_info=True
            )
            return ProcessTree(None)

    def sweep(
        self,
        processes: Collection[Process],
        cli: int | None,
        since: int | None,
        but: Collection[Process] = (),
    ) -> None:
        """Kill these if they aren't gone soon: they have been asked to end already.

        Args:
            processes: Which.
            cli: The CLI's process id, if it is known.
            since: All that tools have started from then to now is ended too, wherever it has got
                to; a time of `processes.now`.
            but: These go on, with all that they start.
        """
        if processes or since is not None:
            alone = since is not None and self._alone_since(since) and not but
            work = lanes.processes.run(
                self._sweep, processes, cli, since, now(), alone=alone, but=but
            )
            task = asyncio.create_task(work)
            self._sweeps.add(task)
            task.add_done_callback(self._sweeps.discard)

    async def swept(self) -> None:
        """Wait for all sweeps that have begun."""
        if self._sweeps:
            await asyncio.wait(self._sweeps)

    def kill_all(self) -> None:
        """Send SIGKILL to everything with the mark. It takes a moment: call it in a thread."""
        kill_all_with(MARK, self._mark)

    def _alone_since(self, since: int) -> bool:
        """Return whether no other CLI of this server can have started anything since then."""
        others = [rested for mark, rested in self._rested.items() if mark != self._mark]
        return self._last_gone < since and all(
            rested is not None and rested < since for rested in others
        )

    def _sweep(
        self,
        processes: Collection[Process],
        cli: int | None,
        since: int | None,
        until: int,
        *,
        alone: bool,
        but: Collection[Process],
    ) -> None:
        found = set(processes)
        if since is not None and cli is not None:
            # What has left its shell has lost its parent, but not its mark.
            # The search takes the interpreter's lock: the run's answer goes first.
            time.sleep(ANSWER_SECONDS)
            found |= {
                each
                for each in all_with(MARK, self._mark)
                if outside_group_of(cli, each)
                and (start := started(each)) is not None
                and since <= start <= until
            }
            # What has lost its mark, too, can be the work of this CLI alone, or of any.
            if alone:
                found.update(adopted(since, until))
        sessions = {session_of(each.pid) for each in but}
        kept = frozenset(but).union(*map(below, but))
        found = {each for each in found - kept if session_of(each.pid) not in sessions}
        left = wait_gone(found, SWEEP_SECONDS)
        kill(left)
        wait_gone(left, SWEEP_SECONDS)
