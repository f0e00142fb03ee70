"""What is known of each transcript, kept on disk: only what is new in a file is read."""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.sessions.catalogue.database import Database, UnfitError, writing
from claude_agent_lsp.sessions.catalogue.summary import Findings, Summary, summarize
from claude_agent_lsp.sessions.transcripts.growth import ReadSoFar
from claude_agent_lsp.sessions.transcripts.projects import Project

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

logger = logging.getLogger(__name__)

FILE: Final = "index.sqlite"
VERSION: Final = 2
# Files read between two writes: another server waits no longer than for one such write.
BATCH: Final = 100
SUFFIX: Final = ".jsonl"
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NAME = re.compile(rf"{_UUID.pattern}\.jsonl")
_TOLD: Final = tuple(field.name for field in fields(Summary))
_COLUMNS: Final = ", ".join(
    f"t.{name}" for name in ("project", "session_id", "last_modified", *_TOLD)
)
_SCHEMA: Final = (
    f"""
    CREATE TABLE transcripts (
        id INTEGER PRIMARY KEY,
        project BLOB NOT NULL,
        session_id TEXT NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        last_modified INTEGER NOT NULL,
        {", ".join(_TOLD)},
        own_title, inode, read_to, proof
    )
    """,
    "CREATE UNIQUE INDEX by_project ON transcripts (project, session_id, size, mtime_ns)",
    "CREATE INDEX by_time ON transcripts (project, last_modified DESC, session_id)",
    "CREATE INDEX by_session ON transcripts (session_id)",
    "CREATE TABLE searched (id INTEGER PRIMARY KEY, shown BLOB NOT NULL, prompts BLOB NOT NULL)",
)
# Of several files of one session, as where it was copied to another folder, the newest.
_NEWEST: Final = """
    NOT EXISTS (
        SELECT 1 FROM transcripts AS other
        WHERE other.session_id = t.session_id AND other.title IS NOT NULL
            AND other.project IN ({projects})
            AND (other.last_modified, other.project) > (t.last_modified, t.project)
    )
"""


@dataclass(frozen=True, slots=True)
class Entry(Summary):
    """A session as the index has it.

    Attributes:
        path: Its transcript.
        last_modified: In milliseconds since 1970.
    """

    path: Path
    session_id: str
    last_modified: int

    @property
    def place(self) -> tuple[int, str]:
        """Where it stands in a list, the newest first."""
        return -self.last_modified, self.session_id


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """Which sessions are asked for.

    Attributes:
        words: Each of them, casefolded, must stand in the title or in what the user wrote.
        tag: The tag that they must have.
        after: The place behind which they must stand.
        limit: How many at most; None for all.
    """

    words: Sequence[str] = ()
    tag: str | None = None
    after: tuple[int, str] | None = None
    limit: int | None = None


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
            for project in projects:
                _refresh(db, project)
            return _select(db, projects, wanted)

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


def _select(
    db: sqlite3.Connection, projects: Sequence[Project], wanted: SessionFilter
) -> list[Entry]:
    directories = [os.fsencode(project.directory) for project in projects]
    marks = ", ".join("?" * len(directories))
    source = "transcripts AS t"
    conditions = ["t.title IS NOT NULL", f"t.project IN ({marks})"]
    values: list[Any] = [*directories]
    if len(projects) > 1:
        conditions.append(_NEWEST.format(projects=marks))
        values += directories
    if wanted.tag is not None:
        conditions.append("t.tag = ?")
        values.append(wanted.tag)
    if wanted.after is not None:
        conditions.append("(-t.last_modified, t.session_id) > (?, ?)")
        values += wanted.after
    if wanted.words:
        source += " JOIN searched AS s USING (id)"
        db.create_function("holds", 3, _holds, deterministic=True)
        conditions += ["holds(s.shown, s.prompts, ?)"] * len(wanted.words)
        values += [word.encode() for word in wanted.words]
    query = (
        f"SELECT {_COLUMNS} FROM {source} WHERE {' AND '.join(conditions)} "  # noqa: S608
        "ORDER BY t.last_modified DESC, t.session_id LIMIT ?"
    )
    values.append(-1 if wanted.limit is None else wanted.limit)
    return [_entry(row) for row in db.execute(query, values)]


def _holds(shown: bytes, prompts: bytes, word: bytes) -> bool:
    return word in shown or word in prompts  # a few times as fast as SQLite's instr


