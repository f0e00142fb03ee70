"""Copies of the sessions that the user wants kept, whatever the CLI deletes.

A session with the tag `keep` has a copy of its transcript below the state directory. When the CLI
has deleted its own, the copy is listed and read in its place, and put back before a resume.

    <state>/locks/<id>.kept.lock     while a copy is written, or put back, or the session is deleted

So that no server writes back what another one is just deleting. Everything here reads and writes
files: call it in a thread.
"""

from __future__ import annotations

import contextlib
import logging
import os
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.disk.files import locked_and_removed, replace_file
from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.disk.reading import open_regular
from claude_agent_lsp.base.texts.json_text import parse_json
from claude_agent_lsp.errors import StoreUnavailable
from claude_agent_lsp.sessions.transcripts.projects import Project
from claude_agent_lsp.sessions.transcripts.transcript import (
    config_directory,
    find_transcript,
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
        copy, status = self._copy_of(transcript), transcript.stat()
        if _is_copied(status, copy):
            return
        for directory in (self._root, copy.parent):
            make_directory(directory)
        with open_regular(transcript) as source:
            replace_file(copy, source)
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
            copy.unlink(missing_ok=True)
        return copy is not None

    def find(self, session_id: str) -> Path | None:
        """Return the copy of a session, if there is one."""
        return transcript_below(self._root, session_id)

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
        with open_regular(copy) as source:
            replace_file(transcript, source)
        logger.info("Restored %s, which the CLI had deleted", transcript)
        return transcript

    def sessions(self) -> frozenset[str]:
        """Return the ids of all sessions that have a copy."""
        return frozenset(path.stem for path in self._root.glob("*/*.jsonl"))

    def refresh(self, session_id: str) -> None:
        """Bring the copy of a session up to date, if it has one; drop it with the tag."""
        if self.find(session_id) is not None:
            self.keep_if_tagged(session_id)

    def keep_if_tagged(self, session_id: str) -> None:
        """Copy a session as far as its tag wants it; what can't be copied is told to the log."""
        transcript = find_transcript(session_id)
        if transcript is None:
            return  # the CLI has deleted it: what is kept of it is all there is
        try:
            # The tag stands in the transcript: one that has not changed has the tag that it had.
            if _is_copied(transcript.stat(), self._copy_of(transcript)):
                return
            with self.excluded(session_id):
                if is_tagged(transcript):
                    self._copy(transcript)
                else:
                    self._forget(session_id)
        except FileNotFoundError:
            return  # it has just been deleted
        except (OSError, StoreUnavailable) as error:
            logger.warning("The copy of %s could not be updated: %s", transcript, error)

    def beside(self, projects: Iterable[Project]) -> tuple[Project, ...]:
        """Return these directories, and behind them those where copies of theirs are."""
        projects = tuple(projects)
        copies = [Project(self._root / p.directory.name, p.folder) for p in projects]
        return projects + tuple(copy for copy in copies if copy.directory.is_dir())

    def all(self) -> tuple[Project, ...]:
        """All directories of copies."""
        return tuple(Project(path, None) for path in sorted(self._root.glob("*")) if path.is_dir())

    def _copy_of(self, transcript: Path) -> Path:
        return self._root / transcript.parent.name / transcript.name


def _is_copied(status: os.stat_result, copy: Path) -> bool:
    """Whether a copy is as new as its transcript."""
    with contextlib.suppress(FileNotFoundError):
        old = copy.stat()
        return (old.st_size, old.st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    return False


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
