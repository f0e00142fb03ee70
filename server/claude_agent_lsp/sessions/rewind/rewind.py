"""Puts files back as they were before a prompt, from the copies that the CLI makes.

The CLI's own way overwrites whatever is there. Here, a file that somebody else has changed since
the agent did stops it before anything is touched.

    plan ──▶ check ──▶ write beside ──▶ replace
                │            └──────▶ nothing was touched
                └─ Conflict: nothing was touched
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.disk.files import replace_file
from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.base.texts.json_text import parse_json
from claude_agent_lsp.base.texts.line_diff import LineDiff
from claude_agent_lsp.errors import Conflict, InvalidArgument, SessionNotFound, StoreUnavailable
from claude_agent_lsp.sessions.rewind.checkpoints import Checkpoints, with_lf
from claude_agent_lsp.sessions.transcripts.transcript import find_transcript, folder_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from claude_agent_lsp.sessions.rewind.checkpoints import Backup, Write

# Bytes of a file whose lines are compared.
MOST_COMPARED: Final = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Rewind:
    """What putting files back changes.

    Attributes:
        insertions: Lines that come back.
        deletions: Lines that go.
    """

    files_changed: tuple[Path, ...]
    insertions: int
    deletions: int


@dataclass(frozen=True, slots=True)
class _Change:
    path: Path
    now: bytes | None
    wanted: bytes | None
    mode: int


def rewind(session_id: str, message_id: str, state: Path, *, dry_run: bool) -> Rewind:
    """Put the files that the agent has changed back as they were before a prompt.

    Args:
        session_id: The session, in which no run may be at work.
        message_id: The prompt's, as in `read_messages`.
        state: The state directory, where it is noted what was put back.
        dry_run: Only return what would be changed.

    Raises:
        SessionNotFound: There is no such session.
        InvalidArgument: The message is no prompt, or the CLI made no copies for it.
        Conflict: Somebody else has changed a file since the agent did. Nothing was touched.
        StoreUnavailable: A copy is gone, or a file can't be written. Nothing was touched.
    """
    transcript = find_transcript(session_id)
    if transcript is None:
        raise SessionNotFound(f"There is no session {session_id}.")
    try:
        folder = folder_of(transcript) or transcript.parent
        known = Checkpoints.read(transcript, folder)
        wanted = known.before(message_id)
    except KeyError:
        raise InvalidArgument(
            "messageId: expected a prompt for which the CLI has copies of the files, got "
            f"{message_id}."
        ) from None
    note = state / "rewinds" / f"{session_id}.json"
    put_back = _read_restored(note)
    changes = [
        change
        for path, backup in sorted(wanted.items())
        if (change := _change(path, backup, known.writes.get(path), put_back, folder)) is not None
    ]
    if not dry_run and changes:
        _apply(changes)
        _record_restored(note, changes)
    lines = [_count_lines(change) for change in changes]
    return Rewind(
        tuple(change.path for change in changes),
        sum(inserted for inserted, _ in lines),
        sum(deleted for _, deleted in lines),
    )


def _change(
    path: Path, backup: Backup, last: Write | None, put_back: set[str], folder: Path
) -> _Change | None:
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
        return None if wanted is None else _Change(path, None, wanted, mode)
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
    return _Change(path, now, wanted, stat.S_IMODE(status.st_mode))


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


def _apply(changes: Iterable[_Change]) -> None:
    """Make all changes, or none."""
    ready: list[tuple[_Change, Path | None]] = []
    done: list[_Change] = []
    try:
        for change in changes:
            beside = None if change.wanted is None else _write_beside(change)
            ready.append((change, beside))
        for change, beside in ready:
            if beside is None:
                change.path.unlink()
            else:
                beside.replace(change.path)
            done.append(change)
    except OSError as error:
        for change in done:
            _undo(change)
        for change, beside in ready:
            if beside is not None and change not in done:
                beside.unlink(missing_ok=True)
        raise StoreUnavailable(
            f"The files could not be restored: {error.strerror or error} ({error.filename}).",
            hint=(
                "Nothing was changed. Check the permissions of the files and the free space on "
                "the disk."
            ),
        ) from error


def _write_beside(change: _Change) -> Path:
    """Return the wanted content, in a file that only has to be renamed."""
    change.path.parent.mkdir(parents=True, exist_ok=True)
    beside = change.path.with_name(f".{change.path.name}.{os.getpid()}.rewind")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(handle, "wb") as file:  # noqa: PTH123 - a handle, since it carries the mode
            file.write(change.wanted or b"")
            file.flush()
            os.fsync(handle)
        beside.chmod(change.mode)
    except OSError:
        beside.unlink()
        raise
    return beside


def _undo(change: _Change) -> None:
    with contextlib.suppress(OSError):
        if change.now is None:
            change.path.unlink()
        else:
            replace_file(change.path, change.now)
            change.path.chmod(change.mode)


def _count_lines(change: _Change) -> tuple[int, int]:
    """Return how many lines a change inserts and deletes."""
    now, wanted = change.now or b"", change.wanted or b""
    if max(len(now), len(wanted)) > MOST_COMPARED:
        # Split into lines they would hold up all else: the one stands for the other as a whole.
        return wanted.count(b"\n"), now.count(b"\n")
    before, after = now.splitlines(keepends=True), wanted.splitlines(keepends=True)
    return LineDiff(before, after).counts()


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


def _record_restored(note: Path, changes: Iterable[_Change]) -> None:
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
