"""What a session's subagents said: conversations of their own, each below the call that began it.

    <project>/<session>/subagents/agent-<id>.jsonl        its transcript
    <project>/<session>/subagents/agent-<id>.meta.json    which tool call has begun it

So the CLI (2.1.330) keeps them. Everything here reads files: call it in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.base.texts.json_text import parse_json
from claude_agent_lsp.sessions.reading.outline import Place, places_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path
    from typing import Protocol

    class Timed(Protocol):
        """What was said at one time."""

        @property
        def timestamp(self) -> datetime | None: ...  # noqa: D102


Item = TypeVar("Item", bound="Timed")


@dataclass(frozen=True, slots=True)
class Nested:
    """Where a subagent's message is.

    Attributes:
        parent: The tool call that has begun the subagent.
    """

    place: Place
    transcript: Path
    parent: str

    @property
    def message_id(self) -> str:
        """Its id."""
        return self.place.message_id

    @property
    def timestamp(self) -> datetime | None:
        """When it was said."""
        return self.place.timestamp


def nested_in(transcript: Path) -> Iterator[Nested]:
    """Find the messages of a session's subagents, each subagent's in their order."""
    directory = transcript.with_suffix("") / "subagents"
    for path in sorted(directory.rglob("agent-*.jsonl")):
        try:
            parent = _parent_of(path)
            places = () if parent is None else places_in(path)
        except OSError:  # it has just gone
            continue
        yield from (Nested(place, path, parent) for place in places if parent is not None)


def in_between(items: Iterable[Item], nested: Iterable[Nested]) -> Iterator[Item | Nested]:
    """Put what subagents said where it was said: before what came after it."""
    waiting = sorted(
        (each for each in nested if each.timestamp is not None),
        key=lambda each: each.timestamp.timestamp() if each.timestamp else 0.0,
        reverse=True,
    )
    for item in items:
        moment = item.timestamp
        while waiting and moment is not None and _is_before(waiting[-1], moment):
            yield waiting.pop()
        yield item
    yield from reversed(waiting)


def _is_before(nested: Nested, moment: datetime) -> bool:
    return nested.timestamp is not None and nested.timestamp.timestamp() < moment.timestamp()


def _parent_of(path: Path) -> str | None:
    """Return the call that has begun a subagent; None if none is known."""
    try:
        meta = parse_json(read_regular(path.with_suffix(".meta.json")))
    except ValueError:
        return None
    parent = meta.get("toolUseId") if isinstance(meta, dict) else None
    return parent if isinstance(parent, str) else None
