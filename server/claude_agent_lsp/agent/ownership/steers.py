"""Takes prompts that wait into the turn at work in their session."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.run.admission import message_of
from claude_agent_lsp.agent.run.steering import Steer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from claude_agent_lsp.agent.ownership.runs import Runs
    from claude_agent_lsp.agent.ownership.session_queue import SessionQueue, Waiting
    from claude_agent_lsp.agent.run.query import Query
    from claude_agent_lsp.agent.run.run import ActiveRun
    from claude_agent_lsp.base.lanes import Lanes

# How long a prompt is waited for that the CLI may have taken just before it was to drop it.
RECALL_SECONDS: Final = 0.5


class Steers:
    """The prompts that were sent into turns at work.

    Args:
        queue: Those that wait.
        lanes: Those of folders.
        runs: Those at work.
        advance: Lets the first one that waits for a session have its turn, unless a run is at work.
        begin: Begins work that nobody waits for.
    """

    def __init__(
        self,
        queue: SessionQueue,
        lanes: Lanes,
        runs: Runs,
        advance: Callable[[str], None],
        begin: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._queue = queue
        self._lanes = lanes
        self._runs = runs
        self._advance = advance
        self._begin = begin

    async def send(self, waiting: Waiting, query: Query) -> None:
        """Have the turn at work take in a prompt that waits; where it can't, it comes next.

        Args:
            waiting: It, which comes next.
            query: What it asks.

        Raises:
            InvalidArgument: An attachment can't be read.
        """
        lane = self._lanes.folder(waiting.folder)
        message, _ = await lane.run(message_of, query, waiting.message_id)
        run = next((run for run in self._runs if run.session_id == waiting.session_id), None)
        # A stop in the meantime holds it back.
        free = not (waiting.held or waiting.turn.done() or waiting.steer)
        # What goes back to an earlier message has to be a turn of its own.
        free = free and query.resume_at is None
        waits = self._queue.find(waiting.run_id) is waiting and free
        steer = Steer(waiting.run_id, query.prompt, message)
        if run is not None and waits:
            waiting.steer = steer
            if run.steer(steer):
                self._begin(self._follow(waiting, steer, run))
            else:
                waiting.steer = None
            self._queue.changed(waiting.session_id)
        self._advance(waiting.session_id)

    async def recall(self, waiting: Waiting) -> ActiveRun | None:
        """Take a prompt back on its way into the turn at work; return the run that has it."""
        steer = waiting.steer
        if steer is None:
            return waiting.turn.result() if waiting.turn.done() else None
        run = next((run for run in self._runs if run.session_id == waiting.session_id), None)
        if run is not None:
            run.withdraw(steer)
            # What the CLI has taken just now it tells at once; what it drops, not at all.
            await asyncio.wait({steer.taken}, timeout=RECALL_SECONDS)
        steer.settle(taken=False)
        return run if steer.taken.result() else None

    async def _follow(self, waiting: Waiting, steer: Steer, run: ActiveRun) -> None:
        taken = await steer.taken
        if not taken:
            if steer.handed:
                await self._queue.renew(waiting)
            waiting.steer = None
            self._queue.changed(waiting.session_id)
        elif not waiting.turn.done():
            waiting.turn.set_result(run)
