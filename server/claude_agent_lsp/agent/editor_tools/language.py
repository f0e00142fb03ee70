"""The tools that ask the editor's language servers: where something is defined, used, named."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.buffers.mcp_server import Tool
from claude_agent_lsp.agent.buffers.tool_texts import ToolRefusedError
from claude_agent_lsp.agent.editor_tools.means import (
    MOST_TOLD,
    NAME_LENGTH,
    line_of,
    name_of,
    told,
    whole_number,
    word,
    words,
)
from claude_agent_lsp.base.lanes import parsing
from claude_agent_lsp.workspace.documents.positions import Position, units_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from claude_agent_lsp.agent.buffers.knowledge import Place, Symbol
    from claude_agent_lsp.agent.editor_tools.means import Means
    from claude_agent_lsp.workspace.documents.documents import Document
    from claude_agent_lsp.workspace.documents.positions import PositionEncoding

AT: Final[Mapping[str, Any]] = {
    "path": {"type": "string", "description": "The file in which the name stands."},
    "line": {"type": "integer", "minimum": 1, "description": "Its line there, from 1."},
    "symbol": {"type": "string", "description": "The name, as it stands in that line."},
}


async def place_in(
    means: Means, given: Mapping[str, Any]
) -> tuple[Path, Document | None, Position]:
    """Return the file that a call is about, as it is open, and where its name stands there.

    Raises:
        ToolRefusedError: There is no such file, or place.
    """
    number, symbol = whole_number(given, "line"), word(given, "symbol")
    if number is None:
        raise ToolRefusedError("`line` has to be the number of a line, from 1.")
    path, document = await means.file(given)
    text = await means.text(path, document)
    encoding = means.knowledge.encoding
    return path, document, await parsing.run(_position, text, number, symbol, encoding)


class Definition:
    """Tells where something is defined, or used.

    Args:
        means: What it works with.
        references: Whether it is where it is used.
    """

    def __init__(self, means: Means, *, references: bool = False) -> None:
        self._means = means
        self._references = references

    def tool(self) -> Tool:
        """Return the tool."""
        schema = {"type": "object", "properties": AT, "required": list(AT)}
        if self._references:
            about = "Where a symbol is used, by the language servers of the user's editor."
            return Tool("references", about, schema, self._use)
        about = "Where a symbol is defined, by the language servers of the user's editor."
        return Tool("definition", about, schema, self._use)

    async def _use(self, given: Mapping[str, Any]) -> str:
        means = self._means
        path, _, at = await place_in(means, given)
        asked = means.knowledge.references if self._references else means.knowledge.definition
        found = list(dict.fromkeys(await asked(path, at)))
        allowed = await means.within(each.path for each in found)
        inside = [each for each in found if each.path in allowed]
        return told(
            {
                "places": [_place(each) for each in inside[:MOST_TOLD]],
                "more": max(0, len(inside) - MOST_TOLD) or None,
                "notTold": len(found) - len(inside) or None,
            }
        )


class Symbols:
    """Tells what a file defines, or what in the project has a name."""

    def __init__(self, means: Means) -> None:
        self._means = means

    def tool(self) -> Tool:
        """Return the tool."""
        return Tool(
            "symbols",
            "What a file defines, or, with `query` and no path, what is called so in the whole "
            "project, by the language servers of the user's editor.",
            {
                "type": "object",
                "properties": {
                    "path": {"type": "string", "description": "The file."},
                    "query": {"type": "string", "description": "A name, or a part of it."},
                },
            },
            self._use,
        )

    async def _use(self, given: Mapping[str, Any]) -> str:
        means = self._means
        if given.get("path") is not None:
            path, _ = await means.file(given)
            found = await means.knowledge.symbols(path)
        else:
            found = await means.knowledge.symbols_like(word(given, "query"))
        allowed = await means.within(each.place.path for each in found)
        inside = [each for each in found if each.place.path in allowed]
        return told(
            {
                "symbols": [_symbol(each) for each in inside[:MOST_TOLD]],
                "more": max(0, len(inside) - MOST_TOLD) or None,
                "notTold": len(found) - len(inside) or None,
            }
        )


def _position(text: str, number: int, symbol: str, encoding: PositionEncoding) -> Position:
    line = line_of(text, number)
    name = re.escape(symbol)
    match = re.search(rf"(?<!\w){name}(?!\w)", line) or re.search(name, line)
    if match is None:
        raise ToolRefusedError(f"Line {number} has no `{words(symbol, NAME_LENGTH)}` in it.")
    return Position(number - 1, units_in(line[: match.start()], encoding))


def _place(place: Place) -> dict[str, Any]:
    last = None if place.last == place.first else place.last + 1
    return {"path": name_of(place.path), "line": place.first + 1, "end_line": last}


def _symbol(symbol: Symbol) -> dict[str, Any]:
    return {
        "name": words(symbol.name, NAME_LENGTH),
        "kind": symbol.kind,
        "in": words(symbol.within, NAME_LENGTH),
        **_place(symbol.place),
    }


def all_of(means: Means) -> Sequence[Tool]:
    """Return these tools."""
    return (
        Definition(means).tool(),
        Definition(means, references=True).tool(),
        Symbols(means).tool(),
    )
