"""What is open in the editor is looked at, and changed, as it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types
from pygls.workspace import PositionCodec, TextDocument

from tests.e2e.conversations.test_rewound_commands import work
from tests.e2e.review.conftest import TEN
from tests.e2e.review.test_review import TWO_PLACES, diffs, listed

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor


class Buffer:
    """A file that the editor has open, which takes edits of its version alone."""

    def __init__(self, editor: Editor, path: Path, text: str | None = None) -> None:
        self._editor = editor
        self._codec = PositionCodec(types.PositionEncodingKind.Utf16)
        self.uri = path.as_uri()
        self.version = 1
        self.text = path.read_bytes().decode() if text is None else text
        self.edits: list[types.TextEdit | types.AnnotatedTextEdit] = []
        self.takes = True
        item = types.TextDocumentItem(self.uri, "plaintext", self.version, self.text)
        self._notify(types.TEXT_DOCUMENT_DID_OPEN, types.DidOpenTextDocumentParams(item))
        editor.protocol.fm.features[types.WORKSPACE_APPLY_EDIT] = self._apply

    def type(self, text: str) -> None:
        """The user makes this of it."""
        self.version += 1
        self.text = text
        self._notify(
            types.TEXT_DOCUMENT_DID_CHANGE,
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(self.version, self.uri),
                [types.TextDocumentContentChangeWholeDocument(text)],
            ),
        )

    def _apply(self, params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        (change,) = params.edit.document_changes or ()
        assert isinstance(change, types.TextDocumentEdit)
        if not self.takes or change.text_document.version != self.version:
            return types.ApplyWorkspaceEditResult(applied=False)
        self.edits = [e for e in change.edits if not isinstance(e, types.SnippetTextEdit)]
        document = TextDocument(self.uri, self.text, self.version, position_codec=self._codec)
        for edit in reversed(self.edits):
            event = types.TextDocumentContentChangePartial(edit.range, edit.new_text)
            document.apply_change(event)
        self.type(document.source)
        return types.ApplyWorkspaceEditResult(applied=True)

    def _notify(self, method: str, params: Any) -> None:
        self._editor.protocol.notify(method, params)


async def hunks(editor: Editor) -> list[dict[str, Any]]:
    """Those of a.txt that are to be looked at."""
    found: list[dict[str, Any]] = (await listed(editor))["a.txt"]["hunks"]
    return found


@pytest.mark.parametrize("content", [TEN, TEN.replace("\n", "\r\n"), "\ufeff" + TEN[:-1] + "🦜é"])
async def test_an_undo_goes_through_the_buffer_in_the_smallest_steps(
    editor_with: Open, repository: Path, model: Loopback, content: str
) -> None:
    notes = repository / "a.txt"
    notes.write_bytes(content.encode())
    editor = await editor_with()
    session, _ = await work(editor, model, "sed -i 's/^2/two/;s/^9/nine/' a.txt")
    after = notes.read_bytes()
    # As editors do it: without a byte order mark.
    buffer = Buffer(editor, notes, after.decode("utf-8-sig"))
    mine = buffer.text.replace("4", "four 🦜")
    buffer.type(mine)
    assert [hunk["range"]["start"]["line"] for hunk in await hunks(editor)] == [2, 9]
    undone = await editor.command("review.undo", {"sessionId": session})
    assert undone["filesChanged"] == [notes.as_uri()]
    assert buffer.text == content.removeprefix("\ufeff").replace("4", "four 🦜")
    assert len(buffer.edits) == 2
    assert notes.read_bytes() == after  # the user saves it, or not
    assert await listed(editor) == {}
    await editor.command("review.redo")
    assert buffer.text == mine
    assert len(await hunks(editor)) == 2


async def test_what_was_typed_meanwhile_is_not_overwritten(
    editor_with: Open, repository: Path, model: Loopback
) -> None:
    editor = await editor_with()
    session, _ = await work(editor, model, TWO_PLACES)
    notes = repository / "a.txt"
    buffer, on_disk = Buffer(editor, notes), notes.read_text()
    buffer.takes = False
    buffer.type(typed := "typed\n" + buffer.text)
    back = await editor.command("review.undo", {"sessionId": session})
    reason = "the editor has it open, and did not change its text"
    assert back["kept"] == [{"uri": notes.as_uri(), "reason": reason, "conflict": False}]
    assert (back["filesChanged"], back["undone"]) == ([], [])
    assert (buffer.text, notes.read_text()) == (typed, on_disk)
    assert diffs(await listed(editor)) == {"a.txt": ["-2\n+two\n", "-7\n+seven\n"]}


async def test_a_buffer_that_is_late_with_the_disk_counts_for_nothing(
    editor_with: Open, repository: Path, model: Loopback
) -> None:
    editor = await editor_with()
    notes = repository / "a.txt"
    buffer = Buffer(editor, notes)
    session, _ = await work(editor, model, TWO_PLACES)
    assert diffs(await listed(editor)) == {"a.txt": ["-2\n+two\n", "-7\n+seven\n"]}
    await editor.command("review.undo", {"sessionId": session})
    assert buffer.edits == []
    assert notes.read_text() == TEN == buffer.text


async def test_a_file_with_unsaved_text_is_not_deleted(
    editor_with: Open, repository: Path, model: Loopback
) -> None:
    editor = await editor_with()
    session, _ = await work(editor, model, "echo new > new.txt")
    new = repository / "new.txt"
    buffer = Buffer(editor, new)
    buffer.type("new\nmine\n")
    back = await editor.command("review.undo", {"sessionId": session})
    assert [each["reason"] for each in back["kept"]] == ["it has changed since it was made"]
    assert (buffer.text, new.read_text()) == ("new\nmine\n", "new\n")
    buffer.type("new\n")
    await editor.command("review.undo", {"sessionId": session})
    assert not new.exists()
