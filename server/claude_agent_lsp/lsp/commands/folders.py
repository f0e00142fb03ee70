"""The commands about folders and what they are run with: status, capabilities, mode, trust."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, get_args

from claude_agent_lsp.agent.process.launch import BYPASS
from claude_agent_lsp.base.abort import Aborted, AbortSignal
from claude_agent_lsp.errors import NotTrusted
from claude_agent_lsp.lsp.commands import arguments
from claude_agent_lsp.lsp.commands.registry import CommandGroup, command
from claude_agent_lsp.lsp.commands.status import describe
from claude_agent_lsp.workspace.modes import PermissionMode

if TYPE_CHECKING:
    from claude_agent_lsp.lsp.commands.registry import Request


class FolderCommands(CommandGroup):
    """Reports what goes on, and changes what is allowed."""

    @command("claudeAgent.status", arguments.StatusArgument)
    async def status(self, _: arguments.StatusArgument, __: Request) -> object:
        """Return what goes on."""
        return await describe(self._services)

    @command("claudeAgent.capabilities", arguments.CapabilitiesArgument)
    async def capabilities(
        self, argument: arguments.CapabilitiesArgument, request: Request
    ) -> object:
        """Return what the CLI offers in a folder."""
        agent = self._services.agent
        folder = await self._order.folder(argument.workspace)
        await self._services.trust.look_again(folder.path)
        revoked = AbortSignal.when(agent.lanes.folder(folder.path).revoked)
        settings = await self._services.configuration.settings_in(folder)
        trusted = await self._services.trust.is_trusted(folder.path)
        signal = AbortSignal.any(request.signal, revoked)
        try:
            process = await agent.idle_processes.process_in(
                folder.path,
                settings,
                signal,
                trusted=trusted,
                place=self._services.trust.place(folder.path),
            )
        except Aborted:
            request.signal.throw_if_aborted()
            raise NotTrusted(f"{folder.path} is no longer trusted.") from None
        finally:
            signal.release()
            revoked.release()
        asked = asyncio.ensure_future(process.call(lambda client: client.get_mcp_status()))
        asked.add_done_callback(lambda done: done.cancelled() or done.exception())
        servers = await request.signal.wait_or_abort(asked)
        return {
            "models": process.info.get("models", []),
            "modes": list(get_args(PermissionMode)),
            "slashCommands": process.info.get("commands", []),
            "agents": process.info.get("agents", []),
            "mcpServers": [
                {"name": server["name"], "status": server["status"]}
                for server in servers.get("mcpServers", [])
            ],
        }

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
