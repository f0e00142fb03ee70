"""Puts files back as they were before a prompt, and forward again.

The CLI's own way overwrites whatever is there, and knows nothing of what a shell has changed. Here,
later changes by others stay in a file where they can, and else the file is left alone.
"""

from __future__ import annotations

import os
import stat
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.errors import Conflict, InvalidArgument, StoreUnavailable
from claude_agent_lsp.sessions.changes.record import Change, Unseen
from claude_agent_lsp.sessions.journal.run_records import RunRecords
from claude_agent_lsp.sessions.rewind.applying import FileChange
from claude_agent_lsp.sessions.rewind.checkpoints import Checkpoints, with_lf
from claude_agent_lsp.sessions.rewind.putting_back import (
    REDONE,
    REWOUND,
    RecordedSession,
    Rewind,
    Wanted,
    Work,
    hash_of,
    not_taken_back,
    read_restored,
)
from claude_agent_lsp.sessions.rewind.taking_back import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from claude_agent_lsp.sessions.rewind.checkpoints import Backup, Write


def rewind(session_id: str, message_id: str, state: Path, wanted: Wanted) -> Rewind:
    """Put the files back on the disk: see `to_rewind` and `put_back`."""
    return to_rewind(session_id, message_id, state, wanted).finish()


def redo(session_id: str, state: Path, wanted: Wanted) -> Rewind:
    """Take the last rewind back on the disk: see `to_redo` and `put_back`."""
    return to_redo(session_id, state, wanted).finish()


def to_rewind(
    session_id: str,
    message_id: str,
    state: Path,
    wanted: Wanted,
    unsaved: Mapping[Path, bytes] | None = None,
) -> Work:
    """Return what puts the files that the agent has changed back as they were before a prompt.

    By the record of what runs have changed, whatever tool did; of a prompt that has none, as of a
    terminal, from the copies that the CLI makes.

    Args:
        session_id: The session, in which no run may be at work.
        message_id: The prompt's, as in `read_messages`.
        state: The state directory, where it is noted what was put back.
        wanted: How.
        unsaved: What an editor has of some files that their disk has not.

    Raises:
        SessionNotFound: There is no such session.
        InvalidArgument: The message is no prompt, or the CLI made no copies for it.
        Conflict: Somebody else has changed a file since the agent did.
        StoreUnavailable: A copy is gone.
    """
    session = RecordedSession.find(session_id, state)
    since = _begin_of(message_id, session_id, state)
    unseen: tuple[str, ...] = ()
    if since is None:
        found = _by_checkpoints(message_id, session)
    else:
        entries = [entry for entry in session.record.read() if entry.at >= since]
        changes = [entry for entry in entries if isinstance(entry, Change)]
        found = session.plan(changes, unsaved)
        unseen = tuple(dict.fromkeys(e.reason for e in entries if isinstance(e, Unseen)))
    return Work(session, found, f"{REWOUND}{uuid.uuid4()}", wanted, unseen)


def to_redo(
    session_id: str, state: Path, wanted: Wanted, unsaved: Mapping[Path, bytes] | None = None
) -> Work:
    """Return what takes the last rewind back that was not taken back yet.

    Args:
        session_id: The session, in which no run may be at work.
        state: The state directory.
        wanted: How.
        unsaved: What an editor has of some files that their disk has not.

    Raises:
        SessionNotFound: There is no such session.
        InvalidArgument: There is no such rewind.
    """
    session = RecordedSession.find(session_id, state)
    changes = [entry for entry in session.record.read() if isinstance(entry, Change)]
    open_ones = not_taken_back((change.run_id for change in changes), REWOUND)
    if not open_ones:
        raise InvalidArgument(f"sessionId: the session {session_id} has no rewind to be redone.")
    name = open_ones[-1]
    back = session.plan((each for each in changes if each.run_id == name), unsaved)
    return Work(session, back, f"{REDONE}{name}", wanted)


def _begin_of(message_id: str, session_id: str, state: Path) -> datetime | None:
    """Return when the run of a prompt began, if what it has changed is recorded."""
    for run in RunRecords(lambda: state).each(session_id):
        if run.begun.message_id == message_id:
            return run.begun.at if run.begun.recorded else None
    return None


def _by_checkpoints(message_id: str, session: RecordedSession) -> Plan:
    """Return what puts files back that the CLI has copies of."""
    try:
        known = Checkpoints.read(session.transcript, session.folder)
        wanted = known.before(message_id)
    except KeyError:
        raise InvalidArgument(
            "messageId: expected a prompt for which the CLI has copies of the files, got "
            f"{message_id}."
        ) from None
    restored, folder = read_restored(session.note), session.folder
    changes = (
        _change(path, backup, known.writes.get(path), restored, folder)
        for path, backup in sorted(wanted.items())
    )
    return Plan([change for change in changes if change is not None])


def _change(
    path: Path, backup: Backup, last: Write | None, restored: set[str], folder: Path
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
        and hash_of(path, now) not in restored
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
