"""The wire format of the Messages API: server-sent events, whole messages, errors."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from claude_agent_lsp.loopback.conversation import Conversation

_ERRORS = {
    400: ("invalid_request_error", "Invalid request"),
    401: ("authentication_error", "invalid x-api-key"),
    403: ("permission_error", "Your API key does not have permission to use this resource"),
    404: ("not_found_error", "Not found"),
    413: ("request_too_large", "Request exceeds the maximum allowed number of bytes"),
    429: ("rate_limit_error", "This request would exceed your account's rate limit"),
    500: ("api_error", "Internal server error"),
    529: ("overloaded_error", "Overloaded"),
}


def error(status: int) -> dict[str, Any]:
    """Return the API's body of an error of this HTTP status."""
    kind, message = _ERRORS.get(status, ("api_error", f"Error {status}"))
    return {
        "type": "error",
        "error": {"type": kind, "message": message},
        "request_id": _id("req"),
    }


def input_tokens(conversation: Conversation) -> int:
    """Return an estimate of how many tokens a request is: four characters each."""
    return sum(len(said.text) for said in conversation.said) // 4


def event(name: str, **fields: Any) -> bytes:
    """Return one server-sent event."""
    data = json.dumps({"type": name, **fields}, ensure_ascii=False, separators=(",", ":"))
    return f"event: {name}\ndata: {data}\n\n".encode()


class Message:
    """An assistant's message, made block by block.

    Each method returns the events that tell a streaming client of it, and adds it to `content`
    for one that wants the message whole.

    Args:
        model: The model that the client asked for.
        inputs: The tokens of the request.
    """

    def __init__(self, model: str, inputs: int) -> None:
        self.content: list[dict[str, Any]] = []
        self.stop_reason = "end_turn"
        self.deltas = 0
        self._id = _id("msg")
        self._model = model
        self._inputs = inputs
        self._open: str | None = None
        self._text: list[str] = []
        self._delta_head = b""

    def start(self) -> bytes:
        """Return the event that begins the message, whatever has been added by then."""
        return event("message_start", message=self._described([], None, 0))

    def text(self, text: str) -> bytes:
        """Add a delta of text, in the block of text that is open or a new one."""
        opened = b""
        if self._open != "text":
            opened = self._begin({"type": "text", "text": ""})
        self._text.append(text)
        self.deltas += 1
        # Written by hand: an answer of thousands of deltas must not wait for its events.
        return opened + self._delta_head + json.dumps(text).encode() + b"}}\n\n"

    def thinking(self, text: str) -> bytes:
        """Add a block of thinking."""
        events = self._begin({"type": "thinking", "thinking": "", "signature": ""})
        events += self._delta("thinking_delta", thinking=text)
        events += self._delta("signature_delta", signature="bG9vcGJhY2s=")
        self.content[-1].update(thinking=text, signature="bG9vcGJhY2s=")
        return events

    def tool_use(
        self, tool: str, arguments: dict[str, object] | str, call_id: str | None = None
    ) -> bytes:
        """Add a tool call."""
        self.stop_reason = "tool_use"
        block = {"type": "tool_use", "id": call_id or _id("toolu"), "name": tool, "input": {}}
        events = self._begin(block)
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        events += self._delta("input_json_delta", partial_json=text)
        self.content[-1]["input"] = arguments
        return events

    def end(self) -> bytes:
        """End the message."""
        delta = {"stop_reason": self.stop_reason, "stop_sequence": None}
        return (
            self._close()
            + event("message_delta", delta=delta, usage={"output_tokens": self.deltas})
            + event("message_stop")
        )

    def whole(self) -> dict[str, Any]:
        """Return the message so far, as a client gets it that does not stream."""
        self._close()
        return self._described(self.content, self.stop_reason, self.deltas)

    def _described(
        self, content: list[dict[str, Any]], stop_reason: str | None, outputs: int
    ) -> dict[str, Any]:
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": None,
            "usage": {"input_tokens": self._inputs, "output_tokens": outputs},
        }

    def _begin(self, block: dict[str, Any]) -> bytes:
        closed = self._close()
        self.content.append(block)
        self._open = block["type"]
        index = len(self.content) - 1
        self._delta_head = (
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
            b'"delta":{"type":"text_delta","text":' % index
        )
        return closed + event("content_block_start", index=index, content_block=block)

    def _close(self) -> bytes:
        if self._open is None:
            return b""
        if self._open == "text":
            self.content[-1]["text"] = "".join(self._text)
            self._text.clear()
        self._open = None
        return event("content_block_stop", index=len(self.content) - 1)

    def _delta(self, kind: str, **fields: Any) -> bytes:
        self.deltas += 1
        index = len(self.content) - 1
        return event("content_block_delta", index=index, delta={"type": kind, **fields})


def _id(kind: str) -> str:
    return f"{kind}_{uuid.uuid4().hex[:24]}"
