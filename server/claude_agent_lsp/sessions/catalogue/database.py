"""A SQLite file that holds nothing but what can be found out again.

Several servers share it. One that is missing, damaged or of an older server is made anew; where
there can be none, each server has its own in memory. So there is always one to work with.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
import time
import weakref
from contextlib import closing
from typing import TYPE_CHECKING, Final, TypeVar

from claude_agent_lsp.base.disk.files import locked, open_own
from claude_agent_lsp.base.disk.private import make_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

T = TypeVar("T")
logger = logging.getLogger(__name__)

BUSY_SECONDS: Final = 5.0
MAPPED_BYTES: Final = 2**28
# How long a server does without the file after it could not be used.
WITHOUT_SECONDS: Final = 60.0
_DAMAGE: Final = (
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_ERROR,  # a table or a column is missing
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_CONSTRAINT,
)


class UnfitError(Exception):
    """The file is not ours, or holds what it never should."""


class Database:
    """The file, or what stands for it. Call it in a thread; any number may.

    Args:
        file: Made, with mode 0600, by the first use.
        schema: The statements that make its tables.
        version: Counted up with each change of the schema.
    """

    def __init__(self, file: Path, schema: Sequence[str], version: int) -> None:
        self.file = file
        self._schema = schema
        self._version = version
        self._memory: sqlite3.Connection | None = None
        self._in_memory = threading.Lock()
        self._memory_until = 0.0
        self._warned = False

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do some work with it; a second time, from its beginning, if it was damaged.

        Args:
            work: Gets a connection that commits each statement by itself: see `writing`. It
                raises `UnfitError` for what it can't make sense of.
        """
        if time.monotonic() >= self._memory_until:
            try:
                return self._on_disk(work)
            except (sqlite3.Error, OSError, UnfitError) as error:
                self._use_memory(error)
        with self._in_memory:
            if self._memory is None:
                self._memory = sqlite3.connect(
                    ":memory:", isolation_level=None, check_same_thread=False
                )
                # Nobody else ever closes it; Python 3.13 warns of one that is merely dropped.
                weakref.finalize(self, self._memory.close)
                self._create(self._memory)
            return work(self._memory)

    def _on_disk(self, work: Callable[[sqlite3.Connection], T]) -> T:
        inode = self._inode()
        try:
            with closing(self._open()) as db:
                return work(db)
        except (sqlite3.Error, UnfitError) as error:
            if not _is_damage(error):
                raise
            logger.warning("Recreating %s: %s", self.file, error)
            self._remove(inode)
        with closing(self._open()) as db:
            return work(db)

    def _open(self) -> sqlite3.Connection:
        make_directory(self.file.parent)
        # SQLite itself would let others read it.
        os.close(open_own(self.file, os.O_RDWR))
        db = sqlite3.connect(self.file, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            if self._version_of(db) != self._version:
                db.execute("PRAGMA journal_mode = WAL")
                with writing(db):
                    if self._version_of(db) != self._version:  # another may have been quicker
                        self._create(db)
            db.execute("PRAGMA synchronous = NORMAL")
            # What is deleted is overwritten: it may be words of a session that the user deletes.
            db.execute("PRAGMA secure_delete = ON")
            db.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
        except BaseException:
            db.close()
            raise
        return db

    def _version_of(self, db: sqlite3.Connection) -> int:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > self._version:
            raise sqlite3.NotSupportedError(f"it was written by a newer server, version {version}")
        return int(version)

    def _create(self, db: sqlite3.Connection) -> None:
        if db.execute("SELECT 1 FROM sqlite_schema").fetchone() is not None:
            raise UnfitError("it was written by an older server or another program")
        for statement in self._schema:
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {self._version}")

    def _remove(self, inode: int | None) -> None:
        with locked(self.file.with_name(f"{self.file.name}.lock")):
            if self._inode() != inode:
                return  # another server has just made it anew
            for suffix in ("-wal", "-shm", ""):
                with contextlib.suppress(FileNotFoundError):
                    self.file.with_name(self.file.name + suffix).unlink()

    def _inode(self) -> int | None:
        try:
            return self.file.stat().st_ino
        except OSError:
            return None

    def _use_memory(self, error: Exception) -> None:
        self._memory_until = time.monotonic() + WITHOUT_SECONDS
        level = logging.DEBUG if self._warned else logging.WARNING
        self._warned = True
        logger.log(level, "%s can't be used; using memory instead: %s", self.file, str(error))


@contextlib.contextmanager
def writing(db: sqlite3.Connection) -> Iterator[None]:
    """Open a transaction: all of it is written, or nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _is_damage(error: Exception) -> bool:
    """Return whether a new file would help, as it would not on a full disk, for instance."""
    if isinstance(error, UnfitError):
        return True
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # of the module sqlite3 itself: a text is no UTF-8
        return isinstance(error, sqlite3.OperationalError)
    return code & 0xFF in _DAMAGE
