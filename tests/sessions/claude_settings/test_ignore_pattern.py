"""Patterns of deny rules: what they mean, and that no pattern takes for ever."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.sessions.claude_settings.ignore_pattern import LONGEST, IgnorePattern
from tests.conftest import TOLD

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("line", "meant", "others"),
    [
        (
            "secret.txt",
            ["secret.txt", "a/b/secret.txt", "secret.txt/x"],
            ["secret.txt2", "ssecret.txt"],
        ),
        ("/secret.txt", ["secret.txt"], ["a/secret.txt"]),
        ("a/b", ["a/b", "a/b/c"], ["x/a/b", "a/bc"]),
        ("build/", ["build/x", "a/build/x"], ["build"]),
        ("*.env", [".env", "a/prod.env", "PROD.ENV"], ["a.env2", "env"]),
        ("a/*.py", ["a/x.py"], ["a/b/x.py", "x.py"]),
        ("a/**/z", ["a/z", "a/b/z", "a/b/c/z"], ["z", "ab/z"]),
        ("**/z", ["z", "a/b/z"], ["az"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "b/a"]),
        ("**", ["a", "a/b"], []),
        ("a?c", ["abc"], ["ac", "a/c", "abbc"]),
        ("[abc].txt", ["a.txt"], ["d.txt", "ab.txt"]),
        ("[!abc].txt", ["d.txt"], ["a.txt", "/.txt"]),
        ("[a-f]1", ["c1"], ["g1"]),
        ("[]]x", ["]x"], ["ax"]),
        ("[x", ["[x"], ["x"]),
        (r"\*", ["*"], ["a"]),
        (r"\#x", ["#x"], ["x"]),
        (r"a\ ", ["a "], ["a"]),
        ("a  ", ["a"], ["a  "]),
        ("# a", [], ["# a", "a"]),
        ("!a", [], ["a", "!a"]),
        ("", [], ["a"]),
        ("/", [], ["a"]),
        ("Größe", ["größe", "GRÖSSE"], ["grosse"]),
    ],
)
def test_meaning(line: str, meant: list[str], others: list[str]) -> None:
    pattern = IgnorePattern(line)
    assert [path for path in meant if not pattern.matches(path)] == []
    assert [path for path in others if pattern.matches(path)] == []


HOSTILE = [
    "*?" * 400 + "x",
    "*a" * 2000 + "b",
    "**/" * 1000 + "x",
    "/".join(["**", "*a*b*"] * 300),
    "[" * 3000,
    "[!" + "a-" * 2000 + "]",
    "\\" * 5000,
    "?" * 5000,
    "*" * 5000 + "x",
]


@pytest.mark.parametrize("line", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("path", ["a" * 4000, "a/" * 2000, "ab" * 2000, "[" * 4000], ids="wxyz")
def test_no_pattern_takes_long(line: str, path: str) -> None:
    began = time.process_time()
    IgnorePattern(line).matches(path)
    assert time.process_time() - began < 5.0, "it only catches what never ends"


def test_a_hundred_thousand_hostile_patterns(
    record_property: Callable[[str, object], None],
) -> None:
    choice = random.Random(1)
    pieces = ["*", "?", "**", "/", "[", "]", "!", "-", "\\", "a", "*?", "*a", "**/", "[!a]"]
    path = "aab/" * 20 + "a" * 60
    began = time.process_time()
    for _ in range(100_000):
        line = "".join(choice.choices(pieces, k=choice.randint(1, 24)))
        IgnorePattern(line).matches(path)
    seconds = time.process_time() - began
    record_property(TOLD, f"100 000 patterns in {seconds:.1f} s of processor time")
    assert seconds < 100


@given(st.text(), st.text())
def test_it_never_raises(line: str, path: str) -> None:
    assert IgnorePattern(line).matches(path) in (True, False)


def test_what_is_too_long_to_be_looked_at_denies_all() -> None:
    assert IgnorePattern("a" * (LONGEST + 1)).matches("b")
