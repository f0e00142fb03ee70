"""Sessions of another machine, or of other people: brought here as sessions of a folder.

What is read is a transcript, whichever CLI wrote it, as `sessions export --format jsonl` gives it,
or a directory of such. Of its lines only those of the conversation are taken, as from a shared
store: the CLI obeys others, and whoever gave the file must not tell it what to do. Folders in them
become the folder here. Nothing that is here is overwritten: what is here already is told as such,
and of another content under the same id a session with an id of its own is made, the same each
time. It reads and writes files: call it in a thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from claude_agent_lsp.base.disk.files import open_own
from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.texts.json_text import parse_json
from claude_agent_lsp.errors import InvalidArgument, StoreUnavailable
from claude_agent_lsp.sessions.catalogue.kept_copies import KeptCopies
from claude_agent_lsp.sessions.sharing.line_codec import local, renamed
from claude_agent_lsp.sessions.transcripts.packed import open_transcript
from claude_agent_lsp.sessions.transcripts.projects import project_directory
from claude_agent_lsp.sessions.transcripts.transcript import find_transcript, is_session_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claude_agent_sdk import SessionStoreEntry

SUFFIX: Final = ".jsonl"
MOST_FILES: Final = 1000
MOST_BYTES: Final = 256 << 20
# As much as a shared store takes; the CLI's longest are those with pictures.
LINE_BYTES: Final = 32 << 20
_SAYING: Final = ("user", "assistant")
_HERE: Final = "."


class Outcome(Enum):
    """What has become of a file."""

    IMPORTED = "imported"
    KNOWN = "known"  # all of it is here already
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Imported:
    """A file, and what has become of it.

    Attributes:
        uri: The file.
        session_id: The session that it is now; None if it is none.
        unreadable: How many of its lines could not be read, and were left out.
        reason: Why it was refused.
    """

    uri: Path
    outcome: Outcome
    session_id: str | None = None
    unreadable: int = 0
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    """What is known of a file before its lines are taken.

    Attributes:
        session_id: As its lines have it, or its name.
        folder: Where the session was begun, as the other machine spells it.
        lines: A digest of each line that is taken, as one of the session's, in the folder here.
    """

    session_id: str
    folder: str | None
    lines: tuple[bytes, ...]
    unreadable: int


class _Refused(Exception):
    pass


def import_sessions(source: Path, folder: Path, state: Path) -> tuple[Imported, ...]:
    """Bring sessions here.

    Args:
        source: A transcript, or a directory of transcripts.
        folder: The folder whose sessions they become.
        state: The state directory, for sessions that the CLI has deleted.

    Returns:
        What has become of each file.

    Raises:
        InvalidArgument: It is a single file that holds no session, or nothing that could hold one.
        StoreUnavailable: A session can't be written.
    """
    if not source.is_dir():
        done = _import(source, folder, state)
        if done.outcome is Outcome.REFUSED:
            raise InvalidArgument(f"uri: expected a session's transcript, and {done.reason}")
        return (done,)
    files = sorted(path for path in source.iterdir() if path.suffix == SUFFIX)
    if not files:
        raise InvalidArgument(f"uri: expected transcripts (*{SUFFIX}), and {source} has none.")
    if len(files) > MOST_FILES:
        raise InvalidArgument(
            f"uri: expected at most {MOST_FILES} transcripts, and {source} has {len(files)}."
        )
    return tuple(_import(path, folder, state) for path in files)


def _import(source: Path, folder: Path, state: Path) -> Imported:
    try:
        read = _read(source)
        session_id, is_known = _place(read, state)
        if is_known:
            return Imported(source, Outcome.KNOWN, session_id, read.unreadable)
    except _Refused as refused:
        return Imported(source, Outcome.REFUSED, reason=str(refused))
    except OSError as error:
        reason = f"{source} can't be read: {error.strerror or error}."
        return Imported(source, Outcome.REFUSED, reason=reason)
    try:
        _write(source, replace(read, session_id=session_id), folder)
    except FileExistsError:  # another server has just brought it here
        return Imported(source, Outcome.KNOWN, session_id, read.unreadable)
    except OSError as error:
        raise StoreUnavailable(
            f"The session {session_id} can't be written: {error.strerror or error}.",
            hint="Check the permissions of Claude Code's directory, and the room on its disk.",
        ) from error
    return Imported(source, Outcome.IMPORTED, session_id, read.unreadable)


def _place(read: _Read, state: Path) -> tuple[str, bool]:
    """Return the id that a session gets here, and whether it is here already."""
    digest = hashlib.sha256(b"".join(read.lines)).hexdigest()
    for session_id in (read.session_id, str(uuid.uuid5(uuid.NAMESPACE_OID, digest))):
        there = find_transcript(session_id) or KeptCopies(state).find(session_id)
        if there is None:
            return session_id, False
        with contextlib.suppress(_Refused):
            lines = _read(there).lines
            if lines[: len(read.lines)] == read.lines:
                return session_id, True
    raise _Refused(f"there is another session {read.session_id}.")


def _read(source: Path) -> _Read:
    """Look through a transcript.

    Raises:
        OSError: It can't be read.
        _Refused: It is none, or is too long.
    """
    found, folder, said, unreadable = "", None, False, 0
    lines = []
    for entry in _entries(source):
        if entry is None:
            unreadable += 1
            continue
        session_id, cwd = entry.get("sessionId"), entry.get("cwd")
        found = found or _id_in(session_id)
        folder = folder or (cwd if isinstance(cwd, str) else None)
        line = _line(entry, folder, "/", "")
        if line is not None:
            said = said or entry.get("type") in _SAYING
            lines.append(hashlib.sha256(line).digest())
    if not said:
        raise _Refused(f"{source} holds no conversation.")
    if not found:
        name = source.name.removesuffix(SUFFIX).lower()
        text = str(uuid.uuid5(uuid.NAMESPACE_OID, hashlib.sha256(b"".join(lines)).hexdigest()))
        found = name if is_session_id(name) else text
    return _Read(found.lower(), folder, tuple(lines), unreadable)


def _entries(source: Path) -> Iterator[dict[str, Any] | None]:
    """Return the lines of a transcript, None for one that is no JSON object."""
    with open_transcript(source) as file:
        size = os.fstat(file.fileno()).st_size
        read = 0  # of a packed one nobody can say before how long it is
        while line := file.readline(LINE_BYTES + 1):
            read += len(line)
            if len(line) > LINE_BYTES:
                raise _Refused(f"a line of {source} is longer than {LINE_BYTES >> 20} MiB.")
            if max(size, read) > MOST_BYTES:
                raise _Refused(f"{source} is longer than {MOST_BYTES >> 20} MiB.")
            if not line.strip():
                continue
            try:
                entry = parse_json(line)
            except ValueError:
                entry = None
            yield entry if isinstance(entry, dict) else None


def _line(entry: dict[str, Any], folder: str | None, here: str, session_id: str) -> bytes | None:
    """Return a line as one of a session and of a folder here; None for one that is not taken."""
    moved = dict(entry)
    if "cwd" in moved:
        moved["cwd"] = _below(moved["cwd"], folder)
    line = local(cast("SessionStoreEntry", moved), here)
    if parse_json(line).get("type") != entry.get("type"):
        return None  # it has been kept in a line that says nothing to the CLI
    return renamed(line, session_id)


def _below(cwd: object, folder: str | None) -> str:
    """Return where a line was said, as a path below the session's folder, or that folder."""
    if not isinstance(cwd, str) or folder is None:
        return _HERE
    is_posix = folder.startswith("/")
    kind = PurePosixPath if is_posix else PureWindowsPath
    path = kind(os.path.normpath(cwd) if is_posix else cwd)
    if not path.is_relative_to(folder):
        return _HERE
    below = path.relative_to(folder).as_posix()
    return _HERE if ".." in PurePosixPath(below).parts else below


def _write(source: Path, read: _Read, folder: Path) -> None:
    """Write a session in one step, where there is none of its id.

    Raises:
        FileExistsError: There is one by now.
        OSError: It can't be written.
    """
    directory = project_directory(folder)
    make_directory(directory)
    path = directory / f"{read.session_id}{SUFFIX}"
    beside = directory / f".{read.session_id}.{uuid.uuid4().hex}"
    here = os.path.realpath(folder)
    try:
        handle = open_own(beside, os.O_WRONLY | os.O_EXCL)
        with os.fdopen(handle, "wb") as file:
            _copy(source, read, here, file)
            file.flush()
            os.fsync(file.fileno())
        # A link to what is there fails, where a move would replace it.
        os.link(beside, path)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()


def _copy(source: Path, read: _Read, here: str, file: BinaryIO) -> None:
    for entry in _entries(source):
        line = None if entry is None else _line(entry, read.folder, here, read.session_id)
        if line is not None:
            file.write(line)


def _id_in(word: object) -> str:
    return word if isinstance(word, str) and is_session_id(word) else ""
