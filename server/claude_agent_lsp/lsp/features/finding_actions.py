"""Findings go where their text goes, and each can be dismissed where it is shown."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from claude_agent_lsp.base.texts.text import one_line
from claude_agent_lsp.base.uris import path_of
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.lsp.features.feature import Feature

if TYPE_CHECKING:
    from collections.abc import Sequence

DISMISS: Final = "claudeAgent.review.dismiss"
TITLE_LENGTH: Final = 50


class FindingActions(Feature):
    """Has findings looked at when a document changes, and offers to dismiss them."""

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

    def document_changed(self, uri: str) -> None:
        """Have what was found in a document looked for where it stands now."""
        with contextlib.suppress(InvalidArgument):  # it is no file
            self._services.findings.changed(path_of(uri))
