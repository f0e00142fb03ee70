"""What an LSP feature is: a class that says which messages it takes, and when it is called.

A new one is a module in this folder and a line in `registry.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lsprotocol import types

    from claude_agent_lsp.lsp.services.services import Services

Handler: TypeAlias = "Callable[[Any], object]"


class Feature:
    """Something that the server does when the editor sends a message. Each hook may be left out.

    Args:
        services: What it works with. The editor is not known before `initialize`.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    def handlers(self) -> Mapping[str, Handler]:
        """Return what takes a message, by its method; a coroutine function may wait.

        What pygls knows of the method is announced as the server's capability.
        """
        return {}

    def initialize(self, params: types.InitializeParams) -> None:
        """Take what the editor announces; nothing may wait here."""

    async def code_actions(self, _: types.CodeActionParams) -> Sequence[types.CodeAction]:
        """Return what can be done with a piece of a document, and do none of it."""
        return ()

    async def code_lenses(self, _: types.CodeLensParams) -> Sequence[types.CodeLens]:
        """Return what stands above the lines of a document."""
        return ()

    async def hover(self, _: types.HoverParams) -> types.Hover | None:
        """Return what there is to know of a place in a document."""
        return None

    def document_changed(self, _: str) -> None:
        """Take it that a document was opened, changed or closed; nothing may wait here."""

    async def initialized(self) -> None:
        """Ask the editor what is needed: it is ready to be asked."""
