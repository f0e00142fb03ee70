"""The editor at the other end, as the rest of `lsp/` sees it: all that it can be sent and asked.

Whoever needs the editor takes an `Editor`. That is small enough for a test to stand in for it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, Protocol

from lsprotocol import types

from claude_agent_lsp.lsp.client_profile import ClientProfile

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from claude_agent_lsp.lsp.protocol import AgentProtocol
    from claude_agent_lsp.lsp.wire.writer import MessageWriter

logger = logging.getLogger(__name__)

# Stands in the place of all choices but the first where a message is cut.
READ: Final = "Read it in full"
_CUT: Final = "Cut: read it in full to allow it."


class Editor(Protocol):
    """What can be done with an editor."""

    @property
    def profile(self) -> ClientProfile:
        """What is special about it."""

    @property
    def backpressure(self) -> MessageWriter:
        """Knows when it is too slow for more text."""

    def notify(self, method: str, params: object) -> None:
        """Send a notification."""

    async def request(self, method: str, params: object) -> Any:
        """Ask for something; if the caller is cancelled, the request is withdrawn.

        Raises:
            JsonRpcException: The editor answered with an error.
        """

    def progress(self, token: int | str, value: object) -> None:
        """Send `$/progress`."""

    def show_message(self, kind: types.MessageType, text: str) -> None:
        """Show a message to the user."""

    async def choose(self, title: str, text: str, choices: Sequence[str]) -> str | None:
        """Let the user choose, by a message.

        Args:
            title: The question.
            text: What there is to know of it.
            choices: The first does no harm.

        Returns:
            The choice; None if the editor shows none, or was closed without one. `READ` if only a
            part of the message fits into this editor's: it has no choices but the first then.

        Raises:
            JsonRpcException: The editor answered with an error.
        """

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin work that nobody waits for; what it raises is logged."""


class ConnectedEditor:
    """The editor on the other side of the pipe.

    Args:
        protocol: Speaks LSP with it.
        writer: The way to it.

    Attributes:
        profile: That of any editor, until it has sent `initialize`.
        backpressure: The writer.
    """

    def __init__(self, protocol: AgentProtocol, writer: MessageWriter) -> None:
        self._protocol = protocol
        self.backpressure = writer
        self.profile = ClientProfile()
        self._tasks: set[asyncio.Task[None]] = set()

    def notify(self, method: str, params: object) -> None:
        """Send a notification."""
        self._protocol.notify(method, params)

    async def request(self, method: str, params: object) -> Any:
        """Ask for something; if the caller is cancelled, the request is withdrawn."""
        return await self._protocol.ask(method, params)

    def progress(self, token: int | str, value: object) -> None:
        """Send `$/progress`."""
        self.notify(types.PROGRESS, types.ProgressParams(token=token, value=value))

    def show_message(self, kind: types.MessageType, text: str) -> None:
        """Show a message to the user; of a long one both ends, if the editor's hold no more."""
        box = self.profile.message_box
        message = text if box is None else box.line(text)
        self.notify(types.WINDOW_SHOW_MESSAGE, types.ShowMessageParams(kind, message))

    async def choose(self, title: str, text: str, choices: Sequence[str]) -> str | None:
        """Let the user choose, by a message."""
        box = self.profile.message_box
        message = f"{title}\n\n{text}"
        if box is not None:
            if box.holds(f"{title}\n{text}", choices):
                message = box.fitted(f"{title}\n{text}", choices)
            else:
                choices = (box.choice(choices[0]), READ)
                message = box.both_ends(title, text, _CUT, choices)
        params = types.ShowMessageRequestParams(
            type=types.MessageType.Warning,
            message=message,
            actions=[types.MessageActionItem(title=choice) for choice in choices],
        )
        shown = await self.request(types.WINDOW_SHOW_MESSAGE_REQUEST, params)
        chosen = getattr(shown, "title", None)
        return chosen if chosen in choices else None

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin work that nobody waits for; what it raises is logged."""
        task = asyncio.create_task(_log_failure(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _log_failure(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        logger.exception("Work in the background failed: %s", work)
