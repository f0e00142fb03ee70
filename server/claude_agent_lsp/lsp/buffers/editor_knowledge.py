"""What the editor knows of code: asks it, for the agent."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.agent.buffers.tool_texts import ToolRefusedError
from claude_agent_lsp.base.lanes import parsing
from claude_agent_lsp.base.texts.text import one_line
from claude_agent_lsp.base.uris import uri_of
from claude_agent_lsp.lsp.buffers.language_answers import (
    places_in,
    renaming_in,
    results_in,
    shown_in,
    symbols_in,
)
from claude_agent_lsp.lsp.protocol import LANGUAGE, VISIBLE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from claude_agent_lsp.agent.buffers.knowledge import Place, Renaming, Shown, Symbol
    from claude_agent_lsp.lsp.editor import Editor
    from claude_agent_lsp.workspace.documents.diagnostics import KnownDiagnostics
    from claude_agent_lsp.workspace.documents.positions import Position, PositionEncoding

logger = logging.getLogger(__name__)

# A language server may still be reading the project.
LANGUAGE_SECONDS: Final = 15.0
EDITOR_SECONDS: Final = 3.0
MESSAGE_LENGTH: Final = 500


@dataclass(frozen=True, slots=True)
class ConnectedKnowledge:
    """What the editor on the other side of the pipe knows.

    Attributes:
        editor: The editor.
        diagnostics: What its diagnostics say.
    """

    editor: Editor
    diagnostics: KnownDiagnostics

    @property
    def encoding(self) -> PositionEncoding:
        """In which units it counts characters."""
        return self.editor.profile.encoding

    @property
    def tells_diagnostics(self) -> bool:
        """Whether it tells of all diagnostics by itself."""
        return self.editor.profile.diagnostics

    @property
    def tells_visible(self) -> bool:
        """Whether it says what its user sees."""
        return self.editor.profile.visible_documents

    @property
    def knows_language(self) -> bool:
        """Whether it asks its language servers."""
        return self.editor.profile.language

    @property
    def reveals(self) -> bool:
        """Whether it shows places."""
        return self.editor.profile.show_document

    async def visible(self) -> Sequence[Shown]:
        """Return what its user sees now."""
        return await parsing.run(shown_in, await self._ask(VISIBLE, {}, EDITOR_SECONDS))

    async def reveal(self, path: Path, first: int, last: int) -> bool:
        """Show some lines of a file, and take no focus; return whether it did."""
        place = types.Range(types.Position(first, 0), types.Position(last, 0))
        params = types.ShowDocumentParams(uri_of(path), take_focus=False, selection=place)
        answer = await self._ask(types.WINDOW_SHOW_DOCUMENT, params, LANGUAGE_SECONDS)
        return getattr(answer, "success", None) is True

    async def definition(self, path: Path, at: Position) -> Sequence[Place]:
        """Return where something is defined."""
        return await self._places(types.TEXT_DOCUMENT_DEFINITION, _at(path, at))

    async def references(self, path: Path, at: Position) -> Sequence[Place]:
        """Return where something is used."""
        params = {**_at(path, at), "context": {"includeDeclaration": True}}
        return await self._places(types.TEXT_DOCUMENT_REFERENCES, params)

    async def symbols(self, path: Path) -> Sequence[Symbol]:
        """Return what a file defines."""
        params = {"textDocument": {"uri": uri_of(path)}}
        answer = await self._asked(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, params)
        return await parsing.run(
            lambda: [each for result, _ in results_in(answer) for each in symbols_in(result, path)]
        )

    async def symbols_like(self, query: str) -> Sequence[Symbol]:
        """Return what is called so in the whole project, or nearly so."""
        answer = await self._asked(types.WORKSPACE_SYMBOL, {"query": query})
        return await parsing.run(
            lambda: [each for result, _ in results_in(answer) for each in symbols_in(result)]
        )

    async def rename(self, path: Path, at: Position, name: str) -> Renaming:
        """Return what would have to be changed for a new name; nothing is changed."""
        answer = await self._asked(types.TEXT_DOCUMENT_RENAME, {**_at(path, at), "newName": name})
        return await parsing.run(_renaming, answer, self.encoding)

    async def _places(self, method: str, params: dict[str, Any]) -> Sequence[Place]:
        answer = await self._asked(method, params)
        return await parsing.run(
            lambda: [each for result, _ in results_in(answer) for each in places_in(result)]
        )

    async def _asked(self, method: str, params: dict[str, Any]) -> Any:
        """Have the editor ask its language servers.

        Raises:
            ToolRefusedError: None answers.
        """
        given = {"method": method, "params": params}
        answer = await self._ask(LANGUAGE, given, LANGUAGE_SECONDS)
        if not (isinstance(answer, dict) and answer.get("answers")):
            raise ToolRefusedError(
                "No language server of the editor answers for this. The file may have to be open "
                "there."
            )
        return answer

    async def _ask(self, method: str, params: Any, seconds: float) -> Any:
        try:
            async with asyncio.timeout(seconds):
                return await self.editor.request(method, params)
        except TimeoutError:
            raise ToolRefusedError(f"The editor did not answer in {seconds:g} seconds.") from None
        except JsonRpcException as error:
            logger.info("The editor refused %s: %s", method, error)
            why = one_line(str(error.message), MESSAGE_LENGTH)
            raise ToolRefusedError(f"The editor refused: {why}") from None


def _renaming(answer: object, encoding: PositionEncoding) -> Renaming:
    for result, counted in results_in(answer):
        return renaming_in(result, counted or encoding)
    raise ToolRefusedError("Nothing can be renamed there. Nothing was changed.")


def _at(path: Path, at: Position) -> dict[str, Any]:
    position = {"line": at.line, "character": at.character}
    return {"textDocument": {"uri": uri_of(path)}, "position": position}
