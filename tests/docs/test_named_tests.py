"""Each promise of a page that names its tests has them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
DOCS = TESTS.parent / "docs"
PAGES = {"stores.md": "## What is promised\n", "security.md": "# Security"}


def promises(page: str) -> dict[str, list[str]]:
    """The rows of a page's tables: the first column, and the tests that the last one names."""
    text = (DOCS / page).read_text(encoding="utf-8").partition(PAGES[page])[2]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    found = {row[0].strip(): re.findall(r"`(test_\w+)`", row[-1]) for row in rows}
    return {promise: tests for promise, tests in found.items() if promise not in HEADS}


HEADS = {"Promise", "What it tries", "What they try", "What goes wrong", "What it does"}


def names_there() -> list[str]:
    """The names of all tests."""
    return [
        node.name
        for module in TESTS.rglob("test_*.py")
        for node in ast.parse(module.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


@pytest.mark.parametrize("page", PAGES)
def test_each_promise_names_tests_that_are_there(page: str) -> None:
    named = promises(page)
    assert len(named) > 20
    assert [promise for promise, those in named.items() if not those] == []
    there = names_there()
    assert {name: there.count(name) for those in named.values() for name in those} == {
        name: 1 for those in named.values() for name in those
    }
