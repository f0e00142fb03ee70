"""A symbol gets another name wherever it is used: asked about, whole or not at all, recorded."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.loopback import reply, say
from tests.e2e.buffers.documents import Documents
from tests.e2e.editor_tools.conftest import ANNOUNCED, CODE, ask, at, knows
from tests.e2e.runs import allow_tools

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.buffers.conftest import Uses
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

OTHER = "from cart import total\r\nprint(total([2]))\n"
RENAME = ask("rename_symbol", path="cart.py", line=1, symbol="total", new_name="add")


@pytest.fixture
def other(folder: Path) -> Path:
    """Another file that uses the function; its lines end in two ways."""
    path = folder / "other.py"
    path.write_bytes(OTHER.encode())
    return path


def renaming(cart: Path, *others: Path) -> dict[str, Any]:
    """What a language server answers to a request to rename."""
    changes = {
        cart.as_uri(): [
            {"range": at(0, 4, 9), "newText": "add"},
            {"range": at(4, 6, 11), "newText": "add"},
        ],
        **{
            each.as_uri(): [
                {"range": at(1, 6, 11), "newText": "add"},
                {"range": at(0, 17, 22), "newText": "add"},
            ]
            for each in others
        },
    }
    return {"textDocument/rename": {"changes": changes}}


async def opened(editor_with: Open, folder: Path, cart: Path) -> tuple[Editor, Documents, str]:
    editor = await editor_with(announces=ANNOUNCED, options={"trustedFolders": [folder.as_uri()]})
    documents = Documents(editor)
    return editor, documents, documents.open(cart)


async def asked(editor: Editor, model: Loopback, mode: str, answer: str | None) -> str:
    """Have the agent rename; returns what it was told."""
    model.add(reply("rename it", [RENAME], [say("Done.")]))
    query = editor.query("rename it", permissionMode=mode)

    if answer is not None:
        await editor.until(lambda: editor.requests)
        editor.requests[0][1].set_result({"answer": answer})
    await query
    text: str = editor.events(kind="toolResult")[-1]["text"]
    return text


async def test_it_is_asked_about_and_changes_what_is_open_and_what_is_not(
    editor_with: Open, folder: Path, cart: Path, other: Path, model: Loopback
) -> None:
    editor, documents, uri = await opened(editor_with, folder, cart)
    given = knows(editor, renaming(cart, other))
    told = await asked(editor, model, "default", "allow")
    (question, _), *more = editor.requests
    assert not more
    assert question["title"] == "Rename `total` of cart.py to `add` wherever it is used?"
    assert question["action"]["path"] == "cart.py"
    assert question["notes"] == ["line: 1", "symbol: total", "new_name: add"]
    assert json.loads(told) == {"changed": [str(cart), str(other)]}
    assert given[0].params.newName == "add"
    renamed = CODE.replace("total", "add")
    assert (documents.texts[uri], cart.read_text()) == (renamed, renamed)
    assert other.read_bytes() == OTHER.replace("total", "add").encode()
    assert documents.saves == [uri]
    changed = {each["uri"] for each in editor.events(kind="fileChanged")}
    assert changed == {cart.as_uri(), other.as_uri()}


async def test_it_can_be_looked_through_and_taken_back(
    editor_with: Open, folder: Path, cart: Path, other: Path, model: Loopback
) -> None:
    editor, documents, uri = await opened(editor_with, folder, cart)
    documents.insert(uri, 0, 0, "# unsaved\n")
    answer = renaming(cart, other)
    for each in answer["textDocument/rename"]["changes"][uri]:
        for end in each["range"].values():
            end["line"] += 1
    knows(editor, answer)
    model.add(
        reply(
            "rename below",
            [ask("rename_symbol", path="cart.py", line=2, symbol="total", new_name="add")],
            [say("Done.")],
        )
    )
    query = editor.query("rename below", permissionMode="default")
    await editor.until(lambda: editor.requests)
    editor.requests[0][1].set_result({"answer": "allow"})
    await query
    assert documents.texts[uri] == "# unsaved\n" + CODE.replace("total", "add")
    assert cart.read_text() == CODE
    listed = await editor.command("review.list", {})
    files = {each["uri"]: each for each in listed["files"]}
    assert files.keys() == {uri, other.as_uri()}
    assert "+def add(items):" in json.dumps(files[uri])
    await editor.command("review.undo", {"sessionId": files[uri]["sessionId"]})
    assert documents.texts[uri] == "# unsaved\n" + CODE
    assert other.read_bytes() == OTHER.encode()


@pytest.mark.parametrize(("mode", "answer"), [("default", "deny"), ("plan", None)])
async def test_a_no_and_planning_change_nothing(
    editor_with: Open, folder: Path, cart: Path, model: Loopback, mode: str, answer: str | None
) -> None:
    editor, documents, uri = await opened(editor_with, folder, cart)
    given = knows(editor, renaming(cart))
    told = await asked(editor, model, mode, answer)
    assert len(editor.requests) == (1 if mode == "default" else 0)
    assert ("plan only" in told) == (mode == "plan")
    assert (documents.texts[uri], cart.read_text(), given) == (CODE, CODE, [])


async def test_planning_holds_against_a_rule_that_allows(
    editor_with: Open,
    folder: Path,
    cart: Path,
    model: Loopback,
    environment: dict[str, str],
) -> None:
    allow_tools(environment, "mcp__editor__rename_symbol")
    editor, documents, uri = await opened(editor_with, folder, cart)
    knows(editor, renaming(cart))
    assert "plan only" in await asked(editor, model, "plan", None)
    assert documents.texts[uri] == CODE


@pytest.mark.parametrize("where", ["outside", "denied", "hidden", "moved", "odd", "overlapping"])
async def test_what_must_not_be_changed_keeps_all_from_being_changed(
    editor_with: Open,
    folder: Path,
    cart: Path,
    tmp_path: Path,
    uses: Uses,
    environment: dict[str, str],
    where: str,
) -> None:
    allow_tools(environment, "mcp__editor__rename_symbol")
    settings = folder / ".claude" / "settings.json"
    settings.parent.mkdir()
    rules = {"deny": ["Edit(denied.py)"]}
    settings.write_text(json.dumps({"permissions": rules}))
    others = {"outside": tmp_path / "o.py", "denied": folder / "denied.py"}
    path = others.get(where, folder / ".claude" / "settings.json")
    if where in others:
        path.write_text(OTHER)
    before = path.read_bytes()
    answer = renaming(cart, *([path] if where in ("outside", "denied", "hidden") else []))
    edit = answer["textDocument/rename"]
    match where:
        case "moved":
            moved = {"kind": "rename", "oldUri": cart.as_uri(), "newUri": "file:///x"}
            edit["documentChanges"] = [moved]
        case "odd":
            edit["changes"][cart.as_uri()].append({"range": None, "newText": 3})
        case "overlapping":
            edit["changes"][cart.as_uri()].append({"range": at(0, 5, 8), "newText": "x"})
    editor, documents, uri = await opened(editor_with, folder, cart)
    knows(editor, answer)
    (told,) = await uses(editor, RENAME)
    assert "Nothing was changed" in told
    assert (documents.texts[uri], cart.read_text(), path.read_bytes()) == (CODE, CODE, before)
    assert not documents.edits


async def test_what_the_user_types_meanwhile_is_not_edited_over(
    editor_with: Open, folder: Path, cart: Path, other: Path, model: Loopback
) -> None:
    editor, documents, uri = await opened(editor_with, folder, cart)

    def type_and_answer(_: Any) -> Any:
        documents.insert(uri, 0, 0, "# typed\n")
        return {"answers": [{"result": renaming(cart, other)["textDocument/rename"]}]}

    editor.protocol.fm.features["claudeAgent/language"] = type_and_answer
    assert "typing" in await asked(editor, model, "default", "allow")
    assert documents.texts[uri] == "# typed\n" + CODE
    assert other.read_bytes() == OTHER.encode()


async def test_units_are_those_of_the_language_server(
    editor_with: Open, folder: Path, cart: Path, other: Path, uses: Uses
) -> None:
    other.write_text("\U0001f6d2 = total  # ü total\n")
    editor, documents, uri = await opened(editor_with, folder, cart)
    edits = [{"range": at(0, 7, 12), "newText": "add"}, {"range": at(0, 19, 24), "newText": "add"}]
    result = {"documentChanges": [{"textDocument": {"uri": other.as_uri()}, "edits": edits}]}
    answer = {"answers": [{"result": result, "positionEncoding": "utf-8"}]}
    editor.protocol.fm.features["claudeAgent/language"] = lambda _: answer
    model_told = asyncio.ensure_future(uses(editor, RENAME))
    await editor.until(lambda: editor.requests)
    editor.requests[0][1].set_result({"answer": "allow"})
    await model_told
    assert other.read_text() == "\U0001f6d2 = add  # ü add\n"
    assert documents.texts[uri] == CODE


async def test_a_stop_halves_no_renaming(
    editor_with: Open,
    folder: Path,
    cart: Path,
    other: Path,
    model: Loopback,
    environment: dict[str, str],
) -> None:
    allow_tools(environment, "mcp__editor__rename_symbol")
    editor, documents, uri = await opened(editor_with, folder, cart)
    knows(editor, renaming(cart, other))
    model.add(reply("rename it", [RENAME], [say("Done.")]))
    query = editor.query("rename it", permissionMode="default")

    def stop() -> None:
        editor.cancel(query)

    documents.before_edit = stop
    with pytest.raises(JsonRpcException):
        await query
    renamed = CODE.replace("total", "add")
    await editor.until(lambda: cart.read_text() == renamed)
    assert documents.texts[uri] == renamed
    assert other.read_bytes() == OTHER.replace("total", "add").encode()
    (session,) = (await editor.command("session.list", {}))["sessions"]
    listed = await editor.command("review.list", {"sessionId": session["sessionId"]})
    assert {each["uri"] for each in listed["files"]} == {uri, other.as_uri()}
