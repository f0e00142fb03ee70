"""Puts files back as they were before a prompt, and forward again.

The CLI's own way overwrites whatever is there, and knows nothing of what a shell has changed. Here,
later changes by others stay in a file where they can, and else the file is left alone.

    plan ──▶ check ──▶ keep what is there ──▶ write ──▶ record
                └─ Conflict: nothing was touched
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.disk.files import replace_file
from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.base.texts.json_text import parse_json
from claude_agent_lsp.base.texts.visible import visible
from claude_agent_lsp.errors import Conflict, InvalidArgument, SessionNotFound, StoreUnavailable
from claude_agent_lsp.sessions.changes.record import Change, ChangeRecord, Unseen
from claude_agent_lsp.sessions.journal.run_records import RunRecords
from claude_agent_lsp.sessions.rewind.applying import FileChange, apply, count_lines, unified
from claude_agent_lsp.sessions.rewind.checkpoints import Checkpoints, with_lf
from claude_agent_lsp.sessions.rewind.taking_back import Plan, plan
from claude_agent_lsp.sessions.transcripts.transcript import find_transcript, folder_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from claude_agent_lsp.sessions.changes.copies import Version
    from claude_agent_lsp.sessions.rewind.checkpoints import Backup, Write
    from claude_agent_lsp.sessions.rewind.taking_back import Kept

# Characters of all the diffs of a preview.
MOST_SHOWN: Final = 500_000
# What a rewind, and what takes it back, is called in the record, where else a run is named.
_REWOUND: Final = "rewind:"
_REDONE: Final = "redo:"


@dataclass(frozen=True, slots=True)
class RewoundFile:
    """A file that is put back.

    Attributes:
        change: What that is: "created", "edited" or "deleted".
        merged: Whether later changes of others stay in it.
        diff: What is done to its lines, as a unified diff.
    """

    uri: Path
    change: str
    insertions: int
    deletions: int
    merged: bool
    diff: str
    truncated: bool | None = None


@dataclass(frozen=True, slots=True)
class Rewind:
    """What putting files back changes.

    Attributes:
        insertions: Lines that come back.
        deletions: Lines that go.
        kept: Files that are left alone.
        files: Those that are put back, each with its diff, for a preview.
        unseen: Why it is not known what commands have changed.
    """

    files_changed: tuple[Path, ...]
    insertions: int
    deletions: int
    kept: tuple[Kept, ...] | None = None
    files: tuple[RewoundFile, ...] | None = None
    unseen: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """How files are put back.

    Attributes:
        dry_run: Only say what would be done.
        preview: Likewise, with the files one by one.
        keep_conflicts: Leave a file alone that others have changed such that nobody can tell what
            is wanted, instead of touching nothing.
    """

    dry_run: bool = False
    preview: bool = False
    keep_conflicts: bool = False


@dataclass(frozen=True, slots=True)
class _Rewound:
    """The session whose files are put back.

    Attributes:
        note: Where it is noted what was put back.
    """

    transcript: Path
    folder: Path
    record: ChangeRecord
    note: Path

    @classmethod
    def find(cls, session_id: str, state: Path) -> _Rewound:
        transcript = find_transcript(session_id)
        if transcript is None:
            raise SessionNotFound(f"There is no session {session_id}.")
        folder = folder_of(transcript) or transcript.parent
        record = ChangeRecord(state, session_id)
        return cls(transcript, folder, record, state / "rewinds" / f"{session_id}.json")

    def plan(self, changes: Iterable[Change]) -> Plan:
        return plan(changes, self.folder, self.record.copies)


def rewind(session_id: str, message_id: str, state: Path, wanted: Wanted) -> Rewind:
    """Put the files that the agent has changed back as they were before a prompt.

    By the record of what runs have changed, whatever tool did; of a prompt that has none, as of a
    terminal, from the copies that the CLI makes.

    Args:
        session_id: The session, in which no run may be at work.
        message_id: The prompt's, as in `read_messages`.
        state: The state directory, where it is noted what was put back.
        wanted: How.

    Raises:
        SessionNotFound: There is no such session.
        InvalidArgument: The message is no prompt, or the CLI made no copies for it.
        Conflict: Somebody else has changed a file since the agent did. Nothing was touched.
        StoreUnavailable: A copy is gone, or a file can't be written. Nothing was touched.
    """
    session = _Rewound.find(session_id, state)
    since = _begin_of(message_id, session_id, state)
    unseen: tuple[str, ...] = ()
    if since is None:
        found = _by_checkpoints(message_id, session)
    else:
        entries = [entry for entry in session.record.read() if entry.at >= since]
        changes = [entry for entry in entries if isinstance(entry, Change)]
        found = session.plan(changes)
        unseen = tuple(dict.fromkeys(e.reason for e in entries if isinstance(e, Unseen)))
    return _do(found, session, f"{_REWOUND}{uuid.uuid4()}", wanted, unseen)


def redo(session_id: str, state: Path, wanted: Wanted) -> Rewind:
    """Take the last rewind back that was not taken back yet.

    Args:
        session_id: The session, in which no run may be at work.
        state: The state directory.
        wanted: How.

    Raises:
        SessionNotFound: There is no such session.
        InvalidArgument: There is no such rewind.
        Conflict, StoreUnavailable: As for `rewind`.
    """
    session = _Rewound.find(session_id, state)
    changes = [entry for entry in session.record.read() if isinstance(entry, Change)]
    open_ones = _not_taken_back(change.run_id for change in changes)
    if not open_ones:
        raise InvalidArgument(f"sessionId: the session {session_id} has no rewind to be redone.")
    name = open_ones[-1]
    back = session.plan(each for each in changes if each.run_id == name)
    return _do(back, session, f"{_REDONE}{name}", wanted)


def _not_taken_back(names: Iterable[str]) -> list[str]:
    """Return the rewinds that were not redone, the oldest first."""
    found: dict[str, None] = {}
    for name in names:
        if name.startswith(_REWOUND):
            found[name] = None
        elif name.startswith(_REDONE):
            found.pop(name.removeprefix(_REDONE), None)
    return list(found)


def _begin_of(message_id: str, session_id: str, state: Path) -> datetime | None:
    """Return when the run of a prompt began, if what it has changed is recorded."""
    for run in RunRecords(lambda: state).each(session_id):
        if run.begun.message_id == message_id:
            return run.begun.at if run.begun.recorded else None
    return None


def _do(
    found: Plan, session: _Rewound, name: str, wanted: Wanted, unseen: tuple[str, ...] = ()
) -> Rewind:
    """Do what is planned, and record it under a name; or only say what it is."""
    conflicts = [each for each in found.kept if each.conflict]
    if conflicts and not (wanted.keep_conflicts or wanted.preview):
        raise Conflict(f"{conflicts[0].uri} has changed since the agent wrote it.")
    if found.changes and not (wanted.dry_run or wanted.preview):
        # What is written over is kept first, so that it can be had again.
        changes = [_recorded(each, session, name) for each in found.changes]
        apply(found.changes)
        _write_record(session.record, changes)
        _record_restored(session.note, found.changes)
    lines = [count_lines(change) for change in found.changes]
    return Rewind(
        tuple(change.path for change in found.changes),
        sum(inserted for inserted, _ in lines),
        sum(deleted for _, deleted in lines),
        tuple(found.kept) or None,
        _shown(found, session.folder) if wanted.preview else None,
        unseen or None,
    )


def _recorded(change: FileChange, session: _Rewound, name: str) -> Change:
    def version(content: bytes | None, mode: int) -> Version | None:
        return None if content is None else session.record.copies.keep(content, mode)

    try:
        path = change.path.relative_to(session.folder).as_posix()
    except ValueError:
        path = os.fspath(change.path)
    try:
        mode = stat.S_IMODE(change.path.lstat().st_mode)
    except FileNotFoundError:
        mode = change.mode
    try:
        before, after = version(change.now, mode), version(change.wanted, change.mode)
    except OSError as error:
        raise StoreUnavailable(
            f"What {change.path} holds now can't be kept: {error.strerror or error}.",
            hint="Nothing was changed. Check the free space on the disk.",
        ) from error
    return Change(name, datetime.now(UTC), path, before, after)


def _write_record(record: ChangeRecord, changes: Iterable[Change]) -> None:
    try:
        record.append(changes)
    except OSError as error:
        raise StoreUnavailable(
            f"The files were restored, but that can't be recorded: {error.strerror or error}."
        ) from error


def _shown(found: Plan, folder: Path) -> tuple[RewoundFile, ...]:
    room = MOST_SHOWN
    shown = []
    for change in found.changes:
        inserted, deleted = count_lines(change)
        kind = "edited"
        if change.now is None:
            kind = "created"
        elif change.wanted is None:
            kind = "deleted"
        name = os.path.relpath(change.path, folder)
        diff = unified(change, visible(name))
        cut = len(diff) > room
        diff = diff[:room]
        room -= len(diff)
        merged = change.path in found.merged
        shown.append(RewoundFile(change.path, kind, inserted, deleted, merged, diff, cut or None))
    return tuple(shown)


def _by_checkpoints(message_id: str, session: _Rewound) -> Plan:
    """Return what puts files back that the CLI has copies of."""
    try:
        known = Checkpoints.read(session.transcript, session.folder)
        wanted = known.before(message_id)
    except KeyError:
        raise InvalidArgument(
            "messageId: expected a prompt for which the CLI has copies of the files, got "
            f"{message_id}."
        ) from None
    put_back, folder = _read_restored(session.note), session.folder
    changes = (
        _change(path, backup, known.writes.get(path), put_back, folder)
        for path, backup in sorted(wanted.items())
    )
    return Plan([change for change in changes if change is not None])


def _change(
    path: Path, backup: Backup, last: Write | None, put_back: set[str], folder: Path
) -> FileChange | None:
    """Return what has to be done to a file, or None if nothing has."""
    try:
        wanted = None if backup.copy is None else read_regular(backup.copy)
        mode = 0o600 if backup.copy is None else stat.S_IMODE(backup.copy.stat().st_mode)
    except OSError as error:
        raise StoreUnavailable(
            f"The CLI's copy of {path} can't be read: {error.strerror or error}.",
            hint="The CLI deletes old copies; choose a later message.",
        ) from error
    if backup.parent is not None and os.path.realpath(path.parent) != backup.parent:
        raise Conflict(f"{path.parent} has been replaced by another folder.")
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None if wanted is None else FileChange(path, None, wanted, mode)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        raise Conflict(f"{path} is no longer a regular file with a single name.")
    now = read_regular(path)
    if now == wanted:
        return None
    if (
        not _as_the_agent_left_it(path, now, status, last, folder)
        and _hash(path, now) not in put_back
    ):
        raise Conflict(f"{path} has changed since the agent wrote it.")
    return FileChange(path, now, wanted, stat.S_IMODE(status.st_mode))


def _as_the_agent_left_it(
    path: Path, now: bytes, status: os.stat_result, last: Write | None, folder: Path
) -> bool:
    if last is None:
        return False
    if last.content is not None and with_lf(now.decode(errors="replace")) == last.content:
        return True
    # What a hook did to it, a formatter for instance, was over before the tool's result. A line may
    # be anybody's: what it says of a time is believed of the folder alone, and not of the future.
    inside = path.parent.resolve().is_relative_to(folder.resolve())
    return (
        os.name == "posix"
        and inside
        and status.st_ctime <= last.at.timestamp() <= datetime.now(UTC).timestamp()
    )


def _hash(path: Path, content: bytes) -> str:
    return hashlib.sha256(os.fsencode(path) + b"\0" + content).hexdigest()


def _read_restored(note: Path) -> set[str]:
    """Return what was put back before: that is nobody's change."""
    try:
        match parse_json(read_regular(note)):
            case list(hashes):
                return {one for one in hashes if isinstance(one, str)}
    except (OSError, ValueError):
        pass
    return set()


def _record_restored(note: Path, changes: Iterable[FileChange]) -> None:
    hashes = _read_restored(note) | {
        _hash(change.path, change.wanted) for change in changes if change.wanted is not None
    }
    try:
        make_directory(note.parent)
        replace_file(note, json.dumps(sorted(hashes)).encode())
    except OSError as error:
        raise StoreUnavailable(
            f"The files were restored, but {note} can't be written: {error.strerror or error}."
        ) from error
