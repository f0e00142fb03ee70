"""Who gets what a process says: the turn of a run, while it has the process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from claude_agent_sdk import Message, PermissionResult, ToolPermissionContext

    from claude_agent_lsp.errors import RequestFailed


class Receiver(Protocol):
    """A run that gets the process's messages while it has the process."""

    def receive(self, message: Message) -> None:
        """Take the next message."""

    def room(self) -> Awaitable[None] | None:
        """Return what to wait for before the next message, or None: the editor may be slow."""

    def lost(self, fault: RequestFailed) -> None:
        """Take note that the process is gone; no message will follow."""

    async def decide(
        self, tool: str, tool_input: dict[str, Any], context: ToolPermissionContext
    ) -> PermissionResult:
        """Let the user decide about a tool call."""
