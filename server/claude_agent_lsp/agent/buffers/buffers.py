"""What the agent's processes have to do with the editor's documents, for all of them together.

Documents ──▶ Buffers ──┬─▶ the file that tells each CLI what is open
└─▶ BufferTools, one for each process
"""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Protocol

from claude_agent_lsp.base.disk.scratch import scratch
from claude_agent_lsp.base.lanes import Lane
from claude_agent_lsp.base.system.file_io import replace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claude_agent_lsp.agent.buffers.knowledge import EditorKnowledge
    from claude_agent_lsp.workspace.documents.documents import Document, Documents
    from claude_agent_lsp.workspace.documents.edits import Edit

logger = logging.getLogger(__name__)

# In the CLI's environment: the file with the last names of what is open.
OPEN_VARIABLE: Final = "CLAUDE_AGENT_LSP_OPEN"
# A prompt does not wait longer for it to be told what was opened just before.
TELL_SECONDS: Final = 1.0

SaveEdits = Literal["never", "ifClean", "always"]


class BufferEditor(Protocol):
    """What the editor does with its documents when it is asked to."""

    @property
    def synchronizes(self) -> bool:
        """Whether it tells of them."""

    @property
    def applies(self) -> bool:
        """Whether it changes them."""

    @property
    def saves(self) -> bool:
        """Whether it saves them."""

    async def apply(self, document: Document, edits: Sequence[Edit]) -> bool:
        """Change a document, if it still has this version; return whether it did.

        Once it has, the document's new text is known.
        """

    async def save(self, document: Document) -> bool:
        """Save a document, with all that saving means in this editor; return whether it did."""


class Buffers:
    """The documents of one server, told to its CLIs.

    Args:
        documents: Those that are open.
        editor: Has them.
        knowledge: What the editor knows of code; None if nobody has asked for it.

    Attributes:
        documents: Those that are open.
        editor: Has them.
        knowledge: What the editor knows of code.
        claimed: The last names of closed files whose edits are made here.
        hooked: Whether a CLI has not taken the mod, so that those after it have hooks instead.
        warned: Whether the user knows that a CLI can't be told of them.
    """

    def __init__(
        self,
        documents: Documents,
        editor: BufferEditor,
        knowledge: EditorKnowledge | None = None,
    ) -> None:
        self.documents = documents
        self.editor = editor
        self.hooked = False
        self.knowledge = knowledge
        self.warned = False
        self.claimed: set[str] = set()
        self._lane = Lane()
        self._directory: Path | None = None
        self._told: frozenset[str] | None = None
        self._telling: asyncio.Future[None] | None = None
        # A CLI may be at work.
        documents.changed = self._tell_soon

    @property
    def file(self) -> Path | None:
        """The file that tells the CLIs, once `settle` has made it."""
        return None if self._directory is None else self._directory / "open.json"

    def wanted(self, *, ahead: bool) -> bool:
        """Return whether a process that starts now has to know of documents.

        Args:
            ahead: Whether it is started before anybody needs it.
        """
        return self.documents.ever or (ahead and self.editor.synchronizes)

    async def settle(self) -> None:
        """Have what is open now told, and wait for it a moment."""
        names = frozenset(Path(name).name for name in self.documents.names) | self.claimed
        if names != self._told:
            self._told = names
            self._telling = self._lane.put(self._tell, sorted(names))
            self._telling.add_done_callback(self._note_failure)
        if self._telling is not None and not self._telling.done():
            await asyncio.wait({self._telling}, timeout=TELL_SECONDS)

    async def close(self) -> None:
        """Remove what was written."""
        await asyncio.wait({self._lane.put(self._remove)}, timeout=TELL_SECONDS)

    def _tell_soon(self) -> None:
        if self._told is not None:  # a CLI may read it
            task = asyncio.ensure_future(self.settle())
            task.add_done_callback(lambda done: done.cancelled() or done.exception())

    def _tell(self, names: list[str]) -> None:
        if self._directory is None:
            self._directory = scratch.make()
        new = self._directory / "new.json"
        new.write_text(json.dumps(names), encoding="utf-8")
        replace(new, self._directory / "open.json")

    def _note_failure(self, telling: asyncio.Future[None]) -> None:
        error = None if telling.cancelled() else telling.exception()
        if telling.cancelled() or error is not None:
            self._told = None
            logger.warning("The agent can't be told what is open: %s", error)

    def _remove(self) -> None:
        if self._directory is not None:
            scratch.remove(self._directory)
