"""A session goes back to an earlier message; what it leaves is kept in a session of its own.

    one ── two ── three          the copy, which lists leave out
     └──── four                  the session

Everything here touches the disk: call it in a thread.
"""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from claude_agent_lsp.base.disk.files import replace_file
from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.base.texts.json_text import parse_json
from claude_agent_lsp.errors import InvalidArgument, StoreUnavailable
from claude_agent_lsp.sessions.catalogue.marks import Mark, Marks
from claude_agent_lsp.sessions.journal.journal import Journal
from claude_agent_lsp.sessions.journal.recovery import recover
from claude_agent_lsp.sessions.transcripts.transcript import find_transcript

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.sessions.journal.run_records import RunRecords


@dataclass(frozen=True, slots=True)
class Branch:
    """What a session has left.

    Attributes:
        session_id: The session that has it.
        at: When it was left.
        message_id: The prompt that was asked instead.
    """

    session_id: str
    at: datetime
    message_id: str


@dataclass(frozen=True, slots=True)
class Left:
    """What a session leaves that ends before a prompt.

    Attributes:
        messages: How many messages.
        session_id: The session that goes on without them; None begins a new one.
    """

    messages: int
    session_id: str | None


@dataclass(frozen=True, slots=True)
class GoingBack:
    """Has sessions go back.

    Attributes:
        state: The state directory.
        runs: What their runs knew.
    """

    state: Path
    runs: RunRecords

    def leave(self, session_id: str, message_id: str) -> tuple[str, str, datetime | None]:
        """Keep a copy of a session, which then may go back to just behind a message.

        Returns:
            The line to go back to, the copy, and when the first run began that is left.

        Raises:
            InvalidArgument: There is no such message.
            SessionNotFound: There is no such session.
            StoreUnavailable: The copy can't be written.
        """
        # With the SDK, which takes a second to load.
        reading = importlib.import_module("claude_agent_lsp.sessions.reading.reading")
        changes = importlib.import_module("claude_agent_lsp.sessions.edit_session")
        line = reading.line_of(session_id, message_id)
        behind = reading.lines_behind(session_id, line)
        copy = changes.fork(session_id, self.state)
        self.archive(copy)
        self._leave_lost(session_id, copy, line)
        for run in self.runs.each(session_id):
            if run.begun.message_id in behind:
                return line, copy, run.begun.at
        return line, copy, None

    def _leave_lost(self, session_id: str, copy: str, line: str) -> None:
        """Have the copy hold what the CLI has lost behind a line, and nobody be told of it."""
        reading = importlib.import_module("claude_agent_lsp.sessions.reading.reading")
        changes = importlib.import_module("claude_agent_lsp.sessions.edit_session")
        journal = Journal(lambda: self.state)
        turns = recover(journal, session_id).turns
        since = reading.said_at(session_id, line) if turns else None
        lost = [turn for turn in turns if since is None or turn.at > since]
        if not lost:
            return
        # A prompt that the transcript has is in the copy under an id of the copy's own.
        names = changes.names_in(copy)
        kept = [
            replace(
                turn,
                message_id=names.get(turn.message_id, turn.message_id),
                told_by=names.get(turn.told_by, turn.told_by) if turn.told_by else None,
            )
            for turn in lost
        ]
        try:
            journal.replace(copy, kept)
            journal.replace(session_id, [turn for turn in turns if turn not in lost])
        except OSError as error:
            raise StoreUnavailable(
                f"{journal.directory} can't be written: {error.strerror or error}."
            ) from error

    def back_to(self, session_id: str, message_id: str, *, look: bool) -> Left:
        """Have another session take the place of one, which ends before a prompt of that one.

        Args:
            session_id: The session, in which no run may be at work; lists leave it out then.
            message_id: The prompt.
            look: Only tell what would be left.

        Raises:
            InvalidArgument: There is no such message.
            SessionNotFound: There is no such session.
            StoreUnavailable: The other session can't be written.
        """
        outline = importlib.import_module("claude_agent_lsp.sessions.reading.outline")
        changes = importlib.import_module("claude_agent_lsp.sessions.edit_session")
        transcript = find_transcript(session_id)
        ids = [] if transcript is None else [p.message_id for p in outline.places_in(transcript)]
        if message_id not in ids:
            raise InvalidArgument(
                f"messageId: the session {session_id} has no message {message_id}."
            )
        before = ids[: ids.index(message_id)]
        left = len(ids) - len(before)
        if look:
            return Left(left, None)
        copy = changes.fork(session_id, self.state, before[-1]) if before else None
        if copy is not None:
            told = {"session": session_id, "at": datetime.now(UTC).isoformat()}
            path = self._note_of(copy)
            try:
                make_directory(path.parent)
                replace_file(path, json.dumps({**told, "message": message_id}).encode())
            except OSError as error:
                raise StoreUnavailable(
                    f"{path} can't be written: {error.strerror or error}."
                ) from error
        self.archive(session_id)
        return Left(left, copy)

    def _note_of(self, session_id: str) -> Path:
        return self.state / "branches" / f"{session_id}.json"

    def _noted(self, session_id: str) -> list[Branch]:
        try:
            told = parse_json(read_regular(self._note_of(session_id)))
            at = datetime.fromisoformat(told["at"])
            return [Branch(str(told["session"]), at, str(told["message"]))]
        except (OSError, ValueError, KeyError, TypeError):
            return []  # as of most

    def archive(self, session_id: str) -> None:
        """Have lists leave a session out.

        Raises:
            StoreUnavailable: That can't be written.
        """
        Marks(self.state).set(session_id, Mark.ARCHIVED, on=True)

    def branches(self, session_id: str) -> tuple[Branch, ...]:
        """Return what a session has left, as far as it is there, the oldest first."""
        found = self._noted(session_id)
        found += [
            Branch(run.begun.left, run.begun.at, run.begun.message_id)
            for run in self.runs.each(session_id)
            if run.begun.left is not None
        ]
        return tuple(each for each in found if find_transcript(each.session_id) is not None)
