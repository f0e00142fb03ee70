"""The runs at work: each is made, conducted and stopped here, and its session given back."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from claude_agent_lsp.agent.accounts.audit_log import ToolTrail, question_entry
from claude_agent_lsp.agent.events import Steered
from claude_agent_lsp.agent.permissions.queue import QuestionQueue
from claude_agent_lsp.agent.permissions.session_grants import SessionGrants
from claude_agent_lsp.agent.run.permission_modes import PermissionModes
from claude_agent_lsp.agent.run.run import END_SECONDS, ActiveRun
from claude_agent_lsp.agent.run.run_journal import NoJournal, RunJournal
from claude_agent_lsp.base.abort import AbortController, AbortReason, AbortSignal
from claude_agent_lsp.sessions.changes.record import ChangeRecord
from claude_agent_lsp.sessions.journal.journal import JournaledTurn, now
from claude_agent_lsp.sessions.journal.run_records import Begun
from claude_agent_lsp.sessions.session_files import remove_files_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from claude_agent_lsp.agent.accounts.audit_log import AuditWriter
    from claude_agent_lsp.agent.accounts.daily_budget import DailyBudget
    from claude_agent_lsp.agent.accounts.run_cost import RunCost
    from claude_agent_lsp.agent.events import Emit, Event
    from claude_agent_lsp.agent.ownership.custody import Custody
    from claude_agent_lsp.agent.ownership.session_queue import SessionQueue
    from claude_agent_lsp.agent.permissions.queue import Answer, Show
    from claude_agent_lsp.agent.pool_loader import PoolLoader
    from claude_agent_lsp.agent.process.process import AgentProcess
    from claude_agent_lsp.agent.question import Question
    from claude_agent_lsp.agent.run.context import Backpressure, RunSpec
    from claude_agent_lsp.base.lanes import Lanes
    from claude_agent_lsp.sessions.journal.journal import Journal
    from claude_agent_lsp.sessions.transcripts.costs import SessionCosts

logger = logging.getLogger(__name__)


class Runs:
    """The runs of one server.

    Args:
        show: Shows a question in the editor.
        audit: Writes down what was asked and done.
        journal: Has what was shown.
        lanes: Those of folders and sessions.
        budget: Counts what they cost.
        costs: Counts it for their sessions.
        pools: Lends processes.
        custody: Gives sessions back.
        queue: Those that wait for a session.
        shutdown: Stops all of them.
        begin: Begins work that nobody waits for.

    Attributes:
        questions: Those of all of them.
        modes: The modes that were set for sessions.
        grants: What was allowed for sessions, by their ids.
        begin: Begins work that nobody waits for.
    """

    def __init__(
        self,
        *,
        show: Show,
        audit: AuditWriter,
        journal: Journal,
        lanes: Lanes,
        budget: DailyBudget,
        costs: SessionCosts,
        pools: PoolLoader,
        custody: Custody,
        queue: SessionQueue,
        shutdown: AbortSignal,
        begin: Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]],
    ) -> None:
        self.questions = QuestionQueue(show, self._write_answer)
        self.modes = PermissionModes()
        self.grants: dict[str, SessionGrants] = {}
        self._audit = audit
        self._journal = journal
        self._lanes = lanes
        self._budget = budget
        self._costs = costs
        self._pools = pools
        self._custody = custody
        self._queue = queue
        self._shutdown = shutdown
        self.begin = begin
        self._runs: dict[str, tuple[ActiveRun, AbortController]] = {}

    def __iter__(self) -> Iterator[ActiveRun]:
        """Return the runs at work, the oldest first."""
        return iter([run for run, _ in self._runs.values()])

    async def make(
        self,
        run_id: str,
        spec: RunSpec,
        signal: AbortSignal,
        to_editor: Emit,
        backpressure: Backpressure,
    ) -> ActiveRun:
        """Make the run of a session that it has; its prompt is written down then."""
        folder, session_id = spec.launch.folder, spec.session.session_id
        own = spec.cause is not None
        turn = JournaledTurn(spec.message_id, spec.prompt, folder, now(), own=own)
        begun = Begun(
            run_id,
            turn.message_id,
            turn.at,
            "agent" if own else "user",
            spec.cause,
            spec.launch.permission_mode,
            spec.given,
            recorded=True,
            left=spec.session.left,
            left_from=spec.session.left_from,
        )
        lane = self._lanes.session(session_id)
        cls = NoJournal if spec.launch.traceless else RunJournal
        journal = cls(self._journal, spec.session, turn, lane, begun)
        await journal.begin()
        controller = AbortController()
        stop = AbortSignal.any(signal, controller.signal, self._shutdown)
        stop.listen(partial(self._hold_back, session_id))
        run = ActiveRun(
            run_id,
            spec,
            signal=stop,
            to_editor=partial(self._show, to_editor),
            backpressure=backpressure,
            questions=self.questions,
            journal=journal,
            budget=self._budget,
            on_mode=partial(self.modes.remember, session_id),
            trail=ToolTrail(self._audit.put, run_id, session_id, folder),
            grants=self.grants.setdefault(session_id, SessionGrants()),
            folder_lane=self._lanes.folder(folder),
            record=ChangeRecord(self._journal.directory.parent, session_id),
            note_cost=partial(self._note_cost, run_id, spec),
        )
        self._runs[run_id] = (run, controller)
        return run

    def conduct(self, run: ActiveRun, lent: AgentProcess | None = None) -> None:
        """Have a run done, in a process that was lent for it or in another one."""
        self.begin(run.conduct(self._pools.load, lambda: self._end(run), lent))
        stop = partial(self.cancel, run_id=run.run_id, session_id=None)
        self.begin(self._custody.give_if_wanted(run, stop))

    def notify(self, event: Event, session_id: str | None = None) -> bool:
        """Report something in a session's runs at work, or in all; return whether it could be."""
        runs = [run for run, _ in self._runs.values() if session_id in (None, run.session_id)]
        told = [run.notify(event) for run in runs]
        return any(told)

    def cancel(self, *, run_id: str | None, session_id: str | None) -> list[str]:
        """Stop those that are meant; return their ids."""
        stopped = []
        for run, controller in tuple(self._runs.values()):
            if run.is_target(run_id=run_id, session_id=session_id):
                controller.abort(AbortReason.CANCELLED)
                stopped.append(run.run_id)
        for waiting in self._queue:
            if run_id == waiting.run_id:
                waiting.stop.abort()
                stopped.append(run_id)
        return stopped

    def drop(self, run_id: str) -> None:
        """Forget one that has not begun."""
        self._runs.pop(run_id, None)

    async def _end(self, run: ActiveRun) -> None:
        """Release the run's session; those that wait for one that was cleared go on in the next."""
        self._runs.pop(run.run_id, None)
        if run.lost_lines and (process := self._pools.process_of(run.session_id)) is not None:
            process.end()  # the next one resumes what is there, and is told of the rest
        if not self.grants.get(run.session_id):
            self.grants.pop(run.session_id, None)
        if run.spec.launch.traceless:
            await self._leave_no_trace(run)
        settling = partial(self._lanes.session(run.session_id).run, self._custody.settle, run)
        if run.cleared:
            await self._leave(run, settling())
        await self._custody.after(run.session_id, run.run_id)
        self._queue.advance(run.next_session or run.session_id)
        if not run.cleared:
            self.begin(settling())

    async def _leave_no_trace(self, run: ActiveRun) -> None:
        """Have nothing left of a session that was for one run."""
        session_id = run.session_id
        self.grants.pop(session_id, None)
        self.modes.forget(session_id)
        if (process := self._pools.process_of(session_id)) is not None:
            await asyncio.wait({process.end()}, timeout=END_SECONDS)
        state = self._journal.directory.parent
        removing = self._lanes.session(session_id).put(remove_files_of, session_id, state)
        removing.add_done_callback(_log_rest)
        await asyncio.wait({removing}, timeout=END_SECONDS)

    async def _leave(self, run: ActiveRun, settling: Coroutine[Any, Any, None]) -> None:
        """See to it that whoever comes next finds the session that the user goes on in."""
        if (process := self._pools.process_of(run.session_id)) is not None:
            # It still has something to write into the next session.
            await asyncio.wait({process.end()}, timeout=END_SECONDS)
        await asyncio.wait({self.begin(settling)}, timeout=END_SECONDS)
        self._queue.move(run.session_id, run.next_session)

    def _note_cost(self, run_id: str, spec: RunSpec, cost: RunCost) -> None:
        """Note for its session what a run has cost so far, before the session is given back."""
        session = spec.session
        if cost.usd == 0 or spec.launch.traceless:
            return
        noting = self._lanes.session(session.session_id).put(
            self._costs.note,
            session.session_id,
            run_id,
            cost.usd,
            before=None if session.forks else cost.before,
            noted=cost.noted,
        )
        noting.add_done_callback(_log_fault)

    def _hold_back(self, session_id: str, reason: AbortReason) -> None:
        if reason is AbortReason.CANCELLED:
            self._queue.hold(session_id)

    def _show(self, to_editor: Emit, event: Event) -> None:
        to_editor(event)
        if isinstance(event, Steered):
            self._queue.steered(event)

    def _write_answer(self, question: Question, answer: Answer) -> None:
        run, _ = self._runs.get(question.run_id, (None, None))
        call = None if run is None else run.trail.call(question.tool_call_id)
        folder = None if run is None else run.spec.launch.folder
        # Its words take the longer, the more the agent has written.
        self._audit.put("question", partial(question_entry, question, answer, call, folder))


def _log_fault(noting: asyncio.Future[None]) -> None:
    if not noting.cancelled() and (error := noting.exception()) is not None:
        logger.warning("What a run has cost is missing from its session's cost: %s", error)


def _log_rest(removing: asyncio.Future[None]) -> None:
    if not removing.cancelled() and (error := removing.exception()) is not None:
        logger.warning("Something is left of a session that was for one run: %s", error)
