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

from claude_agent_lsp.agent.accounts.audit_log import AuditLog, AuditWriter
from claude_agent_lsp.agent.accounts.daily_budget import DailyBudget
from claude_agent_lsp.agent.accounts.limits import Limits
from claude_agent_lsp.agent.events import Level, Notice, TaskChanged
from claude_agent_lsp.agent.kept_sessions import KeptSessions
from claude_agent_lsp.agent.os_processes.adoption import end_adopted
from claude_agent_lsp.agent.os_processes.orphans import end_all, server_mark
from claude_agent_lsp.agent.os_processes.watchdog import Watchdog
from claude_agent_lsp.agent.ownership.custody import Custody
from claude_agent_lsp.agent.ownership.idle_processes import IdleProcesses
from claude_agent_lsp.agent.ownership.own_turns import OwnTurns
from claude_agent_lsp.agent.ownership.runs import Runs
from claude_agent_lsp.agent.ownership.session_queue import SessionQueue
from claude_agent_lsp.agent.ownership.steers import Steers
from claude_agent_lsp.agent.ownership.tasks import Tasks
from claude_agent_lsp.agent.pool_loader import PoolLoader
from claude_agent_lsp.agent.run.admission import Admission, Admitted
from claude_agent_lsp.agent.run.context import RunSpec
from claude_agent_lsp.base.abort import AbortController, AbortReason, AbortSignal
from claude_agent_lsp.base.lanes import Lanes, processes
from claude_agent_lsp.errors import SessionNotFound
from claude_agent_lsp.sessions.journal.journal import Journal
from claude_agent_lsp.sessions.journal.kept_queries import KeptQueries
from claude_agent_lsp.sessions.lock import SessionLocks
from claude_agent_lsp.sessions.sharing.sharing import SharedSessions
from claude_agent_lsp.sessions.transcripts.costs import SessionCosts
from claude_agent_lsp.sessions.transcripts.transcript import find_transcript, folder_of
from claude_agent_lsp.workspace.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from claude_agent_lsp.agent.background import Task
    from claude_agent_lsp.agent.buffers.buffers import Buffers
    from claude_agent_lsp.agent.events import Emit
    from claude_agent_lsp.agent.permissions.queue import QuestionQueue, Show
    from claude_agent_lsp.agent.process.process import AgentProcess
    from claude_agent_lsp.agent.run.context import Backpressure, OwnRuns
    from claude_agent_lsp.agent.run.query import Query
    from claude_agent_lsp.agent.run.run import ActiveRun
    from claude_agent_lsp.workspace.state import State

logger = logging.getLogger(__name__)

# How long runs may take to stop when the server ends.
STOP_SECONDS: Final = 3.0


