"""As much of the CLI's protocol as a stand-in needs: stream-json on stdin and stdout."""

from __future__ import annotations

import json
import os
import sys
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = "2.1.330 (Claude Code)"


class Cli:
    """The protocol's side of a stand-in; `--version` is answered when it is made."""

    def __init__(self) -> None:
        if "--version" in sys.argv:
            sys.stdout.write(VERSION)
            sys.exit()
        ids = ("--session-id=", "--resume=")
        named = [word.partition("=")[2] for word in sys.argv if word.startswith(ids)]
        self.session_id = named[-1]

    def initialize(self) -> None:
        """Answers the first request."""
        own = {"commands": [], "models": [], "pid": os.getpid()}
        self.comply(self._read(), {**own, "hook_on_failure_supported": True})

    def messages(self) -> Iterator[dict[str, Any]]:
        """Yields what comes in after the initialization, to the end of input."""
        self.initialize()
        for line in sys.stdin:
            yield json.loads(line)

    def comply(self, message: dict[str, Any], answer: dict[str, Any] | None = None) -> None:
        """Answers a control request."""
        request_id = message["request_id"]
        response = {"subtype": "success", "request_id": request_id, "response": answer or {}}
        self.tell(type="control_response", response=response)

    def tell(self, **message: Any) -> None:
        """Sends a message."""
        own = {"session_id": self.session_id, "uuid": str(uuid.uuid4())}
        sys.stdout.write(json.dumps({**own, **message}) + "\n")
        sys.stdout.flush()

    def state(self, state: str) -> None:
        """Tells whether it is at work."""
        self.tell(type="system", subtype="session_state_changed", state=state)

    def say(self, text: str) -> None:
        """Streams a text."""
        message = {"id": f"msg_{uuid.uuid4().hex}"}
        delta = {"type": "text_delta", "text": text}
        for event in (
            {"type": "message_start", "message": message},
            {"type": "content_block_delta", "index": 0, "delta": delta},
        ):
            self.tell(type="stream_event", event=event, parent_tool_use_id=None)

    def finish(self, prompt: dict[str, Any], **more: Any) -> None:
        """Ends the turn of a prompt."""
        result = {
            "subtype": "success",
            "duration_ms": 1,
            "duration_api_ms": 1,
            "is_error": False,
            "num_turns": 1,
            "result": "OK.",
            "total_cost_usd": 0.0,
            "user_message_uuids": [prompt["uuid"]],
        }
        self.tell(type="result", **{**result, **more})
        self.state("idle")

    def _read(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(sys.stdin.readline())
        return message
