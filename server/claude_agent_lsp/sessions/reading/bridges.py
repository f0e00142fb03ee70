"""What leads across the breaks in a transcript: compactions, and lines that are gone or damaged.

The CLI's lines (2.1.330) name the line before them, and the SDK goes back from the last one as far
as these names lead. They lead nowhere at a compaction, where only the agent's memory begins anew,
and where a line is gone: a crash, a full disk, a sync in between. What was said before is still
there. So each break is bridged: the line behind it is told which line it follows.

    one ◀── two   /   four ◀── five          the line three can't be read
    one ◀── two ◀── gap ◀── four ◀── five
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

GAP: Final = "gap"
_BOUNDARY: Final = "compact_boundary"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that can't be read, in its place among the others."""


def bridged(lines: Iterable[dict[str, Any] | Unreadable]) -> Iterator[dict[str, Any]]:
    """Link the lines of a transcript across its breaks.

    A line follows one that stands before it: the CLI writes them so, and none can go in a circle.

    Args:
        lines: In their order, each with its `uuid`, without its contents.

    Returns:
        The lines, each once, and before what stands behind a break that nothing explains a line of
        our own: its `message` has `gap`, the number of lines that can't be read there.
    """
    known: set[str] = set()
    before: str | None = None  # the line of the conversation that stands before
    unreadable = 0
    for line in lines:
        if isinstance(line, Unreadable):
            unreadable += 1
            continue
        if line["uuid"] in known:
            continue
        parent, is_break = _parent_of(line)
        beside = bool(line.get("isSidechain"))
        if parent is None and is_break:
            parent = before
        elif parent is not None and parent not in known and not beside:
            gap = _gap(line, before, unreadable)
            yield gap
            parent = gap["uuid"]
        yield {**line, "parentUuid": parent}
        known.add(line["uuid"])
        if not beside:
            before, unreadable = line["uuid"], 0


def _parent_of(line: dict[str, Any]) -> tuple[object, bool]:
    """Return the line that a line follows, and whether the agent's memory begins anew with it."""
    is_break = line.get("subtype") == _BOUNDARY or line.get("isCompactSummary") is True
    # Where it is no id, there is no such line.
    parent = line.get("parentUuid", None if is_break else "")
    if parent is None and is_break:
        parent = line.get("logicalParentUuid")
    return parent, is_break


def _gap(line: dict[str, Any], before: str | None, unreadable: int) -> dict[str, Any]:
    return {
        "type": "user",
        "uuid": f"{GAP}:{line['uuid']}",
        "parentUuid": before,
        "timestamp": line.get("timestamp"),
        "message": {"content": [], "gap": unreadable},
    }
