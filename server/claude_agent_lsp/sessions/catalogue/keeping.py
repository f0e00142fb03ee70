"""Which sessions are kept: which are copied, and which copies make room for newer ones.

    transcript unchanged for half a day ──▶ copied ──▶ the CLI deletes its own ──▶ the copy is left
                                              └─ no room: the oldest are told to leave, in a week

Everything here reads files: call it in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.sessions.catalogue.index import transcripts_in
from claude_agent_lsp.sessions.catalogue.kept_copies import TAG
from claude_agent_lsp.sessions.catalogue.retention import SOON, retention_days
from claude_agent_lsp.sessions.transcripts.projects import all_projects
from claude_agent_lsp.sessions.transcripts.transcript import config_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from claude_agent_lsp.sessions.catalogue.index import Index
    from claude_agent_lsp.sessions.catalogue.kept_copies import Copy, KeptCopies
    from claude_agent_lsp.workspace.settings import KeepSessions, Settings

# The CLI keeps a transcript for a day at least, and one that still changes is copied in vain.
IDLE: Final = timedelta(hours=12)
# How much larger a transcript is than its copy, about, before that is made.
PACKED_BY: Final = 4
MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """A session to be copied.

    Attributes:
        transcript: What is copied.
        changed: When it was last changed, in seconds since 1970.
        size: How much more room it will take, in bytes, about.
    """

    transcript: Path
    changed: float
    size: int

    @property
    def session_id(self) -> str:
        """Which it is."""
        return self.transcript.stem


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    Attributes:
        copied: The sessions to be copied, in this order.
        leaving: The copies to make room, and when.
        staying: Those that were to make room and need not any more.
        gone: Those whose time has come.
    """

    copied: tuple[Waiting, ...]
    leaving: tuple[tuple[Copy, datetime], ...]
    staying: tuple[Copy, ...]
    gone: tuple[Copy, ...]


def plan_of(kept: KeptCopies, settings: Settings, index: Index, now: datetime) -> Plan:
    """Look what has to be done for the sessions of all folders.

    Args:
        kept: The copies.
        settings: Which sessions are kept, and in how much room.
        index: Knows their tags.
        now: The time.
    """

    def is_tagged(path: Path) -> bool:
        entry = index.session(path)
        return entry is not None and entry.tag == TAG

    which = settings.keep_sessions
    # Where the CLI deletes nothing, its transcripts are all that is needed.
    deletes = retention_days(config_directory().parent, ("user",)) is not None
    copies = kept.all_copies()
    waiting = waiting_for(kept, copies, now) if which == "all" and deletes else []
    return make_room(
        copies,
        waiting,
        most_bytes=settings.keep_max_megabytes * MEGABYTE,
        which=which,
        is_tagged=is_tagged,
        now=now,
    )


def waiting_for(kept: KeptCopies, copies: Iterable[Copy], now: datetime) -> list[Waiting]:
    """Return the sessions that have to be copied, those first that the CLI deletes first.

    None of them has changed lately: a copy of the same time is as new.
    """
    before, found = (now - IDLE).timestamp(), []
    there = {copy.path: copy for copy in copies}
    for project in all_projects():
        for session_id, status in transcripts_in(project.directory):
            transcript = project.directory / f"{session_id}.jsonl"
            copy = there.get(kept.copy_of(transcript))
            is_copied = copy is not None and copy.changed == status.st_mtime
            if status.st_mtime < before and status.st_size and not is_copied:
                size = status.st_size // PACKED_BY - (0 if copy is None else copy.size)
                found.append(Waiting(transcript, status.st_mtime, max(0, size)))
    return sorted(found, key=lambda one: one.changed)


def make_room(
    copies: Sequence[Copy],
    waiting: Iterable[Waiting],
    *,
    most_bytes: int,
    which: KeepSessions,
    is_tagged: Callable[[Path], bool],
    now: datetime,
) -> Plan:
    """Say which sessions are copied, and which copies leave for them.

    A copy leaves a week after that was told, and only for a session that was changed later. What
    has no room until then waits.

    Args:
        copies: Those that are there, the oldest first.
        waiting: The sessions to be copied.
        most_bytes: How much room there is.
        which: Which sessions are kept.
        is_tagged: Whether a transcript, or a copy, has the tag that keeps it.
        now: The time.
    """
    free = most_bytes - sum(copy.size for copy in copies)
    copied, blocked = [], []
    for one in sorted(waiting, key=lambda each: -each.changed):
        if one.size <= free or is_tagged(one.transcript):
            copied.append(one)
            free -= one.size
        else:
            blocked.append(one)
    leaving: list[tuple[Copy, datetime]] = []
    wanted = sum(one.size for one in blocked) - min(free, 0)
    for copy in copies:
        while blocked and blocked[-1].changed <= copy.changed:
            wanted -= blocked.pop().size  # it is older than all that could make room for it
        # What is wanted: the room that lacks, less what is free for those that wait.
        lacks = wanted - (max(free, 0) if blocked else 0) > 0
        unwanted = which == "none" or (which == "tagged" and not is_tagged(copy.path))
        if unwanted or (which == "all" and lacks and not is_tagged(copy.path)):
            leaving.append((copy, copy.leaves_at or now + SOON))
            wanted -= copy.size
    going = {copy.path for copy, _ in leaving}
    return Plan(
        tuple(sorted(copied, key=lambda one: one.changed)),
        tuple((copy, at) for copy, at in leaving if at > now),
        tuple(copy for copy in copies if copy.leaves_at and copy.path not in going),
        tuple(copy for copy, at in leaving if at <= now),
    )


@dataclass(frozen=True, slots=True)
class Room:
    """How much room the kept sessions take.

    Attributes:
        sessions: How many they are.
        size: In bytes.
        leaving: How many of them make room for others within a week.
    """

    sessions: int
    size: int
    leaving: int


def room_of(kept: KeptCopies) -> Room:
    """Return how much room the copies take."""
    copies = kept.all_copies()
    return Room(
        len(copies), sum(copy.size for copy in copies), sum(c.leaves_at is not None for c in copies)
    )


def goes_at(
    transcript: Path, changed: float, days: int | None, kept: KeptCopies, now: datetime
) -> datetime | None:
    """Return when a session goes for good, if that is within a week.

    Args:
        transcript: The CLI's file, or the copy that is kept of it.
        changed: When the session was last changed, in seconds since 1970.
        days: How long the CLI keeps a transcript; None if it deletes none.
        kept: The copies.
        now: The time.
    """
    if kept.has(transcript):
        return kept.leaves_at(transcript)
    if days is None:
        return None
    at = datetime.fromtimestamp(changed, UTC) + timedelta(days=min(days, 36_500))
    if at > now + SOON:
        return None
    if not kept.copy_of(transcript).exists():
        return at
    leaves = kept.leaves_at(transcript)
    return None if leaves is None else max(leaves, at)
