"""The diff that a question about an edit shows."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.agent.permissions.diff import MOST_BYTES, before_of, diff_of
from claude_agent_lsp.base.texts.line_diff import MOST_LINES

if TYPE_CHECKING:
    from pathlib import Path


def diff_in(folder: Path, tool: str, tool_input: dict[str, Any]) -> str | None:
    return diff_of(tool, tool_input, before_of(tool, tool_input, folder))


def test_an_edit_is_shown_where_it_is_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("".join(f"line {n}\n" for n in range(20)))
    given = {"file_path": "a.py", "old_string": "line 10\n", "new_string": "line ten\n"}
    diff = diff_in(tmp_path, "Edit", given)
    assert diff is not None
    assert diff.splitlines() == [
        "--- a.py",
        "+++ a.py",
        "@@ -8,7 +8,7 @@",
        *(" line 7", " line 8", " line 9"),
        "-line 10",
        "+line ten",
        *(" line 11", " line 12", " line 13"),
    ]


@pytest.mark.parametrize(("all_of_them", "count"), [(False, 1), (True, 2)])
def test_an_edit_changes_the_first_place_or_all(
    tmp_path: Path, all_of_them: bool, count: int
) -> None:
    (tmp_path / "a").write_text("x\ny\nx\n")
    given = {
        "file_path": str(tmp_path / "a"),
        "old_string": "x",
        "new_string": "z",
        "replace_all": all_of_them,
    }
    diff = diff_in(tmp_path, "Edit", given)
    assert diff is not None
    assert diff.count("\n+z") == count


@pytest.mark.parametrize("lines", [20, 2 * MOST_LINES])
def test_a_write_that_changes_several_places_has_a_hunk_for_each(
    tmp_path: Path, lines: int
) -> None:
    before = [f"line {n % 10}" for n in range(lines)]
    (tmp_path / "a").write_text("\n".join(before))
    after = ["first", *before[1:-1], "last"]
    diff = diff_in(tmp_path, "Write", {"file_path": "a", "content": "\n".join(after)})
    assert diff is not None
    assert diff.splitlines() == [
        *("--- a", "+++ a", "@@ -1,4 +1,4 @@"),
        *("-line 0", "+first", " line 1", " line 2", " line 3"),
        f"@@ -{lines - 3},4 +{lines - 3},4 @@",
        *(" line 6", " line 7", " line 8", "-line 9", "+last"),
    ]


def test_too_many_lines_to_compare_are_one_hunk(tmp_path: Path) -> None:
    before = [f"old {n}" for n in range(MOST_LINES + 1)]
    after = [f"new {n}" for n in range(MOST_LINES)]
    ends = ["same"] * 9
    (tmp_path / "a").write_text("\n".join([*ends, *before, *ends]))
    given = {"file_path": "a", "content": "\n".join([*ends, *after, *ends])}
    diff = diff_in(tmp_path, "Write", given)
    assert diff is not None
    assert diff.splitlines()[2:] == [
        f"@@ -7,{MOST_LINES + 7} +7,{MOST_LINES + 6} @@",
        *([" same"] * 3),
        *(f"-{line}" for line in before),
        *(f"+{line}" for line in after),
        *([" same"] * 3),
    ]


@pytest.mark.parametrize("given", [{"old_string": "unique"}, {"old_string": "7", "all": True}])
def test_an_edit_of_a_long_file_whose_lines_repeat_takes_no_time(
    tmp_path: Path, given: dict[str, object]
) -> None:
    lines = [f"{n % 100:03d}" for n in range(80_000)]
    lines[40_000] = "unique"
    (tmp_path / "a").write_text("\n".join(lines))
    began = time.process_time()
    edit = {"file_path": "a", "new_string": "x", "replace_all": "all" in given, **given}
    diff = diff_in(tmp_path, "Edit", edit)
    assert time.process_time() - began < 2  # it took 14 seconds
    assert diff is not None
    if "all" not in given:
        assert diff.splitlines()[2:4] == ["@@ -39998,7 +39998,7 @@", " 097"]


def test_an_edit_of_what_is_not_there_is_shown_by_itself(tmp_path: Path) -> None:
    diff = diff_in(tmp_path, "Edit", {"file_path": "a", "old_string": "x", "new_string": "y"})
    assert diff is not None
    assert diff.splitlines()[-2:] == ["-x", "+y"]


def test_a_new_file_is_all_added_and_an_old_one_is_compared(tmp_path: Path) -> None:
    given = {"file_path": "new", "content": "one\ntwo"}
    diff = diff_in(tmp_path, "Write", given)
    assert diff is not None
    assert diff.splitlines() == ["--- /dev/null", "+++ new", "@@ -0,0 +1,2 @@", "+one", "+two"]
    (tmp_path / "new").write_text("one\n")
    diff = diff_in(tmp_path, "Write", given)
    assert diff is not None
    assert diff.splitlines()[2:] == ["@@ -1 +1,2 @@", " one", "+two"]


def test_what_is_there_and_can_not_be_compared_is_no_new_file(tmp_path: Path) -> None:
    def shown(name: str, content: str = "one\ntwo") -> list[str]:
        diff = diff_in(tmp_path, "Write", {"file_path": name, "content": content})
        assert diff is not None
        return diff.splitlines()

    (tmp_path / "large").write_bytes(b"x" * (MOST_BYTES + 1))
    assert shown("large") == [
        *("--- large", "+++ large", "@@ -1 +1,2 @@"),
        f"-… (the whole file: {MOST_BYTES + 1} bytes)",
        *("+one", "+two"),
    ]
    (tmp_path / "small").write_text("small\n")
    replaced = shown("small", "x" * (MOST_BYTES + 5))
    assert replaced[3] == "-… (the whole file: 6 characters)"
    assert replaced[-1] == "+… (5 more characters)"
    os.mkfifo(tmp_path / "pipe")
    assert shown("pipe")[3] == "-… (the whole file: not a regular file)"
    (tmp_path / "round").symlink_to(tmp_path / "round")
    assert shown("round")[3] == "-… (the whole file: unreadable)"
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    assert shown("link")[0] == "--- /dev/null"


def test_of_a_file_too_large_to_compare_an_edit_shows_the_part(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * (MOST_BYTES + 1))
    diff = diff_in(tmp_path, "Edit", {"file_path": "a", "old_string": "x", "new_string": "y"})
    assert diff == "--- a\n+++ a\n@@ -1 +1 @@\n-x\n+y"


def test_nothing_in_a_diff_is_hidden(tmp_path: Path) -> None:
    diff = diff_in(tmp_path, "Write", {"file_path": "a\x1b[2K", "content": "b\u202e\f\x00"})
    assert diff is not None
    assert "+++ a\\x1b[2K" in diff
    assert diff.endswith("+b\\u202e\\x0c\\x00")


def test_what_is_no_edit_or_too_large_has_no_diff(tmp_path: Path) -> None:
    assert diff_in(tmp_path, "Bash", {"command": "ls"}) is None
    assert diff_in(tmp_path, "Write", {}) is None
    assert diff_in(tmp_path, "Write", {"file_path": "a", "content": "x" * (MOST_BYTES + 1)}) is None
    (tmp_path / "binary").write_bytes(b"\xff\x00" * 10)
    assert diff_in(tmp_path, "Write", {"file_path": "binary", "content": "x"}) is not None
