"""Diagnostics of several owners: an editor has one list of a server's for each document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claude_agent_lsp.lsp.editor import Editor


class PublishedDiagnostics:
    """Publishes what all owners have to say of a document.

    Args:
        editor: The editor.
    """

    def __init__(self, editor: Editor) -> None:
        self._editor = editor
        self._of: dict[str, dict[str, list[types.Diagnostic]]] = {}

    def set(self, owner: str, uri: str, diagnostics: Sequence[types.Diagnostic]) -> None:
        """Replace what one of them says of a document; what is as it was is not sent again."""
        known = self._of.setdefault(uri, {})
        if known.get(owner, []) == list(diagnostics):
            return
        known[owner] = list(diagnostics)
        everything = [one for each in known.values() for one in each]
        if not everything:
            del self._of[uri]
        self._editor.notify(
            types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS,
            types.PublishDiagnosticsParams(uri, everything),
        )

    def documents(self, owner: str) -> list[str]:
        """Return the documents of which one has something to say."""
        return [uri for uri, known in self._of.items() if known.get(owner)]