def _session(db: sqlite3.Connection, transcript: Path) -> Entry | None:
    directory, session_id = os.fsencode(transcript.parent), transcript.stem
    key = "project = ? AND session_id = ?"
    query = f"SELECT size, mtime_ns FROM transcripts WHERE {key}"  # noqa: S608
    known = db.execute(query, (directory, session_id)).fetchone()
    try:
        status = transcript.stat()
    except OSError:
        return None
    if known != (status.st_size, status.st_mtime_ns):
        _note(db, Project(transcript.parent, None), {session_id: status})
    query = f"SELECT {_COLUMNS} FROM transcripts AS t WHERE {key} AND title IS NOT NULL"  # noqa: S608
    row = db.execute(query, (directory, session_id)).fetchone()
    return None if row is None else _entry(row)


def _refresh(db: sqlite3.Connection, project: Project) -> None:
    """Read what has changed in a directory, and forget what is gone."""
    directory = os.fsencode(project.directory)
    query = "SELECT session_id, size, mtime_ns FROM transcripts WHERE project = ?"
    known = {name: (size, at) for name, size, at in db.execute(query, (directory,))}
    changed = {
        session_id: status
        for session_id, status in transcripts_in(project.directory)
        if known.pop(session_id, None) != (status.st_size, status.st_mtime_ns)
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
    row = [directory, session_id, status.st_size, status.st_mtime_ns, modified]
    if findings is None:
        row += [None] * (len(_TOLD) + 4)
    else:
        row += [getattr(findings.summary, name) for name in _TOLD]
        row.append(findings.own_title)
        at = findings.so_far
        # As a text: some file systems have inodes that SQLite's integers are too small for.
        row += [None] * 3 if at is None else [str(at.inode), at.offset, at.proof]
    marks = ", ?" * len(row)
    done = db.execute(f"INSERT INTO transcripts VALUES (NULL{marks})", row)  # noqa: S608
    if findings is not None:
        shown = f"{findings.summary.title}\n{findings.summary.first_prompt or ''}".casefold()
        text = (done.lastrowid, shown.encode(), findings.prompts.encode())
        db.execute("INSERT OR REPLACE INTO searched VALUES (?, ?, ?)", text)


def _findings(db: sqlite3.Connection, directory: bytes, session_id: str) -> Findings | None:
    """Return what was read of a transcript, as far as it can be gone on from."""
    query = (
        f"SELECT {_COLUMNS}, t.mtime_ns, t.own_title, t.inode, t.read_to, t.proof, s.prompts "  # noqa: S608
        "FROM transcripts AS t JOIN searched AS s USING (id) "
        "WHERE t.project = ? AND t.session_id = ? AND t.proof IS NOT NULL"
    )
    row = db.execute(query, (directory, session_id)).fetchone()
    if row is None:
        return None
    entry, rest = _entry(row[:-6]), row[-6:]
    match rest:
        case int(changed), str(title), str(inode), int(offset), bytes(proof), bytes(prompts):
            so_far = ReadSoFar(int(inode), changed, offset, proof)
            return Findings(entry, title, prompts.decode(), so_far)
    raise UnfitError(f"unexpected columns: {rest!r}")


def _forget(db: sqlite3.Connection, directory: bytes, session_ids: Iterable[str]) -> None:
    for session_id in session_ids:
        query = "SELECT id FROM transcripts WHERE project = ? AND session_id = ?"
        for (row,) in db.execute(query, (directory, session_id)).fetchall():
            db.execute("DELETE FROM searched WHERE id = ?", (row,))
            db.execute("DELETE FROM transcripts WHERE id = ?", (row,))


def _entry(row: tuple[Any, ...]) -> Entry:
    match row:
        case (
            bytes(project),
            str(session_id),
            int(modified),
            str(title),
            str() | None as prompt,
            str() | None as tag,
            str() | None as cwd,
            str() | None as branch,
            int() | None as created,
            str() | None as entrypoint,
            int(interrupted),
        ) if _UUID.fullmatch(session_id):
            path = Path(os.fsdecode(project)) / f"{session_id}{SUFFIX}"
            told = (title, prompt, tag, cwd, branch, created, entrypoint, bool(interrupted))
            return Entry(*told, path, session_id, modified)
    raise UnfitError(f"unexpected columns: {row!r}")
