"""The words of all sessions, on disk: which sessions hold some words, and where.

    <state>/words.sqlite    full-text tables of SQLite, which hold no text, and what was read

A transcript is read once, and then what is new in it: each reading adds a part. A word of a part
can't be taken away again, since its text is not kept. So what has gone, or was written anew, takes
with it the table that it shares with a few others, and those are read again: no word of a deleted
session stays on disk. Everything here reads files: call it in a thread; any number may.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.errors import StoreUnavailable
from claude_agent_lsp.sessions.catalogue.database import Database, writing
from claude_agent_lsp.sessions.catalogue.search.said import searched
from claude_agent_lsp.sessions.catalogue.selection import SUFFIX
from claude_agent_lsp.sessions.transcripts.growth import ReadSoFar
from claude_agent_lsp.sessions.transcripts.packed import open_transcript

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import TypeAlias

    from claude_agent_lsp.sessions.catalogue.index import File, Files

    # Where it begins and ends in its transcript, in bytes, and what was said there.
    Part: TypeAlias = tuple[int, int, str]
    Found: TypeAlias = Mapping[str, Mapping[tuple[bytes, str], Sequence[tuple[int, int]]]]

logger = logging.getLogger(__name__)

FILE: Final = "words.sqlite"
VERSION: Final = 1
# A table has the sessions whose ids begin alike: as few as can be read again at once.
TABLES: Final = 16
# Of what was said, in characters: what is read of a transcript to show the lines that match.
PART_LENGTH: Final = 10_000
# Another server waits no longer than for what is read between two writes.
BATCH_BYTES: Final = 16 << 20
_MAKE: Final = (
    "CREATE VIRTUAL TABLE {} USING fts5"
    "(said, content = '', detail = none, columnsize = 0, "
    "tokenize = 'unicode61 remove_diacritics 0')"
)
_SCHEMA: Final = (
    """
    CREATE TABLE transcripts (
        id INTEGER PRIMARY KEY,
        project BLOB NOT NULL,
        session_id TEXT NOT NULL,
        part_of INTEGER NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        inode TEXT NOT NULL,
        read_to INTEGER NOT NULL,
        proof BLOB NOT NULL,
        UNIQUE (project, session_id)
    )
    """,
    "CREATE TABLE parts (id INTEGER PRIMARY KEY, transcript INTEGER, begin INTEGER, end INTEGER)",
    "CREATE INDEX by_transcript ON parts (transcript)",
    *(_MAKE.format(f"words_{number}") for number in range(TABLES)),
)


@dataclass(frozen=True, slots=True)
class Searched:
    """How far the words of some directories are known.

    Attributes:
        done: Of how many transcripts all are.
        total: How many there are.
    """

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Known:
    """What was read of a transcript."""

    row: int
    table: int
    size: int
    so_far: ReadSoFar


@cache
def throw_if_missing() -> None:
    """Raise unless Python's SQLite can search texts.

    Raises:
        StoreUnavailable: It can't.
    """
    try:
        with closing(sqlite3.connect(":memory:")) as db:
            db.execute(_MAKE.format("words"))
    except sqlite3.Error as error:
        raise StoreUnavailable(
            "Conversations can't be searched: the SQLite of this Python has no full-text search "
            f"(FTS5): {error}.",
            hint=(
                "Install the server with another Python: `uv tool install --managed-python …` "
                "brings one that has it. Without `matches`, titles and prompts are searched."
            ),
        ) from None


class Words:
    """The words of the sessions of one state directory.

    Args:
        directory: The state directory.

    Raises:
        StoreUnavailable: Python's SQLite has no full-text search.
    """

    def __init__(self, directory: Path) -> None:
        throw_if_missing()
        self._database = Database(directory / FILE, _SCHEMA, VERSION)

    def refresh(self, files: Files, seconds: float) -> Searched:
        """Read what is new in some directories, the newest first, and forget what is gone.

        Args:
            files: What is in these directories.
            seconds: How long to go on; what is left then is read by the next call.
        """
        until = time.monotonic() + seconds

        total = sum(map(len, files.values()))

        def work(db: sqlite3.Connection) -> Searched:
            emptied = True
            while emptied:
                changed = _changed(db, files)
                left, emptied = len(changed), False
                for batch in _batches(changed):
                    if time.monotonic() >= until:
                        return Searched(total - left, total)
                    emptied |= _read(db, batch)
                    left -= len(batch)
            return Searched(total, total)

        return self._database.run(work)

    def find(self, words: Iterable[str]) -> Found:
        """Find the sessions that hold any of some words, or words that begin so.

        Args:
            words: As `words_in` returns them.

        Returns:
            For each word the sessions, by their directory and id, and the parts of their
            transcripts, in bytes.
        """

        def work(db: sqlite3.Connection) -> Found:
            found: dict[str, dict[tuple[bytes, str], list[tuple[int, int]]]] = {}
            for word in words:
                found[word] = defaultdict(list)
                for number in range(TABLES):
                    query = (
                        f"SELECT t.project, t.session_id, p.begin, p.end FROM words_{number} AS w "  # noqa: S608
                        "JOIN parts AS p ON p.id = w.rowid "
                        "JOIN transcripts AS t ON t.id = p.transcript "
                        f"WHERE words_{number} MATCH ?"
                    )
                    for project, session_id, begin, end in db.execute(query, (f'"{word}"*',)):
                        found[word][project, session_id].append((begin, end))
            return found

        return self._database.run(work)

    def forget(self, session_id: str) -> None:
        """Hold no word of a session any more, not even in the file's unused parts."""

        def work(db: sqlite3.Connection) -> None:
            query = "SELECT part_of FROM transcripts WHERE session_id = ?"
            tables = {table for (table,) in db.execute(query, (session_id,))}
            if tables:
                with writing(db):
                    _empty(db, tables)
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

        self._database.run(work)


