"""Which sessions of the index are asked for, and in which order."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.sessions.catalogue.database import UnfitError
from claude_agent_lsp.sessions.catalogue.summary import Summary
from claude_agent_lsp.sessions.transcripts.projects import Project, is_others

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

SUFFIX: Final = ".jsonl"
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
TOLD: Final = tuple(field.name for field in fields(Summary))
COLUMNS: Final = ", ".join(
    f"t.{name}" for name in ("project", "session_id", "last_modified", *TOLD)
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
        rank: Those of a lower one stand before it in a list, and then the newest first.
    """

    path: Path
    session_id: str
    last_modified: int
    rank: int = 0


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """Which sessions are asked for.

    Attributes:
        words: Each of them, casefolded, must stand in the title or in what the user wrote.
        tag: The tag that they must have.
        branch: The branch that they must have been begun in.
        since: When they must have been changed, at the earliest, in milliseconds since 1970.
        until: When, at the latest.
        file: What the path of a file that a tool was given must hold, casefolded.
        first: The ids of those that stand before all others.
        hidden: The ids of those that are left out.
        rank: Returns how well one fits, 0 if it doesn't, by the directory, the id, what is shown of
            it, the prompts, and the files; the best stand first.
        after: The rank, the time and the id behind which they must stand.
        limit: How many at most; None for all.
    """

    words: Sequence[str] = ()
    tag: str | None = None
    branch: str | None = None
    since: int | None = None
    until: int | None = None
    file: str | None = None
    first: Collection[str] = frozenset()
    hidden: Collection[str] = frozenset()
    rank: Callable[[bytes, str, bytes, bytes, bytes], int] | None = None
    after: tuple[int, int, str] | None = None
    limit: int | None = None


def select(
    db: sqlite3.Connection, projects: Sequence[Project], wanted: SessionFilter
) -> list[Entry]:
    """Return the sessions of some directories, in their order."""
    directories = [os.fsencode(project.directory) for project in projects]
    marks = ", ".join("?" * len(directories))
    source = "transcripts AS t"
    conditions = ["t.title IS NOT NULL", f"t.project IN ({marks})"]
    values: list[Any] = [*directories]
    if any(project.folder for project in projects):
        db.create_function("is_others", 2, _Owners(projects).is_others, deterministic=True)
        conditions.append("NOT is_others(t.project, t.cwd)")
    if len(projects) > 1:
        conditions.append(_NEWEST.format(projects=marks))
        values += directories
    for condition, value in _conditions(db, wanted):
        conditions.append(condition)
        values += value
    if wanted.words or wanted.file or wanted.rank:
        source += " JOIN searched AS s USING (id)"
    rank = _rank(db, wanted)
    if wanted.rank is not None:
        # Each is ranked once: the limit keeps SQLite from doing it wherever the rank is looked at.
        where = " AND ".join(conditions)
        found = f"SELECT t.*, {rank} AS rank FROM {source} WHERE {where} LIMIT -1"  # noqa: S608
        source, conditions, rank = f"({found}) AS t", ["t.rank < 0"], "t.rank"
    if wanted.after is not None:
        conditions.append(f"({rank}, -t.last_modified, t.session_id) > (?, ?, ?)")
        values += wanted.after
    order = "t.last_modified DESC, t.session_id"
    query = (
        f"SELECT {COLUMNS}, {rank} FROM {source} WHERE {' AND '.join(conditions)} "  # noqa: S608
        f"ORDER BY {order if rank == '0' else f'{rank}, {order}'} LIMIT ?"
    )
    values.append(-1 if wanted.limit is None else wanted.limit)
    return [replace(entry_in(row[:-1]), rank=row[-1]) for row in db.execute(query, values)]


def _conditions(db: sqlite3.Connection, wanted: SessionFilter) -> Iterator[tuple[str, list[Any]]]:
    """Return what must hold for a session, each with its values."""
    for condition, value in (
        ("t.tag = ?", wanted.tag),
        ("t.git_branch = ?", wanted.branch),
        ("t.last_modified >= ?", wanted.since),
        ("t.last_modified <= ?", wanted.until),
    ):
        if value is not None:
            yield condition, [value]
    if wanted.hidden:
        db.create_function("is_hidden", 1, wanted.hidden.__contains__, deterministic=True)
        yield "NOT is_hidden(t.session_id)", []
    db.create_function("holds", 2, _holds, deterministic=True)
    for word in wanted.words:
        yield "(holds(s.shown, ?) OR holds(s.prompts, ?))", [word.encode()] * 2
    if wanted.file:
        yield "holds(s.files, ?)", [wanted.file.encode()]


def _rank(db: sqlite3.Connection, wanted: SessionFilter) -> str:
    """Return what says before which others a session stands."""
    if (rank := wanted.rank) is not None:
        db.create_function("rank", 5, lambda *row: -rank(*row), deterministic=True)
        return "rank(t.project, t.session_id, s.shown, s.prompts, s.files)"
    if wanted.first:
        db.create_function("is_first", 1, wanted.first.__contains__, deterministic=True)
        return "-is_first(t.session_id)"
    return "0"


class _Owners:
    """Whose sessions are in each of some directories."""

    def __init__(self, projects: Iterable[Project]) -> None:
        self._folders: dict[bytes, list[Path]] = {}
        for project in projects:
            if project.folder is not None:
                found = self._folders.setdefault(os.fsencode(project.directory), [])
                found.append(project.folder)
        self._known: dict[tuple[bytes, str], bool] = {}

    def is_others(self, directory: bytes, cwd: str | None) -> bool:
        """Return whether a session of a directory is of none of the folders that are asked for."""
        folders = self._folders.get(directory)
        if cwd is None or folders is None:
            return False
        key = (directory, cwd)
        if key not in self._known:
            self._known[key] = is_others(cwd, folders)
        return self._known[key]


def _holds(text: bytes, word: bytes) -> bool:
    return word in text  # a few times as fast as SQLite's instr


def entry_in(row: tuple[Any, ...]) -> Entry:
    """Return the session in a row of `COLUMNS`.

    Raises:
        UnfitError: There is something else in it.
    """
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
            float(noted),
            int(prompts),
        ) if UUID.fullmatch(session_id):
            path = Path(os.fsdecode(project)) / f"{session_id}{SUFFIX}"
            told = (title, prompt, tag, cwd, branch, created, entrypoint, bool(interrupted), noted)
            return Entry(*told, prompts, path, session_id, modified)
    raise UnfitError(f"unexpected columns: {row!r}")
