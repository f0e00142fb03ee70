"""The smallest edits that turn one text into another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.texts.line_diff import LineDiff
from claude_agent_lsp.workspace.documents.positions import Range, offset_of, position_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from claude_agent_lsp.workspace.documents.positions import PositionEncoding

# Of a longer stretch it is not looked for lines that stay: it is one edit.
MOST_CHARACTERS: Final = 1_000_000
_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")


@dataclass(frozen=True, slots=True)
class Edit:
    """A stretch of a text, and what comes in its place.

    Attributes:
        start: How many characters stand before it.
        end: Where it ends, likewise.
        new: What comes in its place.
    """

    start: int
    end: int
    new: str


@dataclass(frozen=True, slots=True)
class RangeEdit:
    """An edit as an editor takes it."""

    range: Range
    new: str


def edits_between(old: str, new: str) -> list[Edit]:
    """Return the edits, in order, none of which touches another or what stays the same.

    It takes a time that grows with the texts, and not with their square.
    """
    start, end = _common(old, new)
    before, after = old[start : len(old) - end], new[start : len(new) - end]
    if not before and not after:
        return []
    if max(len(before), len(after)) > MOST_CHARACTERS or not (before and after):
        return [_edit(old, new, (start, len(old) - end), (start, len(new) - end))]
    # By whole lines, so that lines which stay are found; then each without what its ends share.
    first = max(old.rfind("\n", 0, start), old.rfind("\r", 0, start)) + 1
    match = _LINE.match(old, len(old) - end)
    rest = 0 if match is None else len(old) - max(match.end(), len(old) - end)
    lines = _LINE.findall(old[first : len(old) - rest])
    others = _LINE.findall(new[first : len(new) - rest])
    return list(_edits_in(old, new, first, lines, others))


def as_ranges(text: str, edits: Iterable[Edit], encoding: PositionEncoding) -> list[RangeEdit]:
    """Return edits of a text by positions in it."""
    return [
        RangeEdit(
            Range(position_of(text, each.start, encoding), position_of(text, each.end, encoding)),
            each.new,
        )
        for each in edits
    ]


def changed(text: str, place: Range | None, new: str, encoding: PositionEncoding) -> str:
    """Return a text after a change that the editor tells of; without a place, all of it."""
    if place is None:
        return new
    start = offset_of(text, place.start, encoding)
    end = max(start, offset_of(text, place.end, encoding))
    return text[:start] + new + text[end:]


def _edits_in(
    old: str, new: str, first: int, lines: list[str], others: list[str]
) -> Iterator[Edit]:
    here, there, at, other = first, first, 0, 0
    for _, i1, i2, j1, j2 in LineDiff(lines, others).get_opcodes():
        start, begin = here + sum(map(len, lines[at:i1])), there + sum(map(len, others[other:j1]))
        here, there = start + sum(map(len, lines[i1:i2])), begin + sum(map(len, others[j1:j2]))
        at, other = i2, j2
        before, after = old[start:here], new[begin:there]
        if before != after:
            left, right = _common(before, after)
            yield _edit(old, new, (start + left, here - right), (begin + left, there - right))


def _edit(old: str, new: str, from_: tuple[int, int], to: tuple[int, int]) -> Edit:
    """Return one edit; none begins or ends between the two characters of a CRLF."""
    (start, end), (begin, finish) = from_, to
    if _splits(old, start) or _splits(new, begin):
        start, begin = start - 1, begin - 1
    if _splits(old, end) or _splits(new, finish):
        end, finish = end + 1, finish + 1
    return Edit(start, end, new[begin:finish])


def _splits(text: str, offset: int) -> bool:
    return text[offset - 1 : offset + 1] == "\r\n" if offset else False


def _common(one: str, other: str) -> tuple[int, int]:
    """Return how many characters two texts have in common at their starts, and at their ends."""
    start = _prefix(one, other)
    one, other = one[start:], other[start:]
    return start, _prefix(one[::-1], other[::-1])


def _prefix(one: str, other: str) -> int:
    """By halves: a comparison of slices is C, one by characters is not."""
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low
