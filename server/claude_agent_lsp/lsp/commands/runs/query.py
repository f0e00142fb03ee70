"""`claudeAgent.query` and `claudeAgent.cancel`: a run begins, and is stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_agent_lsp.lsp.commands import arguments
from claude_agent_lsp.lsp.commands.registry import CommandGroup, command
from claude_agent_lsp.lsp.commands.runs.asking import Asking

if TYPE_CHECKING:
    from claude_agent_lsp.lsp.commands.registry import Request


class QueryCommands(CommandGroup):
    """Begins runs and stops them."""

    @command("claudeAgent.query", arguments.QueryArgument)
    async def query(self, argument: arguments.QueryArgument, request: Request) -> object:
        """Ask the agent."""
        asking = Asking(self._services, self._order, self._queries, argument, request)
        return await asking.answer()

    @command("claudeAgent.cancel", arguments.CancelArgument)
    async def cancel(self, argument: arguments.CancelArgument, _: Request) -> object:
        """Stop runs."""
        stopped = await self._queries.beginning.cancel(
            run_id=argument.run_id, session_id=argument.session_id
        )
        return {"cancelled": stopped}
