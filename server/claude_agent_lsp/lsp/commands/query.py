"""`claudeAgent.query` and `claudeAgent.cancel`: a run begins, and is stopped."""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.agent.events import Ended, Queued, RunStatus
from claude_agent_lsp.agent.process.launch import BYPASS, Overrides
from claude_agent_lsp.agent.run.query import Query
from claude_agent_lsp.agent.session_queue import Waiting
from claude_agent_lsp.base.abort import Aborted
from claude_agent_lsp.errors import (
    Internal,
    InvalidArgument,
    NotTrusted,
    RequestFailed,
    SessionAtWork,
)
from claude_agent_lsp.lsp.commands import arguments
from claude_agent_lsp.lsp.commands.registry import CommandGroup, command
from claude_agent_lsp.lsp.commands.run_display import RunDisplay, queued_run
from claude_agent_lsp.lsp.convert.to_errors import fault_of

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from claude_agent_lsp.agent.events import Emit, Run
    from claude_agent_lsp.agent.run.run import ActiveRun
    from claude_agent_lsp.base.abort import AbortController
    from claude_agent_lsp.base.disk.places import Place
    from claude_agent_lsp.lsp.commands.order import Order
    from claude_agent_lsp.lsp.commands.registry import Request
    from claude_agent_lsp.lsp.services.services import Services
    from claude_agent_lsp.workspace.folders import Folder
    from claude_agent_lsp.workspace.settings import Settings

logger = logging.getLogger(__name__)

# How long a cancel waits for queries that are on their way to their run.
CANCEL_SECONDS: Final = 2.0


@dataclass(eq=False)
class _StartingQuery:
    """A query on its way to its run.

    Attributes:
        stop: Stops it.
        over: Done with the run once it is there; with None if there is none.
        cancels: Which runs were to be cancelled meanwhile, as `Agent.cancel` has it.
    """

    stop: AbortController
    over: asyncio.Future[ActiveRun | None]
    cancels: list[dict[str, str | None]] = field(default_factory=list)


