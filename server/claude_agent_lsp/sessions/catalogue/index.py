"""What is known of each transcript, kept on disk: only what is new in a file is read."""

from __future__ import annotations

import logging
import os
import re
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.sessions.catalogue.database import Database, UnfitError, writing
from claude_agent_lsp.sessions.catalogue.selection import (
    COLUMNS,
    SUFFIX,
    TOLD,
    UUID,
    Entry,
    SessionFilter,
    entry_in,
    select,
)
from claude_agent_lsp.sessions.catalogue.summary import Findings, summarize
from claude_agent_lsp.sessions.transcripts.growth import ReadSoFar, changed_at
from claude_agent_lsp.sessions.transcripts.projects import Project

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import TypeAlias

    # How large it is, in bytes, and when it was changed, in nanoseconds since 1970.
    File: TypeAlias = tuple[int, int]
    # The transcripts of each directory, by the session's id.
    Files: TypeAlias = Mapping[Path, Mapping[str, File]]
    Statuses: TypeAlias = Mapping[str, os.stat_result]

logger = logging.getLogger(__name__)

FILE: Final = "index.sqlite"
VERSION: Final = 4
# Files read between two writes: another server waits no longer than for one such write.
BATCH: Final = 100
_NAME = re.compile(rf"{UUID.pattern}\.jsonl")
_SCHEMA: Final = (
    f"""
    CREATE TABLE transcripts (
        id INTEGER PRIMARY KEY,
        project BLOB NOT NULL,
        session_id TEXT NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        last_modified INTEGER NOT NULL,
        {", ".join(TOLD)},
        own_title, inode, read_to, proof
    )
    """,
    "CREATE UNIQUE INDEX by_project ON transcripts (project, session_id, size, mtime_ns)",
    "CREATE INDEX by_time ON transcripts (project, last_modified DESC, session_id)",
    "CREATE INDEX by_session ON transcripts (session_id)",
    """
    CREATE TABLE searched (
        id INTEGER PRIMARY KEY, shown BLOB NOT NULL, prompts BLOB NOT NULL, files BLOB NOT NULL
    )
    """,
)


class Index:
    """The index of one state directory. Reads files: call it in a thread; any number may.

    Args:
        directory: The state directory.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._database = Database(directory / FILE, _SCHEMA, VERSION)

    def sessions(self, projects: Sequence[Project], wanted: SessionFilter) -> list[Entry]:
        """Return the sessions of some directories, the newest first, each once."""

        def work(db: sqlite3.Connection) -> list[Entry]:
            for project, found in _there(projects):
                _refresh(db, project, found)
            return select(db, projects, wanted)

        return self._database.run(work)

    def known(self, projects: Sequence[Project], wanted: SessionFilter) -> list[Entry]:
        """Return what `sessions` does, as far as it is known without a look at the disk."""
        return self._database.run(lambda db: select(db, projects, wanted))

    def files(self, projects: Sequence[Project]) -> Files:
        """Look what is in some directories, and read what has changed."""

        def work(db: sqlite3.Connection) -> Files:
            files: dict[Path, dict[str, File]] = {}
            for project, found in _there(projects):
                _refresh(db, project, found)
                files[project.directory] = _files(found)
            return files

        return self._database.run(work)

    def session(self, transcript: Path) -> Entry | None:
        """Return what is known of one transcript; None if the file is gone or holds no session."""
        return self._database.run(lambda db: _session(db, transcript))

    def forget(self, session_id: str) -> None:
        """Hold nothing of a session any more, not even in the file's unused parts."""

        def work(db: sqlite3.Connection) -> None:
            query = "SELECT project FROM transcripts WHERE session_id = ?"
            for (directory,) in db.execute(query, (session_id,)).fetchall():
                with writing(db):
                    _forget(db, directory, [session_id])
            # Its text still stands in the write-ahead log.
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

        self._database.run(work)


def _session(db: sqlite3.Connection, transcript: Path) -> Entry | None:
    directory, session_id = os.fsencode(transcript.parent), transcript.stem
    key = "project = ? AND session_id = ?"
    query = f"SELECT size, mtime_ns FROM transcripts WHERE {key}"  # noqa: S608
    known = db.execute(query, (directory, session_id)).fetchone()
    try:
        status = transcript.stat()
    except OSError:
        return None
    if known != (status.st_size, changed_at(status)):
        _note(db, Project(transcript.parent, None), {session_id: status})
    query = f"SELECT {COLUMNS} FROM transcripts AS t WHERE {key} AND title IS NOT NULL"  # noqa: S608
    row = db.execute(query, (directory, session_id)).fetchone()
    return None if row is None else entry_in(row)


def files_in(projects: Iterable[Project]) -> Files:
    """Return which transcripts are in some directories, and no copy of one that is."""
    return {project.directory: _files(found) for project, found in _there(projects)}


def _files(found: Statuses) -> dict[str, File]:
    return {name: (at.st_size, changed_at(at)) for name, at in found.items()}


