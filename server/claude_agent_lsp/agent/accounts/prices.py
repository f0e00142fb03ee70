"""What the model's answers cost, about, until the CLI says it.

The CLI (2.1.330) sends a cost with each result, and before it only the tokens of each message. The
list prices here are for the time between: a result replaces what was estimated. A fast mode,
searches of the web or an agreement of one's own are not in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# US dollars for a million tokens, read and written, by what stands in the model's name. Of one that
# is not known: as the CLI takes it.
_PRICES: Final = {"haiku": (1.0, 5.0), "sonnet": (3.0, 15.0)}
_UNKNOWN: Final = (5.0, 25.0)
# Of what is read: kept for later, and read again.
_CACHE_WRITE: Final = 1.25
_CACHE_READ: Final = 0.1


def price_of(model: str, usage: Mapping[str, Any]) -> float:
    """Return what a message has cost, about, in US dollars.

    Args:
        model: The model's name.
        usage: Its tokens, as the Messages API counts them.
    """
    read, written = next((p for name, p in _PRICES.items() if name in model), _UNKNOWN)
    tokens = (
        read * _count(usage, "input_tokens")
        + read * _CACHE_WRITE * _count(usage, "cache_creation_input_tokens")
        + read * _CACHE_READ * _count(usage, "cache_read_input_tokens")
        + written * _count(usage, "output_tokens")
    )
    return tokens / 1e6


def _count(usage: Mapping[str, Any], name: str) -> int:
    count = usage.get(name)
    return count if isinstance(count, int) and count > 0 else 0


class Estimate:
    """What the messages since the last result have cost."""

    def __init__(self) -> None:
        self._messages: dict[str, float] = {}
        # Of the agent, and of each of its subagents: the message that is being said.
        self._said: dict[str | None, tuple[str, str, dict[str, Any]]] = {}

    @property
    def usd(self) -> float:
        """In US dollars."""
        return sum(self._messages.values())

    def stream(self, event: Mapping[str, Any], parent: str | None) -> None:
        """Take a part of a message.

        Args:
            event: As the Messages API streams it.
            parent: The tool call of the subagent that says it; None for the agent itself.
        """
        kind, usage = event.get("type"), event.get("usage") or {}
        if kind == "message_start":
            message = event["message"]
            said = str(message.get("id")), str(message.get("model")), message.get("usage") or {}
            self._said[parent] = said
            self.take(*said)
        elif kind == "message_delta" and parent in self._said:
            message_id, model, before = self._said[parent]
            self.take(message_id, model, {**before, **usage})

    def take(self, message_id: str, model: str, usage: Mapping[str, Any]) -> None:
        """Take what is known of a message by now; it comes several times, and only grows."""
        known = self._messages.get(message_id, 0.0)
        self._messages[message_id] = max(known, price_of(model, usage))

    def settle(self) -> None:
        """Take the cost of all of it, as the CLI has said it."""
        self._messages.clear()
        self._said.clear()
