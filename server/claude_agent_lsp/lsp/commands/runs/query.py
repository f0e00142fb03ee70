"""`claudeAgent.query` and `claudeAgent.cancel`: a run begins, and is stopped."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from claude_agent_lsp.agent.ownership.session_queue import Waiting
from claude_agent_lsp.errors import SessionKept, SessionMoved
from claude_agent_lsp.lsp.commands import arguments
from claude_agent_lsp.lsp.commands.registry import CommandGroup, command
from claude_agent_lsp.lsp.commands.runs.moving import bring_here
from claude_agent_lsp.lsp.commands.runs.run_display import queued_run
from claude_agent_lsp.lsp.convert.to_errors import fault_of
from claude_agent_lsp.workspace.documents.positions import text_in

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from claude_agent_lsp.agent.events import Emit, Run
    from claude_agent_lsp.errors import SessionAtWork
    from claude_agent_lsp.lsp.commands.registry import Request
    from claude_agent_lsp.workspace.folders import Folder


class QueryCommands(CommandGroup):
    """Begins runs and stops them.

    What an editor sends takes effect in each folder in the order in which it was sent: of two
    queries for one session the second waits for the first, "new" holds for the query behind it, and
    a cancel finds the query before it. No folder waits for another one, and a cancel for none.
    """

    @command("claudeAgent.query", arguments.QueryArgument)
    async def query(self, argument: arguments.QueryArgument, request: Request) -> object:
        """Ask the agent."""
        argument = self._with_selection(argument)
        display = self._queries.display
        progress = display.start(request.work_done_token, argument.prompt, request.stop)
        to_editor = display.to_editor(
            argument.partial_result_token, progress, subagent_text=argument.subagent_text
        )
        waits = self._services.editor.profile.waits if argument.wait is None else argument.wait
        queue_up = partial(self._queue_up, argument, request, to_editor)
        refuses = argument.if_busy == "refuse"
        try:
            begin = partial(
                self._queries.beginning.in_order,
                argument,
                request,
                to_editor,
                at_work=None if refuses else queue_up,
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

    def _with_selection(self, argument: arguments.QueryArgument) -> arguments.QueryArgument:
        """Return it with what is selected in the editor now, if the document is open there."""
        context = argument.context
        if context is None or context.document is None or context.range is None:
            return argument
        document = self._services.open_documents.at(context.document)
        if document is None:
            return argument
        encoding = self._services.editor.profile.encoding
        selected = text_in(document.text, context.range, encoding)
        return replace(argument, context=replace(context, selected=selected))

    async def _queue_up(
        self,
        argument: arguments.QueryArgument,
        request: Request,
        to_editor: Emit,
        folder: Folder,
        busy: SessionAtWork | SessionKept,
    ) -> Waiting:
        kept = isinstance(busy, SessionKept)
        if kept and not self._services.editor.profile.show_message_request:
            raise busy  # nobody can be asked whether it is taken over
        waiting = await self._queries.queue_up(folder, busy, request, to_editor)
        if argument.if_busy == "steer" and not kept:
            try:
                await self._queries.send(waiting)
            except BaseException:
                self._services.agent.queue.leave(waiting)
                raise
        return waiting

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

    @command("claudeAgent.cancel", arguments.CancelArgument)
    async def cancel(self, argument: arguments.CancelArgument, _: Request) -> object:
        """Stop runs."""
        stopped = await self._queries.beginning.cancel(
            run_id=argument.run_id, session_id=argument.session_id
        )
        return {"cancelled": stopped}

    async def _report_end(self, ending: asyncio.Future[Run], *, waits: bool) -> None:
        await self._queries.display.report_end(await asyncio.shield(ending), waits=waits)
