"""The documents that the editor has open, as it has them: with what is not saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_agent_lsp.base.uris import path_of
from claude_agent_lsp.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pygls.workspace import TextDocument


class OpenDocuments:
    """What the editor has told of its documents.

    Args:
        documents: Returns them, by their URIs as the editor spells them.
    """

    def __init__(self, documents: Callable[[], Mapping[str, TextDocument]]) -> None:
        self._documents = documents

    def text_of(self, path: Path) -> str | None:
        """Return the text of a document, or None if the editor doesn't have it open."""
        for uri, document in self._documents().items():
            if _names(uri, path):
                return str(document.source)
        return None

    def uri_of(self, path: Path) -> str | None:
        """Return how the editor spells a document that it has open."""
        return next((uri for uri in self._documents() if _names(uri, path)), None)


def _names(uri: str, path: Path) -> bool:
    try:
        return path_of(uri) == path
    except InvalidArgument:
        return False
