"""What the user wrote of a prompt, found in a time that grows with its length."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.sessions.reading.prose import code, fenced
from claude_agent_lsp.sessions.transcripts.user_text import written

if TYPE_CHECKING:
    from collections.abc import Callable

# What it means, in a way that takes a time that is quadratic.
ADDED = re.compile(r"<(system-reminder|ide_selection)>.*?</\1>\s*", re.DOTALL)
PIECES = st.sampled_from(
    [
        *("<system-reminder>", "</system-reminder>", "<ide_selection>", "</ide_selection>"),
        *("a", " \n", "<", "</", "system-reminder>"),
    ]
)


@given(st.lists(PIECES, max_size=20).map("".join))
def test_what_was_added_is_left_out(text: str) -> None:
    assert written(text) == ADDED.sub("", text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<command-name>/x</command-name> <command-args>a b</command-args>", "/x a b"),
        ("<command-name>/x</command-name>", "/x"),
        ("<command-name>/x", "<command-name>/x"),
        ("</command-name><command-name>", "</command-name><command-name>"),
        ("<command-args>a<command-name>/x</command-name>", "/x"),
    ],
)
def test_of_a_slash_command_its_parts_are_put_together(text: str, shown: str) -> None:
    assert written(text) == shown


@pytest.mark.parametrize("work", [written, fenced, code])
@pytest.mark.parametrize(
    "piece",
    ["<system-reminder>", "<command-name>", "</system-reminder><ide_selection>", "`", "``a"],
)
def test_a_long_text_takes_as_long_as_it_is(work: Callable[[str], str], piece: str) -> None:
    def seconds(length: int) -> float:
        text = piece * (length // len(piece))
        times = []
        for _ in range(3):
            began = time.process_time()
            work(text)
            times.append(time.process_time() - began)
        return min(times)

    assert seconds(320_000) < 24 * seconds(40_000) + 0.005  # 64 times as long, if it were quadratic
