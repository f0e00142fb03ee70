"""Which session a query works in, and that nobody else works in it.

    query ──▶ the session's id ──▶ its lock ──▶ what the CLI has of it ──▶ the folder's current one

Everything here touches the disk: call it in a thread.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from claude_agent_lsp.agent.os_processes.orphans import end_orphans
from claude_agent_lsp.agent.process.launch import SessionStart
from claude_agent_lsp.agent.run.message import user_message
from claude_agent_lsp.agent.run.query import LAST, NEW, START
from claude_agent_lsp.base.disk.real_paths import is_gone, is_same_path
from claude_agent_lsp.errors import SessionAtWork, SessionNotFound, StoreUnavailable
from claude_agent_lsp.sessions.catalogue.former_folders import FormerFolders
from claude_agent_lsp.sessions.catalogue.kept_copies import KeptCopies
from claude_agent_lsp.sessions.claude_settings.deny_rules import DenyRules
from claude_agent_lsp.sessions.going_back import GoingBack
from claude_agent_lsp.sessions.transcripts.projects import belongs_to, elsewhere
from claude_agent_lsp.sessions.transcripts.transcript import (
    find_transcript,
    folder_of,
    holds_messages,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from claude_agent_lsp.agent.accounts.daily_budget import DailyBudget
    from claude_agent_lsp.agent.run.query import Query
    from claude_agent_lsp.sessions.journal.journal import Journal
    from claude_agent_lsp.sessions.lock import SessionLocks
    from claude_agent_lsp.workspace.state import State

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A query that has its session.

    Attributes:
        session: The session, which it has to release.
        message: All that is sent for it.
        denied: What the agent may not read.
        warnings: What the user has to know.
    """

    session: SessionStart
    message: Mapping[str, Any]
    denied: DenyRules
    warnings: tuple[str, ...]


