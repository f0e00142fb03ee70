"""Begins the run of a query, in the order of its folder."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.agent.process.launch import BYPASS, Overrides
from claude_agent_lsp.agent.run.query import Query
from claude_agent_lsp.errors import NotTrusted, SessionAtWork, SessionKept

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from claude_agent_lsp.agent.events import Emit
    from claude_agent_lsp.agent.ownership.session_queue import Waiting
    from claude_agent_lsp.agent.run.run import ActiveRun
    from claude_agent_lsp.base.abort import AbortController
    from claude_agent_lsp.base.disk.places import Place
    from claude_agent_lsp.lsp.commands.arguments import QueryArgument
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


class Beginning:
    """The queries on their way to their runs.

    Args:
        services: What they begin with.
        order: Assigns each its place.
    """

    def __init__(self, services: Services, order: Order) -> None:
        self._services = services
        self._order = order
        self._beginning: set[_StartingQuery] = set()

    async def in_order(
        self,
        argument: QueryArgument,
        request: Request,
        to_editor: Emit,
        waiting: Waiting | None = None,
        *,
        at_work: Callable[[Folder, SessionAtWork | SessionKept], Awaitable[Waiting]] | None = None,
        run_id: str | None = None,
    ) -> ActiveRun | Waiting:
        """Begin the run in its folder's order, or have it wait for its session.

        Args:
            argument: What is asked.
            request: Its request.
            to_editor: Takes its events.
            waiting: Its place in the queue, once it has had one.
            at_work: Gives it one in a folder, for a session at work or that another server keeps.
            run_id: Its run's id, if it has one without having waited.

        Raises:
            SessionAtWork: Somebody was quicker than one that has waited, or it may not wait.
            SessionKept: So was another server, or it may not ask for the session.
        """
        over = asyncio.get_running_loop().create_future()
        beginning = _StartingQuery(request.stop, over)
        self._beginning.add(beginning)
        document = argument.context.document if argument.context else None
        run = None
        try:
            async with self._order.in_folder(argument.workspace, document) as folder:
                try:
                    run = await self._begin(
                        folder,
                        argument,
                        request,
                        to_editor,
                        run_id=run_id if waiting is None else waiting.run_id,
                        message_id=None if waiting is None else waiting.message_id,
                    )
                except (SessionAtWork, SessionKept) as busy:
                    if at_work is None:
                        raise
                    return await at_work(folder, busy)
                if any(run.is_target(**which) for which in beginning.cancels):
                    self._services.agent.cancel(run_id=run.run_id)
        finally:
            self._beginning.discard(beginning)
            beginning.over.set_result(run)
        return run

    async def cancel(self, *, run_id: str | None, session_id: str | None) -> list[str]:
        """Stop runs, and the queries that may be on their way to them.

        The latter are stopped as soon as their runs are there; nobody waits for a folder whose disk
        hangs.

        Returns:
            The ids of the runs that are being stopped.
        """
        which = {"run_id": run_id, "session_id": session_id}
        stopped = self._services.agent.cancel(**which)
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
        return list(dict.fromkeys(stopped))

    async def _begin(
        self,
        folder: Folder,
        argument: QueryArgument,
        request: Request,
        to_editor: Emit,
        *,
        run_id: str | None,
        message_id: str | None,
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
            query_of(argument, folder, settings, trusted=trusted, place=place),
            signal=request.signal,
            to_editor=to_editor,
            backpressure=self._services.editor.backpressure,
            run_id=run_id,
            message_id=message_id,
        )
        if revoked.done():  # it has lost the trust that these settings were read with
            self._services.agent.cancel(run_id=run.run_id)
        if not trusted:
            offer = self._services.trust.offer(
                folder, as_sent.withheld(), settings.question_timeout_seconds, run
            )
            self._services.editor.spawn(offer)
        return run


def query_of(
    argument: QueryArgument,
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
        session=argument.session_by(settings),
        fork=argument.fork,
        resume_at=argument.resume_at,
        in_place=argument.in_place,
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
        traceless=argument.traceless,
        new_id=argument.new_id(),
    )
