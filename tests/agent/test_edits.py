"""The diff that a question about an edit shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.agent.edits import MOST_BYTES, diff_of

if TYPE_CHECKING:
    from pathlib import Path


def test_an_edit_is_shown_where_it_is_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("".join(f"line {n}\n" for n in range(20)))
    given = {"file_path": "a.py", "old_string": "line 10\n", "new_string": "line ten\n"}
    diff = diff_of("Edit", given, tmp_path)
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
    diff = diff_of("Edit", given, tmp_path)
    assert diff is not None
    assert diff.count("\n+z") == count


def test_an_edit_of_what_is_not_there_is_shown_by_itself(tmp_path: Path) -> None:
    diff = diff_of("Edit", {"file_path": "a", "old_string": "x", "new_string": "y"}, tmp_path)
    assert diff is not None
    assert diff.splitlines()[-2:] == ["-x", "+y"]


def test_a_new_file_is_all_added_and_an_old_one_is_compared(tmp_path: Path) -> None:
    given = {"file_path": "new", "content": "one\ntwo"}
    diff = diff_of("Write", given, tmp_path)
    assert diff is not None
    assert diff.splitlines() == ["--- /dev/null", "+++ new", "@@ -0,0 +1,2 @@", "+one", "+two"]
    (tmp_path / "new").write_text("one\n")
    diff = diff_of("Write", given, tmp_path)
    assert diff is not None
    assert diff.splitlines()[2:] == ["@@ -1 +1,2 @@", " one", "+two"]


def test_nothing_in_a_diff_is_hidden(tmp_path: Path) -> None:
    diff = diff_of("Write", {"file_path": "a\x1b[2K", "content": "b\u202e\f\x00"}, tmp_path)
    assert diff is not None
    assert "+++ a\\x1b[2K" in diff
    assert diff.endswith("+b\\u202e\\x0c\\x00")


def test_what_is_no_edit_or_too_large_has_no_diff(tmp_path: Path) -> None:
    assert diff_of("Bash", {"command": "ls"}, tmp_path) is None
    assert diff_of("Write", {}, tmp_path) is None
    assert diff_of("Write", {"file_path": "a", "content": "x" * (MOST_BYTES + 1)}, tmp_path) is None
    (tmp_path / "binary").write_bytes(b"\xff\x00" * 10)
    assert diff_of("Write", {"file_path": "binary", "content": "x"}, tmp_path) is not None
    assert diff_of("Write", {"file_path": ".", "content": "x"}, tmp_path) is not None
