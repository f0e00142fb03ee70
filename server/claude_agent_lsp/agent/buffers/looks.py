"""What one process finds of open documents: which there is for a path, and what is newer where."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.agent.buffers.tool_texts import plain
from claude_agent_lsp.base.lanes import Lane, parsing
from claude_agent_lsp.workspace.documents.disk_text import DiskText
from claude_agent_lsp.workspace.documents.documents import DocumentState

if TYPE_CHECKING:
    from claude_agent_lsp.workspace.documents.documents import Document, Documents

# How many open documents are looked at for what is not saved.
MOST_NOTED: Final = 100


class Looks:
    """Looks at documents, and at the disk beneath them.

    Args:
        documents: Those that are open.
        folder: What relative paths are relative to.

    Attributes:
        disk: The lane of all that is read.
    """

    def __init__(self, documents: Documents, folder: Path) -> None:
        self._documents = documents
        self._folder = folder
        self.disk = Lane()
        # The files that the agent knows to be unsaved.
        self._noted: list[str] = []

    def path(self, named: object) -> Path | None:
        """Return the path that a tool was given; None if it is none."""
        return self._folder / named if isinstance(named, str) and "\0" not in named else None

    async def find(self, named: object) -> Document | None:
        """Return the open document that a path leads to, whatever it is called."""
        if not isinstance(named, str) or "\0" in named:
            return None
        documents = self._documents
        document = documents.at(self._folder / named)
        return document or documents.at(await self.disk.read(_real, self._folder, named))

    async def state(self, document: Document) -> DocumentState:
        """Return where its newer text is."""
        disk = await self.on_disk(document)
        return await parsing.run(document.state, disk)

    async def on_disk(self, document: Document) -> DiskText | None:
        """Return what its file holds; None if there is none that can be read."""
        try:
            return await self.disk.read(DiskText.read, document.path)
        except (OSError, ValueError):
            return None

    def current(self, document: Document) -> Document:
        """Return it as it is now; the last version of one that was closed."""
        return self._documents.of_uri(document.uri) or document

    async def note(self) -> str | None:
        """Return what the agent has to know that looks at the disk otherwise; None if nothing new.

        A command, or a search, sees of unsaved files what the disk has.
        """
        open_ = itertools.islice(self._documents, MOST_NOTED)
        found = [each for each in open_ if (await self.state(each)).unsaved]
        names = sorted(os.fspath(each.path) for each in found)
        if names == self._noted:
            return None
        self._noted = names
        if not names:
            return "All open files are saved now."
        return (
            "These files have unsaved changes in the user's editor, which commands and searches do "
            f"not see; Read, Edit and Write do: {', '.join(names)}"
        )

    async def unsaved(self, path: Path) -> bytes | None:
        """Return what the editor has of a file that is not saved, as bytes; None if nothing."""
        document = await self.find(str(path))
        if document is None:
            return None
        disk = await self.on_disk(document)
        if not (await parsing.run(document.state, disk)).unsaved:
            return None
        text = self.current(document).text
        try:
            return (disk or DiskText("")).encode(text)
        except UnicodeEncodeError:
            return text.encode(errors="surrogatepass")

    async def text_of(self, named: object) -> str | None:
        """Return the text that an edit of a file begins with; None if that is the disk's."""
        document = await self.find(named)
        if document is None or await self.state(document) is DocumentState.STALE:
            return None
        return plain(self.current(document).text)


def _real(folder: Path, named: str) -> Path:
    return (folder / Path(named).expanduser()).resolve()
