"""Copies of sessions, which stay whatever the CLI deletes.

A copy is a transcript, packed, below the state directory. When the CLI has deleted its own, the
copy is listed and read in its place, and put back before a resume.

    <state>/kept/<project>/<id>.jsonl     the copy; one that an older server has made is not packed
    <state>/kept/<project>/<id>.leaves    there while the copy is to make room: at the file's time
    <state>/locks/<id>.kept.lock          while one is written or put back, or its session deleted

So that no server writes back what another one is just deleting. Everything here reads and writes
files: call it in a thread.
"""

from __future__ import annotations

import contextlib
import logging
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.disk.files import locked_and_removed, replace_file
from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.disk.reading import open_regular
from claude_agent_lsp.base.disk.real_paths import is_gone
from claude_agent_lsp.base.texts.json_text import parse_json
from claude_agent_lsp.errors import SessionNotFound, StoreUnavailable
from claude_agent_lsp.sessions.transcripts.packed import has_length, open_transcript, pack
from claude_agent_lsp.sessions.transcripts.projects import Project, belongs_to, elsewhere, move_to
from claude_agent_lsp.sessions.transcripts.transcript import (
    config_directory,
    find_transcript,
    folder_of,
    is_session_id,
    last_line,
    transcript_below,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

logger = logging.getLogger(__name__)

TAG: Final = "keep"
_TAG_LINE: Final = b'{"type":"tag"'


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy.

    Attributes:
        path: The file.
        size: How much room it takes, in bytes.
        changed: When its session was last changed, in seconds since 1970.
        leaves_at: When it is to make room; None for one that stays.
    """

    path: Path
    size: int
    changed: float
    leaves_at: datetime | None = None

    @property
    def session_id(self) -> str:
        """Of which session it is."""
        return self.path.stem


class KeptCopies:
    """The copies of one state directory.

    Args:
        directory: The state directory.
    """

    def __init__(self, directory: Path) -> None:
        self._root = directory / "kept"
        self._locks = directory / "locks"

    @contextlib.contextmanager
    def excluded(self, session_id: str) -> Iterator[None]:
        """Keep all servers from writing a copy of a session, and from putting it back.

        Raises:
            TimeoutError: Another server is still at it.
            StoreUnavailable: What is in its lock's place is no lock.
        """
        path = self._locks / f"{session_id}.kept.lock"
        with contextlib.ExitStack() as lock:
            try:
                make_directory(self._locks)
                lock.enter_context(locked_and_removed(path))
            except TimeoutError:
                raise
            except OSError as error:
                if os.path.lexists(path):
                    raise StoreUnavailable(
                        f"The copy of {session_id} can't be locked: {path}: "
                        f"{error.strerror or error}.",
                        hint=f"It has to be a file that you may read and write: remove {path}.",
                    ) from error
                # Where nothing can be written, nobody writes a copy.
                logger.debug("The copy of %s can't be locked: %s", session_id, error)
            yield

    def keep(self, transcript: Path) -> None:
        """Copy a transcript, unless its copy is as new.

        Raises:
            StoreUnavailable: It can't be copied.
        """
        try:
            with self.excluded(transcript.stem):
                self._copy(transcript)
        except OSError as error:
            raise StoreUnavailable(
                f"The session {transcript.stem} can't be kept: {error.strerror or error}."
            ) from error

    def _copy(self, transcript: Path) -> None:
        copy, status = self.copy_of(transcript), transcript.stat()
        if _is_copied(status, copy):
            return
        for directory in (self._root, copy.parent):
            make_directory(directory)
        with open_regular(transcript) as source:
            replace_file(copy, lambda target: pack(source, target))
        os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))

    def forget(self, session_id: str) -> bool:
        """Keep a session no longer; returns whether there was a copy.

        Raises:
            StoreUnavailable: The copy can't be removed.
        """
        if not is_session_id(session_id):
            return False
        try:
            with self.excluded(session_id):
                return self._forget(session_id)
        except OSError as error:
            raise StoreUnavailable(
                f"The copy of {session_id} can't be removed: {error.strerror or error}."
            ) from error

    def _forget(self, session_id: str) -> bool:
        copy = self.find(session_id)
        if copy is not None:
            _mark_of(copy).unlink(missing_ok=True)
            copy.unlink(missing_ok=True)
        return copy is not None

    def find(self, session_id: str) -> Path | None:
        """Return the copy of a session, if there is one."""
        return transcript_below(self._root, session_id)

    def has(self, path: Path) -> bool:
        """Return whether a file is one of the copies."""
        return path.parent.parent == self._root

    def restore(self, session_id: str) -> Path | None:
        """Put a session back to where the CLI looks for it, if it has deleted it.

        Returns:
            Its transcript; None if the CLI hasn't got it, and there is no copy either.

        Raises:
            StoreUnavailable: It can't be put back.
        """
        transcript = find_transcript(session_id)
        if transcript is not None or self.find(session_id) is None:
            return transcript
        try:
            with self.excluded(session_id):
                return self._put_back(session_id)
        except OSError as error:
            raise StoreUnavailable(
                f"The kept session {session_id} can't be restored: {error.strerror or error}.",
                hint=(
                    f"Its copy is below {self._root}. Check the permissions of "
                    f"{config_directory() / 'projects'}."
                ),
            ) from error

    def _put_back(self, session_id: str) -> Path | None:
        transcript, copy = find_transcript(session_id), self.find(session_id)
        if transcript is not None or copy is None:
            return transcript  # another server was quicker
        # Not as old as it was: the CLI would delete it again at its start.
        transcript = config_directory() / "projects" / copy.parent.name / copy.name
        make_directory(transcript.parent)
        with open_transcript(copy) as source:
            replace_file(transcript, source)
        logger.info("Restored %s, which the CLI had deleted", transcript)
        return transcript

    def move(self, session_id: str, folder: Path) -> None:
        """Let a session, and its copy, be another folder's. Nobody may be at work in it.

        Raises:
            SessionNotFound: It is in use in another folder now, or gone.
            StoreUnavailable: It can't be moved; it is where it was.
        """
        transcript = self.restore(session_id)
        if transcript is None:
            raise SessionNotFound(f"There is no session {session_id}.")
        if belongs_to(transcript, folder):
            return
        begun_in = folder_of(transcript)
        if begun_in is None or not is_gone(begun_in):
            raise elsewhere(session_id, begun_in, folder)
        try:
            with self.excluded(session_id):
                self._follow(move_to(transcript, folder))
        except OSError as error:
            raise StoreUnavailable(
                f"The session {session_id} can't be moved to {folder}: {error.strerror or error}.",
                hint=f"Check the permissions of {config_directory() / 'projects'}.",
            ) from error

    def _follow(self, transcript: Path) -> None:
        copy, there = self.find(transcript.stem), self.copy_of(transcript)
        if copy is not None and copy != there:
            make_directory(there.parent)
            _mark_of(copy).unlink(missing_ok=True)
            copy.rename(there)

    def all_copies(self) -> list[Copy]:
        """Return all copies, those of the sessions first that were changed longest ago."""
        found = []
        for path in self._root.glob("*/*.jsonl"):
            with contextlib.suppress(OSError):
                status = path.stat()
                found.append(Copy(path, status.st_size, status.st_mtime, _leaves_at(path)))
        return sorted(found, key=lambda copy: copy.changed)

    def leaves_at(self, transcript: Path) -> datetime | None:
        """Return when the copy of a transcript makes room; None if it stays, or there is none."""
        return _leaves_at(self.copy_of(transcript))

    def let_leave(self, session_id: str, at: datetime | None) -> None:
        """Note that a copy is to make room, and when; or that it stays (None).

        Raises:
            OSError: It can't be written down.
        """
        with self.excluded(session_id):
            copy = self.find(session_id)
            if copy is not None and at is None:
                _mark_of(copy).unlink(missing_ok=True)
            elif copy is not None and at is not None:
                replace_file(_mark_of(copy), b"")
                os.utime(_mark_of(copy), (at.timestamp(), at.timestamp()))

    def is_copied(self, transcript: Path) -> bool:
        """Return whether there is a copy that is as new as a transcript.

        Raises:
            OSError: The transcript is gone, or the copy can't be read.
        """
        return _is_copied(transcript.stat(), self.copy_of(transcript))

    def update(self, session_id: str, *, untagged: bool) -> None:
        """Bring a session's copy up to date, or make it; what can't be copied is told to the log.

        Args:
            session_id: The session.
            untagged: Whether to copy also one without the tag.
        """
        transcript = find_transcript(session_id)
        if transcript is None:
            return  # the CLI has deleted it: what is kept of it is all there is
        try:
            # The tag stands in the transcript: one that has not changed has the tag that it had.
            if not self.is_copied(transcript) and (untagged or is_tagged(transcript)):
                with self.excluded(session_id):
                    self._copy(transcript)
        except FileNotFoundError:
            return  # it has just been deleted
        except (OSError, StoreUnavailable) as error:
            logger.warning("The copy of %s could not be updated: %s", transcript, error)

    def beside(self, projects: Iterable[Project]) -> tuple[Project, ...]:
        """Return these directories, and behind them those where copies of theirs are."""
        projects = tuple(projects)
        copies = [Project(self._root / p.directory.name, p.folder, copies=True) for p in projects]
        return projects + tuple(copy for copy in copies if copy.directory.is_dir())

    def all(self) -> tuple[Project, ...]:
        """All directories of copies."""
        found = sorted(path for path in self._root.glob("*") if path.is_dir())
        return tuple(Project(path, None, copies=True) for path in found)

    def copy_of(self, transcript: Path) -> Path:
        """Return where the copy of a transcript is, or would be; of a copy, itself."""
        return self._root / transcript.parent.name / transcript.name


def _is_copied(status: os.stat_result, copy: Path) -> bool:
    """Whether a copy is as new as its transcript."""
    with contextlib.suppress(FileNotFoundError):
        is_as_new = copy.stat().st_mtime_ns == status.st_mtime_ns
        return is_as_new and has_length(copy, status.st_size)
    return False


def _mark_of(copy: Path) -> Path:
    return copy.with_suffix(".leaves")


def _leaves_at(copy: Path) -> datetime | None:
    with contextlib.suppress(OSError):
        return datetime.fromtimestamp(_mark_of(copy).stat().st_mtime, UTC)
    return None


def is_tagged(transcript: Path) -> bool:
    """Whether a session's tag is the one that keeps it.

    Raises:
        OSError: It can't be read.
    """
    line = last_line(transcript, _TAG_LINE)
    if line is None:
        return False
    try:
        entry = parse_json(line)
    except ValueError:
        return False
    return isinstance(entry, dict) and entry.get("tag") == TAG
