"""What two texts have in common, whatever their size."""

from __future__ import annotations

import random
import time
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.base.texts.line_diff import MOST_LINES, LineDiff

if TYPE_CHECKING:
    from collections.abc import Callable

LINES = st.lists(st.sampled_from("abcdefgh"), max_size=40)
SHORT = st.integers(0, 6)


def turned(before: list[str], after: list[str]) -> list[str]:
    """What the steps make of `before`."""
    made: list[str] = []
    for tag, i1, i2, j1, j2 in LineDiff(before, after).get_opcodes():
        made += before[i1:i2] if tag == "equal" else after[j1:j2]
    return made


@given(LINES, LINES, SHORT)
def test_its_steps_turn_one_into_the_other(before: list[str], after: list[str], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("claude_agent_lsp.base.texts.line_diff.MOST_LINES", most)
        assert turned(before, after) == after
        inserted, deleted = LineDiff(before, after).counts()
        assert len(before) + inserted - deleted == len(after)
        blocks = LineDiff(before, after).get_matching_blocks()
    assert all(before[i : i + n] == after[j : j + n] for i, j, n in blocks)
    # Else difflib would put a hunk's context together wrongly.
    ends = [(i + n, j + n) for i, j, n in blocks]
    assert all((i, j) != end for (i, j, _), end in zip(blocks[1:-1], ends, strict=False))


def test_a_short_text_is_compared_as_difflib_does() -> None:
    before, after = list("xabcabcy"), list("xcabcbay")
    assert LineDiff(before, after).ratio() == SequenceMatcher(None, before, after).ratio()


def test_of_a_long_text_only_what_has_changed_is_counted() -> None:
    before = [f"line {n}" if n % 3 else "" for n in range(20 * MOST_LINES)]
    after = ["first", *before[:900], *before[901:5_000], "one", "two", *before[5_000:-1], "last"]
    assert LineDiff(before, after).counts() == (4, 2)


def unique(count: int) -> tuple[list[str], list[str]]:
    lines = [str(n) for n in range(count)]
    return lines, [line + "x" * (n % 2) for n, line in enumerate(lines)]


def shuffled(count: int) -> tuple[list[str], list[str]]:
    lines = [str(n) for n in range(count)]
    return lines, random.Random(count).sample(lines, count)


def repeated(count: int) -> tuple[list[str], list[str]]:
    return ["x", "y"] * (count // 2), ["x"] * (count // 2 + 1)


def of_few_kinds(count: int) -> tuple[list[str], list[str]]:
    lines = [str(n % 50) for n in range(count)]
    return lines, random.Random(count).sample(lines, count - 1)


def in_stretches(count: int) -> tuple[list[str], list[str]]:
    """As bad as it gets: what difflib is slowest with, between lines that occur once."""
    before, after = [], []
    for n in range(count // 198):
        before += [f"unique {n}", *(["x", "y"] * 98)]
        after += [f"unique {n}", *(["x"] * 98)]
    return before, after


@pytest.mark.parametrize("texts", [unique, shuffled, repeated, of_few_kinds, in_stretches])
def test_four_times_the_lines_take_about_four_times_as_long(
    texts: Callable[[int], tuple[list[str], list[str]]],
) -> None:
    def seconds(count: int) -> float:
        before, after = texts(count)
        times = []
        for _ in range(3):
            began = time.process_time()
            LineDiff(before, after)
            times.append(time.process_time() - began)
        return min(times)

    # 16 times as long, or more, if it were quadratic.
    assert seconds(16_000) < 8 * seconds(4_000) + 0.01
