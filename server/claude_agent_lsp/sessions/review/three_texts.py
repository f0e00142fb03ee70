"""Two changes of the same lines, side by side: what comes of both, and where they meet.

`rewind/merge.py` refuses a file in which two changes touch. Here the lines are told apart, so that
what meets costs the lines where it meets, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from claude_agent_lsp.base.texts.line_diff import LineDiff

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Lines = Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Edit:
    """Some lines that are others in another text: from the first to before the last, in each."""

    start: int
    end: int
    other_start: int
    other_end: int


@dataclass(frozen=True, slots=True)
class Meeting:
    """Where two changes touch the same lines of a text.

    Attributes:
        was: From where to before where they are in the text.
        one: What the first change has made of them.
        start: Where the other's lines begin, in the text that it has made.
        end: Where they end.
    """

    was: tuple[int, int]
    one: tuple[bytes, ...]
    start: int
    end: int


def edits(text: Lines, other: Lines) -> list[Edit]:
    """Return what makes one text the other, in order; no two of them touch."""
    return [
        Edit(i1, i2, j1, j2)
        for kind, i1, i2, j1, j2 in LineDiff(text, other).get_opcodes()
        if kind != "equal"
    ]


def with_both(text: Lines, one: Lines, other: Lines) -> tuple[list[bytes], list[Meeting]]:
    """Return what comes of both changes of a text, and where they meet: there the other's counts.

    Args:
        text: What both are made of.
        one: What the first change has made of it.
        other: What the other has.
    """
    result: list[bytes] = []
    meetings = []
    at = 0
    for ones, others in _groups(edits(text, one), edits(text, other)):
        start = min(edit.start for edit in (*ones, *others))
        end = max(edit.end for edit in (*ones, *others))
        result += text[at:start]
        at = end
        if not others:
            result += one[ones[0].other_start : ones[-1].other_end]
            continue
        if ones and all(edit.other_start == edit.other_end for edit in (*ones, *others)):
            continue  # the one has deleted some of these lines, the other the rest
        first, last = _in_other(others, start, end)
        theirs = other[first:last]
        if ones:
            a, b = _in_other(ones, start, end)
            ours = one[a:b]
            if start == end and not set(ours) & set(theirs):
                result += ours  # each has put lines of its own there
            elif list(ours) != list(theirs):
                meetings.append(Meeting((start, end), tuple(ours), first, last))
        result += theirs
    result += text[at:]
    return result, meetings


def _in_other(group: Sequence[Edit], start: int, end: int) -> tuple[int, int]:
    """Return where a stretch of a text, which holds some edits whole, is in the other one."""
    first, last = group[0], group[-1]
    return first.other_start - (first.start - start), last.other_end + (end - last.end)


def _groups(
    ones: Sequence[Edit], others: Sequence[Edit]
) -> Iterator[tuple[list[Edit], list[Edit]]]:
    """Return the edits of both, in order, those together that have lines, or a place, in common."""
    waiting = sorted(
        [(edit.start, edit.end, 0, edit) for edit in ones]
        + [(edit.start, edit.end, 1, edit) for edit in others],
        key=lambda each: each[:3],
    )
    group: tuple[list[Edit], list[Edit]] = ([], [])
    reached = last = -1
    for start, end, whose, edit in waiting:
        same_place = start == end == reached == last
        if start >= reached and not same_place and any(group):
            yield group
            group = ([], [])
        group[whose].append(edit)
        reached, last = max(reached, end), start
    if any(group):
        yield group
