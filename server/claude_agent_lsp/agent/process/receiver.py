"""Who gets what a process says: the turn of a run, while it has the process."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol

from claude_agent_sdk import PermissionResultDeny

from claude_agent_lsp.errors import Internal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from claude_agent_sdk import Message, PermissionResult, ToolPermissionContext

    from claude_agent_lsp.errors import RequestFailed

logger = logging.getLogger(__name__)


class Receiver(Protocol):
    """A run that gets the process's messages while it has the process."""

    def receive(self, message: Message) -> None:
        """Take the next message."""

    def room(self) -> Awaitable[None] | None:
        """Return what to wait for before the next message, or None: the editor may be slow."""

    def lost(self, fault: RequestFailed) -> None:
        """Be notified that the process is gone; no message will follow."""

    async def decide(
        self, tool: str, tool_input: dict[str, Any], context: ToolPermissionContext
    ) -> PermissionResult:
        """Let the user decide about a tool call."""


class CurrentReceiver:
    """The receiver of one process, or nobody: between turns what the CLI says belongs to no run.

    Args:
        session_id: The process's session, for the log.
        fail: Called when the receiver could not take a message: the process has to end.
    """

    def __init__(self, session_id: str, fail: Callable[[], object]) -> None:
        self._session_id = session_id
        self._fail = fail
        self._receiver: Receiver | None = None
        self._fault: RequestFailed | None = None

    def attach(self, receiver: Receiver) -> None:
        """Pass messages and questions to `receiver` until `detach`."""
        self._receiver = receiver
        if self._fault is not None:
            receiver.lost(self._fault)

    def detach(self) -> None:
        """Drop what comes from now on."""
        self._receiver = None

    async def deliver(self, message: Message) -> None:
        """Pass it the next message, and wait until it has room for another one."""
        receiver = self._receiver
        if receiver is None:
            return
        try:
            receiver.receive(message)
        except Exception as error:
            # A fault of ours. The run can't know what its agent does any more: it has to stop.
            logger.exception("A message of %s could not be read", self._session_id)
            name = type(error).__name__
            receiver.lost(Internal(f"The agent's message could not be read: {name}: {error}"))
            self.detach()
            self._fail()
        room = receiver.room()
        if room is not None:
            await room

    async def decide(
        self, tool: str, tool_input: dict[str, Any], context: ToolPermissionContext
    ) -> PermissionResult:
        """Let its user decide about a tool call; without a receiver it is denied."""
        if self._receiver is None:
            return PermissionResultDeny(message="The run has ended, so the user can't be asked.")
        return await self._receiver.decide(tool, tool_input, context)

    def lose(self, fault: RequestFailed) -> None:
        """Notify it, and whoever is attached later, that the process is gone."""
        self._fault = fault
        if self._receiver is None:
            return
        try:
            self._receiver.lost(fault)
        except Exception:
            logger.exception(
                "The run of %s could not be notified that its process ended", self._session_id
            )
