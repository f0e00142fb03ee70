"""Has a run own each turn that an agent begins by itself.

    a turn begins ──▶ its process is lent, its session taken ──▶ a run, told to the editor first
               └────▶ nobody may have it ──▶ its process ends

A background task has ended, a subagent has reported, a timer has fired: the agent goes on. What it
does is shown, written down, asked, counted and stopped as in any other run.
"""

from __future__ import annotations

import contextlib
import logging
import uuid
from typing import TYPE_CHECKING

from claude_agent_lsp.agent.process.launch import SessionStart
from claude_agent_lsp.agent.run.context import RunSpec
from claude_agent_lsp.base.abort import Aborted

if TYPE_CHECKING:
    from claude_agent_lsp.agent.ownership.custody import Custody
    from claude_agent_lsp.agent.ownership.runs import Runs
    from claude_agent_lsp.agent.pool_loader import PoolLoader
    from claude_agent_lsp.agent.process.process import AgentProcess
    from claude_agent_lsp.agent.run.context import OwnRuns
    from claude_agent_lsp.agent.run.run import ActiveRun
    from claude_agent_lsp.base.abort import AbortSignal

logger = logging.getLogger(__name__)


class OwnTurns:
    """The turns that agents begin by themselves.

    Args:
        pools: Lends their processes.
        custody: Takes the sessions, and gives them back.
        runs: Makes the runs.
        display: Shows them.
    """

    def __init__(self, pools: PoolLoader, custody: Custody, runs: Runs, display: OwnRuns) -> None:
        self._pools = pools
        self._custody = custody
        self._display = display
        self._runs = runs

    async def own(self, process: AgentProcess, signal: AbortSignal) -> None:
        """Begin a run for the turn at work in a process; return once the run has it.

        Raises:
            Aborted: The signal fired: another run has it.
            ProcessDied: The process has ended.
        """
        pool = await self._pools.load()
        await pool.take(process, signal)
        run_id, session_id = str(uuid.uuid4()), process.session_id
        try:
            run = await self._begin(process, run_id)
        except Exception:
            # Nobody would see what it does.
            logger.exception("The agent can't go on by itself in %s; ending it", session_id)
            pool.release(process)
            # Its end is not waited for: it is read to its end, and the reader waits for this.
            self._custody.give_back_after(process, run_id)
            return
        self._runs.conduct(run, process)
        with contextlib.suppress(Aborted):
            await signal.wait_or_abort(run.ended)

    async def _begin(self, process: AgentProcess, run_id: str) -> ActiveRun:
        session_id = process.session_id
        await self._custody.take(session_id, run_id)
        cause = process.background.take_cause()
        signal, to_editor, backpressure = self._display.begin(run_id, cause)
        session = SessionStart(session_id, source=session_id)
        message = {"uuid": str(uuid.uuid4())}
        spec = RunSpec("", message, process.launch, session, cause=cause)
        return await self._runs.make(run_id, spec, signal, to_editor, backpressure)
