"""`claudeAgent.query` and `claudeAgent.cancel`: a run begins, and is stopped."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from claude_agent_lsp.lsp.commands import arguments
from claude_agent_lsp.lsp.commands.arguments import parse
from claude_agent_lsp.lsp.commands.registry import CommandGroup, command
from claude_agent_lsp.lsp.commands.runs.asking import Asking, with_text

if TYPE_CHECKING:
    from claude_agent_lsp.lsp.commands.registry import Request


class QueryCommands(CommandGroup):
    """Begins runs and stops them."""

    @command("claudeAgent.query", arguments.QueryArgument)
    async def query(self, argument: arguments.QueryArgument, request: Request) -> object:
        """Ask the agent."""
        context = with_text(self._services, argument.context, request.given)
        if context is not None:
            request = replace(request, given={**request.given, "context": context})
            argument = parse(arguments.QueryArgument, [request.given])
        asking = Asking(self._services, self._order, self._queries, argument, request)
        return await asking.answer()

    @command("claudeAgent.cancel", arguments.CancelArgument)
    async def cancel(self, argument: arguments.CancelArgument, _: Request) -> object:
        """Stop runs."""
        stopped = await self._queries.beginning.cancel(
            run_id=argument.run_id, session_id=argument.session_id
        )
        return {"cancelled": stopped}
