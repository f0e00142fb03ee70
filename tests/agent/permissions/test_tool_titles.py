from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.agent.events import Location
from claude_agent_lsp.agent.permissions.tool_titles import (
    TITLE_LENGTH,
    locations_of,
    path_in,
    title_of,
)
from claude_agent_lsp.base.texts.text import one_line

FOLDER = Path("/project")


@pytest.mark.parametrize(
    ("tool", "given", "title"),
    [
        ("Read", {"file_path": "/project/src/server.py"}, "Reading server.py"),
        ("Edit", {"file_path": "a.py"}, "Editing a.py"),
        ("NotebookEdit", {"notebook_path": "a.ipynb"}, "Editing a.ipynb"),
        ("Write", {}, "Writing a file"),
        ("Bash", {"command": "make test"}, "Running `make test`"),
        ("Bash", {}, "Running ``"),
        ("Monitor", {"description": "x", "command": "tail -f a"}, "Running `tail -f a`"),
        ("Workflow", {"script": "return 1"}, "Running `return 1`"),
        ("SendMessage", {"summary": "x", "message": "hi"}, "Sending `hi`"),
        ("CronCreate", {"prompt": "look"}, "Ordering for later `look`"),
        ("Grep", {"pattern": "x+"}, "Searching for `x+`"),
        ("Agent", {"description": "look around"}, "Delegating `look around`"),
        ("TodoWrite", {"todos": []}, "Planning"),
        ("mcp__github__create_issue", {}, "Using create_issue of github"),
        ("mcp__github", {}, "Using github of github"),
        ("Unheard", {"file_path": "a.py"}, "Using Unheard"),
    ],
)
def test_a_title_says_what_is_done(tool: str, given: dict[str, Any], title: str) -> None:
    assert title_of(tool, given) == title


def test_a_long_command_is_cut() -> None:
    title = title_of("Bash", {"command": "x" * 1000})
    assert len(title) < TITLE_LENGTH
    assert title.endswith("…`")


@pytest.mark.parametrize(
    "trick",
    [*"\n\r\t\0\u202e\u2028\u200b\u061c\ufeff\u200d\u115f\u3164\uffa0\ufe0f\U000e0101", "\x1b[2K"],
)
def test_a_command_cannot_pretend_to_be_another(trick: str) -> None:
    title = title_of("Bash", {"command": f"rm -rf /{trick}ls"})
    assert title.startswith("Running `rm -rf /\\")
    assert title.isascii()
    assert trick not in title_of("Read", {"path": f"a{trick}b"})
    assert trick not in title_of(f"mcp__a__b{trick}", {})
    assert trick not in title_of(f"x{trick}", {})


@given(st.text(), st.integers(1, 50))
def test_one_line_is_one_line_and_fits(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1


def test_one_line_keeps_what_fits() -> None:
    assert one_line("  12345 ", 5) == "12345"
    assert one_line("123456", 5) == "1234…"
    assert one_line("fix it,\r\n\nplease\t!\n", 50) == "fix it, please !"
    assert one_line("a\u200b\x1bb", 50) == "a\\u200b\\x1bb"


@pytest.mark.parametrize(
    ("given", "locations"),
    [
        ({}, ()),
        ({"file_path": "a.py"}, (Location(FOLDER / "a.py"),)),
        ({"file_path": "/else/a.py"}, (Location(Path("/else/a.py")),)),
        ({"file_path": "a.py", "offset": 1}, (Location(FOLDER / "a.py", 0, None),)),
        ({"file_path": "a.py", "offset": 3, "limit": 2}, (Location(FOLDER / "a.py", 2, 4),)),
        ({"file_path": "a.py", "offset": 0, "limit": 2}, (Location(FOLDER / "a.py"),)),
        ({"file_path": "a.py", "offset": "3"}, (Location(FOLDER / "a.py"),)),
        ({"file_path": "a.py", "offset": 3, "limit": 0}, (Location(FOLDER / "a.py", 2, None),)),
    ],
)
def test_locations_are_files_and_their_lines(
    given: dict[str, Any], locations: tuple[Location, ...]
) -> None:
    assert locations_of(given, FOLDER) == locations


@pytest.mark.parametrize("given", [{}, {"path": ""}, {"path": 1}, {"path": "a\0b"}])
def test_what_is_no_path_is_none(given: dict[str, Any]) -> None:
    assert path_in(given) is None
