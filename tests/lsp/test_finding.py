"""Findings as an agent reports them, and where their text is found again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.lsp.services.code.finding import (
    MOST_CHARACTERS,
    MOST_FINDINGS,
    MOST_LINES,
    MOST_RELATED,
    Finding,
    Related,
    files_in,
    findings_in,
    lines_of,
    place_of,
    text_at,
)

FOLDER = Path("/project")
ENTRY: dict[str, Any] = {"file": "a.py", "line": 3, "summary": "Wrong", "severity": "error"}


def read(**fields: Any) -> list[Finding]:
    return findings_in({"findings": [{**ENTRY, **fields}]}, FOLDER)


def test_finding_has_all_that_was_reported() -> None:
    related = [{"file": "/project/b.py", "line": 1, "summary": "As here"}]
    (found,) = read(
        end_line=5, failure_scenario="It fails.", category="correctness", related=related
    )
    assert found == Finding(
        Path("/project/a.py"),
        2,
        4,
        "Wrong\nIt fails.",
        1,
        "correctness",
        (Related(Path("/project/b.py"), 0, "As here"),),
    )


@pytest.mark.parametrize(
    ("word", "severity"),
    [("important", 1), ("pre_existing", 2), ("nit", 3), ("hint", 4), (None, 2), ("?", 2), ([], 2)],
)
def test_severity_is_that_of_either_report(word: object, severity: int) -> None:
    assert read(severity=word)[0].severity == severity


@pytest.mark.parametrize(
    ("given_line", "end", "lines"),
    [
        (1, None, (0, 0)),
        (None, None, (0, 0)),
        (0, -3, (0, 0)),
        ("7", 9.5, (0, 0)),
        (True, True, (0, 0)),
        (5, 2, (4, 4)),
        (1, 10**9, (0, MOST_LINES - 1)),
    ],
)
def test_lines_are_such_as_there_can_be(
    given_line: object, end: object, lines: tuple[int, int]
) -> None:
    (found,) = read(line=given_line, end_line=end)
    assert (found.line, found.last_line) == lines


@pytest.mark.parametrize("file", ["../b.py", "/etc/passwd", "", ".", "a\0b", None, 3, "x/../.."])
def test_what_lies_outside_is_left_out(file: object) -> None:
    assert read(file=file) == []


@pytest.mark.parametrize("outcome", ["fixed", "no_change_needed"])
def test_what_is_settled_is_left_out_and_its_file_known(outcome: str) -> None:
    report = {"findings": [{**ENTRY, "outcome": outcome}]}
    assert findings_in(report, FOLDER) == []
    assert files_in(report, FOLDER) == {Path("/project/a.py")}


def test_words_have_a_bound_and_nothing_hidden_in_them() -> None:
    (found,) = read(summary="a\x1b[31m\u202eb" + "c" * 10_000, related=[ENTRY] * 100)
    assert "\x1b" not in found.message
    assert "\u202e" not in found.message
    assert len(found.message) < 2 * MOST_CHARACTERS
    assert len(found.related) == MOST_RELATED
    assert len(findings_in({"findings": [ENTRY] * 1000}, FOLDER)) == MOST_FINDINGS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*ENTRY, "findings", "related"]) | st.text(), inner)
    ),
    max_leaves=8,
)


@given(JSON)
def test_no_report_is_a_fault(told: object) -> None:
    for each in (told, {"findings": told}, {"findings": [told]}):
        findings_in(each, FOLDER)
        files_in(each, FOLDER)


LINES = st.lists(st.sampled_from(["a", "  a", "b", "", "c"]), min_size=1, max_size=12)


@given(LINES, st.integers(0, 15), st.integers(0, 3))
def test_text_is_found_where_it_was_taken(lines: list[str], line: int, more: int) -> None:
    at, text = text_at(lines, line, line + more)
    assert place_of(text, lines, at) == at
    assert any(each.strip() for each in text) or not any(each.strip() for each in lines)


@given(LINES, LINES, st.integers(0, 11))
def test_text_is_found_behind_what_is_put_before_it(
    lines: list[str], before: list[str], line: int
) -> None:
    at, text = text_at(lines, line, line)
    found = place_of(text, [*before, *lines], at + len(before))
    assert found == at + len(before)


def test_nearest_of_several_is_taken_and_none_where_none_is() -> None:
    lines = ["x", "", "  x", "", "", "", "x"]
    assert [place_of(["x"], lines, near) for near in (0, 2, 3, 6)] == [0, 2, 2, 6]
    assert place_of(["x", "y"], lines, 0) is None
    assert place_of(["x"], [], 0) is None


def test_lines_end_as_in_lsp() -> None:
    assert lines_of("a\r\nb\rc\nd\x0ce\u2028f") == ["a", "b", "c", "d\x0ce\u2028f"]
