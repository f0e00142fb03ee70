"""Which lines of two texts are the same, in a time that grows with their number and not its square.

difflib alone takes a time that is quadratic where lines repeat, and cubic at worst. Here it only
compares short stretches: what two texts have in common is first found by the lines that occur once
in each (patience diff), as a person would find it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from difflib import Match, SequenceMatcher
from itertools import groupby
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Line = TypeVar("Line", str, bytes)

# Longer stretches are not passed to difflib, nor those, unless they are short, whose lines repeat:
# its time grows with the pairs of lines that are the same, and with the blocks that it finds.
MOST_LINES: Final = 500
_MOST_PAIRS: Final = 10  # for each line
_SHORT: Final = 50
_DEPTH: Final = 4


class LineDiff(SequenceMatcher[Line]):
    """What turns some lines into others, with the methods of difflib.

    For n lines it takes O(n log n) for each of at most four levels of lines that occur once, and
    at most n / MOST_LINES comparisons of MOST_LINES lines. Any other stretch is compared line by
    line if it has kept its length, and else counts as replaced.
    """

    def __init__(self, before: Sequence[Line], after: Sequence[Line]) -> None:
        # Not by set_seqs, which would prepare what is not used.
        super().__init__(None, [], [])
        self.a: Sequence[Line] = before
        self.b: Sequence[Line] = after
        self._blocks = [*_joined(_same(before, after)), Match(len(before), len(after), 0)]

    def get_matching_blocks(self) -> list[Match]:
        """See `difflib.SequenceMatcher`."""
        return self._blocks

    def counts(self) -> tuple[int, int]:
        """Count the lines that are inserted, and those that are deleted."""
        same = sum(block.size for block in self._blocks)
        return len(self.b) - same, len(self.a) - same


def _joined(blocks: Iterator[Match]) -> Iterator[Match]:
    """Join blocks without a gap between them to one."""
    last = Match(0, 0, 0)
    for block in blocks:
        if (block.a, block.b) == (last.a + last.size, last.b + last.size):
            last = Match(last.a, last.b, last.size + block.size)
            continue
        if last.size:
            yield last
        last = block
    if last.size:
        yield last


def _same(
    before: Sequence[Line], after: Sequence[Line], at: tuple[int, int] = (0, 0), depth: int = _DEPTH
) -> Iterator[Match]:
    """Return the blocks that are the same, in order; `at` is where the two stretches begin."""
    first, last = _same_ends(before, after)
    yield Match(*at, first)
    ends = len(before) - last, len(after) - last
    within = before[first : ends[0]], after[first : ends[1]]
    for i, j, size in _same_within(*within, depth):
        yield Match(at[0] + first + i, at[1] + first + j, size)
    yield Match(at[0] + ends[0], at[1] + ends[1], last)


def _same_within(before: Sequence[Line], after: Sequence[Line], depth: int) -> Iterator[Match]:
    if not before or not after:
        return
    if _is_quick(before, after):
        yield from SequenceMatcher(None, before, after).get_matching_blocks()
        return
    anchors: list[tuple[int, int]] = _anchors(before, after) if depth else []
    if anchors:
        i = j = 0
        for i_end, j_end in [*anchors, (len(before), len(after))]:
            yield from _same(before[i:i_end], after[j:j_end], (i, j), depth - 1)
            i, j = i_end, j_end
    elif len(before) == len(after):
        # A name was replaced all over the file, say.
        runs = groupby(range(len(before)), lambda i: before[i] == after[i])
        for run in (list(run) for is_same, run in runs if is_same):
            yield Match(run[0], run[0], len(run))


def _is_quick(before: Sequence[Line], after: Sequence[Line]) -> bool:
    """Return whether difflib compares them in a time that is about their number of lines."""
    most = max(len(before), len(after))
    if most > MOST_LINES:
        return False
    counts = Counter(after)
    return most <= _SHORT or sum(counts[line] for line in before) <= _MOST_PAIRS * most


def _same_ends(before: Sequence[Line], after: Sequence[Line]) -> tuple[int, int]:
    """Return how many lines at the start, and of the others at the end, are the same."""
    most = min(len(before), len(after))
    first = next((i for i in range(most) if before[i] != after[i]), most)
    most -= first
    return first, next((i for i in range(most) if before[-1 - i] != after[-1 - i]), most)


def _anchors(before: Sequence[Line], after: Sequence[Line]) -> list[tuple[int, int]]:
    """Return where the lines stand that occur once in each: the most of them that are in order."""
    once = {line for line, count in Counter(before).items() if count == 1}
    once &= {line for line, count in Counter(after).items() if count == 1}
    places = {line: j for j, line in enumerate(after) if line in once}
    pairs = [(i, places[line]) for i, line in enumerate(before) if line in once]
    # The longest increasing run: of each length, the one that ends first, and what is before it.
    ends: list[int] = []
    tops: list[int] = []
    below: list[int] = []
    for n, (_, j) in enumerate(pairs):
        length = bisect_left(ends, j)
        below.append(tops[length - 1] if length else -1)
        ends[length : length + 1] = [j]
        tops[length : length + 1] = [n]
    chosen = []
    n = tops[-1] if tops else -1
    while n >= 0:
        chosen.append(pairs[n])
        n = below[n]
    return chosen[::-1]
