"""What is open, and what is wrong there: of this very text, or unknown."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types

from claude_agent_lsp.loopback import call
from tests.e2e.buffers.conftest import edit, read
from tests.e2e.buffers.documents import Documents
from tests.e2e.editor_tools.conftest import (
    ANNOUNCED,
    answers,
    ask,
    at,
    diagnose,
    offered,
    problem,
    said,
)

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.buffers.conftest import Uses
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor


def trusted(folder: Path, **settings: Any) -> dict[str, Any]:
    """Options of a client whose folder is trusted."""
    return {"trustedFolders": [folder.as_uri()], "settings": settings}


def messages(file: dict[str, Any]) -> list[str]:
    return [each["message"] for each in file["diagnostics"]]


async def test_diagnostics_are_told_unasked_with_nothing_hidden_in_them(
    editor_with: Open, cart: Path, uses: Uses
) -> None:
    editor = await editor_with(announces=ANNOUNCED)
    uri = Documents(editor).open(cart)
    odd = problem(1, "no\n\u202eitems", severity=2, source="lint", code=7, data={"a b": {"": 1}})
    diagnose(editor, uri, 1, odd)
    (told,) = await uses(editor, ask("diagnostics", path="cart.py"))
    assert said(told) == {
        "files": [
            {
                "path": str(cart),
                "known": True,
                "version": 1,
                "diagnostics": [
                    {
                        "line": 2,
                        "column": 1,
                        "severity": "warning",
                        "message": "no \\u202eitems",
                        "source": "lint",
                        "code": "7",
                    }
                ],
            }
        ]
    }
    assert not editor.requests


async def test_after_an_edit_the_diagnostics_of_the_new_text_are_waited_for(
    editor_with: Open, folder: Path, cart: Path, uses: Uses
) -> None:
    editor = await editor_with(announces=ANNOUNCED, options=trusted(folder))
    documents = Documents(editor)
    uri = documents.open(cart)
    diagnose(editor, uri, 1, problem(0, "of the old text"))

    def lint() -> None:
        diagnose(editor, uri, documents.versions[uri], problem(0, "late, of the old text"))
        loop = asyncio.get_running_loop()
        loop.call_later(1, tell, "the slow linter still says so")
        loop.call_later(1.3, tell, "of the new text")

    def tell(message: str) -> None:
        diagnose(editor, uri, documents.versions[uri], problem(0, message))

    documents.before_edit = lint
    told = await uses(
        editor, read(cart), edit(cart, "sum", "max"), ask("diagnostics", path=str(cart))
    )
    (file,) = said(told[-1])["files"]
    assert (messages(file), file["version"]) == (["of the new text"], documents.versions[uri])


async def test_what_nobody_has_told_of_this_text_is_unknown(
    editor_with: Open, folder: Path, cart: Path, uses: Uses
) -> None:
    editor = await editor_with(announces=ANNOUNCED, options=trusted(folder))
    documents = Documents(editor)
    uri = documents.open(cart)
    diagnose(editor, uri, 1, problem(0, "stale"))
    documents.insert(uri, 0, 0, "# more\n")
    (told,) = await uses(editor, ask("diagnostics"))
    (file,) = said(told)["files"]
    assert (file["known"], file["version"], "stale" in told) == ("unknown", 2, False)


async def test_closed_documents_are_forgotten_and_others_are_not_open(
    editor_with: Open, folder: Path, cart: Path, uses: Uses
) -> None:
    editor = await editor_with(announces=ANNOUNCED)
    documents = Documents(editor)
    uri = documents.open(cart)
    diagnose(editor, uri, 1, problem(0, "known"))
    documents.close(uri)
    diagnose(editor, uri, 1, problem(0, "of what is closed"))
    (folder / "other.py").write_text("")
    documents.open(folder / "other.py")
    closed, opened = await uses(
        editor, ask("diagnostics", path=str(cart)), call("Read", file_path=str(cart))
    )
    assert said(closed)["files"][0]["note"] == "It is not open in the editor."
    assert "def total" in opened
    documents.open(cart)
    (again,) = await uses(editor, ask("diagnostics", path=str(cart)))
    assert said(again)["files"][0]["known"] == "unknown"


async def test_nothing_is_told_of_what_the_agent_may_not_read(
    editor_with: Open, folder: Path, cart: Path, tmp_path: Path, uses: Uses
) -> None:
    settings = folder / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"permissions": {"deny": ["Read(secret.py)"]}}))
    outside, secret, link = tmp_path / "outside.py", folder / "secret.py", folder / "link.py"
    for each in (outside, secret):
        each.write_text("x = 1\n")
    link.symlink_to(outside)
    editor = await editor_with(announces=ANNOUNCED, options=trusted(folder))
    documents = Documents(editor)
    for each in (outside, secret, link, cart):
        diagnose(editor, documents.open(each), 1, problem(0, f"in {each.name}"))
    every, opened, *refused = await uses(
        editor,
        ask("diagnostics"),
        ask("open_documents"),
        *(ask("diagnostics", path=str(each)) for each in (outside, secret, link)),
    )
    assert [messages(each) for each in said(every)["files"]] == [["in cart.py"]]
    assert said(every)["notTold"] == 3
    assert [each["path"] for each in said(opened)["documents"]] == [str(cart)]
    assert ["outside" in each or "deny rule" in each for each in refused] == [True] * 3
    assert not any("in secret" in each or "in outside" in each for each in refused)


async def test_a_plain_client_tells_where_its_user_has_looked(
    editor_with: Open, folder: Path, cart: Path, uses: Uses, model: Loopback
) -> None:
    editor = await editor_with()
    documents = Documents(editor)
    uri = documents.open(cart)

    async def look(line: int, *found: str) -> None:
        place = types.Range(types.Position(line, 0), types.Position(line, 3))
        context = types.CodeActionContext([types.Diagnostic(place, each) for each in found])
        params = types.CodeActionParams(types.TextDocumentIdentifier(uri), place, context)
        await editor.ask(types.TEXT_DOCUMENT_CODE_ACTION, params)

    await look(4, "below")
    await look(0, "mended since")
    await look(0, "above")
    (told,) = await uses(editor, ask("diagnostics"))
    (file,) = said(told)["files"]
    assert messages(file) == ["above", "below"]
    assert "where its user has looked" in file["note"]
    assert offered(model) == ["diagnostics", "open_documents"]
    documents.insert(uri, 0, 0, "# more\n")
    (told,) = await uses(editor, ask("diagnostics"))
    assert said(told)["files"][0]["known"] == "unknown"


async def test_odd_diagnostics_are_weather(
    editor_with: Open, folder: Path, cart: Path, uses: Uses, model: Loopback
) -> None:
    editor = await editor_with(announces=ANNOUNCED)
    uri = Documents(editor).open(cart)
    notify = editor.protocol.notify
    odd: Any
    for odd in (None, 1, [], {}, {"uri": 1, "version": 1}, {"uri": uri, "version": "1"}):
        notify("claudeAgent/diagnostics", odd)
    notify("claudeAgent/diagnostics", {"uri": uri, "version": 1, "diagnostics": {"a": 1}})
    far = problem(10**9, "far", severity="x", source=1, code=None)
    own = [problem(0, "our own", source="claude"), problem(0, "changed", source="Claude")]
    many = [problem(0, f"number {number}", severity=2) for number in range(300)]
    many.append(problem(1, "the one error behind them"))
    diagnose(editor, uri, 1, None, {"message": "x"}, {"range": 1}, *own, far, *many)  # type: ignore[arg-type]
    await uses(editor, ask("diagnostics"))
    (file,) = said(model.requests[-1].conversation[-1].text)["files"]
    assert messages(file)[0] == "number 0"
    assert messages(file)[-2:] == ["the one error behind them", "far"]
    assert (len(file["diagnostics"]), file["more"]) == (200, 102)


@pytest.mark.parametrize("visible", [True, False])
async def test_open_documents_are_told_with_what_is_unsaved_and_seen(
    editor_with: Open, folder: Path, cart: Path, uses: Uses, *, visible: bool
) -> None:
    announced = {**ANNOUNCED, "visibleDocuments": visible}
    editor = await editor_with(announces=announced)
    documents = Documents(editor)
    uri = documents.open(cart)
    (folder / "other.py").write_text("")
    documents.open(folder / "other.py")
    documents.insert(uri, 1, 0, "    # \U0001f6d2 more\n")
    shown = {"uri": uri, "active": True, "selection": at(1, 8, 13)}
    odd = [None, {"uri": 3}, {"uri": "file:///nowhere", "selection": {}}]
    answers(editor, "visibleDocuments", lambda _: {"documents": [*odd, shown]})
    (told,) = await uses(editor, ask("open_documents"))
    first, second = said(told)["documents"]
    seen = {
        "visible": True,
        "active": True,
        "selection": {"start": {"line": 2, "column": 8}, "end": {"line": 2, "column": 13}},
    }
    assert first == {"path": str(cart), "unsaved": True, **(seen if visible else {})}
    assert second == {"path": str(folder / "other.py")}


async def test_an_editor_that_does_not_say_what_is_seen_costs_that_alone(
    editor_with: Open, cart: Path, uses: Uses
) -> None:
    def refuse(_: Any) -> Any:
        raise ValueError("no")

    editor: Editor = await editor_with(announces=ANNOUNCED)
    Documents(editor).open(cart)
    answers(editor, "visibleDocuments", refuse)
    (told,) = await uses(editor, ask("open_documents"))
    assert said(told)["documents"] == [{"path": str(cart)}]
