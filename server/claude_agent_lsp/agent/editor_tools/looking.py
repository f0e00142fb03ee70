"""The tools that look at what the editor has: open documents, diagnostics; and one that shows."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.buffers.mcp_server import Tool
from claude_agent_lsp.agent.buffers.tool_texts import ToolRefusedError
from claude_agent_lsp.agent.editor_tools.means import (
    MOST_TOLD,
    name_of,
    told,
    whole_number,
    words,
)
from claude_agent_lsp.base.lanes import parsing
from claude_agent_lsp.workspace.documents.positions import Position, offset_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from claude_agent_lsp.agent.buffers.knowledge import Shown
    from claude_agent_lsp.agent.editor_tools.means import Means
    from claude_agent_lsp.workspace.documents.diagnostics import Told
    from claude_agent_lsp.workspace.documents.documents import Document
    from claude_agent_lsp.workspace.documents.positions import PositionEncoding, Range

# Of that many documents it is looked what their diagnostics say.
MOST_DOCUMENTS: Final = 100
UNKNOWN: Final = "The editor has not said what is wrong with this text. That is not: nothing."
PARTLY: Final = "The editor tells of the places alone where its user has looked."

_PATH: Final = {"type": "string", "description": "The file."}
_LINE: Final = {"type": "integer", "minimum": 1}


class OpenDocuments:
    """Tells which documents are open."""

    def __init__(self, means: Means) -> None:
        self._means = means

    def tool(self) -> Tool:
        """Return the tool."""
        return Tool(
            "open_documents",
            "Which files the user has open in the editor, which of them have unsaved changes, and, "
            "where the editor says so, which ones the user sees and what is selected there.",
            {"type": "object", "properties": {}},
            self._use,
            always_told=True,
        )

    async def _use(self, _: Mapping[str, Any]) -> str:
        means = self._means
        every = list(means.documents)
        allowed = await means.within(each.path for each in every)
        documents = [each for each in every if each.path in allowed]
        seen = {each.uri: each for each in await self._visible()}
        states = await asyncio.gather(*(means.looks.state(each) for each in documents[:MOST_TOLD]))
        rows = [
            await self._told(each, seen.get(each.uri), unsaved=state.unsaved)
            for each, state in zip(documents, states, strict=False)
        ]
        return told(
            {
                "documents": rows,
                "more": len(documents) - len(rows) or None,
                "notTold": len(every) - len(documents) or None,
            }
        )

    async def _visible(self) -> Sequence[Shown]:
        with contextlib.suppress(ToolRefusedError):  # what is open is known all the same
            if self._means.knowledge.tells_visible:
                return await self._means.knowledge.visible()
        return ()

    async def _told(
        self, document: Document, shown: Shown | None, *, unsaved: bool
    ) -> dict[str, Any]:
        row = {"path": name_of(document.path), "unsaved": unsaved, "visible": shown is not None}
        if shown is None:
            return row
        selected = None
        if shown.selection is not None:
            encoding = self._means.knowledge.encoding
            selected = await parsing.run(_selected, document.text, shown.selection, encoding)
        return {**row, "active": shown.active, "selection": selected}


class Diagnostics:
    """Tells what the editor's diagnostics say, of this very text and of no older one."""

    def __init__(self, means: Means) -> None:
        self._means = means

    def tool(self) -> Tool:
        """Return the tool."""
        return Tool(
            "diagnostics",
            "What compilers and linters in the user's editor say of an open file, or of all of "
            "them: errors and warnings of the text as it is now, a moment after your last edit. "
            "Where nothing is known of this text, it says so.",
            {"type": "object", "properties": {"path": _PATH}},
            self._use,
            always_told=True,
        )

    async def _use(self, given: Mapping[str, Any]) -> str:
        means, left_out = self._means, 0
        if given.get("path") is not None:
            path, document = await means.file(given)
            if document is None:
                return told({"files": [_unknown(name_of(path), "It is not open in the editor.")]})
            documents = [document]
        else:
            every = list(means.documents)
            allowed = await means.within(each.path for each in every)
            documents = [each for each in every if each.path in allowed]
            left_out = len(every) - len(documents)
        files = await asyncio.gather(*(self._of(each) for each in documents[:MOST_DOCUMENTS]))
        return told(
            {
                "files": list(files),
                "more": len(documents) - len(files) or None,
                "notTold": left_out or None,
            }
        )

    async def _of(self, document: Document) -> dict[str, Any]:
        means = self._means
        known = means.knowledge.diagnostics
        if means.knowledge.tells_diagnostics:
            found = await known.wait(document.uri)
        else:
            found = known.now(document)
        now = means.documents.of_uri(document.uri)
        if now is None:
            return _unknown(name_of(document.path), "It has been closed.")
        if found is None or found.version != now.version:
            return _unknown(name_of(now.path), UNKNOWN, now.version)
        return await parsing.run(_found, now, found, means.knowledge.encoding)


class Reveal:
    """Shows the user a place."""

    def __init__(self, means: Means) -> None:
        self._means = means

    def tool(self) -> Tool:
        """Return the tool."""
        return Tool(
            "reveal",
            "Show the user some lines of a file in the editor, without taking the focus from where "
            "they type. Use it to show what you are talking about.",
            {
                "type": "object",
                "properties": {"path": _PATH, "line": _LINE, "end_line": _LINE},
                "required": ["path"],
            },
            self._use,
        )

    async def _use(self, given: Mapping[str, Any]) -> str:
        means = self._means
        path, document = await means.file(given)
        first = whole_number(given, "line") or 1
        last = max(first, whole_number(given, "end_line") or first)
        await means.text(path, document)  # there is such a file
        if not await means.knowledge.reveal(path, first - 1, last - 1):
            raise ToolRefusedError("The editor did not show it.")
        return told({"shown": name_of(path), "line": first})


def _found(document: Document, found: Told, encoding: PositionEncoding) -> dict[str, Any]:
    return {
        "path": name_of(document.path),
        "known": True,
        "version": found.version,
        "diagnostics": [
            {
                "line": each.range.start.line + 1,
                "column": _column(document.text, each.range.start, encoding),
                "severity": each.severity,
                "message": words(each.message),
                "source": words(each.source),
                "code": words(each.code),
            }
            for each in found.found
        ],
        "more": found.more or None,
        "note": None if found.whole else PARTLY,
    }


def _unknown(path: str, why: str, version: int | None = None) -> dict[str, Any]:
    return {"path": path, "known": "unknown", "version": version, "note": why}


def _selected(text: str, place: Range, encoding: PositionEncoding) -> dict[str, Any]:
    ends: Sequence[Position] = (place.start, place.end)
    start, end = ({"line": each.line + 1, "column": _column(text, each, encoding)} for each in ends)
    return {"start": start} if start == end else {"start": start, "end": end}


def _column(text: str, place: Position, encoding: PositionEncoding) -> int:
    """Return the character of a place in its line, from 1."""
    start = offset_of(text, Position(place.line, 0), encoding)
    return offset_of(text, place, encoding) - start + 1
