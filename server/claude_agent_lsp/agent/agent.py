"""The agent of one server: its runs, the sessions they work in, the processes they share.

This module loads without the SDK, which takes a second: an editor's `initialize` does not wait
for it, and neither does a cancel.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.accounts.audit_log import AuditLog, ToolTrail, question_entry
from claude_agent_lsp.agent.accounts.daily_budget import DailyBudget
from claude_agent_lsp.agent.events import Level, Notice
from claude_agent_lsp.agent.permissions.queue import QuestionQueue
from claude_agent_lsp.agent.pool_loader import load_pool
from claude_agent_lsp.agent.process.launch import Launch, SessionStart
from claude_agent_lsp.agent.process.orphans import end_all, server_mark
from claude_agent_lsp.agent.process.watchdog import Watchdog
from claude_agent_lsp.agent.run.admission import Admission
from claude_agent_lsp.agent.run.context import RunSpec
from claude_agent_lsp.agent.run.message import user_message
from claude_agent_lsp.agent.run.permission_modes import PermissionModes
from claude_agent_lsp.agent.run.query import Query
from claude_agent_lsp.agent.run.run import END_SECONDS, ActiveRun
from claude_agent_lsp.agent.run.run_journal import RunJournal
from claude_agent_lsp.base.abort import AbortController, AbortReason, AbortSignal
from claude_agent_lsp.base.lanes import Lane, Lanes, disk, processes
from claude_agent_lsp.errors import RequestFailed, SessionNotFound
from claude_agent_lsp.sessions.catalogue.kept_copies import KeptCopies
from claude_agent_lsp.sessions.claude_settings.deny_rules import DenyRules
from claude_agent_lsp.sessions.journal.journal import Journal, JournaledTurn, now
from claude_agent_lsp.sessions.lock import SessionLocks
from claude_agent_lsp.sessions.sharing.sharing import SharedSessions
from claude_agent_lsp.sessions.transcripts.transcript import find_transcript, folder_of
from claude_agent_lsp.workspace.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from pathlib import Path

    from claude_agent_lsp.agent.accounts.audit_log import Entry
    from claude_agent_lsp.agent.events import Emit, Question
    from claude_agent_lsp.agent.permissions.queue import Answer
    from claude_agent_lsp.agent.process.pool import ProcessPool
    from claude_agent_lsp.agent.process.process import AgentProcess
    from claude_agent_lsp.agent.run.context import Backpressure
    from claude_agent_lsp.workspace.state import State

logger = logging.getLogger(__name__)

# How long runs may take to stop when the server ends.
STOP_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class _Admitted:
    """A query that has its session.

    Attributes:
        session: The session, which it has to give back.
        message: All that is sent for it.
        denied: What the agent may not read.
    """

    session: SessionStart
    message: Mapping[str, Any]
    denied: DenyRules


class Agent:
    """Runs queries.

    Args:
        state: What is kept across restarts.
        show: Shows a question in the editor; None as its answer leaves it to a command.
        editor: The editor's name, told to another one that wants the same session.
        tell: Shows a notice in the editor that no run is there to show.
        own_directory: Keeps what no setting may move: what the runs cost, and the audit log.
            Left out, the state's.
        server_settings: Gives the settings of which some hold for all folders together.

    Attributes:
        lanes: Those of its folders and sessions.
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
        self.ownership = SessionLocks(lambda: state.directory, editor)
        self.journal = Journal(lambda: state.directory)
        self.watchdog = Watchdog()
        self.sharing = SharedSessions(lambda: state.directory, editor, self._notify_of_sharing)
        self.spending = DailyBudget(own)
        self.lanes = Lanes()
        self._notify = tell
        self._server_settings = server_settings
        self._state = state
        self._admission = Admission(state, self.ownership, self.journal)
        self._shutdown = AbortController()
        self._runs: dict[str, tuple[ActiveRun, AbortController]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._modes = PermissionModes()
        self._grants: dict[str, set[str]] = {}
        self._pool: asyncio.Future[ProcessPool] | None = None

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
        return tuple(pool) if (pool := self._loaded_pool) is not None else ()

    def lent(self, process: AgentProcess) -> bool:
        """Return whether a run has this process."""
        return (pool := self._loaded_pool) is not None and pool.lent(process)

    async def ask(
        self, query: Query, *, signal: AbortSignal, to_editor: Emit, channel: Backpressure
    ) -> ActiveRun:
        """Begin a run. The caller has the folder's place in the order.

        Args:
            query: What is asked.
            signal: The editor's own ways to stop it. The run has more: `cancel`, its time
                limit, and the end of the server.
            to_editor: Takes its events.
            channel: Tells when the editor is too slow.

        Raises:
            InvalidArgument: An attachment can't be read, or there is no message to go back to.
            SessionNotFound: There is no such session in this folder.
            SessionBusy: A run is at work in the session.
            BudgetExceeded: Nothing is left of the day's budget.
        """
        run_id = str(uuid.uuid4())
        store = query.settings.session_store
        lane = self.lanes.folder(query.folder)
        named = None if store is None else await lane.run(self._admission.named, query)
        async with self.sharing.admission(
            store, query.folder, named, fork=query.fork, wait_or_abort=signal.wait_or_abort
        ):
            admitting = lane.put(self._admit, query, run_id, self._spare_session(query))
            try:
                admitted = await asyncio.shield(admitting)
                return await self._begin(
                    query, run_id, admitted, signal=signal, to_editor=to_editor, channel=channel
                )
            except BaseException:
                self._runs.pop(run_id, None)
                await self._give_back(admitting, run_id)
                raise

    async def _begin(
        self,
        query: Query,
        run_id: str,
        admitted: _Admitted,
        *,
        signal: AbortSignal,
        to_editor: Emit,
        channel: Backpressure,
    ) -> ActiveRun:
        """Begin the run of a query that has its session."""
        session = admitted.session
        lane = self.lanes.folder(query.folder)
        launch = self._launch(query, session, admitted.denied)
        launch = await lane.run(self.spending.within, launch)
        task = RunSpec(query.prompt, admitted.message, launch, session)
        turn = JournaledTurn(task.message_id, query.prompt, query.folder, now())
        record = RunJournal(self.journal, session, turn, self.lanes.session(session.session_id))
        await record.begin()
        controller = AbortController()
        seconds = query.timeout_seconds
        limit = AbortSignal() if seconds is None else AbortSignal.timeout(seconds)
        run = ActiveRun(
            run_id,
            task,
            signal=AbortSignal.any(signal, controller.signal, limit, self._shutdown.signal),
            to_editor=to_editor,
            channel=channel,
            questions=self.questions,
            record=record,
            spending=self.spending,
            on_mode=partial(self._modes.remember, session.session_id),
            trail=ToolTrail(self._write_audit, run_id, session.session_id, query.folder),
            grants=self._grants.setdefault(session.session_id, set()),
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
        self._track(run.conduct(self._load_pool, lambda: self._end(run)))
        return run

    def cancel(self, *, run_id: str | None = None, session_id: str | None = None) -> list[str]:
        """Stop a run, a session's run, or all runs if neither is named.

        Returns:
            The ids of the runs that are being stopped.
        """
        stopped = []
        for run, controller in tuple(self._runs.values()):
            if run.meant(run_id=run_id, session_id=session_id):
                controller.abort(AbortReason.CANCELLED)
                stopped.append(run.run_id)
        return stopped

    async def prewarm(
        self, folder: Path, settings: Settings, revoked: asyncio.Future[None]
    ) -> None:
        """Start a process ahead of the next query in a folder that is trusted, if there is room.

        Args:
            folder: The folder.
            settings: What holds there.
            revoked: That of the folder's lane, from before trust was looked at.
        """
        if settings.max_budget_usd is not None or settings.daily_budget_usd is not None:
            return  # a process with a budget is one run's, and is started with what is left then
        pool = await self._load_pool()
        lane = self.lanes.folder(folder)
        async with lane.place():
            session = await self._next_session(folder)
            busy = await lane.run(self.ownership.busy, session.session_id)
            if not busy and not revoked.done():
                query = Query("", folder, settings, trusted=True)
                pool.prewarm(self._launch(query, session, DenyRules()), session)

    async def process_in(
        self, folder: Path, settings: Settings, signal: AbortSignal, *, trusted: bool
    ) -> AgentProcess:
        """Return a started process of this folder, for what the CLI tells outside of runs.

        Args:
            folder: The folder.
            settings: What holds there.
            signal: Ends the waiting; what is not started by then never is.
            trusted: Whether the folder is trusted.

        Raises:
            Aborted: The signal fired while it had to be waited for.
            RequestFailed: It could not be started.
        """
        pool = await self._load_pool()
        signal.throw_if_aborted()
        process = next((p for p in pool if p.launch.folder == folder and p.usable), None)
        if process is None:
            lane = self.lanes.folder(folder)
            session = await self._next_session(folder)
            denied = await lane.read(DenyRules.read, folder)
            query = Query("", folder, settings, trusted=trusted)
            launch = self._launch(query, session, denied)
            process = await pool.borrow(launch, session, signal, lambda: None)
            pool.release(process)
        await signal.wait_or_abort(process.started)
        return process

    async def set_mode(self, session_id: str, permission_mode: str) -> asyncio.Future[None]:
        """Change a session's permission mode, at once and for its later runs.

        Returns:
            Done once the CLI has taken it; fails with a `RequestFailed`, and leaves all as it was,
            if it has refused.

        Raises:
            SessionNotFound: There is no such session.
        """
        process = next((p for p in self.processes if p.session_id == session_id), None)
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

    def keep_tagged(self, session_ids: Iterable[str]) -> None:
        """See to it that these sessions are kept, if their tag says so; nothing waits for it."""
        for session_id in session_ids:
            lane = self.lanes.session(session_id)
            self._track(lane.run(self._kept_copies.keep_if_tagged, session_id))

    async def refresh_copies(self) -> None:
        """Bring all copies of sessions that are kept up to date."""
        for session_id in await disk.run(self._kept_copies.sessions):
            await self.lanes.session(session_id).run(self._kept_copies.refresh, session_id)

    def folder_in_use(self, session_id: str) -> Path | None:
        """Return the folder of a session that has a run or a process."""
        launches = [run.task.launch for run in self.runs if run.session_id == session_id]
        launches += [p.launch for p in self.processes if p.session_id == session_id]
        return launches[0].folder if launches else None

    async def revoke(self, folder: Path) -> None:
        """Stop all runs in a folder, end its processes, and let none begin that was on its way."""
        self.lanes.folder(folder).revoke()
        runs = [
            (run, abort) for run, abort in self._runs.values() if run.task.launch.folder == folder
        ]
        for _, abort in runs:
            abort.abort(AbortReason.CANCELLED)
        if runs:
            await asyncio.wait([run.ended for run, _ in runs])
        there = [process for process in self.processes if process.launch.folder == folder]
        await asyncio.gather(*(process.end() for process in there))

    async def close(self) -> None:
        """Stop all runs, tell their ends, and end all processes in order."""
        self._shutdown.abort(AbortReason.SHUTDOWN)
        if self._runs:
            # However much grace a run has: without its process, it ends.
            await asyncio.wait([run.ended for run in self.runs], timeout=STOP_SECONDS)
        if self._pool is not None:
            # A pool that could not be loaded has failed every run, and has nothing to end.
            with contextlib.suppress(Exception):
                await (await self._pool).close()
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

    @property
    def _kept_copies(self) -> KeptCopies:
        return KeptCopies(self._state.directory)

    @property
    def _loaded_pool(self) -> ProcessPool | None:
        pool = self._pool
        if pool is None or not pool.done() or pool.cancelled() or pool.exception() is not None:
            return None
        return pool.result()

    def _load_pool(self) -> asyncio.Future[ProcessPool]:
        # Runs of all folders share it: none of them may change it for the others by its own.
        settings = self._server_settings()
        if self._shutdown.signal.aborted:
            raise RequestFailed("The server is shutting down.", hint="Restart the server.")
        if self._pool is None or (self._pool.done() and self._loaded_pool is None):
            # One that failed is tried again: what kept it from loading may be gone.
            self._pool = self._track(load_pool(settings, self.watchdog))
        elif (pool := self._loaded_pool) is not None:
            pool.limit, pool.idle_seconds = settings.max_processes, settings.idle_process_seconds
        return self._pool

    def _admit(self, query: Query, run_id: str, spare: str | None) -> _Admitted:
        """Do what of a run's beginning touches the folder's disk; last, take its session."""
        self.spending.check(query.settings.daily_budget_usd)
        context, attachments, folder = query.context, query.attachments, query.folder
        # The CLI reads the rules itself, of a folder that is trusted.
        needed = not query.trusted or context is not None or attachments
        denied = DenyRules.read(folder) if needed else DenyRules()
        message = user_message(
            query.prompt, context, attachments, folder, str(uuid.uuid4()), denied=denied
        )
        return _Admitted(self._admission.admit(query, run_id, spare), message, denied)

    async def _next_session(self, folder: Path) -> SessionStart:
        """Return the session that the folder's next query will work in, as things stand."""
        current = await self.lanes.folder(folder).read(self.current, folder)
        if current is None:
            return SessionStart(str(uuid.uuid4()))
        return await self.lanes.session(current).run(self._admission.to_come, current, folder)

    def _launch(self, query: Query, session: SessionStart, denied: DenyRules) -> Launch:
        # The folder may have lost its trust since it was given one.
        mode = self._modes.chosen_for(session.session_id, trusted=query.trusted)
        launch = Launch.build(query.folder, query.settings, query.wanted, mode)
        return launch if query.trusted else replace(launch, denied=denied.rules)

    def _spare_session(self, query: Query) -> str | None:
        """Return the session of a process that waits for the first prompt of such a query."""
        if (pool := self._loaded_pool) is None:
            return None
        spare = pool.spare(Launch.build(query.folder, query.settings, query.wanted))
        return spare if spare is None or self.ownership.owner(spare) is None else None

    async def _end(self, run: ActiveRun) -> asyncio.Future[None]:
        """Give the run's session back; return what is still done after that."""
        self._runs.pop(run.run_id, None)
        if not self._grants.get(run.session_id):
            self._grants.pop(run.session_id, None)
        await self._release(run.session_id, run.run_id)
        try:
            self.sharing.turn_ended(run.session_id)
        except Exception:
            logger.exception("The session %s could not be shared", run.session_id)
        return self._track(self.lanes.session(run.session_id).run(self._settle, run))

    async def _give_back(self, admitting: asyncio.Future[_Admitted], run_id: str) -> None:
        """Give back the session of a query that came to no run, if it got one."""
        if not admitting.done():  # the process ends, and with it the lock
            return
        if not admitting.cancelled() and admitting.exception() is None:
            await self._release(admitting.result().session.session_id, run_id)

    async def _release(self, session_id: str, run_id: str) -> None:
        """Give a session's lock back; a disk that hangs has it given back as soon as it can."""
        released = self.lanes.session(session_id).put(self.ownership.release, session_id, run_id)
        await asyncio.wait({released}, timeout=END_SECONDS)

    def _settle(self, run: ActiveRun) -> None:
        """Note after a run that its session has a transcript, and all that stands in it."""
        try:
            self._record_end(run)
        except Exception:
            logger.exception("The state of %s could not be saved", run.task.launch.folder)

    def _record_end(self, run: ActiveRun) -> None:
        folder = run.task.launch.folder
        process = next((p for p in self.processes if p.session_id == run.session_id), None)
        if process is not None:
            process.transcript.changed_by_others()
        self._kept_copies.refresh(run.session_id)
        if not run.task.session.resumes and find_transcript(run.session_id) is not None:
            self._state.settle(folder, run.session_id)
        if run.cleared and self._state.current(folder) == run.session_id:
            self._state.select(folder, None)

    def _audit_answer(self, question: Question, answer: Answer) -> None:
        run, _ = self._runs.get(question.run_id, (None, None))
        call = None if run is None else run.trail.call(question.tool_call_id)
        folder = None if run is None else run.task.launch.folder

        def write() -> None:
            self._audit.write("question", question_entry(question, answer, call, folder))

        # Its words take the longer, the more the agent has written.
        self._track(self._audit_lane.run(write))

    def _write_audit(self, kind: str, entry: Entry) -> None:
        self._track(self._audit_lane.run(self._audit.write, kind, entry))

    def _notify_of_sharing(self, good: bool, text: str) -> None:
        """Tell the runs at work, or the user if there are none."""
        notice = Notice(Level.INFO if good else Level.WARNING, text)
        if not [run for run in self.runs if run.notify(notice)]:
            self._notify(notice)

    def _track(self, work: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
