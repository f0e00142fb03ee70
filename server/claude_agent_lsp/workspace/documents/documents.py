"""The documents that the editor has open, with their texts as the user sees them.

    didOpen, didChange, didSave, didClose ──▶ Documents ──▶ Document.state(disk): what is where

What the agent, its tools and its questions say of a file that is open is said of this text.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

from claude_agent_lsp.workspace.documents.disk_text import UNKNOWN, DiskText, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class DocumentState(Enum):
    """Where the text of an open document is the newer one.

    CLEAN: The editor and the disk have the same.
    DIRTY: The editor has what is not saved.
    STALE: The disk has changed, and the editor shows what it had before.
    BOTH: The editor has what is not saved, and the disk has changed beneath it.
    NEW: There is no such file.
    """

    CLEAN = "clean"
    DIRTY = "dirty"
    STALE = "stale"
    BOTH = "both"
    NEW = "new"

    @property
    def unsaved(self) -> bool:
        """Whether the editor has a text that is nowhere else."""
        return self in (DocumentState.DIRTY, DocumentState.BOTH, DocumentState.NEW)


@dataclass(frozen=True, slots=True)
class Document:
    """An open document at one version.

    Attributes:
        uri: As the editor calls it.
        path: Its file, as the editor names it.
        version: The editor's number for this text.
        text: The text in the editor.
        saved: The digest of the text that editor and disk had last in common; None if unknown.
    """

    uri: str
    path: Path
    version: int
    text: str = field(repr=False)
    saved: bytes | None = None

    def state(self, disk: DiskText | None) -> DocumentState:
        """Return how it stands to what the disk has; None if there is no such file."""
        if disk is None:
            return DocumentState.NEW
        here, there = digest_of(self.text), digest_of(disk.text)
        if here == there:
            return DocumentState.CLEAN
        if self.saved is None:
            # Opened with another text than the disk's: unsaved, or decoded as only the editor can.
            return DocumentState.DIRTY if disk.encoding != UNKNOWN else DocumentState.CLEAN
        if here == self.saved:
            return DocumentState.STALE
        return DocumentState.DIRTY if there == self.saved else DocumentState.BOTH


class Documents:
    """All documents that are open.

    Attributes:
        ever: Whether one was ever open.
        changed: Called when one is opened or closed, and when its real name is known.
    """

    def __init__(self) -> None:
        self._by_uri: dict[str, Document] = {}
        self._real: dict[str, str] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self.ever = False
        self.changed: Callable[[], None] = lambda: None

    def __iter__(self) -> Iterator[Document]:
        return iter(tuple(self._by_uri.values()))

    @property
    def names(self) -> set[str]:
        """The paths of all, as the editor names them and as they are without links."""
        names = {os.path.normpath(each.path) for each in self}
        return names | {self._real[uri] for uri in self._by_uri if uri in self._real}

    def of_uri(self, uri: str) -> Document | None:
        """Return the open document that the editor calls so."""
        return self._by_uri.get(uri)

    def at(self, path: Path | str) -> Document | None:
        """Return the open document of a file, by a name of the file."""
        name = os.path.normpath(path)
        for document in self:
            if name in (os.path.normpath(document.path), self._real.get(document.uri)):
                return document
        return None

    def open(self, document: Document) -> None:
        """Take a document that was opened; again, if it was."""
        self._by_uri[document.uri] = document
        self.ever = True
        self.changed()

    def change(self, uri: str, version: int, text: str) -> None:
        """Take the text that the editor has now."""
        if (document := self._by_uri.get(uri)) is not None:
            self._by_uri[uri] = replace(document, version=version, text=text)
            self._wake()

    def is_saved(self, uri: str, digest: bytes | None) -> None:
        """Note the text that editor and disk have in common."""
        if (document := self._by_uri.get(uri)) is not None:
            self._by_uri[uri] = replace(document, saved=digest)

    def name(self, uri: str, real: str) -> None:
        """Note what a document's file is called without links."""
        if uri in self._by_uri:
            self._real[uri] = real
            self.changed()

    def close(self, uri: str) -> None:
        """Forget a document that was closed."""
        self._real.pop(uri, None)
        if self._by_uri.pop(uri, None) is not None:
            self._wake()
            self.changed()

    async def beyond(self, document: Document, seconds: float) -> bool:
        """Wait until a document has another version, or is closed; False if that takes longer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while (now := self.of_uri(document.uri)) and now.version == document.version:
                    waiting = asyncio.get_running_loop().create_future()
                    self._waiting.append(waiting)
                    await waiting
                return True
        return False

    def _wake(self) -> None:
        for each in self._waiting:
            if not each.done():
                each.set_result(None)
        self._waiting.clear()
