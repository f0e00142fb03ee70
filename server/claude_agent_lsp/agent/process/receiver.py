"""Who gets what a process says: the turn of a run, while it has the process.

    nobody ──▶ a turn begins that nobody has asked for ──▶ its owner is found ──▶ a run has it

The CLI begins turns by itself: a background task has ended, a timer has fired. Its first message
waits until a run has it, and what comes behind it with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol

from claude_agent_sdk import (
    AssistantMessage,
    PermissionResultAllow,
    PermissionResultDeny,
    StreamEvent,
    SystemMessage,
)

from claude_agent_lsp.agent.permissions.diff import EDITS as EDITABLE
from claude_agent_lsp.agent.saying.notices import is_for_user
from claude_agent_lsp.base.abort import AbortController, Aborted
from claude_agent_lsp.errors import Internal, ProcessDied

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from claude_agent_sdk import Message, PermissionResult, ToolPermissionContext

    from claude_agent_lsp.agent.process.process import AgentProcess
    from claude_agent_lsp.base.abort import AbortSignal
    from claude_agent_lsp.errors import RequestFailed

    # Has a run attach itself to a process, for a turn that has begun by itself. Returns once it
    # has, or none can; the signal fires if another run has the turn.
    FindOwner = Callable[[AgentProcess, AbortSignal], Awaitable[None]]

logger = logging.getLogger(__name__)

# What is said between turns and meant for the user is a few lines.
UNHEARD: Final = 50
AT_WORK: Final = ("running", "requires_action")


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

    async def before_tool(self, tool: str, tool_input: Mapping[str, Any], call_id: str) -> None:
        """See how files are before a tool is used that may change them."""

    async def recorded(self, files: Sequence[Path], edit: Callable[[], Awaitable[str]]) -> str:
        """Have files edited by this server, and see what has become of them."""


async def nobody(process: AgentProcess, _: AbortSignal) -> None:
    """Own no such turn."""
    logger.warning("The agent goes on by itself in %s, and nobody listens", process.session_id)


class CurrentReceiver:
    """The receiver of one process, or nobody between turns.

    Args:
        session_id: The process's session, for the log.
        fail: Called when the receiver could not take a message: the process has to end.
        find_owner: Has a run attach itself, for a turn that has begun by itself; returns if none
            can. Its signal fires as soon as another one has attached itself.
    """

    def __init__(
        self,
        session_id: str,
        fail: Callable[[], object],
        find_owner: Callable[[AbortSignal], Awaitable[None]],
    ) -> None:
        self._session_id = session_id
        self._fail = fail
        self._find_owner = find_owner
        self._receiver: Receiver | None = None
        self._fault: RequestFailed | None = None
        self._finding: asyncio.Future[None] | None = None
        self._attached = AbortController()
        self._modified: set[str] = set()
        self._unheard: deque[SystemMessage] = deque(maxlen=UNHEARD)

    def attach(self, receiver: Receiver) -> None:
        """Pass messages and questions to `receiver` until `detach`.

        It first gets what the CLI has said for the user while nobody was there, as the hooks of a
        session's start do.
        """
        self._receiver = receiver
        self._attached.abort()
        while self._unheard and self._receiver is receiver:
            self._pass_on(self._unheard.popleft(), receiver)
        if self._fault is not None:
            receiver.lost(self._fault)

    def detach(self) -> None:
        """Drop what comes from now on, unless a turn begins with it."""
        self._receiver = None
        self._attached = AbortController()

    async def deliver(self, message: Message) -> None:
        """Pass it the next message, and wait until it has room for another one."""
        if self._receiver is None and _begins_turn(message):
            await self._have_owner()
        receiver = self._receiver
        if receiver is None:
            if isinstance(message, SystemMessage) and is_for_user(message.subtype, message.data):
                self._unheard.append(message)
            return
        self._pass_on(message, receiver)
        room = receiver.room()
        if room is not None:
            await room

    def _pass_on(self, message: Message, receiver: Receiver) -> None:
        try:
            receiver.receive(message)
        except Exception as error:
            # A fault of ours. The run can't know what its agent does any more: it has to stop.
            logger.exception("A message of %s could not be read", self._session_id)
            name = type(error).__name__
            receiver.lost(Internal(f"The agent's message could not be read: {name}: {error}"))
            self.detach()
            self._fail()

    async def decide(
        self, tool: str, tool_input: dict[str, Any], context: ToolPermissionContext
    ) -> PermissionResult:
        """Let its user decide about a tool call; if nobody can be asked, it is denied."""
        if self._receiver is None:
            await self._have_owner()
        if self._receiver is None:
            return PermissionResultDeny(message="The run has ended, so the user can't be asked.")
        result = await self._receiver.decide(tool, tool_input, context)
        changed = isinstance(result, PermissionResultAllow) and result.updated_input is not None
        if changed and tool in EDITABLE and context.tool_use_id:
            self._modified.add(context.tool_use_id)
        return result

    def is_modified(self, call_id: str) -> bool:
        """Return, once, whether the user has changed what a tool call does to a file."""
        if call_id not in self._modified:
            return False
        self._modified.remove(call_id)
        return True

    async def before_tool(self, tool: str, tool_input: Mapping[str, Any], call_id: str) -> None:
        """Let it see how files are before a tool is used; never raises."""
        if self._receiver is not None:
            await self._receiver.before_tool(tool, tool_input, call_id)

    async def recorded(self, files: Sequence[Path], edit: Callable[[], Awaitable[str]]) -> str:
        """Have files edited by this server, and let it see what has become of them."""
        receiver = self._receiver
        return await (edit() if receiver is None else receiver.recorded(files, edit))

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

    async def _have_owner(self) -> None:
        """Wait until a run has the turn, or none can."""
        if self._finding is None or self._finding.done():
            self._finding = asyncio.ensure_future(self._find_owner(self._attached.signal))
            self._finding.add_done_callback(self._note_found)
        with contextlib.suppress(Exception):
            await self._attached.signal.wait_or_abort(self._finding)

    def _note_found(self, finding: asyncio.Future[None]) -> None:
        error = None if finding.cancelled() else finding.exception()
        if error is not None and not isinstance(error, Aborted | ProcessDied):
            logger.error("A turn of %s has no owner", self._session_id, exc_info=error)
            self._fail()


def _begins_turn(message: Message) -> bool:
    """Return whether a turn is at work, if this comes while none is known."""
    if isinstance(message, SystemMessage):
        changed = message.subtype == "session_state_changed"
        return changed and message.data.get("state") in AT_WORK
    return isinstance(message, AssistantMessage | StreamEvent)
