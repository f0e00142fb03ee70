"""Finds what is to be looked at, keeps it and takes it back: for commands and for features.

What the editor has open counts as it is there, and is changed there (`open_texts.py`).
"""

from __future__ import annotations

import os
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.agent.events import Ended, FileChanged
from claude_agent_lsp.agent.exclusive import hold_session
from claude_agent_lsp.errors import InvalidArgument, SessionNotFound
from claude_agent_lsp.lsp.services.reviews.open_texts import contents_of, real
from claude_agent_lsp.lsp.services.reviews.taking_back import take_back
from claude_agent_lsp.sessions.changes.record import ChangeRecord
from claude_agent_lsp.sessions.review.prompts import prompts_in
from claude_agent_lsp.sessions.review.review import (
    Review,
    Selection,
    last_undo,
    recorded_sessions,
    redo,
    undo_name,
)
from claude_agent_lsp.sessions.review.tracing import names_in
from claude_agent_lsp.sessions.rewind.putting_back import REDONE, Rewind, Wanted, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from claude_agent_lsp.agent.agent import Agent
    from claude_agent_lsp.agent.events import Event
    from claude_agent_lsp.base.lanes import Lane
    from claude_agent_lsp.lsp.services.reviews.open_texts import OpenTexts
    from claude_agent_lsp.sessions.review.review import ReviewedFile, RunOf
    from claude_agent_lsp.sessions.rewind.putting_back import RecordedSession
    from claude_agent_lsp.sessions.rewind.taking_back import Plan
    from claude_agent_lsp.workspace.documents.documents import Document
    from claude_agent_lsp.workspace.folders import Folders

# Of a folder's sessions those are looked through that have changed something last.
MOST_SESSIONS: Final = 200
# Files of which it is known what is to be looked at, as long as nothing has changed.
MOST_FILES: Final = 64


@dataclass(slots=True)
class Found:
    """What is to be looked at in some sessions.

    Attributes:
        files: The files.
        runs: Those that have changed them, by their ids.
        prompts: What was asked of them, by the prompts' ids.
        unseen: Why it is not known what commands have changed, where it isn't.
        names: Of all hunks that were chosen.
    """

    files: list[ReviewedFile] = field(default_factory=list)
    runs: dict[str, RunOf] = field(default_factory=dict)
    prompts: dict[str, str] = field(default_factory=dict)
    unseen: dict[str, None] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def take(self, other: Found) -> None:
        """Add what is in another session, but for what is here."""
        seen = {(file.path, hunk.hunk_id) for file in self.files for hunk in file.hunks}
        for file in other.files:
            hunks = tuple(h for h in file.hunks if (file.path, h.hunk_id) not in seen)
            if hunks:
                self.files.append(replace(file, hunks=hunks))
        self.runs |= other.runs
        self.prompts |= other.prompts
        self.unseen |= other.unseen
        self.names |= other.names


@dataclass(frozen=True, slots=True)
class Undone:
    """What was taken back of a session, and by which name it is redone."""

    session_id: str
    undo_id: str