class Admission:
    """Admits queries to their sessions.

    Args:
        state: Knows each folder's current session.
        ownership: Knows who works in which.
        journal: Knows sessions that the CLI has lost.
        budget: Knows what is left of the day's.
        stands_before: Whether another run's turn in a session comes before one's.
    """

    def __init__(
        self,
        state: State,
        ownership: SessionLocks,
        journal: Journal,
        budget: DailyBudget,
        stands_before: Callable[[str, str], bool],
    ) -> None:
        self._stands_before = stands_before
        self._state = state
        self._locks = ownership
        self._journal = journal
        self._budget = budget

    def admit(self, query: Query, run_id: str, message_id: str, spare: str | None) -> Admitted:
        """Do what of a run's beginning touches the folder's disk; lastly, lock its session.

        Args:
            query: What is asked.
            run_id: The run.
            message_id: That of its prompt, in the session.
            spare: The id of a session to begin, if one has to be begun.

        Returns:
            The session, which has become the folder's current one, and what is sent.

        Raises:
            BudgetExceeded: Nothing is left of the day's budget.
            InvalidArgument: An attachment can't be read, or there is no message to go back to.
            SessionMoved: Its folder is gone, so that it may be moved here.
            SessionNotFound: There is no such session in this folder.
            SessionAtWork: A run of this server is at work in the session, or waits for it.
            SessionBusy: A run of another server is at work in it.
        """
        settings = query.settings
        unknown = self._budget.check(settings.daily_budget_usd, settings.on_unknown_cost)
        message, denied = message_of(query, message_id)
        session = self._session_for(query, run_id, spare)
        warnings = (unknown, self._told_of_clear(query, session))
        return Admitted(session, message, denied, tuple(filter(None, warnings)))

    def _session_for(self, query: Query, run_id: str, spare: str | None) -> SessionStart:
        found = self.named(query)
        if query.traceless:
            return self._traceless(found, query, run_id)
        if query.fork:
            session = self._fork_of(found, query)
            self._locks.claim(session.session_id, run_id)
        elif query.in_place:
            session = self._gone_back(found, query, run_id)
        else:
            session = self._claim(found, query, run_id, spare)
        self._make_current(query.folder, session)
        return session

    def named(self, query: Query) -> str | None:
        """Return the id of the session that a query is for; None begins a new one."""
        if query.session == LAST:
            current = self._state.current(query.folder)
            return current if current is None or _may_go_on(current, query.folder) else None
        return None if query.session == NEW else query.session

    def next_session(self, current: str, folder: Path) -> SessionStart:
        """Return how the next query goes on with the current session of a folder, as things stand.

        A kept session is put back for it: call it in the session's lane.
        """
        return self._start_of(current, folder)

    def _claim(
        self, found: str | None, query: Query, run_id: str, spare: str | None
    ) -> SessionStart:
        session_id = found or query.new_id or spare or str(uuid.uuid4())
        if self._stands_before(session_id, run_id):
            raise SessionAtWork(f"Others wait for the session {session_id}.", session_id)
        if self._locks.claim(session_id, run_id):
            end_orphans()
        if found is None:
            return SessionStart(session_id)
        try:
            # Looked at only now that nobody else can change it.
            return self._start_of(found, query.folder, must_be=query.session != LAST)
        except BaseException:
            self._locks.release(session_id, run_id)
            raise

    def _traceless(self, found: str | None, query: Query, run_id: str) -> SessionStart:
        """Return a session that knows what was said in another one, and that nobody will find."""
        session_id = str(uuid.uuid4())
        self._locks.claim(session_id, run_id)
        if found is None:
            return SessionStart(session_id)
        try:
            start = self._start_of(found, query.folder, must_be=query.session != LAST, copied=True)
        except BaseException:
            self._locks.release(session_id, run_id)
            raise
        return SessionStart(session_id, source=start.source, at=start.at)

    def _fork_of(self, found: str | None, query: Query) -> SessionStart:
        if found is None:
            raise SessionNotFound(f"{query.folder} has no session to fork yet.")
        start = self._start_of(found, query.folder, must_be=query.session != LAST, copied=True)
        if start.source is None:
            raise SessionNotFound(f"The session {found} is still empty and can't be forked.")
        at, until = start.at, None
        if query.resume_at is not None:
            # With the SDK, which takes a second to load.
            reading = importlib.import_module("claude_agent_lsp.sessions.reading.reading")
            at = reading.line_of(start.source, query.resume_at, self._state.directory)
            until = reading.said_behind(start.source, at)
        fork_id = str(uuid.uuid4())
        with contextlib.suppress(OSError):  # a disk without room costs what runs knew, and no run
            self._journal.runs.copy(start.source, fork_id, until)
        return SessionStart(fork_id, source=start.source, at=at)

    def _gone_back(self, found: str | None, query: Query, run_id: str) -> SessionStart:
        """Have a session go back; what it leaves is kept in another one, which lists leave out."""
        if found is None:
            raise SessionNotFound(f"{query.folder} has no session to go back in yet.")
        session = self._claim(found, query, run_id, None)
        going = GoingBack(self._state.directory, self._journal.runs)
        try:
            if not session.resumes:
                raise SessionNotFound(f"The session {found} is still empty.")
            if query.resume_at == START:
                going.archive(found)
                new = SessionStart(str(uuid.uuid4()), left=found)
                self._locks.claim(new.session_id, run_id)
                self._locks.release(found, run_id)
                return new
            at, left, left_from = going.leave(found, str(query.resume_at))
            return replace(session, at=at, left=left, left_from=left_from)
        except BaseException:
            self._locks.release(found, run_id)
            raise

    def _start_of(
        self, session_id: str, folder: Path, *, must_be: bool = False, copied: bool = False
    ) -> SessionStart:
        """Return how a session continues: resumed, or begun if the CLI does not have it yet."""
        transcript = KeptCopies(self._state.directory).restore(session_id)
        empty = transcript is not None and not holds_messages(transcript)
        if transcript is None or empty:
            if must_be and not self._was_begun(session_id, folder):
                raise SessionNotFound(f"There is no session {session_id} in {folder}.")
            fork = self._state.fork(folder, session_id)
            if fork is not None and find_transcript(fork[0]) is not None:
                return SessionStart(session_id, source=fork[0], at=fork[1])
            if transcript is not None:
                # Where it is, the CLI begins no session of this id.
                transcript.unlink(missing_ok=True)
            return SessionStart(session_id)
        if belongs_to(transcript, folder):
            return SessionStart(session_id, source=session_id)
        begun_in = folder_of(transcript)
        if copied and must_be and begun_in is not None and is_gone(begun_in):
            return SessionStart(session_id, source=session_id)
        raise elsewhere(session_id, begun_in, folder)

    def _was_begun(self, session_id: str, folder: Path) -> bool:
        """Return whether a session that the CLI doesn't have is one of this folder all the same."""
        if session_id in self._state.begun(folder):
            return True
        turns = self._journal.read(session_id).turns
        return any(is_same_path(turn.folder, folder) for turn in turns)

    def _told_of_clear(self, query: Query, session: SessionStart) -> str | None:
        """Return what a query is told that goes on in a session which was cleared."""
        session_id, folder = session.session_id, query.folder
        if query.session != session_id or (left := self._state.cleared(folder, session_id)) is None:
            return None
        try:
            self._state.reopen(folder, session_id)
        except StoreUnavailable:
            logger.exception("The state of %s could not be saved", folder)
        return (
            f"The session {session_id} was cleared, and {left} came after it. This run goes on "
            "with what was said before."
        )

    def _make_current(self, folder: Path, session: SessionStart) -> None:
        """Make the run's session the folder's current one."""
        session_id = session.session_id
        FormerFolders(self._state.directory).note(folder)
        try:
            if self._state.current(folder) == session_id:
                return
            if session.resumes:
                self._state.select(folder, session_id)
            else:
                self._state.begin(folder, session_id, session.source, session.at)
        except Exception:
            # The run is worth more than the memory of which session is the folder's current one.
            logger.exception("The current session of %s could not be saved", folder)


def _may_go_on(session_id: str, folder: Path) -> bool:
    """Return whether a folder's current session is still one of its own.

    It may have been moved, by the user's word in another editor or by hand.
    """
    transcript = find_transcript(session_id)
    try:
        return transcript is None or belongs_to(transcript, folder)
    except OSError:
        return True  # nobody can tell


def message_of(query: Query, message_id: str) -> tuple[Mapping[str, Any], DenyRules]:
    """Return what is sent for a query, and what the agent may not read.

    Raises:
        InvalidArgument: An attachment can't be read.
    """
    context, attachments, folder = query.context, query.attachments, query.folder
    # The CLI reads the rules itself, of a folder that is trusted.
    needed = not query.trusted or context is not None or attachments
    denied = DenyRules.read(folder) if needed else DenyRules()
    message = user_message(query.prompt, context, attachments, folder, message_id, denied=denied)
    return message, denied
