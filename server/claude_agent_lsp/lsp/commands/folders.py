"""The commands about folders: status, mode, trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_agent_lsp.agent.process.launch import BYPASS
from claude_agent_lsp.errors import NotTrusted
from claude_agent_lsp.lsp.commands import arguments
from claude_agent_lsp.lsp.commands.registry import CommandGroup, command
from claude_agent_lsp.lsp.commands.status import describe

if TYPE_CHECKING:
    from claude_agent_lsp.lsp.commands.registry import Request


class FolderCommands(CommandGroup):
    """Reports what goes on, and changes what is allowed."""

    @command("claudeAgent.status", arguments.StatusArgument)
    async def status(self, _: arguments.StatusArgument, __: Request) -> object:
        """Return what goes on."""
        return await describe(self._services)

    @command("claudeAgent.mode", arguments.ModeArgument)
    async def mode(self, argument: arguments.ModeArgument, _: Request) -> object:
        """Change a session's permission mode, at once."""
        if argument.permission_mode == BYPASS:
            await self._refuse_bypass(argument.session_id)
        async with self._order.in_session(argument.session_id):
            taken = await self._services.agent.set_mode(
                argument.session_id, argument.permission_mode
            )
        await taken
        return {"sessionId": argument.session_id, "permissionMode": argument.permission_mode}

    @command("claudeAgent.trust", arguments.TrustArgument)
    async def trust(self, argument: arguments.TrustArgument, _: Request) -> object:
        """Trust a folder, or trust it no longer."""
        async with self._order.in_folder(argument.workspace) as folder:
            await self._services.trust.decide(folder.path, trusted=argument.trusted)
        return {"workspace": folder.path, "trusted": argument.trusted}

    async def _refuse_bypass(self, session_id: str) -> None:
        """Raise `NotTrusted` if the session's folder isn't trusted."""
        folder = await self._lane(session_id).read(self._services.agent.folder_of, session_id)
        if folder is not None and not await self._services.trust.is_trusted(folder):
            raise NotTrusted(
                f"bypassPermissions needs a trusted folder, and {folder} is not trusted."
            )
