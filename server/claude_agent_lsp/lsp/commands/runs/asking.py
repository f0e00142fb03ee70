"""Asks the agent and answers how that has gone, whichever command asks."""

from __future__ import annotations

import asyncio
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from claude_agent_lsp.agent.ownership.session_queue import Waiting
from claude_agent_lsp.agent.run.message import MAX_SELECTION
from claude_agent_lsp.errors import SessionKept, SessionMoved
from claude_agent_lsp.lsp.commands.runs.moving import bring_here
from claude_agent_lsp.lsp.commands.runs.run_display import queued_run
from claude_agent_lsp.lsp.convert.to_errors import fault_of
from claude_agent_lsp.workspace.documents.positions import text_in

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from claude_agent_lsp.agent.events import Emit, Event, Run
    from claude_agent_lsp.agent.run.message import EditorContext
    from claude_agent_lsp.errors import SessionAtWork
    from claude_agent_lsp.lsp.commands.arguments import QueryArgument
    from claude_agent_lsp.lsp.commands.order import Order
    from claude_agent_lsp.lsp.commands.registry import Request
    from claude_agent_lsp.lsp.commands.runs.waiting_queries import WaitingQueries
    from claude_agent_lsp.lsp.services.services import Services
    from claude_agent_lsp.workspace.folders import Folder


class Asking:
    """One query, from its request to its answer.

    What an editor sends takes effect in each folder in the order in which it was sent: of two
    queries for one session the second waits for the first, "new" holds for the query behind it, and
    a cancel finds the query before it. No folder waits for another one, and a cancel for none.

    Args:
        services: What it works with.
        order: Assigns it its place.
        queries: Those that wait, and those that begin.
        argument: What is asked.
        request: Its request.
        unasked: Whether the editor has executed it without knowing what it would be. One that knows
            of sessions is told of the run, as of one that the agent has begun, and in any other one
            its end is opened as a document.
        document: Takes the run's events for a document that shows it all.
        run_id: The run's id, if it has one already.
    """

    def __init__(
        self,
        services: Services,
        order: Order,
        queries: WaitingQueries,
        argument: QueryArgument,
        request: Request,
        *,
        unasked: bool = False,
        document: Emit | None = None,
        run_id: str | None = None,
    ) -> None:
        self._services = services
        self._order = order
        self._queries = queries
        self._argument = argument
        self._request = request
        profile = services.editor.profile
        streamed = argument.partial_result_token is not None and not profile.drops_results
        self._shows = profile.shows_results or streamed
        knows = profile.session_events
        self._document = document
        self._opens = unasked and not knows and document is None
        # With an id of its own the run tells what it asks.
        self._run_id = run_id or (str(uuid.uuid4()) if unasked else None)
        self._announced = unasked and knows and argument.partial_result_token is None

    async def answer(self) -> Run:
        """Ask, and return how the run stands or has ended.

        Raises:
            RequestFailed: It could not begin.
            JsonRpcException: The run has failed, or was cancelled.
        """
        argument, request, display = self._argument, self._request, self._queries.display
        progress = display.start(request.work_done_token, argument.prompt, request.stop)
        to_editor = display.to_editor(
            argument.partial_result_token, progress, subagent_text=argument.subagent_text
        )
        if self._run_id is not None and self._announced:
            to_editor = display.on_own_token(self._run_id, to_editor)
        if self._document is not None:
            to_editor = _both(to_editor, self._document)
        waits = self._services.editor.profile.waits if argument.wait is None else argument.wait
        refuses = argument.if_busy == "refuse"
        try:
            begin = partial(
                self._queries.beginning.in_order,
                argument,
                request,
                to_editor,
                at_work=None if refuses else partial(self._queue_up, to_editor),
                run_id=self._run_id,
            )
            try:
                begun = await begin()
            except SessionMoved as moved:
                document = argument.context.document if argument.context else None
                folder = await self._order.folder(argument.workspace, document)
                await bring_here(self._services, moved, folder, request.signal)
                begun = await begin()
        except BaseException:
            if progress is not None:
                self._services.progress.end(progress)
            raise
        request.has_run.set()
        ending: Awaitable[Run]
        if isinstance(begun, Waiting):
            ending = self._queries.in_its_turn(begun, request)
            now = queued_run(begun)
        else:
            ending = asyncio.shield(begun.ended)
            now = begun.snapshot()
        return await self._answer(now, ending, waits=waits)

    async def _queue_up(
        self, to_editor: Emit, folder: Folder, busy: SessionAtWork | SessionKept
    ) -> Waiting:
        kept = isinstance(busy, SessionKept)
        if kept and not self._services.editor.profile.show_message_request:
            raise busy  # nobody can be asked whether it is taken over
        waiting = await self._queries.queue_up(
            folder, busy, self._request, to_editor, run_id=self._run_id
        )
        if self._argument.if_busy == "steer" and not kept:
            try:
                await self._queries.send(waiting)
            except BaseException:
                self._services.agent.queue.leave(waiting)
                raise
        return waiting

    async def _answer(self, now: Run, ending: Awaitable[Run], *, waits: bool) -> Run:
        """Answer with how a run stands, or has ended; whoever can't see that is shown it."""
        shown = asyncio.ensure_future(ending)
        unseen = not waits or self._opens or not self._shows
        if unseen and self._document is None:
            self._services.editor.spawn(self._report_end(shown, waits=waits))
        if not waits:
            return now
        ended = await asyncio.shield(shown)
        fault = fault_of(ended)
        if fault is not None:
            raise fault
        return ended

    async def _report_end(self, ending: asyncio.Future[Run], *, waits: bool) -> None:
        ended = await asyncio.shield(ending)
        await self._queries.display.report_end(
            ended, shows=self._shows, waits=waits, opens=self._opens
        )


def _both(one: Emit, other: Emit) -> Emit:
    def emit(event: Event) -> None:
        one(event)
        other(event)

    return emit


def with_text(
    services: Services, context: EditorContext | None, given: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """Return a command's context as it came, with what is selected as the editor has it now.

    Args:
        services: Know what the editor has open.
        context: The context.
        given: The command's argument as it came.
    """
    if context is None or context.document is None or context.range is None or context.text:
        return None if context is None else given["context"]
    text = services.open_documents.text_of(context.document)
    if text is None:
        return dict(given["context"])
    selected = text_in(text, context.range, services.editor.profile.encoding)
    # Of a longer one the agent is told where it is, alone.
    return {**given["context"], "text": selected if len(selected) <= MAX_SELECTION else ""}
