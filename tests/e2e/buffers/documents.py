"""The documents of a test's editor: typed in, changed when the server asks, saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lsprotocol import types

from claude_agent_lsp.workspace.documents.edits import changed
from claude_agent_lsp.workspace.documents.positions import Position, PositionEncoding, Range

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.editor import Editor

SAVES = {"trust": True, "saveDocument": True}
"""What a client announces that saves when it is asked to."""


class Documents:
    """Attributes:
    texts: What each open file holds in the editor.
    edits: Each `workspace/applyEdit` that came.
    saves: How often each was saved because the server asked for it.
    refuse: Whether edits are refused.
    before_edit: Called before an edit is taken, as a user types while it is on its way.
    format: What saving makes of a text.
    """

    def __init__(self, editor: Editor, encoding: str = "utf-16") -> None:
        self._editor = editor
        self._encoding = PositionEncoding(encoding)
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.edits: list[types.ApplyWorkspaceEditParams] = []
        self.saves: list[str] = []
        self.refuse = False
        self.before_edit: Callable[[], None] = lambda: None
        self.format: Callable[[str], str] = lambda text: text
        features = editor.protocol.fm.features
        features[types.WORKSPACE_APPLY_EDIT] = self._apply
        features["claudeAgent/saveDocument"] = self._save

    def open(self, path: Path, text: str | None = None) -> str:
        """Open a file, with another text than it has if that is named; returns its URI."""
        uri = path.as_uri()
        self.texts[uri] = path.read_bytes().decode() if text is None else text
        self.versions[uri] = 1
        opened = types.TextDocumentItem(uri, "plaintext", 1, self.texts[uri])
        self._notify(types.TEXT_DOCUMENT_DID_OPEN, types.DidOpenTextDocumentParams(opened))
        return uri

    def type(self, uri: str, text: str) -> None:
        """Have another text in the editor."""
        self._change(uri, text, [types.TextDocumentContentChangeWholeDocument(text)])

    def insert(self, uri: str, line: int, character: int, text: str) -> None:
        """Type something at a place."""
        place = Range(Position(line, character), Position(line, character))
        at = types.Position(line, character)
        event = types.TextDocumentContentChangePartial(types.Range(at, at), text)
        self._change(uri, changed(self.texts[uri], place, text, self._encoding), [event])

    def save(self, path: Path) -> None:
        """Save a file, as the user does."""
        uri = path.as_uri()
        path.write_bytes(self.texts[uri].encode())
        named = types.TextDocumentIdentifier(uri)
        self._notify(types.TEXT_DOCUMENT_DID_SAVE, types.DidSaveTextDocumentParams(named))

    def close(self, uri: str) -> None:
        """Close a file."""
        named = types.TextDocumentIdentifier(uri)
        self._notify(types.TEXT_DOCUMENT_DID_CLOSE, types.DidCloseTextDocumentParams(named))

    def _change(self, uri: str, text: str, events: list[Any]) -> None:
        self.texts[uri] = text
        self.versions[uri] += 1
        named = types.VersionedTextDocumentIdentifier(self.versions[uri], uri)
        params = types.DidChangeTextDocumentParams(named, events)
        self._notify(types.TEXT_DOCUMENT_DID_CHANGE, params)

    def _apply(self, params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        self.before_edit()
        self.edits.append(params)
        changes = params.edit.document_changes or []
        if self.refuse:
            return types.ApplyWorkspaceEditResult(applied=False, failure_reason="no")
        for change in changes:
            assert isinstance(change, types.TextDocumentEdit)
            document = change.text_document
            if document.version != self.versions[document.uri]:
                return types.ApplyWorkspaceEditResult(applied=False, failure_reason="old")
            text = self.texts[document.uri]
            for edit in reversed(change.edits):
                start, end = edit.range.start, edit.range.end
                place = Range(
                    Position(start.line, start.character), Position(end.line, end.character)
                )
                assert not isinstance(edit, types.SnippetTextEdit)
                text = changed(text, place, edit.new_text, self._encoding)
            self.type(document.uri, text)
        return types.ApplyWorkspaceEditResult(applied=True)

    def _save(self, params: Any) -> dict[str, bool]:
        from claude_agent_lsp.base.uris import path_of

        formatted = self.format(self.texts[params.uri])
        if formatted != self.texts[params.uri]:
            self.type(params.uri, formatted)
        self.saves.append(params.uri)
        self.save(path_of(params.uri))
        return {"saved": True}

    def _notify(self, method: str, params: object) -> None:
        self._editor.protocol.notify(method, params)
