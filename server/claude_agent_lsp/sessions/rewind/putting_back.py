"""Does to files what takes changes of a record back, and records that it was done.

Rewinding, reviewing and redoing all end here:

    plan ──▶ keep what is there ──▶ write ──▶ record
      └─ Conflict: nothing was touched
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.disk.files import replace_file
from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.base.system.paths import shown_in
from claude_agent_lsp.base.texts.json_text import parse_json
from claude_agent_lsp.base.texts.visible import visible
from claude_agent_lsp.errors import Conflict, SessionNotFound, StoreUnavailable
from claude_agent_lsp.sessions.changes.record import Change, ChangeRecord
from claude_agent_lsp.sessions.rewind.applying import FileChange, apply, count_lines, unified
from claude_agent_lsp.sessions.rewind.taking_back import Plan, plan
from claude_agent_lsp.sessions.transcripts.transcript import find_transcript, folder_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from claude_agent_lsp.sessions.changes.copies import Version
    from claude_agent_lsp.sessions.rewind.taking_back import Kept

# Characters of all the diffs of a preview.
MOST_SHOWN: Final = 500_000
# What takes changes back is called so in the record, with an id, where else a run is named.
REWOUND: Final = "rewind:"
UNDONE: Final = "undo:"
# What takes one of those back: with its name behind.
REDONE: Final = "redo:"


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
class RecordedSession:
    """A session whose files are put back.

    Attributes:
        folder: What the record's paths are below.
        note: Where it is noted what was put back.
    """

    session_id: str
    transcript: Path
    folder: Path
    record: ChangeRecord
    note: Path

    @classmethod
    def find(cls, session_id: str, state: Path) -> RecordedSession:
        """Return it. It touches the disk.

        Raises:
            SessionNotFound: There is no such session.
        """
        transcript = find_transcript(session_id)
        if transcript is None:
            raise SessionNotFound(f"There is no session {session_id}.")
        folder = folder_of(transcript) or transcript.parent
        record = ChangeRecord(state, session_id)
        note = state / "rewinds" / f"{session_id}.json"
        return cls(session_id, transcript, folder, record, note)

    def plan(self, changes: Iterable[Change], unsaved: Mapping[Path, bytes] | None = None) -> Plan:
        """Return what takes changes back, with what an editor has of some files."""
        return plan(changes, self.folder, self.record.copies, unsaved)

    def named(self, path: Path) -> str:
        """Return a file as the record names it."""
        try:
            return path.relative_to(self.folder).as_posix()
        except ValueError:
            return os.fspath(path)


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done.

    Attributes:
        session: The session that it is recorded with.
        plan: To which files.
        name: What it is called in the record.
        wanted: How.
        unseen: Passed on into the result.
    """

    session: RecordedSession
    plan: Plan
    name: str
    wanted: Wanted
    unseen: tuple[str, ...] = ()

    def check(self) -> None:
        """See whether it may be done.

        Raises:
            Conflict: Somebody else has changed a file.
        """
        conflicts = [each for each in self.plan.kept if each.conflict]
        if conflicts and not (self.wanted.keep_conflicts or self.wanted.preview):
            raise Conflict(f"{conflicts[0].uri} has changed since the agent wrote it.")

    def finish(self, done: Collection[Path] = ()) -> Rewind:
        """Do it, but for what the editor has done. It touches the disk: call it in a thread.

        Raises:
            Conflict: Somebody has just changed a file. Nothing was touched on the disk.
            StoreUnavailable: A file can't be written. Likewise.
        """
        try:
            return put_back(self, done=done)
        except (Conflict, StoreUnavailable):
            ours = [change for change in self.plan.changes if change.path in done]
            if ours:  # what the editor has done is recorded all the same
                put_back(replace(self, plan=Plan(ours)), done=done)
            raise


def put_back(work: Work, *, done: Collection[Path] = ()) -> Rewind:
    """Do what is planned, and record it under a name; or only say what it is.

    Args:
        work: What is planned.
        done: The files to which the editor has done it already.

    Raises:
        Conflict: Somebody else has changed a file. Nothing was touched.
        StoreUnavailable: A file can't be written, or what it holds can't be kept.
    """
    work.check()
    found, session, wanted = work.plan, work.session, work.wanted
    if found.changes and not (wanted.dry_run or wanted.preview):
        # What is written over is kept first, so that it can be had again.
        changes = [_recorded(each, session, work.name) for each in found.changes]
        apply(each for each in found.changes if each.path not in done)
        _write_record(session.record, changes)
        _record_restored(session.note, found.changes)
    lines = [count_lines(change) for change in found.changes]
    return Rewind(
        tuple(change.path for change in found.changes),
        sum(inserted for inserted, _ in lines),
        sum(deleted for _, deleted in lines),
        tuple(found.kept) or None,
        _shown(found, session.folder) if wanted.preview else None,
        work.unseen or None,
    )


def not_taken_back(names: Iterable[str], kind: str) -> list[str]:
    """Return the rewinds, or what else is of a kind, that were not redone, the oldest first."""
    found: dict[str, None] = {}
    for name in names:
        if name.startswith(kind):
            found[name] = None
        elif name.startswith(REDONE):
            found.pop(name.removeprefix(REDONE), None)
    return list(found)


def _recorded(change: FileChange, session: RecordedSession, name: str) -> Change:
    def version(content: bytes | None, mode: int) -> Version | None:
        return None if content is None else session.record.copies.keep(content, mode)

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
    return Change(name, datetime.now(UTC), session.named(change.path), before, after)


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
        name = shown_in(change.path, folder)
        diff = unified(change, visible(name))
        cut = len(diff) > room
        diff = diff[:room]
        room -= len(diff)
        merged = change.path in found.merged
        shown.append(RewoundFile(change.path, kind, inserted, deleted, merged, diff, cut or None))
    return tuple(shown)


def hash_of(path: Path, content: bytes) -> str:
    """Return what a file with a content is called where it is noted what was put back."""
    return hashlib.sha256(os.fsencode(path) + b"\0" + content).hexdigest()


def read_restored(note: Path) -> set[str]:
    """Return what was put back before: that is nobody's change."""
    try:
        match parse_json(read_regular(note)):
            case list(hashes):
                return {one for one in hashes if isinstance(one, str)}
    except (OSError, ValueError):
        pass
    return set()


def _record_restored(note: Path, changes: Iterable[FileChange]) -> None:
    hashes = read_restored(note) | {
        hash_of(change.path, change.wanted) for change in changes if change.wanted is not None
    }
    try:
        make_directory(note.parent)
        replace_file(note, json.dumps(sorted(hashes)).encode())
    except OSError as error:
        raise StoreUnavailable(
            f"The files were restored, but {note} can't be written: {error.strerror or error}."
        ) from error
