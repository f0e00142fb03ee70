"""An MCP server inside this process, in plain JSON: the SDK's own needs `mcp` and pydantic.

It has tools and nothing else. `base/lazy_sdk.py` has the SDK hand it the CLI's messages.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.buffers.tool_texts import ToolRefusedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

logger = logging.getLogger(__name__)

NO_SUCH_METHOD: Final = -32601
# That of a client which names none.
VERSION: Final = "2025-06-18"


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool of the server's.

    Attributes:
        name: What it is called.
        description: What it does, for who calls it.
        schema: The JSON Schema of its input.
        use: Does it, and returns what there is to say; what it raises is an error for the caller.
        reads: Whether it changes nothing.
        always_told: Whether the agent knows it from the start, and needs not look for it.
    """

    name: str
    description: str
    schema: Mapping[str, Any]
    use: Callable[[Mapping[str, Any]], Awaitable[str]]
    reads: bool = True
    always_told: bool = False


class McpServer:
    """Answers the CLI's messages.

    Args:
        name: What it is called.
        tools: What it has.
    """

    def __init__(self, name: str, tools: Iterable[Tool]) -> None:
        self._name = name
        self._tools = {tool.name: tool for tool in tools}

    async def handle(self, message: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the answer to a message; None to a notification."""
        if "id" not in message:
            return None
        answer = {"jsonrpc": "2.0", "id": message["id"]}
        given = message.get("params")
        params = given if isinstance(given, dict) else {}
        match message.get("method"):
            case "initialize":
                return {**answer, "result": self._about(params)}
            case "ping":
                return {**answer, "result": {}}
            case "tools/list":
                return {**answer, "result": {"tools": [_told(t) for t in self._tools.values()]}}
            case "tools/call" if params.get("name") in self._tools:
                return {**answer, "result": await self._call(params)}
            case method:
                error = {"code": NO_SUCH_METHOD, "message": f"There is no {method} here."}
                return {**answer, "error": error}

    async def aclose(self) -> None:
        """Have nothing to close."""

    def _about(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "protocolVersion": params.get("protocolVersion", VERSION),
            "capabilities": {"tools": {}},
            "serverInfo": {"name": self._name, "version": "1"},
        }

    async def _call(self, params: Mapping[str, Any]) -> dict[str, Any]:
        given = params.get("arguments")
        try:
            text = await self._tools[params["name"]].use(given if isinstance(given, dict) else {})
        except ToolRefusedError as refused:
            return {"content": [_text(str(refused))], "isError": True}
        except Exception as error:
            logger.exception("The tool %s failed", params["name"])
            return {"content": [_text(f"{type(error).__name__}: {error}")], "isError": True}
        return {"content": [_text(text)]}


def _told(tool: Tool) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "inputSchema": dict(tool.schema),
        "annotations": {"readOnlyHint": tool.reads},
        # Else the CLI (2.1.332) may leave it out until the agent looks for such a tool.
        "_meta": {"anthropic/alwaysLoad": tool.always_told},
    }


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
