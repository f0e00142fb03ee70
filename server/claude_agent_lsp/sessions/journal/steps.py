"""The steps of a turn, as a journal has them: what was said, what was called, what came of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Said:
    """Words of the agent, to append to what came before under the same message id."""

    message_id: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Thought:
    """Thoughts of the agent, to append likewise: nothing that it is told of as said."""

    message_id: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Called:
    """A tool call; `status` and `text` are what came of it, None while that isn't known."""

    tool_call_id: str
    tool: str
    input: Mapping[str, Any]
    at: datetime
    status: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Resulted:
    """What came of a tool call that was written down before."""

    tool_call_id: str
    status: str
    text: str


@dataclass(frozen=True, slots=True)
class TakenBack:
    """The last words under a message id, which the CLI has given up."""

    message_id: str
    text: str


Step: TypeAlias = Said | Thought | Called


def settle(steps: list[Step], record: Mapping[str, Any]) -> None:
    """Put a tool's result to its call."""
    for place, step in enumerate(steps):
        if isinstance(step, Called) and step.tool_call_id == record["id"]:
            steps[place] = replace(step, status=str(record["status"]), text=str(record["text"]))


def take_back(steps: list[Step], message_id: str, text: str) -> None:
    """Take words back that were said last under a message id."""
    left = len(text)
    for place in range(len(steps) - 1, -1, -1):
        step = steps[place]
        if not left:
            break
        if isinstance(step, Said) and step.message_id == message_id:
            kept = step.text[: max(0, len(step.text) - left)]
            left -= len(step.text) - len(kept)
            steps[place] = replace(step, text=kept)
    steps[:] = [step for step in steps if not isinstance(step, Said) or step.text]
