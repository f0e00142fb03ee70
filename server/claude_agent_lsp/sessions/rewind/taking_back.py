"""What has to be done to files to take changes of a record back, the last one first.

    the files now ──▶ without the last change ──▶ without the one before … ──▶ what is written
          └─ changed since such that one can't be taken back: left alone, and named

Nothing outside of the folder is touched, and no link is followed. Everything here touches the disk:
call it in a thread.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.disk.reading import open_regular
from claude_agent_lsp.sessions.changes.copies import MOST_BYTES
from claude_agent_lsp.sessions.rewind.applying import FileChange
from claude_agent_lsp.sessions.rewind.merge import ConflictError, KeptError, taken_back

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from claude_agent_lsp.sessions.changes.copies import Copies, Version
    from claude_agent_lsp.sessions.changes.record import Change

OUTSIDE: Final = "it is outside of the folder"
BY_A_LINK: Final = "the way to it leads through a link now"
NO_FILE: Final = "it is no regular file with a single name now"
TOO_LARGE: Final = "it is too large now"


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that is left as it is.

    Attributes:
        reason: Why.
        conflict: Whether that is for what others have done to it since.
    """

    uri: Path
    reason: str
    conflict: bool = False


@dataclass(slots=True)
class Plan:
    """What is to be done.

    Attributes:
        changes: To files that are put back.
        kept: The files that are left alone.
        merged: Those of the first whose later changes stay.
    """

    changes: list[FileChange] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    merged: set[Path] = field(default_factory=set)


@dataclass(slots=True)
class FileNow:
    """A file on its way back.

    Attributes:
        now: What it holds.
        mode: Its permissions.
        content: What it holds without the changes that are taken back by now.
        wanted: Its permissions then.
        merged: Whether it has something that none of the changes has left there.
        kept: Why it is left alone.
        conflict: Whether that is for what others have done to it.
    """

    now: bytes | None = None
    mode: int = 0o644
    content: bytes | None = None
    wanted: int = 0o644
    merged: bool = False
    kept: str | None = None
    conflict: bool = False


def plan(
    changes: Iterable[Change],
    folder: Path,
    copies: Copies,
    unsaved: Mapping[Path, bytes] | None = None,
) -> Plan:
    """Return what takes changes back.

    Args:
        changes: The changes, in the order in which they were made.
        folder: The folder that their paths are below.
        copies: Has what the files held.
        unsaved: What an editor has of some files that their disk has not.
    """
    files: dict[str, FileNow] = {}
    for change in reversed(list(changes)):
        for path in filter(None, (change.path, change.moved_from)):
            if path not in files:
                files[path] = read_now(path, folder, unsaved)
        _take_back(change, files, copies)
    found = Plan()
    for path, file in sorted(files.items()):
        where = folder / path
        if file.kept is not None:
            found.kept.append(Kept(where, file.kept, file.conflict))
        elif file.content != file.now or (file.content is not None and file.wanted != file.mode):
            found.changes.append(FileChange(where, file.now, file.content, file.wanted))
            if file.merged:
                found.merged.add(where)
    return found


def _take_back(change: Change, files: dict[str, FileNow], copies: Copies) -> None:
    file = files[change.path]
    if file.kept is not None:
        return
    try:
        before, after = (_content(version, copies) for version in (change.before, change.after))
        old = None if change.moved_from is None else files[change.moved_from]
        if (
            old is not None
            and old.kept is None
            and old.content in (None, after)
            and file.content not in (None, after)
        ):
            # What was done to it where it is now goes back with it.
            old.content, old.wanted, old.merged = file.content, file.wanted, True
            file.content = None
            return
        if change.moved_to is not None and file.merged and file.content is not None:
            return  # it has come back already
        content = taken_back(file.content, before, after)
    except KeptError as why:
        file.kept, file.conflict = str(why), isinstance(why, ConflictError)
        return
    file.merged = file.merged or content != before
    file.content = content
    if change.before is not None and (
        change.after is None or file.wanted == change.after.mode or file.now is None
    ):
        file.wanted = change.before.mode


def _content(version: Version | None, copies: Copies) -> bytes | None:
    if version is None:
        return None
    if version.digest is None:
        raise KeptError(f"there is no copy of it: {version.lost or 'nobody knows why'}")
    try:
        return copies.read(version.digest)
    except OSError as error:
        raise KeptError(f"its copy can't be read: {error.strerror or error}") from error


def read_now(path: str, folder: Path, unsaved: Mapping[Path, bytes] | None = None) -> FileNow:
    """Return a file of the folder as it is now, or why it is not to be touched.

    Args:
        path: The file, as the record names it.
        folder: The folder.
        unsaved: What an editor has of some files that their disk has not.
    """
    where, parts = folder / path, Path(path)
    if parts.is_absolute() or ".." in parts.parts:
        return FileNow(kept=OUTSIDE)
    # Strictly below: what the folder itself is called may be a link.
    if Path(os.path.realpath(where.parent)) != Path(os.path.realpath(folder)) / parts.parent:
        return FileNow(kept=BY_A_LINK)
    mode = 0o644
    content: bytes | None = (unsaved or {}).get(where)
    try:
        status = where.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            return FileNow(kept=NO_FILE, conflict=True)
        mode = stat.S_IMODE(status.st_mode)
        if content is None:
            with open_regular(where, follow=False) as file:
                content = file.read(MOST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        if content is None:
            return FileNow()
    except OSError as error:
        return FileNow(kept=f"it can't be read: {error.strerror or error}")
    kept = TOO_LARGE if len(content) > MOST_BYTES else None
    return FileNow(content, mode, content, mode, kept=kept)
