"""Cutting first and cleaning then gives what cleaning all would, and costs what is shown."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.agent.permissions.spoof_guard import mark_lookalike_lines
from claude_agent_lsp.agent.permissions.tool_titles import title_of
from claude_agent_lsp.base.texts.text import beginning, both_ends, cut, one_line
from claude_agent_lsp.base.texts.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable

TEXTS = st.text(st.sampled_from(list("ab \n\r\t\u2028\x1b\u202e\u00e4⚠\ufe0f\u3164")), max_size=60)


@given(TEXTS, st.integers(1, 30))
def test_one_line_of_a_long_text_is_the_beginning_of_it_in_one_line(text: str, limit: int) -> None:
    whole = one_line(text, 10_000)
    shown = one_line(text, limit)
    assert len(shown) <= limit
    assert shown == whole or (shown == whole[: limit - 1] + "…" and len(whole) > limit)


@given(TEXTS, st.integers(0, 30), st.booleans())
def test_what_is_shown_is_the_beginning_of_what_all_would_be(
    text: str, limit: int, lines: bool
) -> None:
    def clean(part: str) -> str:
        return visible(part, lines=lines)

    shown = beginning(text, limit, clean)
    assert clean(text).startswith(shown)
    assert shown == clean(text) or len(shown) > limit


@given(TEXTS, st.integers(0, 30))
def test_a_cut_text_says_how_much_is_missing(text: str, limit: int) -> None:
    shown = cut(text, limit)
    if len(text) <= limit:
        assert shown == text
    else:
        assert shown == f"{text[:limit]}\n… ({len(text) - limit} more characters)"


def seconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


@pytest.mark.parametrize("piece", ["a word ", "line\n", "\u202e\x1b", "шаг\n", "⚠\ufe0f"])
@pytest.mark.parametrize(
    "show",
    [
        lambda text: one_line(text, 50),
        lambda text: title_of("Bash", {"command": text}),
        lambda text: title_of(text, {}),
    ],
)
def test_a_title_of_much_text_takes_no_longer_than_of_little(
    show: Callable[[str], object], piece: str
) -> None:
    little, much = piece * 200, piece * 400_000
    # A hundred times as long, and more, if all of it were cleaned.
    assert seconds(lambda: show(much)) < 10 * seconds(lambda: show(little)) + 0.005


@pytest.mark.parametrize("piece", ["a word ", "line\n", "шаг\n", "\u0301\u0327", " \t", "\n \n"])
@pytest.mark.parametrize(
    "show",
    [
        lambda text: visible(text, lines=True),
        visible,
        lambda text: mark_lookalike_lines(text, len(text)),
    ],
)
def test_cleaning_takes_as_long_as_the_text(show: Callable[[str], object], piece: str) -> None:
    short, long = piece * (20_000 // len(piece)), piece * (160_000 // len(piece))
    assert seconds(lambda: show(long)) < 24 * seconds(lambda: show(short)) + 0.01


@given(st.text(alphabet="ab \n\u200b\x1b", max_size=200), st.integers(8, 40))
def test_both_ends_are_shown_and_nothing_hidden(text: str, limit: int) -> None:
    line = both_ends(text, limit)
    assert len(line) <= limit
    assert visible(line) == line
    whole = one_line(text, 10_000)
    if line != whole:
        before, _, after = line.partition("…")
        assert whole.startswith(before)
        assert whole.endswith(after)
        assert len(after) >= len(before)


def test_both_ends_of_a_huge_text_cost_what_is_shown() -> None:
    text = "a" * 10_000_000
    before = time.thread_time()
    assert both_ends(text, 80) == "a" * 26 + "…" + "a" * 53
    assert time.thread_time() - before < 0.5
