"""Runs that know what was said in a session, change nothing, and leave no trace of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from claude_agent_lsp.agent.changes.git_changes import diff_of, repository
from claude_agent_lsp.errors import Internal
from claude_agent_lsp.lsp.commands.arguments import parse
from claude_agent_lsp.lsp.commands.code.arguments import TracelessArgument
from claude_agent_lsp.lsp.commands.registry import CommandGroup
from claude_agent_lsp.sessions.changes.folder_scan import TooManyError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from claude_agent_lsp.agent.changes.git_changes import ChangedFile
    from claude_agent_lsp.agent.changes.git_view import GitView
    from claude_agent_lsp.agent.events import Emit, Event
    from claude_agent_lsp.agent.run.run import ActiveRun
    from claude_agent_lsp.lsp.commands.registry import Request
    from claude_agent_lsp.workspace.folders import Folder


class TracelessCommands(CommandGroup):
    """Begins such runs, and knows what they are told of a repository."""

    async def _begin(
        self,
        asked: Mapping[str, Any],
        title: str,
        request: Request,
        also: Callable[[Event], None] = lambda _: None,
    ) -> ActiveRun:
        """Begin a run that leaves no trace.

        Args:
            asked: The argument of a `claudeAgent.query`; what is None is left out.
            title: What its progress is called.
            request: The request that it is for.
            also: Takes its events, too.
        """
        given = {name: value for name, value in asked.items() if value is not None}
        argument, display = parse(TracelessArgument, [given]), self._queries.display
        progress = display.start(request.work_done_token, title, request.stop)
        show = display.to_editor(argument.partial_result_token, progress, traceless=True)
        try:
            run = await self._queries.beginning.in_order(argument, request, _both(show, also))
        except BaseException:
            if progress is not None:
                self._services.progress.end(progress)
            raise
        request.has_run.set()
        return run  # type: ignore[return-value] # a session of its own is never waited for

    async def _changes(
        self, folder: Folder, find: Callable[[GitView], Awaitable[Sequence[ChangedFile]]]
    ) -> tuple[GitView, str]:
        """Return the folder's repository, and what has changed in it as a diff.

        Raises:
            NoRepository: There is none.
            NothingChanged: Nothing has.
        """
        lane = self._services.agent.lanes.folder(folder.path)
        try:
            view = await repository(folder.path)
            found = await find(view)
            return view, await diff_of(view, found, self._services.open_documents.text_of, lane)
        except (OSError, TooManyError) as error:
            raise Internal(
                f"Git can't tell what has changed in {folder.path}: {error}",
                hint="See whether `git status` works there.",
            ) from error


def _both(first: Emit, second: Emit) -> Emit:
    def emit(event: Event) -> None:
        first(event)
        second(event)

    return emit
