"""Where something is defined, used and named, by the editor's language servers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.loopback import call, reply
from tests.e2e.buffers.documents import Documents
from tests.e2e.editor_tools.conftest import ANNOUNCED, answers, ask, at, knows, offered, said

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.buffers.conftest import Uses
    from tests.e2e.conftest import Open


def location(path: Path, line: int) -> dict[str, Any]:
    return {"uri": path.as_uri(), "range": at(line, 4, 9)}


async def test_agent_finds_the_tools_and_asks_language_servers_unasked(
    editor_with: Open, cart: Path, folder: Path, uses: Uses, model: Loopback
) -> None:
    editor = await editor_with(announces=ANNOUNCED)
    documents = Documents(editor)
    uri = documents.open(cart)
    documents.insert(uri, 0, 0, "# \U0001f6d2\n")
    other = folder / "other.py"
    other.write_text("import cart\n")
    link = {"targetUri": uri, "targetRange": at(0, 0, 9), "targetSelectionRange": at(1, 4, 9)}
    symbol = {"name": "total", "kind": 12, "range": at(1, 0, 9), "selectionRange": at(1, 4, 9)}
    within = {**symbol, "name": "items", "kind": 13}
    asked = knows(
        editor,
        {
            "textDocument/definition": [link],
            "textDocument/references": [location(cart, 1), location(other, 0)],
            "textDocument/documentSymbol": [{**symbol, "children": [within]}],
            "workspace/symbol": [{"name": "total", "kind": 12, "location": location(cart, 1)}],
        },
    )
    place = {"path": str(cart), "line": 6, "symbol": "total"}
    names = ("definition", "references", "symbols", "rename_symbol")
    found = call("ToolSearch", query=f"select:{','.join(f'mcp__editor__{n}' for n in names)}")
    await uses(editor, found)
    definition, references, symbols, project = await uses(
        editor,
        ask("definition", **place),
        ask("references", **place),
        ask("symbols", path="cart.py"),
        ask("symbols", query="tot"),
    )
    assert set(names) < set(offered(model))
    assert said(definition) == {"places": [{"path": str(cart), "line": 2}]}
    assert said(references)["places"] == [
        {"path": str(cart), "line": 2},
        {"path": str(other), "line": 1},
    ]
    function = {"name": "total", "kind": "function", "path": str(cart), "line": 2}
    variable = {"name": "items", "kind": "variable", "in": "total", "path": str(cart), "line": 2}
    assert said(symbols)["symbols"] == [function, variable]
    assert said(project)["symbols"] == [function]
    position = asked[0].params.position
    assert (position.line, position.character) == (5, 6)
    assert not editor.requests


async def test_places_outside_are_counted_and_not_told(
    editor_with: Open, cart: Path, tmp_path: Path, uses: Uses
) -> None:
    editor = await editor_with(announces=ANNOUNCED)
    Documents(editor).open(cart)
    outside = location(tmp_path / "library.py", 3)
    git = {"uri": "git:/cart.py", "range": at(0, 0, 1)}
    odd = [None, 1, {}, {"uri": 3}, {"uri": "file:///x", "range": None}, git]
    knows(
        editor,
        {
            "textDocument/definition": [*odd, outside, location(cart, 0)],
            "workspace/symbol": [{"name": "x", "kind": 1, "location": outside}, *odd],
        },
    )
    definition, symbols = await uses(
        editor,
        ask("definition", path="cart.py", line=5, symbol="total"),
        ask("symbols", query="x"),
    )
    assert said(definition) == {"places": [{"path": str(cart), "line": 1}], "notTold": 1}
    assert said(symbols) == {"symbols": [], "notTold": 1}
    assert "library" not in definition + symbols


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"path": "cart.py", "line": 1, "symbol": "nothing"}, "Line 1 has no `nothing` in it."),
        ({"path": "cart.py", "line": 99, "symbol": "total"}, "only 6 lines"),
        ({"path": "cart.py", "line": 0, "symbol": "total"}, "line"),
        ({"path": "/etc/passwd", "line": 1, "symbol": "root"}, "outside of this session's folders"),
        ({"path": "none.py", "line": 1, "symbol": "total"}, "There is no file"),
        ({"path": "a\0b", "line": 1, "symbol": "total"}, "has to be the path"),
        ({"line": 1, "symbol": "total"}, "path"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_the_reason(
    editor_with: Open, cart: Path, uses: Uses, given: dict[str, Any], told: str
) -> None:
    editor = await editor_with(announces=ANNOUNCED)
    Documents(editor).open(cart)
    asked = knows(editor, {})
    (answer,) = await uses(editor, ask("definition", **given))
    assert told in answer
    assert not asked


async def test_without_an_answer_the_agent_is_told_so(
    editor_with: Open, cart: Path, uses: Uses
) -> None:
    editor = await editor_with(announces=ANNOUNCED)
    Documents(editor).open(cart)
    place = {"path": "cart.py", "line": 1, "symbol": "total"}
    replies: list[Any] = [
        None,
        [],
        {"answers": []},
        {"answers": [{"error": "still\x1b indexing"}]},
        {"answers": [{"result": None}]},
    ]
    answers(editor, "language", lambda _: replies.pop(0))
    *none, busy, nothing = await uses(editor, *(ask("definition", **place) for _ in range(5)))
    assert ["No language server" in each for each in none] == [True] * 3
    assert "still\\x1b indexing" in busy
    assert said(nothing) == {"places": []}


async def test_a_stop_does_not_wait_for_a_language_server(
    editor_with: Open, cart: Path, model: Loopback
) -> None:
    editor = await editor_with(announces=ANNOUNCED)
    Documents(editor).open(cart)
    reached, never = asyncio.Event(), asyncio.Event()

    async def hang(_: Any) -> None:
        reached.set()
        await never.wait()

    editor.protocol.fm.features["claudeAgent/language"] = hang
    model.add(reply("go", [ask("definition", path="cart.py", line=1, symbol="total")]))
    asked = editor.query("go")
    await asyncio.wait_for(reached.wait(), 20)
    at_ = editor.cancel(asked)
    with pytest.raises(JsonRpcException):
        await asked
    assert asked.answered_at is not None
    assert asked.answered_at - at_ < 5
    never.set()


async def test_an_editor_without_language_servers_is_not_asked(
    editor_with: Open, cart: Path, uses: Uses, model: Loopback
) -> None:
    editor = await editor_with(announces={**ANNOUNCED, "language": False})
    Documents(editor).open(cart)
    asked = knows(editor, {})
    (told,) = await uses(editor, ask("definition", path="cart.py", line=1, symbol="total"))
    assert "No such tool" in told
    assert not asked
