"""Sessions as Markdown documents that the editor opens."""

from __future__ import annotations

import importlib
import logging
import uuid
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from claude_agent_lsp.base.disk.files import replace_file
from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.texts.text import one_line
from claude_agent_lsp.errors import SessionNotFound
from claude_agent_lsp.lsp.services.documents import ask_for_closing, open_document
from claude_agent_lsp.lsp.services.growing_documents import GrowingDocuments

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from claude_agent_lsp.agent.events import Event, Run
    from claude_agent_lsp.base.lanes import Lanes
    from claude_agent_lsp.lsp.editor import Editor
    from claude_agent_lsp.lsp.services.session_lookup import SessionLookup
    from claude_agent_lsp.sessions.catalogue.catalogue import Catalogue
    from claude_agent_lsp.workspace.state import State

logger = logging.getLogger(__name__)

# In a message, with the outcome before it.
ANSWER_LENGTH: Final = 300


class TranscriptDocuments:
    """Writes sessions below the state directory, and has the editor open them.

    Args:
        editor: The editor.
        state: Says where.
        sessions: Finds them.
        lanes: Those of the sessions.
        is_open: Returns whether the editor has told that it has a document open.
    """

    def __init__(
        self,
        editor: Editor,
        state: State,
        sessions: SessionLookup,
        lanes: Lanes,
        is_open: Callable[[Path], bool],
    ) -> None:
        self._editor = editor
        self._state = state
        self._sessions = sessions
        self._lanes = lanes
        self._is_open = is_open
        self._growing = GrowingDocuments(self._rewrite)
        self._asked_for_closing: Path | None = None
        # Those of their own that this server has written, and those of them that were closed.
        self._beside: dict[str, list[Path]] = {}
        self._closed: set[str] = set()

    async def show(self, session_id: str) -> tuple[Path, bool]:
        """Open a session, which is written anew as it goes on, where the editor would notice.

        Returns:
            The document, and whether the editor has opened it.

        Raises:
            OSError: It can't be written.
            SessionNotFound: There is no such session.
        """
        if not self._editor.profile.rereads:
            path = self._place(f"{session_id}-{uuid.uuid4().hex[:8]}")
            line = await self._write_beside(session_id, path)
            return path, await open_document(self._editor, path, line)
        path = self._place(session_id)
        if self._asked_for_closing != path.parent:
            self._asked_for_closing = path.parent
            self._editor.spawn(ask_for_closing(self._editor, path.parent))
        self._growing.add(session_id, path)
        line = await self._write(session_id, path)
        return path, await open_document(self._editor, path, line)

    async def show_result(self, run: Run) -> None:
        """Open the session of a run that has ended.

        Each run has a file of its own: Helix shows a document that it has open as it is, whatever
        has become of the file. An editor that opens no documents gets a message with its path.
        """
        path = self._place(f"{run.session_id}-{run.run_id[:8]}")
        try:
            line = await self._write_beside(run.session_id, path)
        except Exception as error:
            logger.exception("The transcript of %s could not be written", run.session_id)
            text = f"The transcript could not be written ({error}). The agent's answer: {run.text}"
            self._editor.show_message(types.MessageType.Error, text)
            return
        if not await open_document(self._editor, path, line):
            self._editor.show_message(types.MessageType.Info, f"The agent's answer is in {path}")

    async def tell_result(self, run: Run, outcome: str) -> None:
        """Tell the answer of a run that has ended, in a line, and where all of it is.

        Args:
            run: The run.
            outcome: How it has ended, in a few words.
        """
        answer = one_line(run.text, ANSWER_LENGTH)
        told = f"Claude: {outcome}. {answer}" if answer else f"Claude: {outcome}."
        where = "claudeAgent.session.show opens it."
        if not self._editor.profile.show_document:
            path = self._place(run.session_id)
            where = f"All of it is in {path}"
            try:
                await self._write(run.session_id, path)
            except Exception:
                logger.exception("The transcript of %s could not be written", run.session_id)
                where = ""
        self._editor.show_message(types.MessageType.Info, f"{told} {where}".rstrip())

    def follower(self) -> Callable[[Event], None]:
        """Return what takes a run's events, so that an open document grows with them."""
        return self._growing.follower()

    def forget(self, session_id: str) -> None:
        """Follow a deleted session no longer."""
        self._growing.remove(session_id)
        self._beside.pop(session_id, None)

    def closed(self, path: Path) -> None:
        """Follow no longer the document that the editor has closed, whichever it is."""
        self._growing.closed(path)
        # The editor may name its folder in another way, with links followed say.
        if any(path.name == each.name for paths in self._beside.values() for each in paths):
            self._closed.add(path.name)

    def _place(self, name: str) -> Path:
        return self._state.directory / "transcripts" / f"{name}.md"

    async def _write_beside(self, session_id: str, path: Path) -> int:
        """Write a session to a document of its own; see `_write`.

        Those before it are removed once they were closed. An editor that has one open, and has not
        said so, would lose it: the rest is removed when a later server starts.
        """
        line = await self._write(session_id, path)
        written = self._beside.setdefault(session_id, [])
        closed = [each for each in written if each.name in self._closed and not self._is_open(each)]
        self._beside[session_id] = [*(each for each in written if each not in closed), path]
        self._closed.difference_update(each.name for each in closed)
        await self._lanes.session(session_id).read(_remove, closed)
        return line

    async def _rewrite(self, session_id: str) -> None:
        await self._write(session_id, self._place(session_id))

    async def _write(self, session_id: str, path: Path) -> int:
        catalogue = await self._sessions.catalogue()
        lane = self._lanes.session(session_id)
        return await lane.read(write_transcript, catalogue, session_id, path)


def write_transcript(catalogue: Catalogue, session_id: str, path: Path) -> int:
    """Write a session as Markdown below the state directory; call it in a thread.

    Returns:
        The line, from 0, where the last prompt stands.

    Raises:
        OSError: It can't be written.
        SessionNotFound: There is no such session.
    """
    export = importlib.import_module("claude_agent_lsp.sessions.moving.export")
    content: bytes = export.exported(catalogue.session(session_id), "markdown", path.parent.parent)
    make_directory(path.parent)
    replace_file(path, content)
    try:
        catalogue.session(session_id)
    except SessionNotFound:  # deleted meanwhile, and its documents with it
        path.unlink(missing_ok=True)
        raise
    return content.count(b"\n", 0, content.rfind(b"\n## You")) + 1


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