def forget_words(session_id: str, directory: Path) -> None:
    """Hold no word of a session any more, if there are any.

    Args:
        session_id: The session.
        directory: The state directory.
    """
    if (directory / FILE).exists():
        Words(directory).forget(session_id)


def _changed(db: sqlite3.Connection, files: Files) -> list[tuple[Path, File]]:
    """Return what has to be read, the newest first, and forget what is gone."""
    changed: list[tuple[Path, File]] = []
    gone = set[int]()
    for directory, there in files.items():
        query = "SELECT session_id, part_of, size, mtime_ns FROM transcripts WHERE project = ?"
        rows = db.execute(query, (os.fsencode(directory),))
        known = {name: (table, (size, at)) for name, table, size, at in rows}
        gone |= {table for name, (table, _) in known.items() if name not in there}
        changed += [
            (directory / f"{session_id}{SUFFIX}", file)
            for session_id, file in there.items()
            if session_id not in known or known[session_id][1] != file
        ]
    if gone:
        with writing(db):
            _empty(db, gone)
        return _changed(db, files)
    return sorted(changed, key=lambda each: -each[1][1])


def _batches(
    files: Iterable[tuple[Path, File]],
) -> Iterator[list[tuple[Path, File]]]:
    batch: list[tuple[Path, File]] = []
    size = 0
    for path, file in files:
        batch.append((path, file))
        size += file[0]
        if size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _read(db: sqlite3.Connection, batch: Iterable[tuple[Path, File]]) -> bool:
    """Read what is new in some transcripts, and write it down.

    Returns:
        Whether one was written anew, so that it and others have to be read from the beginning.
    """
    again = set[int]()
    news: list[tuple[Path, File, Known | None, ReadSoFar, list[Part]]] = []
    for path, there in batch:
        known = _known(db, path)
        try:
            with open_transcript(path) as file:
                if known is not None and not known.so_far.holds(file):
                    again.add(known.table)
                    continue
                begin = 0 if known is None else known.so_far.offset
                file.seek(begin)
                parts = list(_parts_of(file, begin))
                so_far = ReadSoFar.take(file, parts[-1][1] if parts else begin)
        except OSError as error:
            logger.debug("%s can't be read now: %s", path, error)
            continue
        news.append((path, there, known, so_far, parts))
    with writing(db):
        for path, there, known, so_far, parts in news:
            if _known(db, path) == known:  # else another server has read it meanwhile
                row = _note(db, path, known, there, so_far)
                _add(db, row, _table_of(path.stem), parts)
        _empty(db, again)
    return bool(again)


def _parts_of(file: Iterable[bytes], begin: int) -> Iterator[Part]:
    """Return the parts of the rest of a transcript: where each begins and ends, and its words."""
    at, texts, length = begin, list[str](), 0
    for line in file:
        if not line.endswith(b"\n"):
            break  # what is half written is read when it is whole
        at += len(line)
        if text := searched(line):
            texts.append(text)
            length += len(text)
        if length >= PART_LENGTH:
            yield begin, at, "\n".join(texts)
            begin, texts, length = at, [], 0
    if at > begin:
        yield begin, at, "\n".join(texts)


def _note(
    db: sqlite3.Connection,
    path: Path,
    known: Known | None,
    there: File,
    so_far: ReadSoFar,
) -> int:
    """Note how far a transcript was read, and return its row."""
    read = (there[0], so_far.mtime_ns, str(so_far.inode), so_far.offset, so_far.proof)
    if known is not None:
        change = "size = ?, mtime_ns = ?, inode = ?, read_to = ?, proof = ?"
        db.execute(f"UPDATE transcripts SET {change} WHERE id = ?", (*read, known.row))  # noqa: S608
        return known.row
    done = db.execute(
        "INSERT INTO transcripts VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)",
        (os.fsencode(path.parent), path.stem, _table_of(path.stem), *read),
    )
    return int(done.lastrowid or 0)


def _add(db: sqlite3.Connection, row: int, table: int, parts: Iterable[Part]) -> None:
    """Add what was said in some parts of a transcript."""
    for begin, end, text in parts:
        if text:
            query = "INSERT INTO parts VALUES (NULL, ?, ?, ?)"
            part = db.execute(query, (row, begin, end)).lastrowid
            query = f"INSERT INTO words_{table} (rowid, said) VALUES (?, ?)"  # noqa: S608
            db.execute(query, (part, text))


def _known(db: sqlite3.Connection, path: Path) -> Known | None:
    query = (
        "SELECT id, part_of, size, mtime_ns, inode, read_to, proof FROM transcripts "
        "WHERE project = ? AND session_id = ?"
    )
    found = db.execute(query, (os.fsencode(path.parent), path.stem)).fetchone()
    if found is None:
        return None
    row, table, size, mtime_ns, inode, read_to, proof = found
    return Known(row, table, size, ReadSoFar(int(inode), mtime_ns, read_to, proof))


def _empty(db: sqlite3.Connection, tables: Iterable[int]) -> None:
    """Forget all that these tables have the words of."""
    for table in tables:
        db.execute(f"DROP TABLE words_{table}")
        db.execute(_MAKE.format(f"words_{table}"))
        owned = "SELECT id FROM transcripts WHERE part_of = ?"
        db.execute(f"DELETE FROM parts WHERE transcript IN ({owned})", (table,))  # noqa: S608
        db.execute("DELETE FROM transcripts WHERE part_of = ?", (table,))


def _table_of(session_id: str) -> int:
    return int(session_id[:8], 16) % TABLES
