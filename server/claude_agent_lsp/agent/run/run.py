"""One run: a prompt in, events out, a Run at the end.

    ADMITTED ──▶ RUNNING ──▶ ENDING ──▶ ENDED
    it has its    waits for   it is       `ended` is done, and
    session       a process,  written     nothing is told any
                  then turn   down and    more
                              given back

One task conducts a run. Nobody cancels it; it is stopped through its signal. Its first event is
`Started` and its last one `Ended`, always both, and nothing comes after. Whatever fails on the way,
the steps of its end are all taken, and `ended` is done: a session stays locked no longer than its
run, and no request without an answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from claude_agent_lsp.agent.accounts.daily_budget import Meter
from claude_agent_lsp.agent.changes.run_changes import RunChanges
from claude_agent_lsp.agent.events import (
    Ended,
    Level,
    ModeChanged,
    Notice,
    Run,
    RunStatus,
    Started,
    Text,
    Thinking,
)
from claude_agent_lsp.agent.run.context import RunContext
from claude_agent_lsp.agent.run.delivery import Delivery
from claude_agent_lsp.agent.run.steering import Steering
from claude_agent_lsp.base.abort import Aborted, AbortReason
from claude_agent_lsp.errors import Internal, RequestFailed, TimedOut, hint_for

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from claude_agent_lsp.agent.accounts.audit_log import ToolTrail
    from claude_agent_lsp.agent.accounts.daily_budget import DailyBudget
    from claude_agent_lsp.agent.accounts.run_cost import RunCost
    from claude_agent_lsp.agent.events import Emit, Event
    from claude_agent_lsp.agent.permissions.queue import QuestionQueue
    from claude_agent_lsp.agent.permissions.session_grants import SessionGrants
    from claude_agent_lsp.agent.process.pool import ProcessPool
    from claude_agent_lsp.agent.process.process import AgentProcess
    from claude_agent_lsp.agent.run.context import Backpressure, RunSpec
    from claude_agent_lsp.agent.run.run_journal import RunJournal
    from claude_agent_lsp.agent.run.steering import Steer
    from claude_agent_lsp.agent.run.turn import Turn
    from claude_agent_lsp.base.abort import AbortSignal
    from claude_agent_lsp.base.lanes import Lane
    from claude_agent_lsp.sessions.changes.record import ChangeRecord

logger = logging.getLogger(__name__)

T = TypeVar("T")

# What may hang with a disk must not keep a run from its end.
END_SECONDS: Final = 2.0


class RunState(Enum):
    """Where a run is on its way."""

    ADMITTED = "admitted"
    RUNNING = "running"
    ENDING = "ending"
    ENDED = "ended"


NEXT: Final = {
    RunState.ADMITTED: RunState.RUNNING,
    RunState.RUNNING: RunState.ENDING,
    RunState.ENDING: RunState.ENDED,
}


class ActiveRun:
    """A run at work.

    Args:
        run_id: Its id.
        spec: What it has to do.
        signal: Stops it. The run closes it at its end.
        to_editor: Takes its events, at once and in order.
        backpressure: Knows whether the editor is too slow for more text.
        questions: The queue for what the user has to decide.
        journal: Has what is shown before it is shown.
        budget: Counts what it costs.
        on_mode: Called with a permission mode that the user has chosen for the session.
        grants: What the user has allowed for the session; the run adds to it.
        trail: Follows its tool calls, for the audit log.
        folder_lane: Reads the folder's files.
        record: What the session's runs have changed.
        note_cost: Notes for the session what the run has cost so far.

    Attributes:
        trail: The same.
        permission_mode: What its turn begins with; it may be changed until then.
        ended: Done with the last picture, once all of it is over.
    """

    def __init__(
        self,
        run_id: str,
        spec: RunSpec,
        *,
        signal: AbortSignal,
        to_editor: Emit,
        backpressure: Backpressure,
        questions: QuestionQueue,
        journal: RunJournal,
        budget: DailyBudget,
        on_mode: Callable[[str], None],
        grants: SessionGrants,
        trail: ToolTrail,
        folder_lane: Lane,
        record: ChangeRecord,
        note_cost: Callable[[RunCost], None] = lambda _: None,
    ) -> None:
        self.spec = spec
        self.permission_mode = spec.launch.permission_mode
        self._on_mode = on_mode
        self.trail = trail
        self._journal = journal
        self._meter = Meter(budget, self._count_for_session)
        self._note_cost = note_cost
        self._delivery = Delivery(journal, to_editor)
        self._steering = Steering(run_id, self._emit)
        self._changes = RunChanges(
            run_id, spec.launch.folder, record, journal.lane, emit=self._emit
        )
        self._context = RunContext(
            run_id=run_id,
            signal=signal,
            mode=self._mode,
            set_mode=self._set_mode,
            grants=grants,
            emit=self._emit,
            backpressure=backpressure,
            questions=questions,
            journal=journal,
            on_cost=self._meter.update,
            check_budget=partial(
                self._meter.check,
                spec.launch.settings.daily_budget_usd,
                spec.launch.settings.on_unknown_cost,
            ),
            folder_lane=folder_lane,
            steering=self._steering,
            changes=self._changes,
        )
        self.ended: asyncio.Future[Run] = asyncio.get_running_loop().create_future()
        self._run = Run(
            run_id=run_id,
            session_id=spec.session.session_id,
            workspace=spec.launch.folder,
            status=RunStatus.RUNNING,
            origin="user" if spec.cause is None else "agent",
            cause=spec.cause,
            prompt=spec.prompt if spec.waited else None,
        )
        self._began = time.monotonic()
        self._state = RunState.ADMITTED
        self._spares = False
        self._turn: Turn | None = None

    @property
    def run_id(self) -> str:
        """Its id."""
        return self._run.run_id

    @property
    def session_id(self) -> str:
        """The id of its session, valid from the first moment."""
        return self._run.session_id

    @property
    def cleared(self) -> bool:
        """Whether the user has left its session."""
        return self._turn is not None and self._turn.cleared

    @property
    def next_session(self) -> str | None:
        """The session that the user goes on in then, if the CLI has told it."""
        return None if self._turn is None else self._turn.next_session

    def is_target(self, *, run_id: str | None = None, session_id: str | None = None) -> bool:
        """Return whether a cancel means this run: it names it, or its session, or nothing."""
        return run_id in (None, self.run_id) and session_id in (None, self.session_id)

    def snapshot(self) -> Run:
        """Return how it stands now, or how it ended."""
        if self._state is RunState.ENDED:
            return self._run
        run = replace(self._run, duration_ms=round((time.monotonic() - self._began) * 1000))
        if self._turn is None:
            return run
        figures = self._turn.figures
        return replace(
            run,
            text=figures.text,
            structured_output=figures.structured_output,
            stop_reason=figures.stop_reason,
            turns=figures.turns,
            usage=figures.usage,
            cost_usd=figures.cost.usd,
            files_changed=tuple(self._changes.files),
            permission_denials=tuple(figures.permission_denials),
            blocked=self._turn.blocked,
            next_session_id=self._turn.next_session,
        )

    @property
    def lost_lines(self) -> bool:
        """Whether its session's transcript may lack lines of it."""
        return self._journal.lost_lines

    def notify(self, event: Event) -> bool:
        """Report something that is not of the run itself; return whether it could be."""
        telling = self._state in (RunState.RUNNING, RunState.ENDING)
        if telling:
            self._emit(event)
        return telling

    def steer(self, steer: Steer) -> bool:
        """Take a prompt into its turn; return whether the turn can still take any."""
        return self.spec.launch.output_schema is None and self._steering.add(steer)

    def withdraw(self, steer: Steer) -> None:
        """Give such a prompt back, unless the turn has taken it."""
        self._steering.remove(steer)

    def change_mode(self, mode: str) -> None:
        """Take another permission mode, and report it."""
        if mode != self.permission_mode:
            self.permission_mode = mode
            if self._state is not RunState.ADMITTED:
                self._emit(ModeChanged(mode))

    def _mode(self) -> str:
        return self.permission_mode

    def _set_mode(self, mode: str) -> None:
        self.change_mode(mode)
        self._on_mode(mode)

    def _emit(self, event: Event) -> None:
        """Send it to the editor, while the run is shown."""
        if self._state is RunState.ENDED:
            return
        # A slow editor is spared the words that come in while the run is being stopped, and from
        # the first such word on: they stand in the session, and what it has shows no gap.
        if isinstance(event, Text | Thinking):
            stopping = self._context.signal.aborted and self._context.backpressure.congested
            self._spares = self._spares or stopping
            if self._spares:
                return
        self._changes.follow(event)
        try:
            self.trail.follow(event)
        except Exception:
            logger.exception("An event could not be written to the audit log: %s", event.kind)
        self._delivery.put(event)

    async def conduct(
        self,
        load: Callable[[], asyncio.Future[ProcessPool]],
        on_end: Callable[[], Awaitable[None]],
        lent: AgentProcess | None = None,
    ) -> None:
        """Do all of it, from `Started` to `Ended`; never raises.

        Args:
            load: Returns the pool; the first time it has to load the SDK.
            on_end: Called before `Ended`: releases the session.
            lent: The process that the pool has lent for it already, if its turn is at work.
        """
        status, fault, cut_off = RunStatus.COMPLETED, None, False
        try:
            self._enter(RunState.RUNNING)
            self._emit(Started(self.snapshot()))
            for text in self.spec.warnings:
                self._emit(Notice(Level.WARNING, text))
            self._journal.report_to(self._emit)
            fault = await self._work(load, lent)
        except Aborted as aborted:
            status, fault = _stopped(aborted.reason)
            cut_off = aborted.reason is AbortReason.SHUTDOWN
        except RequestFailed as failed:
            fault = failed
        except (Exception, asyncio.CancelledError) as error:
            _raise_if_cancelled()
            logger.exception("The run %s failed", self.run_id)
            what = f"The server failed: {type(error).__name__}: {error}"
            fault = Internal(what, hint=hint_for(error))
        if fault is not None and status is RunStatus.COMPLETED:
            status = RunStatus.FAILED
        self._enter(RunState.ENDING)
        self._steering.close()
        await self._step(self._changes.close)
        # All is written down before the session is released, and shown before the run has ended.
        await self._step(self._delivery.delivered)
        completed = status is RunStatus.COMPLETED
        await self._step(self._journal.end, completed=completed, cut_off=cut_off)
        charged = await self._step(self._charge, fault)
        fault = fault if charged is None else charged
        try:
            ended = replace(self.snapshot(), status=status, error=fault, prompt=None)
        except Exception:
            logger.exception("The figures of the run %s could not be updated", self.run_id)
            ended = replace(self._run, status=status, error=fault)
        await self._step(self._journal.close, ended, self.permission_mode)
        await self._step(on_end)
        self._run = ended
        self._emit(Ended(self._run))
        self._enter(RunState.ENDED)
        await self._step(self._delivery.delivered)
        self._context.signal.release()
        self.ended.set_result(self._run)

    def _enter(self, state: RunState) -> None:
        assert NEXT.get(self._state) is state, f"A run can't go from {self._state} to {state}"
        self._state = state

    async def _step(
        self, step: Callable[..., Awaitable[T]], *arguments: Any, **named: Any
    ) -> T | None:
        """Take a step of the end; one that fails keeps none of the others from being taken."""
        try:
            return await step(*arguments, **named)
        except (Exception, asyncio.CancelledError):
            _raise_if_cancelled()
            logger.exception("A step of ending the run %s failed", self.run_id)
            return None

    async def _charge(self, fault: RequestFailed | None) -> RequestFailed | None:
        budget = self.spec.launch.settings.daily_budget_usd
        cost = 0.0 if self._turn is None else self._turn.figures.cost.usd
        async with asyncio.timeout(END_SECONDS):
            return await self._meter.close(cost, budget, fault)

    def _count_for_session(self) -> None:
        if self._turn is not None:
            self._note_cost(self._turn.figures.cost)

    async def _work(
        self, load: Callable[[], asyncio.Future[ProcessPool]], lent: AgentProcess | None
    ) -> RequestFailed | None:
        spec, signal = self.spec, self._context.signal
        if lent is None:
            signal.throw_if_aborted()
        pool = await signal.wait_or_abort(load())
        from claude_agent_lsp.agent.run.turn import Turn

        process = lent or await pool.borrow(
            spec.launch, spec.session, signal, self._notify_of_wait, self._notify_of_loss
        )
        try:
            self._turn = Turn(spec, self._context, process)
            return await self._turn.run()
        finally:
            pool.release(process)

    def _notify_of_wait(self) -> None:
        self._emit(Notice(Level.INFO, "All CLI processes are busy; this run waits for a free one."))

    def _notify_of_loss(self, lost: str) -> None:
        what = "The session goes on in a new process. This ended with the old one"
        self._emit(Notice(Level.WARNING, f"{what}: {lost}"))


def _raise_if_cancelled() -> None:
    """Go no further if it is this task that was cancelled: the loop itself ends.

    Else something that it has waited for was, which is a fault like any other.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _stopped(reason: AbortReason) -> tuple[RunStatus, RequestFailed | None]:
    if reason is AbortReason.TIMED_OUT:
        return RunStatus.TIMED_OUT, TimedOut("The run reached its time limit and was stopped.")
    return RunStatus.CANCELLED, None
