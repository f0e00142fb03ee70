"""Each promise of docs/stores.md has a test."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "stores.md").read_text(encoding="utf-8")


def promises() -> dict[str, list[str]]:
    """The rows of the table: each promise, and the tests that it names."""
    section = PAGE.partition("\n## What is promised\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return {row[0].strip(): re.findall(r"`(test_\w+)`", row[1]) for row in rows[2:]}


def names_there() -> list[str]:
    """The names of the tests of shared sessions that are there."""
    modules = [*TESTS.glob("stores/test_*.py"), *TESTS.glob("sessions/test_*.py")]
    return [
        node.name
        for module in modules
        for node in ast.parse(module.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def test_each_promise_names_tests_that_are_there() -> None:
    named = promises()
    assert len(named) > 20
    assert [promise for promise, those in named.items() if not those] == []
    there = names_there()
    assert {name: there.count(name) for those in named.values() for name in those} == {
        name: 1 for those in named.values() for name in those
    }
