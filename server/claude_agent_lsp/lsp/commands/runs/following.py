"""The commands about sessions at work in other servers on this machine: to see and to get them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_agent_lsp.agent.events import Ended
from claude_agent_lsp.agent.exclusive import hold_session
from claude_agent_lsp.agent.following.follower import Follower
from claude_agent_lsp.lsp.commands import session_arguments as arguments
from claude_agent_lsp.lsp.commands.registry import CommandGroup, command

if TYPE_CHECKING:
    from claude_agent_lsp.agent.events import Emit, Event, Run
    from claude_agent_lsp.base.abort import AbortController
    from claude_agent_lsp.lsp.commands.order import Order
    from claude_agent_lsp.lsp.commands.registry import Request
    from claude_agent_lsp.lsp.commands.runs.waiting_queries import WaitingQueries
    from claude_agent_lsp.lsp.services.services import Services


class FollowCommands(CommandGroup):
    """Follows sessions of other servers, and takes them over."""

    def __init__(self, services: Services, order: Order, queries: WaitingQueries) -> None:
        super().__init__(services, order, queries)
        self._made: Follower | None = None

    @property
    def _follower(self) -> Follower:
        if self._made is None:  # the agent is made late
            self._made = Follower(self._services.agent, self._show)
        return self._made

    @command("claudeAgent.session.follow", arguments.SessionFollowArgument)
    async def follow_session(self, argument: arguments.SessionFollowArgument, _: Request) -> object:
        """See a session go on in another server."""
        session_id = argument.session_id
        finding = self._services.sessions.find(session_id)
        session, found = await self._follower.follow(session_id, finding)
        at_work = {"run": found.run, "firstMessageId": found.first_message_id}
        return {"session": session, **(at_work if found.run is not None else {})}

    @command("claudeAgent.session.unfollow", arguments.SessionUnfollowArgument)
    async def unfollow_session(
        self, argument: arguments.SessionUnfollowArgument, _: Request
    ) -> object:
        """Follow a session no longer."""
        return {"followed": self._follower.unfollow(argument.session_id)}

    @command("claudeAgent.session.takeOver", arguments.SessionTakeOverArgument)
    async def take_over_session(
        self, argument: arguments.SessionTakeOverArgument, request: Request
    ) -> object:
        """Have another server stop its run in a session, and go on with that here."""
        services, session_id = self._services, argument.session_id
        session = await services.sessions.find(session_id)
        await self._order.folder(session.workspace)
        if await self._lane(session_id).read(services.agent.locks.elsewhere, session_id):
            await services.agent.custody.takeovers.stop_and_get(
                session_id, request.signal, ends_background=argument.end_background
            )
        async with (
            self._order.in_folder(session.workspace) as folder,
            hold_session(services.agent, session_id),
        ):
            await services.agent.select(folder.path, session_id)
        return services.session_events.changed(await services.sessions.find(session_id))

    def _show(self, run: Run, stop: AbortController) -> Emit:
        """Return what shows the events of a followed run, as those of one that nobody asked for."""
        display, shown = self._queries.display, self._services.progress
        progress = display.start(None, run.prompt or run.cause or "Following", stop)
        show = display.on_own_token(run.run_id, display.to_editor(None, progress))
        if progress is None:
            return show
        forget = stop.signal.listen(lambda _: shown.close(progress, "Followed no longer"))

        def to_editor(event: Event) -> None:
            if isinstance(event, Ended):
                forget()
            show(event)

        return to_editor
