"""docs/glossary.md is in order, and what pages, comments and docstrings quote is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "server" / "claude_agent_lsp"
GLOSSARY = "docs/glossary.md"
PAGES = [
    GLOSSARY,
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    *(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs" / "decisions").glob("*.md")),
]
# Of Python, of the SDK and of lsprotocol.
OTHERS = {
    "CancelledError",
    "ExecuteCommandParams.arguments",
    "Protocol",
    "SessionStore",
    "ThreadPoolExecutor",
}
PROTOCOL = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")


def names_in_code() -> set[str]:
    """All classes and functions, with what is in a class, and the constants of modules."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            found |= names_of(node)
            if isinstance(node, ast.ClassDef):
                inside = {name for each in node.body for name in names_of(each)}
                inside |= {
                    each.attr
                    for each in ast.walk(node)
                    if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store)
                }
                found |= {f"{node.name}.{name}" for name in inside}
    return found


def names_of(node: ast.stmt) -> set[str]:
    """What a statement gives a name."""
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
    return set()


NAMES = names_in_code()


def quoted(page: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(
        r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    )


def is_there(name: str) -> bool:
    """Whether a path, or a name of the code, is there; true of what is neither."""
    if re.match(r"(docs|editors|scripts|server|tests)/[\w/.-]*$", name):
        return (ROOT / name).exists()
    if name.endswith(".py"):  # in the section of its folder, its name alone
        return any(any(root.rglob(name)) for root in (PACKAGE, ROOT / "tests"))
    if re.fullmatch(r"[A-Z][a-z]\w*(\.\w+)?|_?[a-z]+(_[a-z]+)+", name):
        return name in NAMES | OTHERS
    return True


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_quotes_of_the_code_is_there(page: str) -> None:
    assert [name for name in quoted(page) if not is_there(name)] == []


def test_what_comments_and_docstrings_quote_is_there() -> None:
    missing = []
    for path in sorted(PACKAGE.rglob("*.py")):
        named = re.findall(r"`([\w/]+\.py|[A-Z]\w*\.\w+)`", path.read_text(encoding="utf-8"))
        missing += [f"{path.name}: {name}" for name in named if not is_there(name)]
    assert missing == []


def entries() -> list[tuple[str, str]]:
    """Each line of the glossary: its word and what it says."""
    text = (ROOT / GLOSSARY).read_text(encoding="utf-8")
    body = text[text.index("\n- ") + 1 :]
    lines = [re.fullmatch(r"- \*\*(.+?)\*\*( ◆)?: (.+\.)", line) for line in body.splitlines()]
    assert all(lines), "a line of another form"
    return [(line[1], line[2] or "") for line in lines if line]


def test_glossary_is_in_alphabetical_order() -> None:
    words = [word.casefold() for word, _ in entries()]
    assert words == sorted(set(words))


def test_words_of_the_protocol_stand_on_its_page() -> None:
    page = re.sub(r"\W", "", PROTOCOL).casefold()
    marked = [word for word, mark in entries() if mark]
    assert marked
    assert [word for word in marked if re.sub(r"\W", "", word).casefold() not in page] == []
