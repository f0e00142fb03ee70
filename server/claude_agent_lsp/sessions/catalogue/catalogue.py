"""Which sessions a folder has.

Everything here reads files: call it in a thread.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.disk.real_paths import is_same_path, real_path, real_paths
from claude_agent_lsp.errors import InvalidArgument, SessionNotFound
from claude_agent_lsp.sessions.catalogue.index import SessionFilter
from claude_agent_lsp.sessions.catalogue.kept_copies import KeptCopies
from claude_agent_lsp.sessions.journal.journal import Journal
from claude_agent_lsp.sessions.journal.recovery import recover
from claude_agent_lsp.sessions.transcripts.projects import all_projects, canonical, projects_of
from claude_agent_lsp.sessions.transcripts.transcript import (
    find_transcript,
    folder_of,
    holds_messages,
    is_session_id,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from claude_agent_lsp.sessions.catalogue.index import Entry, Index

logger = logging.getLogger(__name__)

# How the CLI (2.1.330) calls itself in a terminal: interactive, and with `-p`.
TERMINAL: Final = ("cli", "sdk-cli")


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation in one folder, under one id that never changes."""

    session_id: str
    title: str
    first_prompt: str | None
    tag: str | None
    workspace: Path
    git_branch: str | None
    created_at: datetime | None
    last_modified: datetime
    running: bool
    current: bool
    interrupted: bool
    origin: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a folder's sessions, newest first, and where the next ones begin."""

    sessions: tuple[Session, ...]
    next_cursor: str | None


