"""Documents: those that the editor has open, and what the user has typed in them."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from lsprotocol import types

from claude_agent_lsp.base.lanes import Lane
from claude_agent_lsp.base.uris import path_of
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.lsp.buffers.language_answers import diagnostics_in
from claude_agent_lsp.lsp.features.feature import Feature
from claude_agent_lsp.lsp.protocol import DIAGNOSTICS
from claude_agent_lsp.lsp.services.code.findings import SOURCE
from claude_agent_lsp.workspace.documents.diagnostics import Diagnostic
from claude_agent_lsp.workspace.documents.disk_text import DiskText, digest_of
from claude_agent_lsp.workspace.documents.documents import Document
from claude_agent_lsp.workspace.documents.edits import changed
from claude_agent_lsp.workspace.documents.positions import Position, Range

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from claude_agent_lsp.lsp.features.feature import Handler


class OpenDocuments(Feature):
    """Keeps them as the editor tells of them. What is no file is none of the agent's."""

    def handlers(self) -> Mapping[str, Handler]:
        """Handle `textDocument/didOpen`, `didChange`, `didSave`, `didClose`, and diagnostics."""
        return {
            types.TEXT_DOCUMENT_DID_OPEN: self._opened,
            types.TEXT_DOCUMENT_DID_CHANGE: self._changed,
            types.TEXT_DOCUMENT_DID_SAVE: self._saved,
            types.TEXT_DOCUMENT_DID_CLOSE: self._closed,
            DIAGNOSTICS: self._diagnosed,
        }

    def document_changed(self, uri: str) -> None:
        """Wait for what the editor says of the new text."""
        self._services.known_diagnostics.document_changed(uri)

    async def code_actions(self, params: types.CodeActionParams) -> Sequence[types.CodeAction]:
        """Offer nothing; from an editor that tells no more, take what is wrong there."""
        if not self._services.editor.profile.diagnostics:
            found = [
                _diagnostic(each) for each in params.context.diagnostics if _is_others(each.source)
            ]
            uri = params.text_document.uri
            self._services.known_diagnostics.tell_part(uri, _range(params.range), found)
        return ()

    def _opened(self, params: types.DidOpenTextDocumentParams) -> None:
        opened = params.text_document
        try:
            path = path_of(opened.uri)
        except InvalidArgument:
            return
        document = Document(opened.uri, path, opened.version, opened.text)
        self._services.open_documents.open(document)
        self._services.editor.spawn(self._look(document))

    def _changed(self, params: types.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        document = self._services.open_documents.of_uri(uri)
        if document is None:
            return
        text, encoding = document.text, self._services.editor.profile.encoding
        for change in params.content_changes:
            place = getattr(change, "range", None)
            text = changed(text, None if place is None else _range(place), change.text, encoding)
        self._services.open_documents.change(uri, params.text_document.version, text)

    def _saved(self, params: types.DidSaveTextDocumentParams) -> None:
        uri = params.text_document.uri
        document = self._services.open_documents.of_uri(uri)
        if document is not None:
            self._services.open_documents.is_saved(uri, digest_of(document.text))

    def _closed(self, params: types.DidCloseTextDocumentParams) -> None:
        self._services.open_documents.close(params.text_document.uri)

    def _diagnosed(self, params: object) -> None:
        """Take `claudeAgent/diagnostics`: what is wrong in a version of a document."""
        given = params if isinstance(params, dict) else {}
        uri, version = given.get("uri"), given.get("version")
        if isinstance(uri, str) and isinstance(version, int):
            found = diagnostics_in(given.get("diagnostics"))
            others = [each for each in found if _is_others(each.source)]
            self._services.known_diagnostics.tell(uri, version, others)

    async def _look(self, document: Document) -> None:
        """See what its file is called without links, and whether it was opened as it is."""
        # A lane of its own: one whose disk hangs holds up no other document.
        real, same = await Lane().read(_look_at, document.path, document.text)
        self._services.open_documents.name(document.uri, real)
        if same:
            self._services.open_documents.is_saved(document.uri, digest_of(document.text))


def _look_at(path: Path, text: str) -> tuple[str, bool]:
    real = os.path.realpath(path)
    with contextlib.suppress(OSError, ValueError):
        disk = DiskText.read(path)
        return real, disk is not None and digest_of(disk.text) == digest_of(text)
    return real, False


def _is_others(source: str | None) -> bool:
    """Return whether a diagnostic does not come from this server."""
    return (source or "").casefold() != SOURCE


def _diagnostic(given: types.Diagnostic) -> Diagnostic:
    severity = (given.severity or types.DiagnosticSeverity.Error).name.lower()
    code = None if given.code is None else str(given.code)
    return Diagnostic(_range(given.range), given.message, severity, given.source, code)


def _range(place: types.Range) -> Range:
    start, end = place.start, place.end
    return Range(Position(start.line, start.character), Position(end.line, end.character))
