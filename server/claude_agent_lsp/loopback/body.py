"""The body of a response: a stream of events, or one message."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from claude_agent_lsp.loopback import wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from claude_agent_lsp.loopback.asgi import Send
    from claude_agent_lsp.loopback.request import Request

CHUNK = 64 * 1024
"""Bytes of events that are gathered, at most, where the script asks for no pace."""


class Streamed:
    """A message as server-sent events.

    Args:
        message: What is told.
        request: The record of what is sent.
        send: The connection.
    """

    def __init__(self, message: wire.Message, request: Request, send: Send) -> None:
        self._message = message
        self._request = request
        self._send = send
        self._begun = False
        self._events = bytearray()
        self._texts: list[str] = []

    async def add(self, events: bytes, text: str) -> None:
        """Add a delta, or a block, and the text that it says."""
        await self._begin()
        self._events += events
        self._texts.append(text)
        if self._request.first_token is None or len(self._events) >= CHUNK:
            await self.flush()

    async def flush(self) -> None:
        """Send what is gathered."""
        if not self._events:
            return
        await self._write(more=True)
        # Long answers must leave the loop the time to notice that a client has gone.
        await asyncio.sleep(0)

    async def cut(self) -> None:
        """Send what is gathered, but no end."""
        await self._begin()
        await self.flush()

    async def fail(self, status: int) -> None:
        """End it with an error."""
        await self._begin()
        self._events += wire.event("error", error=wire.error(status)["error"])
        await self._close()

    async def end(self) -> None:
        """End the message."""
        await self._begin()
        self._events += self._message.end()
        await self._close()

    async def _begin(self) -> None:
        """Send the head, once; the event that starts the message leaves with the next."""
        if not self._begun:
            self._begun = True
            headers = {"content-type": "text/event-stream", "cache-control": "no-cache"}
            await _head(self._send, 200, headers)
            self._events += self._message.start()

    async def _close(self) -> None:
        self._request.mark_finished()
        await self._write(more=False)

    async def _write(self, *, more: bool) -> None:
        # Marked before they leave: whoever has seen them finds them in the record.
        self._request.mark_sent(self._texts)
        body = bytes(self._events)
        self._events.clear()
        self._texts.clear()
        await self._send({"type": "http.response.body", "body": body, "more_body": more})


class Whole:
    """A message as one JSON object, for a client that does not stream."""

    def __init__(self, message: wire.Message, request: Request, send: Send) -> None:
        self._message = message
        self._request = request
        self._send = send
        self._texts: list[str] = []

    async def add(self, _events: bytes, text: str) -> None:
        """Add what is said."""
        self._texts.append(text)

    async def flush(self) -> None:
        """Send nothing."""

    async def cut(self) -> None:
        """Begin a body that gets no end."""
        await _head(self._send, 200, {"content-type": "application/json"})

    async def fail(self, status: int) -> None:
        """Send an error."""
        self._request.mark_finished()
        await send_json(self._send, status, wire.error(status))

    async def end(self) -> None:
        """Send the message."""
        self._request.mark_sent(self._texts)
        self._request.mark_finished()
        await send_json(self._send, 200, self._message.whole())


async def send_json(
    send: Send, status: int, body: object, headers: Mapping[str, str] | None = None
) -> None:
    """Send a whole response."""
    data = json.dumps(body).encode()
    fixed = {"content-type": "application/json", "content-length": str(len(data))}
    await _head(send, status, {**fixed, **(headers or {})})
    await send({"type": "http.response.body", "body": data, "more_body": False})


async def _head(send: Send, status: int, headers: Mapping[str, str]) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
