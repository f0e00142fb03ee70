"""The agent of one server: its runs, the sessions they work in, the processes they share.

This module loads without the SDK, which takes a second: an editor's `initialize` does not wait
for it, and neither does a cancel.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.accounts.audit_log import AuditLog, ToolTrail, question_entry
from claude_agent_lsp.agent.accounts.daily_budget import DailyBudget
from claude_agent_lsp.agent.events import Level, Notice
from claude_agent_lsp.agent.idle_processes import IdleProcesses
from claude_agent_lsp.agent.kept_sessions import KeptSessions
from claude_agent_lsp.agent.os_processes.orphans import end_all, server_mark
from claude_agent_lsp.agent.os_processes.watchdog import Watchdog
from claude_agent_lsp.agent.permissions.queue import QuestionQueue
from claude_agent_lsp.agent.permissions.session_grants import SessionGrants
from claude_agent_lsp.agent.pool_loader import PoolLoader
from claude_agent_lsp.agent.run.admission import Admission, Admitted
from claude_agent_lsp.agent.run.context import RunSpec
from claude_agent_lsp.agent.run.permission_modes import PermissionModes
from claude_agent_lsp.agent.run.run import END_SECONDS, ActiveRun
from claude_agent_lsp.agent.run.run_journal import RunJournal
from claude_agent_lsp.base.abort import AbortController, AbortReason, AbortSignal
from claude_agent_lsp.base.lanes import Lane, Lanes, processes
from claude_agent_lsp.errors import SessionNotFound
from claude_agent_lsp.sessions.journal.journal import Journal, JournaledTurn, now
from claude_agent_lsp.sessions.lock import SessionLocks
from claude_agent_lsp.sessions.sharing.sharing import SharedSessions
from claude_agent_lsp.sessions.transcripts.transcript import find_transcript, folder_of
from claude_agent_lsp.workspace.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from claude_agent_lsp.agent.accounts.audit_log import Entry
    from claude_agent_lsp.agent.events import Emit, Question
    from claude_agent_lsp.agent.permissions.queue import Answer
    from claude_agent_lsp.agent.process.process import AgentProcess
    from claude_agent_lsp.agent.run.context import Backpressure
    from claude_agent_lsp.agent.run.query import Query
    from claude_agent_lsp.workspace.state import State

logger = logging.getLogger(__name__)

# How long runs may take to stop when the server ends.
STOP_SECONDS: Final = 3.0


class Agent:
    """Runs queries.

    Args:
        state: What is kept across restarts.
        show: Shows a question in the editor; returns None if a command will answer it.
        editor: The editor's name, shown in another one that wants the same session.
        tell: Shows a notice in the editor when there is no run to show it in.
        own_directory: Keeps what no setting may move: what the runs cost, and the audit log.
            Left out, the state's.
        server_settings: Returns the settings that hold for all folders together.

    Attributes:
        lanes: Those of its folders and sessions.
        kept: The sessions that the user wants kept.
        idle_processes: Those that no run has asked for yet.
    """

    def __init__(
        self,
        state: State,
        show: Callable[[Question], Awaitable[Answer | None]],
        editor: str = "",
        tell: Callable[[Notice], None] = lambda _: None,
        own_directory: Path | None = None,
        *,
        server_settings: Callable[[], Settings] = Settings,
    ) -> None:
        self.questions = QuestionQueue(show, self._audit_answer)
        own = own_directory or state.directory
        self._audit = AuditLog(own, editor)
        self._audit_lane = Lane()
        self.locks = SessionLocks(lambda: state.directory, editor)
        self.journal = Journal(lambda: state.directory)
        self.watchdog = Watchdog()
        self.lanes = lanes = Lanes()
        told = self._notify_all
        self.sharing = SharedSessions(lambda: state.directory, editor, told, lanes)
        self.daily_budget = DailyBudget(own)
        self.kept = KeptSessions(state, self.lanes, self._track)
        self._notify = tell
        self._state = state
        self._admission = Admission(state, self.locks, self.journal, self.daily_budget)
        self._shutdown = AbortController()
        self._runs: dict[str, tuple[ActiveRun, AbortController]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._modes = PermissionModes()
        self._grants: dict[str, SessionGrants] = {}
        self._pools = PoolLoader(self.watchdog, server_settings, self._shutdown.signal)
        self.idle_processes = IdleProcesses(
            pools=self._pools,
            lanes=self.lanes,
            state=state,
            admission=self._admission,
            locks=self.locks,
            modes=self._modes,
            grants=self._grants,
        )

    @property
    def state(self) -> State:
        """What is kept across restarts."""
        return self._state

    @property
    def stopped(self) -> AbortReason | None:
        """Why all runs were stopped, if the server is ending."""
        return self._shutdown.signal.reason

    def current(self, folder: Path) -> str | None:
        """Return the current session of a folder. Reads a file: call it in a thread."""
        return self._state.current(folder)

    async def select(self, folder: Path, session_id: str | None) -> None:
        """Set a folder's current session; None begins a new one with the next query.

        Raises:
            StoreUnavailable: It could not be kept.
        """
        await self.lanes.folder(folder).run(self._state.select, folder, session_id)

    @property
    def runs(self) -> tuple[ActiveRun, ...]:
        """The runs at work, the oldest first."""
        return tuple(run for run, _ in self._runs.values())

    @property
    def processes(self) -> tuple[AgentProcess, ...]:
        """The CLI processes, the least recently used first."""
        return self._pools.processes

    def _process_of(self, session_id: str) -> AgentProcess | None:
        return next((p for p in self.processes if p.session_id == session_id), None)

    def lent(self, process: AgentProcess) -> bool:
        """Return whether a run has this process."""
        return self._pools.lent(process)

    async def ask(
        self, query: Query, *, signal: AbortSignal, to_editor: Emit, backpressure: Backpressure
    ) -> ActiveRun:
        """Begin a run. The caller has the folder's place in the order.

        Args:
            query: What is asked.
            signal: The editor's own ways to stop it. The run has more: `cancel`, its time
                limit, and the end of the server.
            to_editor: Takes its events.
            backpressure: Knows whether the editor is too slow.

        Raises:
            InvalidArgument: An attachment can't be read, or there is no message to go back to.
            SessionNotFound: There is no such session in this folder.
            SessionBusy: A run is at work in the session.
            BudgetExceeded: Nothing is left of the day's budget.
        """
        run_id = str(uuid.uuid4())
        store = query.settings.session_store
        lane = self.lanes.folder(query.folder)
        with self.locks.on_the_way():
            named = None if store is None else await lane.run(self._admission.named, query)
            async with self.sharing.admission(
                store, query.folder, named, fork=query.fork, wait_or_abort=signal.wait_or_abort
            ):
                admitting = lane.put(
                    self._admission.admit, query, run_id, self.idle_processes.spare_session(query)
                )
                try:
                    admitted = await asyncio.shield(admitting)
                    return await self._begin(
                        query,
                        run_id,
                        admitted,
                        signal=signal,
                        to_editor=to_editor,
                        backpressure=backpressure,
                    )
                except BaseException:
                    self._runs.pop(run_id, None)
                    await self._give_back(admitting, run_id)
                    raise

    async def _begin(
        self,
        query: Query,
        run_id: str,
        admitted: Admitted,
        *,
        signal: AbortSignal,
        to_editor: Emit,
        backpressure: Backpressure,
    ) -> ActiveRun:
        """Begin the run of a query that has its session."""
        session = admitted.session
        lane = self.lanes.folder(query.folder)
        grants = self._grants.setdefault(session.session_id, SessionGrants())
        launch = self.idle_processes.launch(query, session, admitted.denied)
        if query.settings.daily_budget_usd is not None:
            launch = await lane.run(self.daily_budget.within, launch)
        spec = RunSpec(query.prompt, admitted.message, launch, session)
        turn = JournaledTurn(spec.message_id, query.prompt, query.folder, now())
        journal = RunJournal(self.journal, session, turn, self.lanes.session(session.session_id))
        await journal.begin()
        controller = AbortController()
        seconds = query.timeout_seconds
        limit = AbortSignal() if seconds is None else AbortSignal.timeout(seconds)
        run = ActiveRun(
            run_id,
            spec,
            signal=AbortSignal.any(signal, controller.signal, limit, self._shutdown.signal),
            to_editor=to_editor,
            backpressure=backpressure,
            questions=self.questions,
            journal=journal,
            budget=self.daily_budget,
            on_mode=partial(self._modes.remember, session.session_id),
            trail=ToolTrail(self._write_audit, run_id, session.session_id, query.folder),
            grants=grants,
            folder_lane=lane,
        )
        self._runs[run_id] = (run, controller)
        run.ended.add_done_callback(lambda _: limit.release())
        try:
            await self.sharing.began(query.settings.session_store, query.folder, run.session_id)
        except Exception:
            # The run is worth more than its copy.
            logger.exception(
                "The session %s could not be fetched from the shared store; using the local copy",
                run.session_id,
            )
        self._track(run.conduct(self._pools.load, lambda: self._end(run)))
        return run

    def cancel(self, *, run_id: str | None = None, session_id: str | None = None) -> list[str]:
        """Stop a run, a session's run, or all runs if neither is named.

        Returns:
            The ids of the runs that are being stopped.
        """
        stopped = []
        for run, controller in tuple(self._runs.values()):
            if run.is_target(run_id=run_id, session_id=session_id):
                controller.abort(AbortReason.CANCELLED)
                stopped.append(run.run_id)
        return stopped

    async def set_mode(self, session_id: str, permission_mode: str) -> asyncio.Future[None]:
        """Change a session's permission mode, at once and for its later runs.

        Returns:
            Done once the CLI has taken it; fails with a `RequestFailed`, and leaves all as it was,
            if it has refused.

        Raises:
            SessionNotFound: There is no such session.
        """
        process = self._process_of(session_id)
        run = next((run for run in self.runs if run.session_id == session_id), None)
        unknown = process is None and run is None
        lane = self.lanes.session(session_id)
        if unknown and await lane.read(find_transcript, session_id) is None:
            raise SessionNotFound(f"There is no session {session_id}.")
        lent = process is not None and self.lent(process)
        change = self._modes.change(session_id, permission_mode, run, process, lent=lent)
        return self._track(change)

    def folder_of(self, session_id: str) -> Path | None:
        """Return the folder that a session belongs to, as far as is known. Reads files."""
        if (folder := self.folder_in_use(session_id)) is not None:
            return folder
        transcript = find_transcript(session_id)
        return folder_of(transcript) if transcript is not None else None

    def forget(self, session_id: str) -> None:
        """Hold nothing of a session that is deleted: its mode, and what was allowed for it."""
        self._modes.forget(session_id)
        self._grants.pop(session_id, None)

    def folder_in_use(self, session_id: str) -> Path | None:
        """Return the folder of a session that has a run or a process."""
        launches = [run.spec.launch for run in self.runs if run.session_id == session_id]
        launches += [p.launch for p in self.processes if p.session_id == session_id]
        return launches[0].folder if launches else None

    async def revoke(self, folder: Path) -> None:
        """Stop all runs in a folder, end its processes, and let none begin that was on its way."""
        self.lanes.folder(folder).revoke()
        runs = [run for run in self.runs if run.spec.launch.folder == folder]
        for run in runs:
            self.cancel(run_id=run.run_id)
        if runs:
            await asyncio.wait([run.ended for run in runs])
        there = [process for process in self.processes if process.launch.folder == folder]
        await asyncio.gather(*(process.end() for process in there))

    async def close(self) -> None:
        """Stop all runs, report their ends, and end all processes in order."""
        self._shutdown.abort(AbortReason.SHUTDOWN)
        if self._runs:
            # However much grace a run has: without its process, it ends.
            await asyncio.wait([run.ended for run in self.runs], timeout=STOP_SECONDS)
        # However a process hangs: what is left of it is ended below.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await self._pools.close()
        # What a disk holds up longer is lost, with the process.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                while self._tasks:
                    await asyncio.wait(self._tasks)
        # What tools have left running goes with the editor; a watchdog would end it otherwise.
        mark = server_mark()
        await processes.run(end_all, lambda found: found == mark)
        await processes.run(self.watchdog.close)
        await self.sharing.close()

    async def _end(self, run: ActiveRun) -> asyncio.Future[None]:
        """Release the run's session; return what is still done after that."""
        self._runs.pop(run.run_id, None)
        if run.lost_lines and (process := self._process_of(run.session_id)) is not None:
            process.end()  # the next one resumes what is there, and is told of the rest
        if not self._grants.get(run.session_id):
            self._grants.pop(run.session_id, None)
        await self._release(run.session_id, run.run_id)
        try:
            self.sharing.turn_ended(run.session_id)
        except Exception:
            logger.exception("The session %s could not be shared", run.session_id)
        return self._track(self.lanes.session(run.session_id).run(self._settle, run))

    async def _give_back(self, admitting: asyncio.Future[Admitted], run_id: str) -> None:
        """Release the session of a query that came to no run, if it got one."""
        if not admitting.done():  # the process ends, and with it the lock
            return
        if not admitting.cancelled() and admitting.exception() is None:
            await self._release(admitting.result().session.session_id, run_id)

    async def _release(self, session_id: str, run_id: str) -> None:
        """Release a session's lock; on a disk that hangs it is released as soon as that answers."""
        released = self.lanes.session(session_id).put(self.locks.release, session_id, run_id)
        await asyncio.wait({released}, timeout=END_SECONDS)

    def _settle(self, run: ActiveRun) -> None:
        """Note after a run that its session has a transcript, and all that stands in it."""
        folder = run.spec.launch.folder
        try:
            if (process := self._process_of(run.session_id)) is not None:
                process.transcript.changed_by_others()
            self.kept.copies.refresh(run.session_id)
            if not run.spec.session.resumes and find_transcript(run.session_id) is not None:
                self._state.settle(folder, run.session_id)
            if run.cleared and self._state.current(folder) == run.session_id:
                self._state.select(folder, None)
        except Exception:
            logger.exception("The state of %s could not be saved", folder)

    def _audit_answer(self, question: Question, answer: Answer) -> None:
        run, _ = self._runs.get(question.run_id, (None, None))
        call = None if run is None else run.trail.call(question.tool_call_id)
        folder = None if run is None else run.spec.launch.folder
        # Its words take the longer, the more the agent has written.
        self._write_audit("question", partial(question_entry, question, answer, call, folder))

    def _write_audit(self, kind: str, entry: Entry) -> None:
        async def write() -> None:
            wrong = await self._audit_lane.run(self._audit.write, kind, entry)
            if wrong is not None:
                self._notify_all(False, wrong)

        self._track(write())

    def _notify_all(self, good: bool, text: str) -> None:
        """Notify the runs at work, or the user if there are none."""
        notice = Notice(Level.INFO if good else Level.WARNING, text)
        if not [run for run in self.runs if run.notify(notice)]:
            self._notify(notice)

    def _track(self, work: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
