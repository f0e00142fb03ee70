"""The texts that the editor has open, as the bytes that they would be if they were saved."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.base.lanes import parsing
from claude_agent_lsp.workspace.documents.disk_text import UNKNOWN, DiskText, digest_of
from claude_agent_lsp.workspace.documents.edits import edits_between

if TYPE_CHECKING:
    from collections.abc import Iterable

    from claude_agent_lsp.lsp.buffers.buffer_editor import DocumentEditor
    from claude_agent_lsp.workspace.documents.documents import Document


class OpenTexts:
    """What the editor has open.

    Args:
        editor: Changes it.
    """

    def __init__(self, editor: DocumentEditor) -> None:
        self._editor = editor

    def all(self) -> list[Document]:
        """Return all files that are open."""
        return list(self._editor.documents)

    async def change(self, opened: Document, after: bytes) -> bool:
        """Have the editor change a text; return whether it did.

        Args:
            opened: The text as it was looked at.
            after: What it shall hold.
        """
        if not self._editor.applies:
            return False
        text = DiskText.decode(after).text
        if "\r" not in opened.text:  # some editors have their own line ends
            text = text.replace("\r\n", "\n")
        edits = await parsing.run(edits_between, opened.text, text)
        return not edits or await self._editor.apply(opened, edits)


def contents_of(texts: Iterable[Document]) -> dict[Path, bytes]:
    """Return open texts as the files that they would be, by the real paths of their folders, too.

    One whose file has an encoding that only the editor knows is left out. It touches the disk: call
    it in a thread.
    """
    found = {}
    for each in texts:
        content = content_on_disk(each.path)
        disk = DiskText("") if content is None else DiskText.decode(content)
        if content is None or digest_of(disk.text) != digest_of(each.text):
            if disk.encoding == UNKNOWN:
                continue
            text = each.text if "\r" in each.text or "\r\n" not in disk.text else _crlf(each.text)
            content = disk.mark + text.encode(disk.encoding, "surrogatepass")
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


def _crlf(text: str) -> str:
    return text.replace("\n", "\r\n")
