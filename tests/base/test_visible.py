from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.base.texts.visible import UNSEEN, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ümläut, 中文, 🙂", "plain, ümläut, 中文, 🙂"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b[2K\r", "\\x1b[2K\\r"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("pay\u200bpal\ufeff", "pay\\u200bpal\\ufeff"),
        ("\U000e0041", "\\U000e0041"),
        ("\udc80", "\\udc80"),
        ("\u2028", "\\u2028"),
        ("a\u3164b\u115f\u1160\uffa0", "a\\u3164b\\u115f\\u1160\\uffa0"),
        ("x\ufe0f\ufe00\U000e0100", "x\\ufe0f\\ufe00\\U000e0100"),
        ("\u2800\u034f", "\\u2800\\u034f"),
        ("⚠\ufe0f", "⚠\ufe0f"),
        ("\ufe0f⚠\ufe0f\ufe0f", "\\ufe0f⚠\ufe0f\\ufe0f"),
    ],
)
def test_what_is_unseen_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_lines_are_kept_where_they_are_wanted() -> None:
    assert visible("a\n\tb\r\x1b", lines=True) == "a\n\tb\\r\\x1b"


@given(st.text(st.characters()), st.booleans())
def test_nothing_unseen_is_left(text: str, lines: bool) -> None:
    left = visible(text, lines=lines)
    if lines:
        left = left.replace("\n", "").replace("\t", "")
    assert not {unicodedata.category(character) for character in left} & UNSEEN