class QueryCommands(CommandGroup):
    """Begins runs and stops them.

    What an editor sends takes effect in each folder in the order in which it was sent: of two
    queries for one session the second waits for the first, "new" holds for the query behind it, and
    a cancel finds the query before it. No folder waits for another one, and a cancel for none.
    """

    def __init__(self, services: Services, order: Order) -> None:
        super().__init__(services, order)
        self._beginning: set[_StartingQuery] = set()
        self._display = RunDisplay(services)

    @command("claudeAgent.query", arguments.QueryArgument)
    async def query(self, argument: arguments.QueryArgument, request: Request) -> object:
        """Ask the agent."""
        progress = self._display.start(request.work_done_token, argument.prompt, request.stop)
        to_editor = self._display.to_editor(argument.partial_result_token, progress)
        waits = self._services.editor.profile.waits if argument.wait is None else argument.wait
        try:
            begun = await self._begin_in_order(argument, request, to_editor)
        except BaseException:
            if progress is not None:
                self._services.progress.end(progress)
            raise
        request.has_run.set()
        ending: Awaitable[Run]
        if isinstance(begun, Waiting):
            ending = self._in_its_turn(begun, argument, request, to_editor)
            now = queued_run(begun)
        else:
            ending = asyncio.shield(begun.ended)
            now = begun.snapshot()
        return await self._answer(now, ending, waits=waits)

    async def _answer(self, now: Run, ending: Awaitable[Run], *, waits: bool) -> Run:
        """Answer with how a run stands, or has ended; whoever can't see that is shown it."""
        shown = asyncio.ensure_future(ending)
        if not waits or not self._services.editor.profile.shows_results:
            self._services.editor.spawn(self._report_end(shown, waits=waits))
        if not waits:
            return now
        ended = await asyncio.shield(shown)
        fault = fault_of(ended)
        if fault is not None:
            raise fault
        return ended

    async def _begin_in_order(
        self,
        argument: arguments.QueryArgument,
        request: Request,
        to_editor: Emit,
        waiting: Waiting | None = None,
    ) -> ActiveRun | Waiting:
        """Begin the run in its folder's order, or have it wait for its session.

        Args:
            argument: What is asked.
            request: Its request.
            to_editor: Takes its events.
            waiting: Its place in the queue, once it has had one.

        Raises:
            SessionAtWork: Somebody was quicker than one that has waited, or it may not wait.
        """
        over = asyncio.get_running_loop().create_future()
        beginning = _StartingQuery(request.stop, over)
        self._beginning.add(beginning)
        document = argument.context.document if argument.context else None
        run = None
        try:
            async with self._order.in_folder(argument.workspace, document) as folder:
                try:
                    run = await self._begin(folder, argument, request, to_editor, waiting)
                except SessionAtWork as at_work:
                    if waiting is not None or argument.if_busy == "refuse":
                        raise
                    return await self._queue_up(folder, request, to_editor, at_work.session_id)
                if any(run.is_target(**which) for which in beginning.cancels):
                    self._services.agent.cancel(run_id=run.run_id)
        finally:
            self._beginning.discard(beginning)
            beginning.over.set_result(run)
        return run

    async def _queue_up(
        self, folder: Folder, request: Request, to_editor: Emit, session_id: str
    ) -> Waiting:
        agent = self._services.agent
        settings = await self._services.configuration.settings_in(folder, request.signal)
        clears = settings.on_stop == "clear"
        run_id = str(uuid.uuid4())
        waiting = Waiting(run_id, session_id, folder.path, request.stop, clears)
        agent.queue.join(waiting)
        to_editor(Queued(queued_run(waiting), agent.queue.position(waiting)))
        agent.advance(session_id)
        return waiting

    async def _in_its_turn(
        self,
        waiting: Waiting,
        argument: arguments.QueryArgument,
        request: Request,
        to_editor: Emit,
    ) -> Run:
        """Return how the run of a query has ended that had to wait for its session."""
        fault: RequestFailed | None = None
        status = RunStatus.FAILED
        argument = replace(argument, session=waiting.session_id)
        try:
            run = await self._after_waiting(waiting, argument, request, to_editor)
            return await asyncio.shield(run.ended)
        except Aborted:
            status = RunStatus.CANCELLED
        except RequestFailed as failed:
            fault = failed
        except InvalidArgument as error:
            fault = Internal(str(error))
        except Exception as error:
            # Whatever it is, its end is told: it may have nobody who waits for an answer.
            logger.exception("The queued run %s could not begin", waiting.run_id)
            fault = Internal(f"The server failed: {type(error).__name__}: {error}")
        ended = replace(queued_run(waiting), status=status, error=fault, queued=None)
        to_editor(Ended(ended))
        return ended

    async def _after_waiting(
        self,
        waiting: Waiting,
        argument: arguments.QueryArgument,
        request: Request,
        to_editor: Emit,
    ) -> ActiveRun:
        agent = self._services.agent
        try:
            while True:
                await request.signal.wait_or_abort(waiting.turn)
                try:
                    run = await self._begin_in_order(argument, request, to_editor, waiting)
                except SessionAtWork:
                    agent.queue.wait_again(waiting)
                    agent.advance(waiting.session_id)
                else:
                    assert not isinstance(run, Waiting)
                    return run
        finally:
            agent.queue.leave(waiting)
            agent.advance(waiting.session_id)

    async def _begin(
        self,
        folder: Folder,
        argument: arguments.QueryArgument,
        request: Request,
        to_editor: Emit,
        waiting: Waiting | None,
    ) -> ActiveRun:
        await self._services.trust.look_again(folder.path)
        revoked = self._services.agent.lanes.folder(folder.path).revoked
        configuration = self._services.configuration
        as_sent = await configuration.settings_as_sent(folder, request.signal)
        trusted = await self._services.trust.is_trusted(folder.path)
        settings = configuration.restrict(as_sent, trusted=trusted)
        self._services.server_settings.move_state()
        if argument.permission_mode == BYPASS and not trusted:
            raise NotTrusted(
                f"bypassPermissions needs a trusted folder, and {folder.path} is not trusted."
            )
        place = self._services.trust.place(folder.path)
        run = await self._services.agent.ask(
            _query(argument, folder, settings, trusted=trusted, place=place),
            signal=request.signal,
            to_editor=to_editor,
            backpressure=self._services.editor.backpressure,
            run_id=None if waiting is None else waiting.run_id,
        )
        if revoked.done():  # it has lost the trust that these settings were read with
            self._services.agent.cancel(run_id=run.run_id)
        if not trusted:
            offer = self._services.trust.offer(
                folder, as_sent.withheld(), settings.question_timeout_seconds, run
            )
            self._services.editor.spawn(offer)
        return run

    @command("claudeAgent.cancel", arguments.CancelArgument)
    async def cancel(self, argument: arguments.CancelArgument, _: Request) -> object:
        """Stop runs."""
        which = {"run_id": argument.run_id, "session_id": argument.session_id}
        stopped = self._services.agent.cancel(**which)
        # A query from before may be on its way to its run. It is stopped as soon as that is there;
        # the answer does not wait for a folder whose disk hangs.
        before = tuple(self._beginning)
        for query in before:
            query.cancels.append(which)
            if not any(which.values()):
                query.stop.abort()
        # A run or a session that has been found was meant: whatever else is on its way to the
        # session is stopped, but the answer does not wait for it.
        found = stopped and any(which.values())
        if before and not found:
            await asyncio.wait([query.over for query in before], timeout=CANCEL_SECONDS)
        runs = [query.over.result() for query in before if query.over.done()]
        stopped += [run.run_id for run in runs if run is not None and run.is_target(**which)]
        return {"cancelled": list(dict.fromkeys(stopped))}

    async def _report_end(self, ending: asyncio.Future[Run], *, waits: bool) -> None:
        await self._display.report_end(await asyncio.shield(ending), waits=waits)


def _query(
    argument: arguments.QueryArgument,
    folder: Folder,
    settings: Settings,
    *,
    trusted: bool,
    place: Place | None,
) -> Query:
    """Return what is asked in a folder, by its settings unless the argument says otherwise."""
    return Query(
        prompt=argument.prompt,
        folder=folder.path,
        settings=settings,
        session=argument.session,
        fork=argument.fork,
        resume_at=argument.resume_at,
        context=argument.context,
        attachments=argument.attachments,
        wanted=Overrides(
            model=argument.model,
            effort=argument.effort,
            permission_mode=argument.permission_mode,
            max_turns=argument.max_turns,
            max_budget_usd=argument.max_budget_usd,
            output_schema=argument.output_schema,
        ),
        timeout_seconds=argument.timeout_seconds or settings.timeout_seconds,
        trusted=trusted,
        place=place,
    )
