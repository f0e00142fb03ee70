"""Which folders the client says are trusted: with `initialize`, and whenever that changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claude_agent_lsp.lsp.features.feature import Feature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lsprotocol import types

    from claude_agent_lsp.lsp.features.feature import Handler

CHANGED: Final = "claudeAgent/trustChanged"


class ClientTrust(Feature):
    """Takes from a client that announces trust which folders are trusted."""

    def handlers(self) -> Mapping[str, Handler]:
        """Handle `claudeAgent/trustChanged`."""
        return {CHANGED: self._services.trust.change}

    def initialize(self, params: types.InitializeParams) -> None:
        """Take the folders that are trusted from the start."""
        self._services.trust.begin(params.initialization_options)
