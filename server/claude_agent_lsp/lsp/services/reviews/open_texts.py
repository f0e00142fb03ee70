"""The texts that the editor has open: what they hold, and how they are changed.

The one place where a review meets what is open. A text is changed by the editor, in the version
that was looked at: it is one step of its undo, and nothing that was typed meanwhile is lost.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types

from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.base.uris import path_of
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.sessions.review.three_texts import edits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from claude_agent_lsp.lsp.editor import Editor

logger = logging.getLogger(__name__)

_BOM: Final = b"\xef\xbb\xbf"
_UNITS: Final[Mapping[str, Callable[[str], int]]] = {
    "utf-8": lambda text: len(text.encode()),
    "utf-16": lambda text: len(text.encode("utf-16-le")) // 2,
    "utf-32": len,
}


@dataclass(frozen=True, slots=True)
class OpenText:
    """A document that the editor has open.

    Attributes:
        uri: As the editor names it.
        path: The file.
        version: The editor's.
        text: What it holds there.
    """

    uri: str
    path: Path
    version: int
    text: str


class OpenTexts:
    """What the editor has open.

    Args:
        editor: The editor.
        documents: Returns its documents, as pygls keeps them.
        encoding: Returns what positions are counted in: "utf-8", "utf-16" or "utf-32".
    """

    def __init__(
        self,
        editor: Editor,
        documents: Callable[[], Iterable[Any]],
        encoding: Callable[[], str],
    ) -> None:
        self._editor = editor
        self._documents = documents
        self._encoding = encoding

    def all(self) -> list[OpenText]:
        """Return all files that are open."""
        found = []
        for document in self._documents():
            try:
                path = path_of(document.uri)
            except InvalidArgument:
                continue  # it is no file
            found.append(OpenText(document.uri, path, document.version or 0, document.source))
        return found

    async def change(self, opened: OpenText, before: bytes, after: bytes) -> bool:
        """Have the editor change a text; return whether it did.

        Args:
            opened: The text as it was looked at.
            before: What it holds, as `contents_of` tells.
            after: What it shall hold.
        """
        profile = self._editor.profile
        if not profile.apply_edit:
            return False
        changes = text_edits(before, after, _UNITS[self._encoding()])
        if profile.document_changes:
            name = types.OptionalVersionedTextDocumentIdentifier(opened.uri, opened.version)
            edit = types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(name, changes)])
        else:
            edit = types.WorkspaceEdit(changes={opened.uri: changes})
        params = types.ApplyWorkspaceEditParams(edit, "Claude: review")
        try:
            result = await self._editor.request(types.WORKSPACE_APPLY_EDIT, params)
        except Exception:
            logger.exception("The editor did not change %s", opened.path)
            return False
        return bool(getattr(result, "applied", False))


def contents_of(texts: Iterable[OpenText]) -> dict[Path, bytes]:
    """Return open texts as the files that they would be, by the real paths of their folders, too.

    One whose file is not in UTF-8 is left out: nobody knows which bytes it would be. It touches
    the disk: call it in a thread.
    """
    found = {}
    for each in texts:
        content = each.text.encode(errors="surrogatepass")
        on_disk = content_on_disk(each.path) or b""
        try:
            on_disk.decode()
        except UnicodeDecodeError:
            continue
        if on_disk.startswith(_BOM) and not content.startswith(_BOM):
            content = _BOM + content
        found[each.path] = found[real(each.path)] = content
    return found


def content_on_disk(path: Path) -> bytes | None:
    """Return what a file holds, or None. It touches the disk: call it in a thread."""
    try:
        return read_regular(path)
    except OSError:
        return None


def real(path: Path) -> Path:
    """Return a path with its folder's links followed. It touches the disk: call it in a thread."""
    return Path(os.path.realpath(path.parent)) / path.name


def text_edits(before: bytes, after: bytes, units: Callable[[str], int]) -> list[types.TextEdit]:
    """Return what makes one text another, line by line, the last one first.

    Args:
        before: What the text holds, as UTF-8.
        after: What it shall hold.
        units: Says how long a text is in the editor's positions.
    """
    old, new = (content.removeprefix(_BOM).splitlines(keepends=True) for content in (before, after))

    def place(line: int) -> types.Position:
        if line < len(old) or not old or old[-1].endswith((b"\n", b"\r")):
            return types.Position(line, 0)
        return types.Position(line - 1, units(old[-1].decode(errors="replace")))

    return [
        types.TextEdit(
            types.Range(place(edit.start), place(edit.end)),
            b"".join(new[edit.other_start : edit.other_end]).decode(errors="replace"),
        )
        for edit in reversed(edits(old, new))
    ]
