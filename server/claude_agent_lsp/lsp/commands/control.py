"""The commands about what the CLI is run with: MCP servers, context, limits."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, get_args

from claude_agent_lsp.base.abort import Aborted, AbortSignal
from claude_agent_lsp.base.texts.redaction import MASK, mask_secrets
from claude_agent_lsp.base.uris import uri_of
from claude_agent_lsp.errors import InvalidArgument, NotTrusted, RequestFailed
from claude_agent_lsp.lsp.commands import arguments, control_arguments
from claude_agent_lsp.lsp.commands.registry import CommandGroup, command
from claude_agent_lsp.sessions.transcripts.terminal_commands import offered
from claude_agent_lsp.workspace.modes import PermissionMode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from claude_agent_lsp.agent.process.process import AgentProcess
    from claude_agent_lsp.lsp.commands.registry import Request
    from claude_agent_lsp.workspace.folders import Folder

# What is shorter may be a part of any word.
_SHORTEST_SECRET: Final = 4
_CONTEXT_FIELDS: Final = (
    "model",
    "totalTokens",
    "maxTokens",
    "percentage",
    "autoCompactThreshold",
)
_CONTEXT_PARTS: Final = {
    "categories": ("name", "tokens"),
    "memoryFiles": ("path", "type", "tokens"),
    "mcpTools": ("name", "serverName", "tokens"),
    "agents": ("agentType", "source", "tokens"),
}


class ControlCommands(CommandGroup):
    """Tells what a folder's CLI has, and changes some of it."""

    @command("claudeAgent.capabilities", arguments.CapabilitiesArgument)
    async def capabilities(
        self, argument: arguments.CapabilitiesArgument, request: Request
    ) -> object:
        """Return what the CLI offers in a folder."""
        process = await self._process(await self._order.folder(argument.workspace), request)
        servers = await _ask(process, request, lambda client: client.get_mcp_status())
        return {
            "models": process.info.get("models", []),
            "modes": list(get_args(PermissionMode)),
            "slashCommands": offered(process.info.get("commands", [])),
            "agents": process.info.get("agents", []),
            "mcpServers": [
                {"name": server["name"], "status": server["status"]}
                for server in servers.get("mcpServers", [])
            ],
        }

    @command("claudeAgent.mcp.list", control_arguments.McpListArgument)
    async def list_servers(
        self, argument: control_arguments.McpListArgument, request: Request
    ) -> object:
        """Return a folder's MCP servers, and nothing of what they are started with."""
        process = await self._process(await self._order.folder(argument.workspace), request)
        return {"servers": await _servers(process, request)}

    @command("claudeAgent.mcp.toggle", control_arguments.McpToggleArgument)
    async def toggle_server(
        self, argument: control_arguments.McpToggleArgument, request: Request
    ) -> object:
        """Enable or disable an MCP server in all of a folder's processes; the CLI keeps it."""
        folder = await self._order.folder(argument.workspace)
        process = await self._known(folder, argument.name, request)

        async def toggle(client: Any) -> None:
            await client.toggle_mcp_server(argument.name, argument.enabled)

        await _ask(process, request, toggle)
        for other in self._services.agent.processes:
            if other is not process and other.ready and other.launch.folder == folder.path:
                # It may not have this server, or hang: what it says is nobody's answer.
                self._services.editor.spawn(_try(other, toggle))
        return await _server(process, argument.name, request)

    @command("claudeAgent.mcp.reconnect", control_arguments.McpReconnectArgument)
    async def reconnect_server(
        self, argument: control_arguments.McpReconnectArgument, request: Request
    ) -> object:
        """Connect an MCP server anew."""
        folder = await self._order.folder(argument.workspace)
        process = await self._known(folder, argument.name, request)
        try:
            await _ask(process, request, lambda client: client.reconnect_mcp_server(argument.name))
        except RequestFailed as error:
            server = await _server(process, argument.name, request)
            why = server.get("error") or server["status"]
            raise RequestFailed(
                f"The MCP server {argument.name} could not be connected: {why}.",
                hint="Look at its own log, or enable it with claudeAgent.mcp.toggle if it is off.",
            ) from error
        return await _server(process, argument.name, request)

    @command("claudeAgent.context", control_arguments.ContextArgument)
    async def context(
        self, argument: control_arguments.ContextArgument, request: Request
    ) -> object:
        """Return what the context of a session is full of."""
        agent, session_id = self._services.agent, argument.session_id
        if session_id is None:
            folder = await self._order.folder(argument.workspace)
            lane = agent.lanes.folder(folder.path)
            session_id = await lane.read(agent.current, folder.path)
        else:
            at = agent.folder_in_use(session_id)
            session = None if at else await self._services.sessions.find(session_id)
            folder = await self._order.folder(at if session is None else session.workspace)
        process = await self._process(folder, request, session_id)
        usage = await _ask(process, request, lambda client: client.get_context_usage())
        return {"sessionId": process.session_id, **_context(dict(usage), folder.path)}

    @command("claudeAgent.limits", control_arguments.LimitsArgument)
    async def limits(self, _: control_arguments.LimitsArgument, __: Request) -> object:
        """Return the account's limits, as they were last heard."""
        return {"limits": self._services.agent.limits.all}

    async def _process(
        self, folder: Folder, request: Request, session_id: str | None = None
    ) -> AgentProcess:
        """Return a process of a folder, started as its trust allows."""
        agent, trust = self._services.agent, self._services.trust
        await trust.look_again(folder.path)
        revoked = AbortSignal.when(agent.lanes.folder(folder.path).revoked)
        settings = await self._services.configuration.settings_in(folder)
        trusted = await trust.is_trusted(folder.path)
        signal = AbortSignal.any(request.signal, revoked)
        try:
            return await agent.idle_processes.process_in(
                folder.path,
                settings,
                signal,
                trusted=trusted,
                place=trust.place(folder.path),
                session_id=session_id,
            )
        except Aborted:
            request.signal.throw_if_aborted()
            raise NotTrusted(f"{folder.path} is no longer trusted.") from None
        finally:
            signal.release()
            revoked.release()

    async def _known(self, folder: Folder, name: str, request: Request) -> AgentProcess:
        """Return a process of a folder that has an MCP server of this name."""
        process = await self._process(folder, request)
        names = [server["name"] for server in await _servers(process, request)]
        if name not in names:
            known = ", ".join(names) or "there is none"
            raise InvalidArgument(f"name: expected one of this folder's MCP servers: {known}.")
        return process


