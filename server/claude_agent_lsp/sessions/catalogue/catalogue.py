"""Which sessions a folder has.

Everything here reads files: call it in a thread.
"""

from __future__ import annotations

import contextlib
import logging
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.disk.real_paths import is_gone, is_same_path, real_path, real_paths
from claude_agent_lsp.base.texts.moments import EPOCH, moment_at
from claude_agent_lsp.errors import SessionNotFound
from claude_agent_lsp.sessions.catalogue.former_folders import FormerFolders
from claude_agent_lsp.sessions.catalogue.index import files_in
from claude_agent_lsp.sessions.catalogue.keeping import goes_at
from claude_agent_lsp.sessions.catalogue.kept_copies import KeptCopies
from claude_agent_lsp.sessions.catalogue.marks import Mark, Marks
from claude_agent_lsp.sessions.catalogue.retention import retention_days
from claude_agent_lsp.sessions.catalogue.search.search import Search
from claude_agent_lsp.sessions.catalogue.search.words import Words
from claude_agent_lsp.sessions.catalogue.selection import SessionFilter
from claude_agent_lsp.sessions.catalogue.session import Elsewhere, Session
from claude_agent_lsp.sessions.catalogue.wanted import EVERY, Place, Wanted, cursor_of
from claude_agent_lsp.sessions.journal.journal import Journal
from claude_agent_lsp.sessions.journal.recovery import recover
from claude_agent_lsp.sessions.transcripts.costs import SessionCosts
from claude_agent_lsp.sessions.transcripts.projects import (
    all_projects,
    belongs_to,
    elsewhere,
    is_named_after,
    projects_of,
)
from claude_agent_lsp.sessions.transcripts.transcript import (
    config_directory,
    find_transcript,
    folder_of,
    holds_messages,
    is_session_id,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from claude_agent_lsp.sessions.catalogue.index import Index
    from claude_agent_lsp.sessions.catalogue.search.words import Searched
    from claude_agent_lsp.sessions.catalogue.selection import Entry
    from claude_agent_lsp.sessions.transcripts.projects import Project

logger = logging.getLogger(__name__)

# How the CLI (2.1.330) calls itself in a terminal: interactive, and with `-p`.
TERMINAL: Final = ("cli", "sdk-cli")
# How long a search reads what is new before it answers by what is known.
REFRESH_SECONDS: Final = 0.3


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a folder's sessions in their order, and where the next ones begin.

    Attributes:
        searched: How far all that was said is known, if it was searched.
    """

    sessions: tuple[Session, ...]
    next_cursor: str | None
    searched: Searched | None = None


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
        self._marks = Marks(index.directory)
        self._running = running
        self._current = current
        self._journal = Journal(lambda: index.directory)
        self._costs = SessionCosts(lambda: index.directory)
        # One whose disk hangs is known as it is spelled: the others' sessions don't wait for it.
        spelled = {os.fspath(folder): folder for folder in open_folders}
        real = real_paths(spelled)
        self._open = {real[name] or name: folder for name, folder in spelled.items()}

    def page(
        self, folder: Path | None, wanted: Wanted = EVERY, shared: Sequence[Session] = ()
    ) -> Page:
        """List a folder's sessions and those of its repository's other worktrees.

        Those that the user has pinned come first, then the newest; of a search, the best.

        Args:
            folder: The folder; None lists those of all folders.
            wanted: Which of them.
            shared: Sessions of the folder that are in a shared store; those that are here, too,
                are left out.

        Raises:
            InvalidArgument: The cursor is none of ours.
            StoreUnavailable: All that was said can't be searched with this Python.
        """
        projects = self.projects(folder)
        search, searched = self._search(projects, wanted)
        pinned, archived = self._marks.of(Mark.PINNED), self._marks.of(Mark.ARCHIVED)
        wish = wanted.as_filter(search, pinned, archived)
        look = self._index.sessions if search is None else self._index.known
        entries = look(projects, wish)
        described = self._described(entries, folder, listed=True)
        found: list[tuple[Place, Session, Entry | None]] = [
            ((entry.rank, -entry.last_modified, entry.session_id), session, entry)
            for entry, session in zip(entries, described, strict=True)
        ]
        for one in self._without_transcript(folder, projects, shared):
            rank = -search.best if search else -(one.session_id in pinned)
            place = (rank, *_newest_first(one))
            if _matches(one, wish, wanted.words()) and (wish.after is None or place > wish.after):
                found.append((place, one, None))
        found.sort(key=lambda each: each[0])
        more = len(found) > wanted.limit
        page = found[: wanted.limit]
        sessions = tuple(
            replace(
                session,
                pinned=session.session_id in pinned,
                archived=session.session_id in archived,
                matches=None if search is None else () if entry is None else search.lines(entry),
            )
            for _, session, entry in page
        )
        return Page(sessions, cursor_of(page[-1][0]) if more and page else None, searched)

    def _search(
        self, projects: Sequence[Project], wanted: Wanted
    ) -> tuple[Search | None, Searched | None]:
        """Begin a search in all that was said, if it is wanted, and say how far that is known."""
        if not wanted.matches or not wanted.words():
            return None, None
        words = Words(self._index.directory)
        searched = words.refresh(self._index.files(projects), REFRESH_SECONDS)
        return Search(wanted.words(), words), searched

    def _without_transcript(
        self, folder: Path | None, projects: Sequence[Project], shared: Sequence[Session]
    ) -> list[Session]:
        """Return the sessions of a folder that have no transcript here."""
        others = list(self._lost_sessions(folder))
        if shared:
            here = {entry.session_id for entry in self._index.sessions(projects, SessionFilter())}
            here |= {session.session_id for session in others}
            others += [session for session in shared if session.session_id not in here]
        return others

    def read_words(self, folder: Path | None, seconds: float) -> Searched:
        """Read what is new of what was said in a folder's sessions, for so long at most.

        Raises:
            StoreUnavailable: It can't be searched with this Python.
        """
        words = Words(self._index.directory)
        return words.refresh(files_in(self.projects(folder)), seconds)

    def projects(self, folder: Path | None) -> tuple[Project, ...]:
        """Return the directories in which a folder's sessions are; None stands for all folders."""
        if folder is None:
            return (*all_projects(), *self._kept.all())
        former = FormerFolders(self._index.directory)
        former.note(folder)
        return tuple(self._kept.beside(projects_of(folder, former.of(folder))))

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
        return replace(
            session,
            pinned=self._marks.has(session_id, Mark.PINNED),
            archived=self._marks.has(session_id, Mark.ARCHIVED),
        )

    def belongs(self, session_id: str, folder: Path) -> bool:
        """Return whether there is this session, and it is one of `folder`.

        Raises:
            SessionNotFound: It belongs to another folder. The CLI would resume it from anywhere
                and go on in this folder (2.1.330); but a session is a conversation in one folder.
        """
        path = self.find(session_id)
        if path is not None:
            if not belongs_to(path, folder):
                raise elsewhere(session_id, folder_of(path), folder)
        elif turns := self._journal.read(session_id).turns:
            if not is_same_path(turns[0].folder, folder):
                text = f"The session {session_id} belongs to {turns[0].folder}, not to {folder}."
                raise SessionNotFound(text)
        else:
            return False
        return True

    def find(self, session_id: str) -> Path | None:
        """Return a session's transcript, or the copy that is kept of it."""
        return find_transcript(session_id) or self._kept.find(session_id)

    def _described(
        self, entries: Sequence[Entry], folder: Path | None, *, listed: bool = False
    ) -> list[Session]:
        """Return what is shown of these sessions.

        Args:
            entries: The sessions; one that names no folder is one of `folder`.
            folder: The folder that is asked for.
            listed: Whether they are a list of the folder's: then what that means for each is told.
        """
        now = datetime.now(UTC)
        places: dict[str, tuple[Path, str | None, Elsewhere | None]] = {}
        here = os.path.realpath(folder) if listed and folder is not None else None
        days = _days_in(folder) if listed else None
        noted = set(self._journal.sessions()) if entries else set()
        sessions = []
        for entry in entries:
            cwd = self._folder_of(entry, folder)
            if cwd not in places:
                places[cwd] = (*self._place(cwd), _elsewhere(cwd, here))
            workspace, current, where = places[cwd]
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
                created_at=moment_at(entry.created_at) if entry.created_at else None,
                last_modified=moment_at(entry.last_modified) or EPOCH,
                running=running,
                current=current == entry.session_id,
                interrupted=entry.interrupted or cut_off,
                origin="terminal" if entry.entrypoint in TERMINAL else "editor",
                cost_usd=self._costs.of(entry.session_id, entry.noted_usd),
                goes_at=goes_at(entry.path, entry.last_modified / 1000, days, self._kept, now),
                elsewhere=where,
                prompts=entry.prompts,
            )
            sessions.append(session)
        return sessions

    def _folder_of(self, entry: Entry, folder: Path | None) -> str:
        """Return the folder that a session is one of: where it was begun, or moved to since."""
        directory = entry.path.parent.name
        if entry.cwd is None:
            return os.fspath(entry.path.parent) if folder is None else os.path.realpath(folder)
        if not is_named_after(directory, entry.cwd):
            known = [*self._open, *([] if folder is None else [os.path.realpath(folder)])]
            for path in known:
                if is_named_after(directory, path):
                    return path
        return entry.cwd

    def _place(self, path: str) -> tuple[Path, str | None]:
        """Return a folder as it is shown, and its current session as far as its disk answers."""
        real = real_path(path)
        workspace = self._open.get(real or path, Path(path))
        return workspace, None if real is None else self._current(workspace)

    def _is_interrupted(self, session_id: str) -> bool:
        """Return whether it was killed in mid-turn, and not gone on with since."""
        return recover(self._journal, session_id).cut_off

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
            interrupted=not running and any(turn.cut_off for turn in turns),
            origin="editor",
            cost_usd=self._costs.of(session_id, 0.0),
            prompts=len(turns),
        )


def _elsewhere(cwd: str, here: str | None) -> Elsewhere | None:
    if here is None or is_same_path(Path(cwd), Path(here)):
        return None
    return Elsewhere.GONE if is_gone(Path(cwd)) else Elsewhere.WORKTREE


def _days_in(folder: Path | None) -> int | None:
    """Return how long the CLI keeps the transcripts of a list."""
    if folder is None:
        return retention_days(config_directory().parent, ("user",))
    return retention_days(folder)


def _matches(session: Session, wish: SessionFilter, words: Sequence[str]) -> bool:
    """Return whether a session is wanted of which only the list knows anything."""
    text = f"{session.title}\n{session.first_prompt or ''}".casefold()
    modified = -_newest_first(session)[0]
    return (
        all(word in text for word in words)
        and wish.tag in (None, session.tag)
        and wish.branch in (None, session.git_branch)
        and (wish.since is None or wish.since <= modified)
        and (wish.until is None or modified <= wish.until)
        and wish.file is None
        and session.session_id not in wish.hidden
    )


def _newest_first(session: Session) -> tuple[int, str]:
    return -round(session.last_modified.timestamp() * 1000), session.session_id
