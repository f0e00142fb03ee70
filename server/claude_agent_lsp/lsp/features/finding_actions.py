"""Findings go where their text goes, and each can be dismissed where it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lsprotocol import types

from claude_agent_lsp.base.texts.text import one_line
from claude_agent_lsp.base.uris import path_of
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.lsp.features.feature import Feature

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from claude_agent_lsp.lsp.features.feature import Handler

DISMISS: Final = "claudeAgent.review.dismiss"
TITLE_LENGTH: Final = 50


class FindingActions(Feature):
    """Has findings looked at when a document changes, and offers to dismiss them."""

    def handlers(self) -> Mapping[str, Handler]:
        """Handle what changes the text of a document, or who has it."""
        return {
            types.TEXT_DOCUMENT_DID_OPEN: self._changed,
            types.TEXT_DOCUMENT_DID_CHANGE: self._changed,
            types.TEXT_DOCUMENT_DID_CLOSE: self._changed,
        }

    async def code_actions(self, params: types.CodeActionParams) -> Sequence[types.CodeAction]:
        """Return how to dismiss what is shown at a place."""
        try:
            path = path_of(params.text_document.uri)
        except InvalidArgument:
            return ()
        actions = []
        for kept in self._services.findings.at(path, params.range):
            title = f"Dismiss: {one_line(kept.finding.message, TITLE_LENGTH)}"
            command = types.Command(title, DISMISS, arguments=[{"findingId": kept.finding_id}])
            action = types.CodeAction(title, kind=types.CodeActionKind.QuickFix, command=command)
            actions.append(action)
        return actions

    def _changed(
        self,
        params: types.DidOpenTextDocumentParams
        | types.DidChangeTextDocumentParams
        | types.DidCloseTextDocumentParams,
    ) -> None:
        try:
            self._services.findings.changed(path_of(params.text_document.uri))
        except InvalidArgument:
            return  # it is no file
