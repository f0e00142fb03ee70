"""What keeps the house readable: few modules in a folder, short modules, short functions."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import claude_agent_lsp

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(claude_agent_lsp.__file__).parent
EDITORS = Path(__file__).parents[2] / "editors"
MOST_MODULES = 12
MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 50


def test_no_folder_holds_more_than_a_dozen_modules() -> None:
    folders: dict[str, int] = {}
    for module in PACKAGE.rglob("*.py"):
        if module.name != "__init__.py":
            folder = module.parent.relative_to(PACKAGE).as_posix()
            folders[folder] = folders.get(folder, 0) + 1
    assert len(folders) > 20
    assert {folder: count for folder, count in folders.items() if count > MOST_MODULES} == {}


def test_no_module_is_two_things() -> None:
    lengths = {
        module.relative_to(PACKAGE).as_posix(): len(module.read_text().splitlines())
        for module in PACKAGE.rglob("*.py")
    }
    assert len(lengths) > 100
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_no_module_of_an_editors_is_two_things() -> None:
    modules = [*EDITORS.glob("neovim/**/*.lua"), *EDITORS.glob("emacs/*.el")]
    lengths = {each.name: len(each.read_text(encoding="utf-8").splitlines()) for each in modules}
    assert len(lengths) > 20
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def functions() -> Iterator[tuple[str, int]]:
    """Each function, with its lines of code: without what documents it."""
    for module in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
                yield f"{module.relative_to(PACKAGE).as_posix()}: {node.name}", lines


def test_no_function_is_longer_than_a_screen() -> None:
    found = dict(functions())
    assert len(found) > 500
    too_long = {n: lines for n, lines in found.items() if lines > MOST_LINES_OF_A_FUNCTION}
    assert too_long == {}