class Catalogue:
    """The sessions of folders, as the CLI has them on disk.

    Args:
        index: What is known of the transcripts.
        running: Whether a run is at work in a session.
        current: A folder's current session.
        open_folders: The folders that are named as they are spelled here; the CLI follows links.
    """

    def __init__(
        self,
        index: Index,
        running: Callable[[str], bool] = lambda _: False,
        current: Callable[[Path], str | None] = lambda _: None,
        open_folders: Iterable[Path] = (),
    ) -> None:
        self._index = index
        self._kept = KeptCopies(index.directory)
        self._running = running
        self._current = current
        self._journal = Journal(lambda: index.directory)
        # One whose disk hangs is known as it is spelled: the others' sessions don't wait for it.
        spelled = {os.fspath(folder): folder for folder in open_folders}
        real = real_paths(spelled)
        self._open = {real[name] or name: folder for name, folder in spelled.items()}

    def page(
        self,
        folder: Path | None,
        *,
        search: str | None = None,
        tag: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
        shared: Sequence[Session] = (),
    ) -> Page:
        """List a folder's sessions and those of its repository's other worktrees.

        Args:
            folder: The folder; None lists those of all folders.
            search: Words that the title or the prompts must hold, whatever their case.
            tag: The tag they must have.
            limit: How many at most.
            cursor: `next_cursor` of the page before. It remains valid while sessions come and go.
            shared: Sessions of the folder that are in a shared store; those that are here, too,
                are left out.

        Raises:
            InvalidArgument: The cursor is none of ours.
        """
        words = (search or "").casefold().split()
        after = None if cursor is None else _read_cursor(cursor)
        if folder is None:
            projects = all_projects() + self._kept.all()
        else:
            projects = self._kept.beside(projects_of(folder))
        found = self._index.sessions(projects, SessionFilter(words, tag, after, limit + 1))
        sessions = self._described(found, folder)
        others = list(self._lost_sessions(folder))
        if shared:
            here = {entry.session_id for entry in self._index.sessions(projects, SessionFilter())}
            here |= {session.session_id for session in others}
            others += [session for session in shared if session.session_id not in here]
        if others:
            fitting = (one for one in others if _matches(one, words, tag, after))
            sessions = sorted((*sessions, *fitting), key=_newest_first)
        more = len(sessions) > limit
        page = tuple(sessions[:limit])
        return Page(page, _cursor(page[-1]) if more and page else None)

    def session(self, session_id: str) -> Session:
        """Return one session, whatever its folder.

        Raises:
            SessionNotFound: There is none under this id.
        """
        if not is_session_id(session_id):
            raise SessionNotFound(f"There is no session {session_id}.")
        path = self.find(session_id)
        entry = None if path is None else self._index.session(path)
        if path is None or entry is None:
            return self._lost_session(session_id)
        (session,) = self._described([entry], folder_of(path) or path.parent)
        return session

    def belongs(self, session_id: str, folder: Path) -> bool:
        """Return whether there is this session, and it is one of `folder`.

        Raises:
            SessionNotFound: It belongs to another folder. The CLI would resume it from anywhere
                and go on in this folder (2.1.330); but a session is a conversation in one folder.
        """
        path = self.find(session_id)
        if path is not None:
            begun_in = folder_of(path)
        elif turns := self._journal.read(session_id).turns:
            begun_in = turns[0].folder
        else:
            return False
        if begun_in is not None and not is_same_path(begun_in, folder):
            raise SessionNotFound(
                f"The session {session_id} belongs to {begun_in}, not to {folder}.",
                hint="Open that folder, or pass it as `workspace`.",
            )
        return True

    def find(self, session_id: str) -> Path | None:
        """Return a session's transcript, or the copy that is kept of it."""
        return find_transcript(session_id) or self._kept.find(session_id)

    def _described(self, entries: Sequence[Entry], folder: Path | None) -> list[Session]:
        """Return what is shown of these sessions; one that names no folder is one of `folder`."""
        places: dict[str, tuple[Path, str | None]] = {}
        noted = set(self._journal.sessions()) if entries else set()
        sessions = []
        for entry in entries:
            cwd = entry.cwd or (
                os.fspath(entry.path.parent) if folder is None else canonical(folder)
            )
            if cwd not in places:
                places[cwd] = self._place(cwd)
            workspace, current = places[cwd]
            running = self._running(entry.session_id)
            cut_off = (
                entry.session_id in noted and not running and self._is_interrupted(entry.session_id)
            )
            session = Session(
                session_id=entry.session_id,
                title=entry.title,
                first_prompt=entry.first_prompt,
                tag=entry.tag,
                workspace=workspace,
                git_branch=entry.git_branch,
                created_at=_moment(entry.created_at) if entry.created_at else None,
                last_modified=_moment(entry.last_modified),
                running=running,
                current=current == entry.session_id,
                interrupted=entry.interrupted or cut_off,
                origin="terminal" if entry.entrypoint in TERMINAL else "editor",
            )
            sessions.append(session)
        return sessions

    def _place(self, path: str) -> tuple[Path, str | None]:
        """Return a folder as it is shown, and its current session as far as its disk answers."""
        real = real_path(path)
        workspace = self._open.get(real or path, Path(path))
        return workspace, None if real is None else self._current(workspace)

    def _is_interrupted(self, session_id: str) -> bool:
        """Return whether it was killed in mid-turn, and not gone on with since."""
        return bool(recover(self._journal, session_id).untold)

    def _lost_sessions(self, folder: Path | None) -> Iterator[Session]:
        """Return the sessions of a folder that the CLI has lost, or not written yet."""
        for session_id in self._journal.sessions():
            found = self.find(session_id)
            if found is None or not holds_messages(found):
                with contextlib.suppress(SessionNotFound):
                    session = self._lost_session(session_id)
                    if folder is None or is_same_path(session.workspace, folder):
                        yield session

    def _lost_session(self, session_id: str) -> Session:
        """Return a session as the journal has it.

        Raises:
            SessionNotFound: It has none under this id.
        """
        turns = self._journal.read(session_id).turns
        if not turns:
            raise SessionNotFound(f"There is no session {session_id}.")
        first, last = turns[0], turns[-1]
        workspace, current = self._place(os.fspath(first.folder))
        running = self._running(session_id)
        return Session(
            session_id=session_id,
            title=first.prompt,
            first_prompt=first.prompt,
            tag=None,
            workspace=workspace,
            git_branch=None,
            created_at=first.at,
            last_modified=last.steps[-1].at if last.steps else last.at,
            running=running,
            current=current == session_id,
            interrupted=not running and any(not turn.unsent for turn in turns),
            origin="editor",
        )


def _matches(
    session: Session, words: Iterable[str], tag: str | None, after: tuple[int, str] | None
) -> bool:
    text = f"{session.title}\n{session.first_prompt or ''}".casefold()
    return (
        all(word in text for word in words)
        and tag in (None, session.tag)
        and (after is None or _newest_first(session) > after)
    )


def _newest_first(session: Session) -> tuple[int, str]:
    return -round(session.last_modified.timestamp() * 1000), session.session_id


def _cursor(session: Session) -> str:
    return base64.urlsafe_b64encode(json.dumps(_newest_first(session)).encode()).decode()


def _read_cursor(cursor: str) -> tuple[int, str]:
    try:
        match json.loads(base64.urlsafe_b64decode(cursor.encode())):
            case [int(modified), str(session_id)] if abs(modified) < 2**63:
                return modified, session_id
    except (ValueError, RecursionError):
        pass
    raise InvalidArgument("cursor: expected `nextCursor` of an earlier answer.")


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