class Agent:
    """Runs queries.

    Args:
        state: What is kept across restarts.
        show: Shows a question in the editor.
        editor: The editor's name, shown in another one that wants the same session.
        own_runs: Shows the runs that an agent begins by itself.
        tell: Shows a notice in the editor when there is no run to show it in.
        own_directory: Keeps what no setting may move: costs and audit log. By default the state's.
        server_settings: Returns the settings that hold for all folders together.
        buffers: The documents that are open in the editor.

    Attributes:
        lanes: Those of its folders and sessions.
        kept: The sessions that the user wants kept.
        queue: Those that wait for a session.
        steers: Takes them into turns at work.
        idle_processes: Those that no run has asked for yet.
        tasks: What goes on behind the turns.
        limits: Those of the account.
    """

    def __init__(
        self,
        state: State,
        show: Show,
        editor: str = "",
        tell: Callable[[Notice], None] = lambda _: None,
        own_directory: Path | None = None,
        *,
        own_runs: OwnRuns,
        server_settings: Callable[[], Settings] = Settings,
        buffers: Buffers | None = None,
    ) -> None:
        own, self.lanes = own_directory or state.directory, (lanes := Lanes())
        self.locks = SessionLocks(lambda: state.directory, editor)
        self.journal, self.watchdog = Journal(lambda: state.directory), Watchdog()
        self._shutdown, self._tasks = AbortController(), set[asyncio.Task[Any]]()
        self._notify, self._state, told = tell, state, self._notify_all
        self.sharing = SharedSessions(lambda: state.directory, editor, told, lanes)
        self.daily_budget, stop = DailyBudget(own), self._shutdown.signal
        self.kept = KeptSessions(state, lanes, server_settings, self._track, stop)
        self.queue = SessionQueue(KeptQueries(lambda: state.directory, self.journal), lanes, told)
        self._admission = Admission(
            state, self.locks, self.journal, self.daily_budget, self.queue.stands_before
        )
        self.tasks, self.limits = Tasks(partial(self._tell_task, own_runs)), Limits()
        self._pools = pools = PoolLoader(
            self.watchdog, server_settings, stop, self._own_turn, self._watch, buffers=buffers
        )
        pools.before = self.kept.before_cli
        self.custody = custody = Custody(
            state=state,
            locks=self.locks,
            lanes=lanes,
            sharing=self.sharing,
            kept=self.kept,
            process_of=pools.process_of,
            begin=self._track,
            tell=self._notify_all,
        )
        self._runs = runs = Runs(
            show=show,
            audit=AuditWriter(AuditLog(own, editor), self._track, self._notify_all),
            journal=self.journal,
            lanes=lanes,
            budget=self.daily_budget,
            costs=SessionCosts(lambda: state.directory),
            pools=pools,
            custody=custody,
            queue=self.queue,
            shutdown=stop,
            begin=self._track,
        )
        self.steers = Steers(self.queue, lanes, runs, self.advance, self._track)
        self._own_turns = OwnTurns(pools, custody, runs, own_runs)
        self.idle_processes = IdleProcesses(
            pools=pools,
            lanes=lanes,
            state=state,
            admission=self._admission,
            locks=self.locks,
            runs=runs,
        )

    @property
    def questions(self) -> QuestionQueue:
        """What the user has to decide."""
        return self._runs.questions

    @property
    def state(self) -> State:
        """What is kept across restarts."""
        return self._state

    @property
    def shutdown(self) -> AbortSignal:
        """Fires when the server ends, which stops all runs."""
        return self._shutdown.signal

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
        return tuple(self._runs)

    @property
    def processes(self) -> tuple[AgentProcess, ...]:
        """The CLI processes, the least recently used first."""
        return self._pools.processes

    def lent(self, process: AgentProcess) -> bool:
        """Return whether a run has this process."""
        return self._pools.lent(process)

    async def ask(
        self,
        query: Query,
        *,
        signal: AbortSignal,
        to_editor: Emit,
        backpressure: Backpressure,
        run_id: str | None = None,
        message_id: str | None = None,
    ) -> ActiveRun:
        """Begin a run. The caller has the folder's place in the order.

        Args:
            query: What is asked.
            signal: The editor's own ways to stop it. The run has more: `cancel`, its time
                limit, and the end of the server.
            to_editor: Takes its events.
            backpressure: Knows whether the editor is too slow.
            run_id: Its id, if it has waited in the queue.
            message_id: That of its prompt, likewise.

        Raises:
            RequestFailed: It can't have its session, or its money: see `Admission.admit`.
            InvalidArgument: An attachment can't be read, or there is no message to go back to.
        """
        waited, run_id = run_id is not None, run_id or str(uuid.uuid4())
        message_id = message_id or str(uuid.uuid4())
        store = query.settings.session_store
        lane = self.lanes.folder(query.folder)
        with self.locks.on_the_way():
            named = None if store is None else await lane.run(self._admission.named, query)
            async with self.sharing.admission(
                store, query.folder, named, fork=query.fork, wait_or_abort=signal.wait_or_abort
            ):
                spare = await self.idle_processes.spare_session(query, signal)
                admitting = lane.put(self._admission.admit, query, run_id, message_id, spare)
                try:
                    admitted = await asyncio.shield(admitting)
                    return await self._begin(
                        query,
                        run_id,
                        admitted,
                        waited=waited,
                        signal=signal,
                        to_editor=to_editor,
                        backpressure=backpressure,
                    )
                except BaseException:
                    self._runs.drop(run_id)
                    await self._give_back(admitting, run_id)
                    raise

    async def _begin(
        self,
        query: Query,
        run_id: str,
        admitted: Admitted,
        *,
        waited: bool,
        signal: AbortSignal,
        to_editor: Emit,
        backpressure: Backpressure,
    ) -> ActiveRun:
        """Begin the run of a query that has its session."""
        session = admitted.session
        launch = self.idle_processes.launch(query, session, admitted.denied)
        if query.settings.daily_budget_usd is not None:
            lane = self.lanes.folder(query.folder)
            launch = await lane.run(self.daily_budget.within, launch)
        spec = RunSpec(
            query.prompt,
            admitted.message,
            launch,
            session,
            waited=waited,
            warnings=admitted.warnings,
            given=query.given,
        )
        seconds = query.timeout_seconds
        limit = AbortSignal() if seconds is None else AbortSignal.timeout(seconds)
        run = await self._runs.make(
            run_id, spec, AbortSignal.any(signal, limit), to_editor, backpressure
        )
        run.ended.add_done_callback(lambda _: limit.release())
        self.idle_processes.spares.follow(run)
        try:
            await self.sharing.began(query.settings.session_store, query.folder, run.session_id)
        except Exception:
            # The run is worth more than its copy.
            logger.exception(
                "The session %s could not be fetched from the shared store; using the local copy",
                run.session_id,
            )
        self._runs.conduct(run)
        return run

    def advance(self, session_id: str) -> None:
        """Let the first one that waits for a session have its turn, unless a run is at work."""
        if self.locks.owner(session_id) is None:
            self.queue.advance(session_id)

    def cancel(self, *, run_id: str | None = None, session_id: str | None = None) -> list[str]:
        """Stop a run, a session's run, or all runs if neither is named.

        Returns:
            The ids of the runs that are being stopped.
        """
        return self._runs.cancel(run_id=run_id, session_id=session_id)

    async def set_mode(self, session_id: str, permission_mode: str) -> asyncio.Future[None]:
        """Change a session's permission mode, at once and for its later runs.

        Returns:
            Done once the CLI has taken it; fails with a `RequestFailed`, and leaves all as it was,
            if it has refused.

        Raises:
            SessionNotFound: There is no such session.
        """
        process = self._pools.process_of(session_id)
        run = next((run for run in self.runs if run.session_id == session_id), None)
        unknown = process is None and run is None
        lane = self.lanes.session(session_id)
        if unknown and await lane.read(find_transcript, session_id) is None:
            raise SessionNotFound(f"There is no session {session_id}.")
        lent = process is not None and self.lent(process)
        change = self._runs.modes.change(session_id, permission_mode, run, process, lent=lent)
        return self._track(change)

    def folder_of(self, session_id: str) -> Path | None:
        """Return the folder that a session belongs to, as far as is known. Reads files."""
        if (folder := self.folder_in_use(session_id)) is not None:
            return folder
        transcript = find_transcript(session_id)
        return folder_of(transcript) if transcript is not None else None

    def forget(self, session_id: str, *, moved: bool = False) -> None:
        """Hold nothing of a deleted session: mode, grants, what waits. That stays of one moved."""
        self._runs.modes.forget(session_id)
        self._runs.grants.pop(session_id, None)
        for waiting in () if moved else self.queue.of(session_id):
            waiting.stop.abort()

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
        if runs := self.runs:
            # However much grace a run has: without its process, it ends.
            await asyncio.wait([run.ended for run in runs], timeout=STOP_SECONDS)
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
        await processes.run(end_all, server_mark().__eq__)
        await processes.run(end_adopted)
        await processes.run(self.watchdog.close)
        await self.sharing.close()

    async def _give_back(self, admitting: asyncio.Future[Admitted], run_id: str) -> None:
        """Release the session of a query that came to no run, if it got one."""
        if not admitting.done():  # the process ends, and with it the lock
            return
        if not admitting.cancelled() and admitting.exception() is None:
            await self.custody.after(admitting.result().session.session_id, run_id)

    async def _own_turn(self, process: AgentProcess, signal: AbortSignal) -> None:
        await self._own_turns.own(process, signal)

    def _watch(self, process: AgentProcess) -> None:
        self.tasks.watch(process)
        process.hear = self.limits.hear

    def _tell_task(self, own_runs: OwnRuns, task: Task) -> None:
        self._runs.notify(TaskChanged(task), task.session_id)
        own_runs.show_task(task)

    def _notify_all(self, good: bool, text: str) -> None:
        """Notify the runs at work, or the user if there are none."""
        if not self._runs.notify(notice := Notice(Level.INFO if good else Level.WARNING, text)):
            self._notify(notice)

    def _track(self, work: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
