"""Changes and saves documents in the editor: what the agent edits there."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types

from claude_agent_lsp.base.lanes import parsing
from claude_agent_lsp.workspace.documents.disk_text import digest_of
from claude_agent_lsp.workspace.documents.edits import as_ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claude_agent_lsp.lsp.editor import Editor
    from claude_agent_lsp.workspace.documents.documents import Document, Documents
    from claude_agent_lsp.workspace.documents.edits import Edit, RangeEdit
    from claude_agent_lsp.workspace.documents.positions import Position

logger = logging.getLogger(__name__)

SAVE: Final = "claudeAgent/saveDocument"
# An editor may ask its user first, or run a formatter.
APPLY_SECONDS: Final = 10.0
SAVE_SECONDS: Final = 10.0
# Until it tells of what it has changed: Neovim gathers changes for 150 ms.
TELL_SECONDS: Final = 2.0
ANNOTATION: Final = "claude"


@dataclass(frozen=True, slots=True)
class DocumentEditor:
    """The editor's hand on its documents.

    Attributes:
        editor: The editor.
        documents: Those that are open in it.
    """

    editor: Editor
    documents: Documents

    @property
    def synchronizes(self) -> bool:
        """Whether it tells of them."""
        return self.editor.profile.synchronization

    @property
    def applies(self) -> bool:
        """Whether it changes them, and then only the version that is meant."""
        return self.editor.profile.apply_edit and self.editor.profile.versioned_edits

    @property
    def saves(self) -> bool:
        """Whether it saves them."""
        return self.editor.profile.save_document

    async def apply(self, document: Document, edits: Sequence[Edit]) -> bool:
        """Change a document, if it still has this version; return whether it did."""
        encoding = self.editor.profile.encoding
        ranges = await parsing.run(as_ranges, document.text, edits, encoding)
        now = self.documents.of_uri(document.uri)
        if now is None or now.version != document.version:
            return False
        params = types.ApplyWorkspaceEditParams(self._edit_of(document, ranges), "Claude")
        try:
            async with asyncio.timeout(APPLY_SECONDS):
                answer = await self.editor.request(types.WORKSPACE_APPLY_EDIT, params)
        except Exception as error:  # noqa: BLE001 - whatever it is, the editor has not said that it did
            logger.info("The editor did not change %s: %s", document.uri, error)
            return False
        if getattr(answer, "applied", None) is not True:
            logger.info("The editor did not change %s: %s", document.uri, answer)
            return False
        if not await self.documents.beyond(document, TELL_SECONDS):
            logger.warning("The editor does not tell what it has changed in %s", document.uri)
        return True

    async def save(self, document: Document) -> bool:
        """Save a document, with all that saving means in this editor; return whether it did."""
        if not self.saves:
            return False
        params = {"uri": document.uri, "version": document.version}
        try:
            async with asyncio.timeout(SAVE_SECONDS):
                answer: Any = await self.editor.request(SAVE, params)
        except Exception as error:  # noqa: BLE001 - likewise
            logger.info("The editor did not save %s: %s", document.uri, error)
            return False
        saved = answer.get("saved") if isinstance(answer, dict) else getattr(answer, "saved", None)
        if saved is not True:
            return False
        if (now := self.documents.of_uri(document.uri)) is not None:
            self.documents.is_saved(now.uri, digest_of(now.text))
        return True

    def _edit_of(self, document: Document, edits: Sequence[RangeEdit]) -> types.WorkspaceEdit:
        profile = self.editor.profile
        named = types.OptionalVersionedTextDocumentIdentifier(document.uri, document.version)
        made = [
            types.AnnotatedTextEdit(ANNOTATION, _range(each), each.new)
            if profile.annotations
            else types.TextEdit(_range(each), each.new)
            for each in edits
        ]
        return types.WorkspaceEdit(
            document_changes=[types.TextDocumentEdit(named, made)],
            change_annotations=(
                {ANNOTATION: types.ChangeAnnotation("Claude", needs_confirmation=False)}
                if profile.annotations
                else None
            ),
        )


def _range(edit: RangeEdit) -> types.Range:
    return types.Range(_position(edit.range.start), _position(edit.range.end))


def _position(place: Position) -> types.Position:
    return types.Position(place.line, place.character)