class Reviews:
    """Knows what is to be looked at.

    Args:
        agent: Has the lanes, and keeps runs out of sessions.
        folders: The open folders.
        texts: What the editor has open.
        watchers: Called once something else is to be looked at.

    Attributes:
        texts: What the editor has open.
    """

    def __init__(
        self,
        agent: Agent,
        folders: Folders,
        texts: OpenTexts,
        watchers: Sequence[Callable[[], None]],
    ) -> None:
        self._agent = agent
        self._folders = folders
        self.texts = texts
        self._watchers = watchers
        # Where each session is at home, and what its record looked like with which files in it.
        self._homes: dict[str, str] = {}
        self._records: dict[str, tuple[object, frozenset[str]]] = {}
        self._files: dict[Path, tuple[object, Found]] = {}

    async def sessions(self, folder: Path) -> list[str]:
        """Return the sessions of a folder that have changed something, the last one first."""
        return await self._agent.lanes.folder(folder).catalogue.read(self._sessions, folder)

    async def at(self, path: Path) -> Found:
        """Return what is to be looked at of one file, quickly where nothing has changed."""
        folder = self._folders.around(path)
        if folder is None:
            return Found()
        opened = [text for text in self.texts.all() if text.path.name == path.name]
        lane = self._agent.lanes.folder(folder.path).catalogue
        return await lane.read(self._at, folder.path, path, opened)

    async def look(self, sessions: Iterable[str], selection: Selection) -> Found:
        """Return what is to be looked at in some sessions; the same in two of them is told once.

        Raises:
            SessionNotFound: There is no such session.
        """
        opened, found = self.texts.all(), Found()
        for session_id in sessions:
            lane = self._lane(session_id)
            found.take(await lane.read(self._look, session_id, selection, opened))
        return found

    async def keep(self, sessions: Sequence[str], selection: Selection) -> Found:
        """Note that the user wants what is chosen; return it.

        Raises:
            InvalidArgument: A hunk is not there, or not any more.
            SessionNotFound: There is no such session.
            StoreUnavailable: It can't be noted.
        """
        found = await self._chosen(sessions, selection)
        opened = self.texts.all()
        for session_id in sessions:
            # Of all that have it, a copy of the session among them.
            await self._lane(session_id).run(self._keep, session_id, selection, opened)
        self.tell()
        return found

    async def undo(
        self, sessions: Sequence[str], selection: Selection, *, preview: bool
    ) -> tuple[Rewind, list[Undone]]:
        """Take back what is chosen; what others have changed since stays.

        Raises:
            InvalidArgument: A hunk is not there, or not any more.
            SessionNotFound: There is no such session.
            SessionBusy: A run is at work in one of them.
            Conflict: Somebody has just changed a file; nothing was touched on the disk.
            StoreUnavailable: A file can't be written; likewise.
        """
        found = await self._chosen(sessions, selection)
        chosen = list(dict.fromkeys(file.session_id for file in found.files))
        answers, undone = [], []
        async with AsyncExitStack() as held:
            for session_id in chosen:
                await held.enter_async_context(hold_session(self._agent, session_id))
            for session_id in chosen:
                opened, lane = self.texts.all(), self._lane(session_id)
                session, plan = await lane.read(self._plan, session_id, selection, opened)
                work = Work(session, plan, undo_name(), _way(preview=preview))
                answers.append(await take_back(work, self.texts, opened, lane))
                if answers[-1].files_changed and not preview:
                    undone.append(Undone(session_id, work.name))
        self.tell()
        return _joined(answers), undone

    async def redo(self, session_id: str, undo_id: str | None, *, preview: bool) -> Rewind:
        """Take an undo back; the last one where none is named.

        Raises:
            InvalidArgument: There is none.
            SessionNotFound, SessionBusy, Conflict, StoreUnavailable: As for `undo`.
        """
        state, lane = self._agent.state.directory, self._lane(session_id)
        async with hold_session(self._agent, session_id):
            session, name = await lane.read(last_undo, session_id, state, undo_id)
            opened = self.texts.all()
            contents = await lane.read(contents_of, opened)
            plan = await lane.read(redo, session, name, contents)
            work = Work(session, plan, f"{REDONE}{name}", _way(preview=preview))
            answer = await take_back(work, self.texts, opened, lane)
        self.tell()
        return answer

    async def put_back(
        self,
        session_id: str,
        plan: Callable[[Path, Wanted, Mapping[Path, bytes]], Work],
        wanted: Wanted,
    ) -> Rewind:
        """Put files back as a rewind does, by the editor where it has them open.

        Args:
            session_id: The session, which the caller holds.
            plan: Returns what is to be done; called in a thread.
            wanted: How.

        Raises:
            InvalidArgument, SessionNotFound: As `plan` does.
            Conflict, StoreUnavailable: As for `undo`.
        """
        lane, opened = self._lane(session_id), self.texts.all()
        contents = await lane.read(contents_of, opened)
        work = await lane.read(plan, self._agent.state.directory, wanted, contents)
        answer = await take_back(work, self.texts, opened, lane)
        self.tell()
        return answer

    async def undone_last(self, sessions: Iterable[str]) -> str:
        """Return the first one of some sessions that has something to be redone.

        Raises:
            InvalidArgument: None has.
        """
        state = self._agent.state.directory
        for session_id in sessions:
            with suppress(InvalidArgument, SessionNotFound):
                await self._lane(session_id).read(last_undo, session_id, state, None)
                return session_id
        raise InvalidArgument("sessionId: there is nothing to be redone.")

    def follow(self, event: Event) -> None:
        """See that a run has changed something."""
        if isinstance(event, FileChanged | Ended):
            self.tell()

    def tell(self) -> None:
        """Say that something else is to be looked at now."""
        for watcher in self._watchers:
            watcher()

    def _lane(self, session_id: str) -> Lane:
        return self._agent.lanes.session(session_id)

    async def _chosen(self, sessions: Iterable[str], selection: Selection) -> Found:
        found = await self.look(sessions, selection)
        lost = (selection.hunk_ids or frozenset()) - found.names
        if lost:
            raise InvalidArgument(f"hunkIds: {min(lost)} is not to be looked at any more.")
        return found

    def _at(self, folder: Path, path: Path, opened: Sequence[Document]) -> Found:
        paths = frozenset({path, real(path)})
        sessions = [each for each in self._sessions(folder) if self._changed(each, path.name)]
        stamp = (
            [self._records[each][0] for each in sessions],
            _status(path),
            [(text.version, text.text) for text in opened],
        )
        if path in self._files and self._files[path][0] == stamp:
            return self._files[path][1]
        found = Found()
        for session_id in sessions:
            with suppress(SessionNotFound):  # it was deleted meanwhile
                found.take(self._look(session_id, Selection(paths=paths), opened))
        self._files.pop(path, None)
        self._files[path] = stamp, found
        while len(self._files) > MOST_FILES:
            del self._files[next(iter(self._files))]
        return found

    def _changed(self, session_id: str, name: str) -> bool:
        """Return whether a session has changed a file of a name, whichever that is."""
        record = ChangeRecord(self._agent.state.directory, session_id)
        stamp = _status(record.file)
        if session_id not in self._records or self._records[session_id][0] != stamp:
            names = (each.rpartition("/")[2] for each in names_in(record.read()))
            self._records[session_id] = stamp, frozenset(names)
        return name in self._records[session_id][1]

    def _review(self, session_id: str, selection: Selection, opened: Iterable[Document]) -> Review:
        names = None if selection.paths is None else {path.name for path in selection.paths}
        asked = [text for text in opened if names is None or text.path.name in names]
        return Review(session_id, self._agent.state.directory, selection, contents_of(asked))

    def _look(self, session_id: str, selection: Selection, opened: Sequence[Document]) -> Found:
        review = self._review(session_id, selection, opened)
        files = review.files()
        named = {run for file in files for hunk in file.hunks for run in hunk.runs}
        runs = {run: review.runs[run] for run in named if run in review.runs}
        prompts = prompts_in(
            review.session.transcript, [run.message_id for run in runs.values() if run.message_id]
        )
        unseen = dict.fromkeys(review.unseen) if files else {}
        return Found(files, runs, prompts, unseen, set(review.found))

    def _keep(self, session_id: str, selection: Selection, opened: Sequence[Document]) -> None:
        self._review(session_id, selection, opened).keep()

    def _plan(
        self, session_id: str, selection: Selection, opened: Sequence[Document]
    ) -> tuple[RecordedSession, Plan]:
        review = self._review(session_id, selection, opened)
        return review.session, review.undo()

    def _sessions(self, folder: Path) -> list[str]:
        home, found = os.path.realpath(folder), []
        for session_id in recorded_sessions(self._agent.state.directory, MOST_SESSIONS):
            if session_id not in self._homes:
                where = self._agent.folder_of(session_id)
                if where is None:
                    continue
                self._homes[session_id] = os.path.realpath(where)
            if self._homes[session_id] == home:
                found.append(session_id)
        return found


def _way(*, preview: bool) -> Wanted:
    return Wanted(preview=preview, keep_conflicts=True)


def _status(path: Path) -> object:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def _joined(answers: Sequence[Rewind]) -> Rewind:
    """Return what several have done as one."""
    if len(answers) == 1:
        return answers[0]
    kept = tuple(each for answer in answers for each in answer.kept or ())
    files = tuple(each for answer in answers for each in answer.files or ())
    return Rewind(
        tuple(dict.fromkeys(path for answer in answers for path in answer.files_changed)),
        sum(answer.insertions for answer in answers),
        sum(answer.deletions for answer in answers),
        kept or None,
        files or None,
    )
