"""The queries that wait for a session, on disk, so that the end of a server loses none of them.

    <state>/queue/<session id>.<server>.jsonl      one record a line, appended as the queue changes

Each server has a file of its own for a session, and a lock on it as long as anything waits. The
system frees the lock of a server that was killed: what it has left is anybody's then, who adopts
it. What has become of a query in the meantime, its session says: a prompt that stands in the
journal or in the transcript under its id was sent, and waits no more.

Everything here touches the disk: call it in a thread, for one session in one thread at a time.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claude_agent_lsp.base.disk.files import try_lock, unlock_and_remove
from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.sessions.journal.transcript_facts import has_line
from claude_agent_lsp.sessions.transcripts.transcript import find_transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from claude_agent_lsp.sessions.journal.journal import Journal

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptQuery:
    """A query that waits.

    Attributes:
        run_id: That of its run.
        message_id: That of its prompt, under which it will stand in the session.
        folder: Where it will work.
        asked: What the editor has asked, as it came.
        at: When it came.
    """

    run_id: str
    message_id: str
    folder: Path
    asked: Mapping[str, Any]
    at: datetime


class KeptQueries:
    """Those of one server, and those that servers have left which are gone.

    Args:
        state_directory: Returns the state directory, which a setting may move.
        journal: Knows which prompts were sent.
    """

    def __init__(self, state_directory: Callable[[], Path], journal: Journal) -> None:
        self._state_directory = state_directory
        self._journal = journal
        self._server = uuid.uuid4().hex
        self._files: dict[str, tuple[int, Path, set[str]]] = {}
        self._changing = threading.Lock()

    def put(self, session_id: str, query: KeptQuery) -> None:
        """Keep a query behind the others; one that is kept already is changed in its place.

        Raises:
            OSError: It could not be written.
        """
        handle, _, runs = self._file(session_id)
        record = {
            "run": query.run_id,
            "message": query.message_id,
            "folder": os.fsdecode(query.folder),
            "at": query.at.isoformat(),
            "asked": dict(query.asked),
        }
        _append(handle, record)
        runs.add(query.run_id)

    def drop(self, session_id: str, run_id: str) -> None:
        """Keep a query no longer.

        Raises:
            OSError: It could not be written.
        """
        with self._changing:
            handle, path, runs = self._files.get(session_id, (-1, Path(), set[str]()))
        if run_id not in runs:
            return
        runs.remove(run_id)
        if runs:
            _append(handle, {"run": run_id, "left": True})
        else:
            self._forget(session_id)
            unlock_and_remove(handle, path)

    def left(self, session_id: str) -> bool:
        """Return whether a server that is gone has left any for a session."""
        for handle, path in self._orphans(session_id):
            empty = not _queries_in(path)
            if empty:
                unlock_and_remove(handle, path)
            else:
                os.close(handle)
                return True
        return False

    def sessions(self, folders: Collection[Path]) -> frozenset[str]:
        """Return the sessions for which any are kept in these folders, by whichever server."""
        found: set[str] = set()
        with contextlib.suppress(OSError):
            for path in self._directory.glob("*.jsonl"):
                if any(query.folder in folders for query in _queries_in(path)):
                    found.add(path.name.partition(".")[0])
        return frozenset(found)

    def adopt(self, session_id: str) -> tuple[KeptQuery, ...]:
        """Take over what servers have left that are gone, and keep it as one's own.

        Raises:
            OSError: It could not be written; it is as it was.
        """
        found: dict[str, KeptQuery] = {}
        orphans = list(self._orphans(session_id))
        try:
            for _, path in orphans:
                found |= {query.run_id: query for query in _queries_in(path)}
            waiting = self._unsent(session_id, sorted(found.values(), key=lambda query: query.at))
            for query in waiting:
                self.put(session_id, query)
        except BaseException:
            for handle, _ in orphans:
                os.close(handle)
            raise
        for handle, path in orphans:
            unlock_and_remove(handle, path)
        return tuple(waiting)

    def forget(self, session_id: str) -> None:
        """Keep nothing of a session that is deleted."""
        file = self._forget(session_id)
        if file is not None:
            unlock_and_remove(file[0], file[1])

    @property
    def _directory(self) -> Path:
        return self._state_directory() / "queue"

    def _forget(self, session_id: str) -> tuple[int, Path, set[str]] | None:
        with self._changing:
            return self._files.pop(session_id, None)

    def _file(self, session_id: str) -> tuple[int, Path, set[str]]:
        with self._changing:
            known = self._files.get(session_id)
        if known is not None:
            return known
        path = self._directory / f"{session_id}.{self._server}.jsonl"
        make_directory(path.parent)
        handle = try_lock(path)
        if handle is None:
            raise BlockingIOError(f"{path} is locked by somebody else")
        os.lseek(handle, 0, os.SEEK_END)
        file = handle, path, set[str]()
        with self._changing:
            self._files[session_id] = file
        return file

    def _orphans(self, session_id: str) -> Iterator[tuple[int, Path]]:
        """Lock what servers have left that are gone."""
        for path in sorted(self._directory.glob(f"{session_id}.*.jsonl")):
            if path.name.split(".")[1] == self._server:
                continue
            try:
                handle = try_lock(path)
            except OSError as error:
                logger.warning("%s can't be read: %s", path, error)
                continue
            if handle is not None:
                yield handle, path

    def _unsent(self, session_id: str, queries: list[KeptQuery]) -> list[KeptQuery]:
        """Return those whose prompts the session doesn't hold."""
        if not queries:
            return []
        sent = {turn.message_id for turn in self._journal.read(session_id).turns}
        transcript = find_transcript(session_id)
        return [
            query
            for query in queries
            if query.message_id not in sent and not has_line(transcript, query.message_id, 0)
        ]


def _append(handle: int, record: Mapping[str, Any]) -> None:
    rest = memoryview(json.dumps(record, separators=(",", ":"), default=str).encode() + b"\n")
    while rest:
        rest = rest[os.write(handle, rest) :]


def _queries_in(path: Path) -> list[KeptQuery]:
    """Return what a file has; a line that was half written when its server was killed is none."""
    found: dict[str, KeptQuery] = {}
    try:
        lines = read_regular(path, None).split(b"\n")
    except OSError as error:
        logger.warning("%s can't be read: %s", path, error)
        return []
    for line in filter(None, lines):
        try:
            record = json.loads(line)
            run_id = str(record["run"])
            if record.get("left") is True:
                found.pop(run_id, None)
                continue
            query = _query_of(run_id, record)
            # A change keeps the place, and the time, that the query had.
            before = found.get(run_id)
            found[run_id] = query if before is None else replace(query, at=before.at)
        except (ValueError, KeyError, TypeError, RecursionError):
            logger.warning("A line of %s can't be read", path)
    return list(found.values())


def _query_of(run_id: str, record: Mapping[str, Any]) -> KeptQuery:
    at = datetime.fromisoformat(record["at"])
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    folder, asked = Path(record["folder"]), dict(record["asked"])
    return KeptQuery(run_id, str(record["message"]), folder, asked, at)
