"""The abort ladder: how a turn is stopped, gently first.

    1  interrupt       the model's connection is closed, the half-said answer is kept,
                       the process stays warm: nearly every cancel ends here, after 5 to 30 ms
    2  end the input   after the grace; the CLI writes and exits by itself
    3  SIGTERM         after 1.5 s, to the CLI and everything below it
    4  SIGKILL         after 0.5 s more, likewise

Rungs 2 to 4 are `AgentProcess.end` (`shutdown.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from claude_agent_lsp.base.system.processes import now
from claude_agent_lsp.errors import RequestFailed

if TYPE_CHECKING:
    from claude_agent_lsp.agent.os_processes.tree import Process
    from claude_agent_lsp.agent.process.process import AgentProcess

# The CLI takes an interrupt that arrives before the turn has begun, answers it and goes on with
# the turn: 4 of 15 that were sent right behind the prompt were lost that way (CLI 2.1.330). A
# second one does no harm.
AGAIN_SECONDS = 0.05
# It ends a background task within 0.01 s (CLI 2.1.332).
TASKS_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class LeftAtWork:
    """What earlier turns have left at work in a process, and the end of a turn doesn't touch.

    Attributes:
        since: When it was looked at, a time of `processes.now`; what starts from then on is
            the turn's.
        tasks: The ids of their background tasks.
        shells: What these, or anything else of theirs, run in.
    """

    since: int
    tasks: frozenset[str] = frozenset()
    shells: frozenset[Process] = frozenset()

    @classmethod
    async def scan(cls, process: AgentProcess) -> LeftAtWork:
        """Look at it, before a turn begins."""
        since = now()
        if not process.background.ids:
            return cls(since)
        return cls(since, process.background.ids, frozenset((await process.tree()).tool_shells()))


async def stop_turn(
    process: AgentProcess,
    over: asyncio.Future[None],
    before: LeftAtWork,
    *,
    grace_seconds: float,
) -> None:
    """Stop the turn at work in `process` and all that it has started.

    Args:
        process: The process.
        over: Done as soon as the turn has ended, or the process with it.
        before: What was at work before the turn.
        grace_seconds: How long the turn may take to end by itself once it is interrupted.
    """
    # What a tool's shell has started can only be found while the shell still lives. One look
    # takes 2 ms; which tools are at work is not to be known for sure, messages may be on the way.
    tree = await process.tree()
    loop = asyncio.get_running_loop()
    until = loop.time() + grace_seconds
    while not over.done():
        process.interrupt()
        await asyncio.wait({over}, timeout=min(AGAIN_SECONDS, max(0.0, until - loop.time())))
        if loop.time() >= until:
            break
    shells = {shell for shell in tree.tool_shells() if shell not in before.shells}
    process.sweep(shells, since=before.since, but=before.shells)
    if over.done() and before.tasks & process.background.ids:
        await _stop_tasks(process, before)
    # Ending a background task may wake the agent once more: with such tasks, the process goes,
    # unless one of an earlier run's would go with it.
    if not over.done() or process.background.ids - before.tasks:
        await process.end()


async def _stop_tasks(process: AgentProcess, before: LeftAtWork) -> None:
    """Have the CLI stop the turn's own background tasks; wait until it has, or does not."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(TASKS_SECONDS):
            for task_id in process.background.ids - before.tasks:
                with contextlib.suppress(RequestFailed):
                    await process.stop_task(task_id)
            while process.background.ids - before.tasks:
                await process.background.next_change.wait()