def _there(projects: Iterable[Project]) -> Iterator[tuple[Project, Statuses]]:
    """Return what is in each of some directories; the copies last, and only of what is gone."""
    there = set[str]()
    for project in sorted(projects, key=lambda each: each.copies):
        found = {
            session_id: status
            for session_id, status in transcripts_in(project.directory)
            if not (project.copies and session_id in there)
        }
        there |= found.keys()
        yield project, found


def _refresh(db: sqlite3.Connection, project: Project, found: Statuses) -> None:
    """Read what has changed in a directory, and forget what is gone."""
    directory = os.fsencode(project.directory)
    query = "SELECT session_id, size, mtime_ns FROM transcripts WHERE project = ?"
    known = {name: (size, at) for name, size, at in db.execute(query, (directory,))}
    changed = {
        session_id: status
        for session_id, status in found.items()
        if known.pop(session_id, None) != (status.st_size, changed_at(status))
    }
    if known:
        with writing(db):
            _forget(db, directory, known)
    names = list(changed)
    for begin in range(0, len(names), BATCH):
        _note(db, project, {name: changed[name] for name in names[begin : begin + BATCH]})


def transcripts_in(directory: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Return the session id and the status of each transcript in a directory."""
    try:
        found = os.scandir(directory)
    except OSError:
        return
    fits = _NAME.fullmatch  # thousands of these are looked at for each list
    with found:
        for file in found:
            name = file.name
            if fits(name):
                try:
                    yield name[: -len(SUFFIX)], file.stat()
                except OSError:  # it may be gone at any moment
                    continue


def _note(db: sqlite3.Connection, project: Project, files: Mapping[str, os.stat_result]) -> None:
    """Read these files and write down what is found."""
    directory = os.fsencode(project.directory)
    found: dict[str, Findings | None] = {}
    for session_id in files:
        path = project.directory / f"{session_id}{SUFFIX}"
        before = _findings(db, directory, session_id)
        try:
            found[session_id] = summarize(path, project.folder, before)
        except OSError as error:
            logger.debug("%s can't be read now: %s", path, error)
        except Exception:
            logger.exception("%s could not be read; it is not listed", path)
            found[session_id] = None
    with writing(db):
        _forget(db, directory, files)
        for session_id, findings in found.items():
            _insert(db, directory, session_id, files[session_id], findings)


def _insert(
    db: sqlite3.Connection,
    directory: bytes,
    session_id: str,
    status: os.stat_result,
    findings: Findings | None,
) -> None:
    modified = int(status.st_mtime * 1000)  # as the SDK rounds it
    row = [directory, session_id, status.st_size, changed_at(status), modified]
    if findings is None:
        row += [None] * (len(TOLD) + 4)
    else:
        row += [getattr(findings.summary, name) for name in TOLD]
        row.append(findings.own_title)
        at = findings.so_far
        # As a text: some file systems have inodes that SQLite's integers are too small for.
        row += [None] * 3 if at is None else [str(at.inode), at.offset, at.proof]
    marks = ", ?" * len(row)
    done = db.execute(f"INSERT INTO transcripts VALUES (NULL{marks})", row)  # noqa: S608
    if findings is not None:
        shown = f"{findings.summary.title}\n{findings.summary.first_prompt or ''}".casefold()
        texts = [text.encode() for text in (shown, findings.prompts, findings.files)]
        db.execute("INSERT OR REPLACE INTO searched VALUES (?, ?, ?, ?)", (done.lastrowid, *texts))


def _findings(db: sqlite3.Connection, directory: bytes, session_id: str) -> Findings | None:
    """Return what was read of a transcript, as far as it can be gone on from."""
    query = (
        f"SELECT {COLUMNS}, t.mtime_ns, t.own_title, t.inode, t.read_to, t.proof, "  # noqa: S608
        "s.prompts, s.files "
        "FROM transcripts AS t JOIN searched AS s USING (id) "
        "WHERE t.project = ? AND t.session_id = ? AND t.proof IS NOT NULL"
    )
    row = db.execute(query, (directory, session_id)).fetchone()
    if row is None:
        return None
    entry, rest = entry_in(row[:-7]), row[-7:]
    match rest:
        case (
            int(changed),
            str(title),
            str(inode),
            int(offset),
            bytes(proof),
            bytes(prompts),
            bytes(files),
        ):
            so_far = ReadSoFar(int(inode), changed, offset, proof)
            return Findings(entry, title, prompts.decode(), files.decode(), so_far)
    raise UnfitError(f"unexpected columns: {rest!r}")


def _forget(db: sqlite3.Connection, directory: bytes, session_ids: Iterable[str]) -> None:
    for session_id in session_ids:
        query = "SELECT id FROM transcripts WHERE project = ? AND session_id = ?"
        for (row,) in db.execute(query, (directory, session_id)).fetchall():
            db.execute("DELETE FROM searched WHERE id = ?", (row,))
            db.execute("DELETE FROM transcripts WHERE id = ?", (row,))
