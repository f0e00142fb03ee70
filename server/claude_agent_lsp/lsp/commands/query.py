"""`claudeAgent.query` and `claudeAgent.cancel`: a run begins, and is stopped."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.agent.process.launch import BYPASS, Overrides
from claude_agent_lsp.agent.run.query import Query
from claude_agent_lsp.errors import NotTrusted
from claude_agent_lsp.lsp.commands import arguments
from claude_agent_lsp.lsp.commands.registry import CommandGroup, command
from claude_agent_lsp.lsp.commands.run_display import RunDisplay
from claude_agent_lsp.lsp.convert.to_errors import fault_of

if TYPE_CHECKING:
    from claude_agent_lsp.agent.run.run import ActiveRun
    from claude_agent_lsp.base.abort import AbortController
    from claude_agent_lsp.base.disk.places import Place
    from claude_agent_lsp.lsp.commands.order import Order
    from claude_agent_lsp.lsp.commands.registry import Request
    from claude_agent_lsp.lsp.services.services import Services
    from claude_agent_lsp.workspace.folders import Folder
    from claude_agent_lsp.workspace.settings import Settings

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
    queries for one session the second is refused, "new" holds for the query behind it, and a cancel
    finds the query before it. No folder waits for another one, and a cancel for none.
    """

    def __init__(self, services: Services, order: Order) -> None:
        super().__init__(services, order)
        self._beginning: set[_StartingQuery] = set()
        self._display = RunDisplay(services)

    @command("claudeAgent.query", arguments.QueryArgument)
    async def query(self, argument: arguments.QueryArgument, request: Request) -> object:
        """Ask the agent."""
        run = await self._begin_in_order(argument, request)
        request.has_run.set()
        waits = self._services.editor.profile.waits if argument.wait is None else argument.wait
        if not waits or not self._services.editor.profile.shows_results:
            self._services.editor.spawn(self._report_end(run, waits=waits))
        if not waits:
            return run.snapshot()
        ended = await asyncio.shield(run.ended)
        fault = fault_of(ended)
        if fault is not None:
            raise fault
        return ended

    async def _begin_in_order(
        self, argument: arguments.QueryArgument, request: Request
    ) -> ActiveRun:
        over = asyncio.get_running_loop().create_future()
        beginning = _StartingQuery(request.stop, over)
        self._beginning.add(beginning)
        document = argument.context.document if argument.context else None
        run = None
        try:
            async with self._order.in_folder(argument.workspace, document) as folder:
                run = await self._begin(folder, argument, request)
                if any(run.is_target(**which) for which in beginning.cancels):
                    self._services.agent.cancel(run_id=run.run_id)
        finally:
            self._beginning.discard(beginning)
            beginning.over.set_result(run)
        return run

    async def _begin(
        self, folder: Folder, argument: arguments.QueryArgument, request: Request
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
        run = await self._ask(
            _query(
                argument,
                folder,
                settings,
                trusted=trusted,
                place=self._services.trust.place(folder.path),
            ),
            argument,
            request,
        )
        if revoked.done():  # it has lost the trust that these settings were read with
            self._services.agent.cancel(run_id=run.run_id)
        if not trusted:
            self._services.editor.spawn(self._services.trust.offer(folder, as_sent, run))
        return run

    async def _ask(
        self, query: Query, argument: arguments.QueryArgument, request: Request
    ) -> ActiveRun:
        """Begin the run, and show its progress from before it begins."""
        progress = self._display.start(request.work_done_token, argument.prompt, request.stop)
        try:
            return await self._services.agent.ask(
                query,
                signal=request.signal,
                to_editor=self._display.to_editor(argument.partial_result_token, progress),
                backpressure=self._services.editor.backpressure,
            )
        except BaseException:
            if progress is not None:
                self._services.progress.end(progress)
            raise

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

    async def _report_end(self, run: ActiveRun, *, waits: bool) -> None:
        await self._display.report_end(await asyncio.shield(run.ended), waits=waits)


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
