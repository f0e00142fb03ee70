"""Any editor shows where Claude has changed something, and offers to keep it or take it back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from tests.e2e.conversations.test_rewound_commands import work
from tests.e2e.review.conftest import TEN
from tests.e2e.review.test_open_files import Buffer
from tests.e2e.review.test_review import TWO_PLACES
from tests.e2e.runs import eventually

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

KEEP, UNDO = "Keep Claude's change", "Undo Claude's change"
KEEP_ALL, UNDO_ALL = "Keep all of Claude's changes", "Undo all of Claude's changes"


def place(uri: str, line: int) -> dict[str, Any]:
    return {
        "text_document": types.TextDocumentIdentifier(uri),
        "position": types.Position(line, 0),
    }


async def actions(
    editor: Editor, uri: str, line: int, *, only: list[str] | None = None
) -> dict[str, types.Command]:
    """What is offered in a line, by its title."""
    at = types.Position(line, 0)
    params = types.CodeActionParams(
        types.TextDocumentIdentifier(uri),
        types.Range(at, at),
        types.CodeActionContext([], only=only),
    )
    found = await editor.ask(types.TEXT_DOCUMENT_CODE_ACTION, params)
    return {
        each.title: each.command
        for each in found or ()
        if each.command.command.startswith("claudeAgent.review.")
    }


async def hovered(editor: Editor, uri: str, line: int) -> str | None:
    params = types.HoverParams(**place(uri, line))
    hover = await editor.ask(types.TEXT_DOCUMENT_HOVER, params)
    return None if hover is None else hover.contents.value


async def lenses(editor: Editor, uri: str) -> list[tuple[int, str, types.Command]]:
    params = types.CodeLensParams(types.TextDocumentIdentifier(uri))
    found = await editor.ask(types.TEXT_DOCUMENT_CODE_LENS, params)
    return [(each.range.start.line, each.command.title, each.command) for each in found]


async def do(editor: Editor, command: types.Command) -> Any:
    """What the user has chosen."""
    (argument,) = command.arguments or ()
    return await editor.command(command.command.removeprefix("claudeAgent."), argument)


async def test_a_changed_line_tells_who_changed_it_and_can_go(
    editor_with: Open, repository: Path, model: Loopback
) -> None:
    editor = await editor_with()
    await work(editor, model, TWO_PLACES)
    buffer = Buffer(editor, repository / "a.txt")
    buffer.type("top\n" + buffer.text)
    told = await hovered(editor, buffer.uri, 3)
    assert told is not None
    head, *rest = told.splitlines()
    assert head.startswith("Changed by Claude: go 0, 20")
    assert rest == ["-2", "+two"]
    assert await hovered(editor, buffer.uri, 2) is None
    assert await actions(editor, buffer.uri, 2) == {}
    offered = await actions(editor, buffer.uri, 3)
    assert list(offered) == [KEEP, UNDO, KEEP_ALL, UNDO_ALL]
    assert await actions(editor, buffer.uri, 3, only=["source.organizeImports"]) == {}
    await do(editor, offered[UNDO])
    assert buffer.text == "top\n" + TEN.replace("7", "seven")
    assert await hovered(editor, buffer.uri, 3) is None
    # The last one is all there is.
    offered = await actions(editor, buffer.uri, 8)
    assert list(offered) == [KEEP, UNDO]
    await do(editor, offered[KEEP])
    assert await actions(editor, buffer.uri, 8) == {}
    assert await hovered(editor, buffer.uri, 8) is None


async def test_what_others_have_changed_since_is_said_and_not_offered(
    editor_with: Open, repository: Path, model: Loopback
) -> None:
    editor = await editor_with()
    await work(editor, model, "sed -i 's/^2/two/' a.txt && sed -i '/^5/d' a.txt")
    buffer = Buffer(editor, repository / "a.txt")
    buffer.type(buffer.text.replace("two", "TWO"))
    assert list(await actions(editor, buffer.uri, 2)) == [KEEP, KEEP_ALL, UNDO_ALL]
    told = await hovered(editor, buffer.uri, 2)
    assert told is not None
    assert told.splitlines()[1:] == [
        "can't be taken back: the same lines have changed since",
        "-2",
        "+TWO",
    ]
    # Lines that are gone are told of in the line behind them.
    told = await hovered(editor, buffer.uri, 5)
    assert told is not None
    assert told.splitlines()[1:] == ["-5"]


async def test_the_document_of_a_review_has_lenses_as_long_as_something_is_left(
    editor_with: Open, repository: Path, model: Loopback
) -> None:
    editor = await editor_with()
    refreshed: list[None] = []
    editor.protocol.fm.features[types.WORKSPACE_CODE_LENS_REFRESH] = refreshed.append
    await work(editor, model, TWO_PLACES)
    shown = await editor.command("review.show")
    lines = Path(shown["uri"].removeprefix("file://")).read_text().splitlines()
    found = await lenses(editor, shown["uri"])
    assert [(lines[line][:3], title) for line, title, _ in found] == [
        ("---", f"{KEEP_ALL} in a.txt"),
        ("---", f"{UNDO_ALL} in a.txt"),
        *[("@@ ", KEEP), ("@@ ", UNDO)] * 2,
    ]
    offered = await actions(editor, shown["uri"], found[2][0] + 1)
    assert {KEEP, UNDO} < set(offered)
    refreshed.clear()
    await do(editor, found[3][2])
    assert (repository / "a.txt").read_text() == TEN.replace("7", "seven")
    await eventually(lambda: refreshed)
    assert [title for _, title, _ in await lenses(editor, shown["uri"])] == [
        f"{KEEP_ALL} in a.txt",
        f"{UNDO_ALL} in a.txt",
        KEEP,
        UNDO,
    ]
    await do(editor, found[0][2])
    assert await lenses(editor, shown["uri"]) == []


async def test_changes_are_diagnostics_where_the_setting_wants_them(
    editor_with: Open, repository: Path, model: Loopback
) -> None:
    editor = await editor_with(
        settings={"reviewDiagnostics": True}, announces={"reviewEvents": True}
    )
    others: list[Any] = []
    editor.protocol.fm.features["claudeAgent/reviewChanged"] = others.append
    session, _ = await work(editor, model, TWO_PLACES)
    buffer = Buffer(editor, repository / "a.txt")

    def told() -> list[tuple[int, int, str]]:
        return [
            (each.range.start.line, each.range.end.line, each.message.partition(",")[0])
            for each in editor.diagnostics.get(buffer.uri, [])
        ]

    message = "Changed by Claude: go 0"
    await eventually(lambda: told() == [(2, 3, message), (7, 8, message)])
    first, _ = editor.diagnostics[buffer.uri]
    assert first.severity == types.DiagnosticSeverity.Information
    buffer.type("top\n" + buffer.text)
    await eventually(lambda: told() == [(3, 4, message), (8, 9, message)])
    others.clear()
    await editor.command("review.keep", {"sessionId": session})
    await eventually(lambda: told() == [])
    assert len(others) == 1


async def test_there_are_no_diagnostics_without_the_setting(
    editor_with: Open, repository: Path, model: Loopback
) -> None:
    editor = await editor_with()
    session, _ = await work(editor, model, TWO_PLACES)
    buffer = Buffer(editor, repository / "a.txt")
    await editor.command("review.keep", {"sessionId": session})
    assert editor.diagnostics.get(buffer.uri) is None
