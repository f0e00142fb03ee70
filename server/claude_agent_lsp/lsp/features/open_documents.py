"""Documents: those that the editor has open, and what the user has typed in them."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from lsprotocol import types

from claude_agent_lsp.base.lanes import Lane
from claude_agent_lsp.base.uris import path_of
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.lsp.features.feature import Feature
from claude_agent_lsp.workspace.documents.disk_text import DiskText, digest_of
from claude_agent_lsp.workspace.documents.documents import Document
from claude_agent_lsp.workspace.documents.edits import changed
from claude_agent_lsp.workspace.documents.positions import Position, Range

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from claude_agent_lsp.lsp.features.feature import Handler


class OpenDocuments(Feature):
    """Keeps them as the editor tells of them. What is no file is none of the agent's."""

    def handlers(self) -> Mapping[str, Handler]:
        """Handle `textDocument/didOpen`, `didChange`, `didSave` and `didClose`."""
        return {
            types.TEXT_DOCUMENT_DID_OPEN: self._opened,
            types.TEXT_DOCUMENT_DID_CHANGE: self._changed,
            types.TEXT_DOCUMENT_DID_SAVE: self._saved,
            types.TEXT_DOCUMENT_DID_CLOSE: self._closed,
        }

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


def _range(place: types.Range) -> Range:
    start, end = place.start, place.end
    return Range(Position(start.line, start.character), Position(end.line, end.character))
