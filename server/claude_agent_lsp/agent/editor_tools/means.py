"""What the tools of one process have in common: which file is meant, and what may be told of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.buffers.tool_texts import ToolRefusedError, plain
from claude_agent_lsp.base.texts.text import one_line
from claude_agent_lsp.base.texts.visible import visible
from claude_agent_lsp.workspace.documents.disk_text import DiskText

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from claude_agent_lsp.agent.buffers.knowledge import EditorKnowledge
    from claude_agent_lsp.agent.buffers.looks import Looks
    from claude_agent_lsp.agent.editor_tools.reach import Reach
    from claude_agent_lsp.workspace.documents.documents import Document, Documents

# What one answer tells of; how many more there are is told.
MOST_TOLD: Final = 200
NAME_LENGTH: Final = 200
MESSAGE_LENGTH: Final = 1000


@dataclass(frozen=True, slots=True)
class Means:
    """What one process's tools work with.

    Attributes:
        documents: Those that are open.
        looks: Find them.
        reach: Says what may be told of.
        knowledge: What the editor knows.
    """

    documents: Documents
    looks: Looks
    reach: Reach
    knowledge: EditorKnowledge

    async def file(self, given: Mapping[str, Any]) -> tuple[Path, Document | None]:
        """Return the file that a call names, by the editor's name for it, and as it is open there.

        Raises:
            ToolRefusedError: It names none, or one of which nothing may be told.
        """
        named = given.get("path")
        path = self.looks.path(named) if named else None
        if path is None:
            raise ToolRefusedError("`path` has to be the path of a file.")
        if why := (await self.reach.refusals([path])).get(path):
            raise ToolRefusedError(f"Nothing can be told of {path}: {why}.")
        document = await self.looks.find(named)
        return (path, None) if document is None else (document.path, document)

    async def text(self, path: Path, document: Document | None) -> str:
        """Return the text of a file, as the user sees it.

        Raises:
            ToolRefusedError: It can't be read.
        """
        if document is not None:
            return self.looks.current(document).text
        try:
            disk = await self.looks.disk.read(DiskText.read, path)
        except (OSError, ValueError) as error:
            raise ToolRefusedError(f"{path} can't be read: {error}") from None
        if disk is None:
            raise ToolRefusedError(f"There is no file {path}.")
        return disk.text

    async def within(self, paths: Iterable[Path]) -> set[Path]:
        """Return those of some files that may be told of."""
        every = set(paths)
        return every - (await self.reach.refusals(every)).keys()


def whole_number(given: Mapping[str, Any], name: str) -> int | None:
    """Return a line's number, from 1, of a call's input; None if it is left out.

    Raises:
        ToolRefusedError: It is none.
    """
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ToolRefusedError(f"`{name}` has to be the number of a line, from 1.")
    return value


def word(given: Mapping[str, Any], name: str) -> str:
    """Return a name of a call's input.

    Raises:
        ToolRefusedError: It is none.
    """
    value = given.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > NAME_LENGTH:
        raise ToolRefusedError(
            f"`{name}` has to be a text of at most {NAME_LENGTH} characters that is not blank."
        )
    return value.strip()


def line_of(text: str, number: int) -> str:
    """Return a line of a text, by its number from 1.

    Raises:
        ToolRefusedError: There are fewer.
    """
    lines = plain(text).split("\n")
    if number > len(lines):
        raise ToolRefusedError(f"The file has only {len(lines)} lines.")
    return lines[number - 1]


def told(answer: Mapping[str, Any]) -> str:
    """Return what a tool says, as JSON without what is not known."""
    return json.dumps(_known(answer), ensure_ascii=False)


def name_of(path: Path) -> str:
    """Return a file's name as the agent is told it."""
    return visible(str(path))


def words(text: str | None, limit: int = MESSAGE_LENGTH) -> str | None:
    """Return what somebody else has written, in one line in which nothing is hidden."""
    return one_line(text, limit) if text else None


def _known(value: object) -> object:
    if isinstance(value, dict):
        return {
            name: _known(one) for name, one in value.items() if one is not None and one is not False
        }
    return [_known(one) for one in value] if isinstance(value, list) else value
