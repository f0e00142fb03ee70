"""How long the CLI keeps transcripts, and which it deletes next.

At its start, at most once a day, the CLI deletes the transcripts of all folders that were not
changed for `cleanupPeriodDays`, 30 where nothing says so. Its settings files stand above each
other, managed over local over project over user. It deletes nothing while one of them is broken or
gives no whole number above 0, or where it reads no user settings and no other file has a number
(CLI 2.1.330, seen).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.sessions.catalogue.index import transcripts_in
from claude_agent_lsp.sessions.catalogue.kept_copies import TAG, KeptCopies
from claude_agent_lsp.sessions.claude_settings.settings_files import (
    MANAGED,
    read_settings,
    settings_files,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from claude_agent_lsp.sessions.catalogue.index import Index
    from claude_agent_lsp.sessions.transcripts.projects import Project

DEFAULT_DAYS: Final = 30
SOON: Final = timedelta(days=7)
SETTING: Final = "cleanupPeriodDays"
ALL_SOURCES: Final = ("user", "project", "local")


@dataclass(frozen=True, slots=True)
class Deletion:
    """A session that the CLI deletes soon.

    Attributes:
        at: From when on; it happens when a CLI starts.
        kept: Whether it is kept all the same.
    """

    session_id: str
    title: str
    at: datetime
    kept: bool


@dataclass(frozen=True, slots=True)
class Retention:
    """What becomes of the transcripts of some directories.

    Attributes:
        days: How long they are kept; None where nothing is deleted.
        next_deletions: The first ones of the next seven days, the soonest first.
        due: How many there are in that time.
    """

    days: int | None
    next_deletions: tuple[Deletion, ...]
    due: int


def retention_days(folder: Path, sources: Collection[str] = ALL_SOURCES) -> int | None:
    """Return how many days the CLI keeps a transcript, going by its settings in a folder.

    Args:
        folder: The folder that the CLI is started in.
        sources: Which settings files it reads.

    Returns:
        The days, or None if it deletes nothing.
    """
    files = settings_files(folder)
    days: int | None = DEFAULT_DAYS if "user" in sources else None
    for file in (files[name] for name in files if name in (*sources, MANAGED)):
        try:
            settings = read_settings(file)
        except FileNotFoundError:
            continue
        except (OSError, ValueError):
            return None
        if (found := settings.get(SETTING)) is not None:
            if not isinstance(found, int) or isinstance(found, bool) or found < 1:
                return None
            days = found
    return days


def retention(
    projects: Iterable[Project],
    days: int | None,
    index: Index,
    *,
    now: datetime | None = None,
    limit: int = 10,
) -> Retention:
    """Return what is deleted next. Reads files: call it in a thread.

    Args:
        projects: The directories.
        days: What `retention_days` returned.
        index: Knows the titles.
        now: Instead of the clock's time.
        limit: How many deletions are listed one by one.
    """
    if days is None:
        return Retention(None, (), 0)
    before = (now or datetime.now(UTC)) + SOON - timedelta(days=min(days, 36_500))
    due = sorted(
        (status.st_mtime, project.directory / f"{session_id}.jsonl")
        for project in projects
        for session_id, status in transcripts_in(project.directory)
        if status.st_mtime < before.timestamp()
    )
    kept = KeptCopies(index.directory)
    deletions: list[Deletion] = []
    for changed, path in due:
        if len(deletions) == limit:
            break
        entry = index.session(path)
        if entry is not None:
            at = datetime.fromtimestamp(changed, UTC) + timedelta(days=days)
            is_kept = entry.tag == TAG or kept.find(entry.session_id) is not None
            deletions.append(Deletion(entry.session_id, entry.title, at, is_kept))
    return Retention(days, tuple(deletions), len(due))
