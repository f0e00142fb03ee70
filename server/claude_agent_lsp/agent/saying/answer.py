"""The agent's words as they are streamed: whose message they are, and whether they stand.

    streamed ──▶ the CLI has the whole block: it stands
            └──▶ the answer broke off: it is given up, and the user is told so

The CLI asks anew where an answer breaks off, and what was streamed of it is in no session. It
marks the end of such a one (`abandoned_blocks`), but the SDK (0.2.187) leaves the mark out. The
same is told by what comes: the API's own `message_stop` has a `message_delta` before it, and each
block that stands comes whole before its end (CLI 2.1.330).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from claude_agent_lsp.agent.events import Retracted, Text, Thinking
from claude_agent_lsp.base.texts.results import plain

if TYPE_CHECKING:
    from claude_agent_lsp.agent.events import Event


class Answer:
    """The message that the agent is at, of those that it says itself.

    Attributes:
        message_id: Its id.
        heard: The ids of all messages that were streamed.
    """

    def __init__(self) -> None:
        self.message_id = ""
        self.heard: set[str] = set()
        self._words: list[str] = []
        self._standing = 0
        self._ended = False

    @property
    def text(self) -> str:
        """What was said of it, without what was given up."""
        return "".join(self._words)

    def say(self, text: str) -> None:
        """Be at a message that comes whole."""
        self._words[:] = [text]
        self._standing = 1

    def stand(self, message_id: str | None) -> None:
        """Note that the CLI has what was streamed of a message so far."""
        if message_id == self.message_id:
            self._standing = len(self._words)

    def stream(self, event: dict[str, Any]) -> Event | None:
        """Take the next event of the API's stream.

        Returns:
            What there is to tell the user of it.
        """
        match event.get("type"):
            case "content_block_delta":
                return self._add(event["delta"])
            case "message_start":
                given_up = self._give_up()
                self.message_id = event["message"]["id"]
                self.heard.add(self.message_id)
                self._words.clear()
                self._standing, self._ended = 0, False
                return given_up
            case "message_delta":
                self._ended = True
            case "message_stop" if not self._ended:
                return self._give_up()
        return None

    def _add(self, delta: dict[str, Any]) -> Event | None:
        if delta["type"] == "text_delta":
            words = plain(delta["text"])
            self._words.append(words)
            return Text(self.message_id, words)
        if delta["type"] == "thinking_delta":
            return Thinking(self.message_id, plain(delta["thinking"]))
        return None

    def _give_up(self) -> Retracted | None:
        """Take back what the CLI does not have."""
        given_up = "".join(self._words[self._standing :])
        del self._words[self._standing :]
        return Retracted(self.message_id, given_up) if given_up else None
