"""Answering a request: the steps of a turn, one after the other, until the client leaves."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from claude_agent_lsp.loopback import body, wire
from claude_agent_lsp.loopback.script import (
    Call,
    Cut,
    Fail,
    Hang,
    Recall,
    Say,
    Stop,
    Think,
    Tokens,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claude_agent_lsp.loopback.asgi import Receive, Send
    from claude_agent_lsp.loopback.conversation import Conversation
    from claude_agent_lsp.loopback.request import Request
    from claude_agent_lsp.loopback.script import Turn


@dataclass(frozen=True)
class _Piece:
    """Events that belong together, a delta of text or a whole block, and the text they say."""

    events: bytes
    text: str = ""


@dataclass(frozen=True)
class _Pause:
    seconds: float


_Part: TypeAlias = _Piece | _Pause | Cut | Hang | Fail


class Answer:
    """One turn, on its way to a client.

    Args:
        turn: The steps, with no failure before the first word.
        request: The record of what is sent.
        conversation: What the request carried.
    """

    def __init__(self, turn: Turn, request: Request, conversation: Conversation) -> None:
        self._turn = turn
        self._request = request
        self._conversation = conversation
        model = str(request.body.get("model", "loopback"))
        self._message = wire.Message(model, wire.input_tokens(conversation))

    async def send(self, receive: Receive, send: Send) -> None:
        """Send the answer until it is complete or the client leaves.

        It returns early, which makes the server drop the connection, where the script cuts it.
        """
        sending = asyncio.ensure_future(self._send(send))
        leaving = asyncio.ensure_future(self._watch(receive, sending))
        try:
            with suppress(asyncio.CancelledError):
                await sending
        finally:
            leaving.cancel()
            sending.cancel()

    async def _watch(self, receive: Receive, sending: asyncio.Future[None]) -> None:
        """End the answer when the client leaves, not at the next write to it."""
        while (await receive())["type"] != "http.disconnect":
            pass
        if not sending.done():
            self._request.mark_hung_up()
            sending.cancel()

    async def _send(self, send: Send) -> None:
        kind = body.Streamed if self._request.body.get("stream") else body.Whole
        response = kind(self._message, self._request, send)
        due: float | None = None
        for part in self._parts():
            match part:
                case _Piece(events, text):
                    await response.add(events, text)
                case _Pause(seconds):
                    await response.flush()
                    due = await _rest(due, seconds)
                case Hang():
                    await response.flush()
                    await asyncio.Event().wait()
                case Cut():
                    await response.cut()
                    return
                case Fail(status):
                    await response.fail(status)
                    return
        await response.end()

    def _parts(self) -> Iterator[_Part]:
        message = self._message
        for step in self._turn:
            match step:
                case Think(text):
                    yield _Piece(message.thinking(text))
                case Call(tool, arguments, call_id):
                    yield _Piece(message.tool_use(tool, arguments, call_id))
                case Stop(reason):
                    message.stop_reason = reason
                case Cut() | Hang() | Fail():
                    yield step
                case Recall(pattern):
                    found = self._conversation.last(pattern) or "I don't know."
                    yield _Piece(message.text(found), found)
                case Say() | Tokens():
                    for place, word in enumerate(_words(step)):
                        if step.pace and place:
                            yield _Pause(step.pace)
                        yield _Piece(message.text(word), word)


def _words(step: Say | Tokens) -> Iterator[str]:
    """Yield the deltas of a step."""
    if isinstance(step, Say):
        # Each word has the space before it, the last one what follows it too.
        yield from re.findall(r"\s*\S+(?:\s+$)?", step.text) or [step.text]
    else:
        yield from (f" word{n}" if n else "word0" for n in range(step.count))


async def _rest(due: float | None, seconds: float) -> float:
    """Sleep until `seconds` after the time at which the last rest should have ended.

    A long answer thus keeps its pace, however late each wake-up is.
    """
    now = asyncio.get_running_loop().time()
    if due is None or due < now - seconds:
        due = now
    due += seconds
    await asyncio.sleep(due - now)
    return due