async def _ask(
    process: AgentProcess, request: Request, ask: Callable[[Any], Awaitable[Any]]
) -> Any:
    """Ask something of a CLI, as long as the request is not cancelled."""
    asked = asyncio.ensure_future(process.call(ask))
    asked.add_done_callback(lambda done: done.cancelled() or done.exception())
    return await request.signal.wait_or_abort(asked)


async def _try(process: AgentProcess, ask: Callable[[Any], Awaitable[None]]) -> None:
    with contextlib.suppress(RequestFailed):
        await process.call(ask)


async def _servers(process: AgentProcess, request: Request) -> list[dict[str, Any]]:
    answer = await _ask(process, request, lambda client: client.get_mcp_status())
    return [_described(server) for server in answer.get("mcpServers", [])]


async def _server(process: AgentProcess, name: str, request: Request) -> dict[str, Any]:
    servers = await _servers(process, request)
    gone = {"name": name, "status": "failed"}
    return next((server for server in servers if server["name"] == name), gone)


def _described(server: Mapping[str, Any]) -> dict[str, Any]:
    """Return what can be told of an MCP server: how it is started may be secret."""
    told = {
        name: server[name]
        for name in ("name", "status", "scope", "transport", "serverInfo")
        if server.get(name) is not None
    }
    if (error := server.get("error")) is not None:
        told["error"] = _without(str(error), server.get("config"))
    tools = [tool for tool in server.get("tools") or () if isinstance(tool, Mapping)]
    shown = ("name", "description")
    return {**told, "tools": [{n: tool[n] for n in shown if n in tool} for tool in tools]}


def _without(text: str, config: object) -> str:
    """Return a text without what an MCP server is started with."""
    for value in sorted(set(_values_in(config)), key=len, reverse=True):
        if len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, MASK)
    return mask_secrets(text)


def _values_in(config: object) -> Iterator[str]:
    """Return the values of arguments, variables and headers, and the parts that may be secret."""
    if isinstance(config, str):
        yield from (config, *re.split(r"[\s=&?]+", config))
    elif isinstance(config, Mapping):
        for name, value in config.items():
            if name not in {"type", "command"}:
                yield from _values_in(value)
    elif isinstance(config, list):
        for value in config:
            yield from _values_in(value)


def _context(usage: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    told = {name: usage[name] for name in _CONTEXT_FIELDS if usage.get(name) is not None}
    for name, fields in _CONTEXT_PARTS.items():
        parts = [part for part in usage.get(name) or () if isinstance(part, Mapping)]
        told[name] = [{f: part[f] for f in fields if part.get(f) is not None} for part in parts]
    for file in told["memoryFiles"]:
        file["uri"] = uri_of(folder / str(file.pop("path", "")))
    return told
