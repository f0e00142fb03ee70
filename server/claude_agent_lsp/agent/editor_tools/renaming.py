"""The tool that gives a symbol another name, wherever it is used.

    the language server's edits ──▶ none of them out of reach ──┬─▶ open files: in the editor
                                                                └─▶ others: on the disk

Nothing is changed unless all of it can be: it is looked through first, and what the user types
meanwhile is noticed.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.buffers.closed_files import write_over
from claude_agent_lsp.agent.buffers.mcp_server import Tool
from claude_agent_lsp.agent.buffers.tool_texts import ToolRefusedError
from claude_agent_lsp.agent.editor_tools.language import AT, place_in
from claude_agent_lsp.agent.editor_tools.means import name_of, told, word, words
from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.base.lanes import parsing
from claude_agent_lsp.workspace.documents.disk_text import DiskText
from claude_agent_lsp.workspace.documents.documents import DocumentState
from claude_agent_lsp.workspace.documents.edits import Edit
from claude_agent_lsp.workspace.documents.positions import offset_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from claude_agent_lsp.agent.buffers.buffer_tools import BufferTools
    from claude_agent_lsp.agent.buffers.knowledge import Renaming
    from claude_agent_lsp.agent.editor_tools.means import Means
    from claude_agent_lsp.workspace.documents.documents import Document
    from claude_agent_lsp.workspace.documents.edits import RangeEdit
    from claude_agent_lsp.workspace.documents.positions import PositionEncoding

    # Does some edits, and has the run record what they make of these files.
    Recorded = Callable[[Sequence[Path], Callable[[], Awaitable[str]]], Awaitable[str]]

NAME: Final = "rename_symbol"
MOST_FILES: Final = 500
NOTHING: Final = "Nothing was changed."


@dataclass(frozen=True, slots=True)
class _InEditor:
    document: Document
    state: DocumentState
    edits: Sequence[Edit]


@dataclass(frozen=True, slots=True)
class _OnDisk:
    path: Path
    before: bytes
    after: bytes


class RenameSymbol:
    """Renames a symbol.

    Args:
        means: What it works with.
        tools: Edit what is open.
        recorded: Has the run record what is changed.
    """

    def __init__(self, means: Means, tools: BufferTools, recorded: Recorded) -> None:
        self._means = means
        self._tools = tools
        self._recorded = recorded
        self._edits: set[asyncio.Task[str]] = set()

    def tool(self) -> Tool:
        """Return the tool."""
        return Tool(
            NAME,
            "Give a symbol another name in all of the project, by the language servers of the "
            "user's editor. Better than editing each place: only what means this symbol changes.",
            {
                "type": "object",
                "properties": {**AT, "new_name": {"type": "string"}},
                "required": [*AT, "new_name"],
            },
            self._use,
            reads=False,
        )

    async def _use(self, given: Mapping[str, Any]) -> str:
        name = word(given, "new_name")
        if words(name) != name:
            raise ToolRefusedError(f"`new_name` is no name. {NOTHING}")
        before = list(self._means.documents)
        path, _, at = await place_in(self._means, given)
        found = await self._means.knowledge.rename(path, at, name)
        await self._check(found)
        steps = [await self._step(each, found, before) for each in found.edits]
        # An interrupt cancels who waits for it, and must not halve it.
        task = asyncio.ensure_future(self._recorded(list(found.edits), lambda: self._do(steps)))
        self._edits.add(task)
        task.add_done_callback(self._edits.discard)
        return await asyncio.shield(task)

    async def _check(self, found: Renaming) -> None:
        """See to it that all of it may be changed.

        Raises:
            ToolRefusedError: Something must not be, or there is nothing to change.
        """
        if not found.edits:
            raise ToolRefusedError(f"The language server finds nothing to rename. {NOTHING}")
        if len(found.edits) > MOST_FILES:
            raise ToolRefusedError(f"It is in more than {MOST_FILES} files. {NOTHING}")
        refusals = await self._means.reach.refusals(found.edits, writing=True)
        for path, why in refusals.items():
            raise ToolRefusedError(f"{name_of(path)} would have to be changed: {why}. {NOTHING}")

    async def _step(
        self, path: Path, found: Renaming, before: Sequence[Document]
    ) -> _InEditor | _OnDisk:
        """Return how one file is changed.

        Raises:
            ToolRefusedError: It can't be.
        """
        edits, encoding = found.edits[path], found.encoding
        document = await self._means.looks.find(str(path))
        if document is None:
            return await self._means.looks.disk.read(_on_disk, path, edits, encoding)
        if document not in before:
            raise ToolRefusedError(f"The user is typing in {name_of(path)}. {NOTHING}")
        state = await self._means.looks.state(document)
        if state is DocumentState.STALE or not self._tools.buffers.editor.applies:
            raise ToolRefusedError(
                f"{name_of(path)} is open in the editor, which shows what it held before, or can't "
                f"be asked to change it. {NOTHING}"
            )
        return _InEditor(document, state, await parsing.run(_edits, document.text, edits, encoding))

    async def _do(self, steps: Sequence[_InEditor | _OnDisk]) -> str:
        changed: list[str] = []
        failed: list[str] = []
        for step in steps:
            if isinstance(step, _InEditor):
                path, done = step.document.path, await self._edit(step)
            else:
                path, done = step.path, await self._means.looks.disk.run(_write, step)
            (changed if done else failed).append(name_of(path))
        if not changed:
            raise ToolRefusedError(f"The files have changed meanwhile. {NOTHING}")
        return told({"changed": changed, "notChanged": failed or None})

    async def _edit(self, step: _InEditor) -> bool:
        editor = self._tools.buffers.editor
        if not await editor.apply(step.document, step.edits):
            return False
        if self._tools.saves(step.state):
            await editor.save(self._means.looks.current(step.document))
        return True


def _on_disk(path: Path, edits: Sequence[RangeEdit], encoding: PositionEncoding) -> _OnDisk:
    """Return how a file is changed that is not open; it touches the disk."""
    try:
        before = read_regular(path)
        disk = DiskText.decode(before)
        text = disk.text
        for edit in reversed(_edits(text, edits, encoding)):
            text = text[: edit.start] + edit.new + text[edit.end :]
        return _OnDisk(path, before, disk.encode(text))
    except (OSError, ValueError) as error:
        raise ToolRefusedError(f"{name_of(path)} can't be changed: {error}. {NOTHING}") from None


def _write(step: _OnDisk) -> bool:
    try:
        if read_regular(step.path) != step.before:
            return False
        write_over(step.path, step.after)
    except OSError:
        return False
    return True


def _edits(text: str, ranges: Sequence[RangeEdit], encoding: PositionEncoding) -> list[Edit]:
    """Return edits by how many characters stand before them, in order.

    Raises:
        ToolRefusedError: They overlap.
    """
    edits = sorted(
        (
            Edit(
                offset_of(text, each.range.start, encoding),
                offset_of(text, each.range.end, encoding),
                each.new,
            )
            for each in ranges
        ),
        key=lambda edit: (edit.start, edit.end),
    )
    pairs = itertools.pairwise(edits)
    if any(edit.end < edit.start for edit in edits) or any(a.end > b.start for a, b in pairs):
        raise ToolRefusedError(f"The language server's edits make no sense. {NOTHING}")
    return edits
