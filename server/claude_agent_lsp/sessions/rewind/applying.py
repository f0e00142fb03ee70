"""Changes files, all of them or none: each is written beside, then put in the place of the old one.

write beside ──▶ replace
└──────▶ nothing was touched
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.disk.files import replace_file
from claude_agent_lsp.base.disk.reading import open_regular
from claude_agent_lsp.base.system.file_io import replace
from claude_agent_lsp.base.texts.line_diff import LineDiff
from claude_agent_lsp.base.texts.visible import visible
from claude_agent_lsp.errors import Conflict, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# Bytes of a file whose lines are compared.
MOST_COMPARED: Final = 4 * 2**20


@dataclass(frozen=True, slots=True)
class FileChange:
    """What is done to one file.

    Attributes:
        now: What it holds; None if it is not there.
        wanted: What it shall hold; None if it shall go.
        mode: Its permissions then.
    """

    path: Path
    now: bytes | None
    wanted: bytes | None
    mode: int


def apply(changes: Iterable[FileChange]) -> None:
    """Make all changes, or none.

    Raises:
        Conflict: Somebody has just changed a file. Nothing was touched.
        StoreUnavailable: A file can't be written. Nothing was touched.
    """
    ready: list[tuple[FileChange, Path | None]] = []
    done: list[FileChange] = []
    try:
        for change in changes:
            beside = None if change.wanted is None else _write_beside(change)
            ready.append((change, beside))
        for change, beside in ready:
            if _content_of(change.path) != change.now:
                raise Conflict(f"{change.path} has just been changed.")
            if beside is None:
                change.path.unlink()
            else:
                replace(beside, change.path)
            done.append(change)
    except (OSError, Conflict) as error:
        for change in done:
            _undo(change)
        for change, beside in ready:
            if beside is not None and change not in done:
                beside.unlink(missing_ok=True)
        if isinstance(error, Conflict):
            raise
        raise StoreUnavailable(
            f"The files could not be restored: {error.strerror or error} ({error.filename}).",
            hint=(
                "Nothing was changed. Check the permissions of the files and the free space on "
                "the disk."
            ),
        ) from error


def _content_of(path: Path) -> bytes | None:
    try:
        with open_regular(path, follow=False) as file:
            return file.read()
    except FileNotFoundError:
        return None


def _write_beside(change: FileChange) -> Path:
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


def _undo(change: FileChange) -> None:
    with contextlib.suppress(OSError):
        if change.now is None:
            change.path.unlink()
        else:
            replace_file(change.path, change.now)
            change.path.chmod(change.mode)


def unified(change: FileChange, name: str) -> str:
    """Return what a change does to a file's lines, as a unified diff; of no text one line."""
    now, wanted = change.now or b"", change.wanted or b""
    if max(len(now), len(wanted)) > MOST_COMPARED or b"\0" in now + wanted:
        return f"Binary files a/{name} and b/{name} differ\n"
    before, after = (_shown(content) for content in (now, wanted))
    old = "/dev/null" if change.now is None else f"a/{name}"
    new = "/dev/null" if change.wanted is None else f"b/{name}"
    parts = [f"--- {old}\n+++ {new}\n"]
    for group in LineDiff(before, after).get_grouped_opcodes():
        _, i, _, j, _ = group[0]
        i_end, j_end = group[-1][2], group[-1][4]
        parts.append(f"@@ -{_range(i, i_end)} +{_range(j, j_end)} @@\n")
        for kind, i1, i2, j1, j2 in group:
            if kind == "equal":
                parts += [f" {line}" for line in before[i1:i2]]
                continue
            parts += [f"-{line}" for line in before[i1:i2]]
            parts += [f"+{line}" for line in after[j1:j2]]
    return "".join(parts)


def _shown(content: bytes) -> list[str]:
    lines = content.decode(errors="replace").splitlines(keepends=True)
    shown = [visible(line.rstrip("\r\n"), lines=True) + "\n" for line in lines]
    if lines and not lines[-1].endswith(("\n", "\r")):
        shown[-1] += "\\ No newline at end of file\n"
    return shown


def _range(start: int, end: int) -> str:
    size = end - start
    return f"{start + bool(size)},{size}"


def count_lines(change: FileChange) -> tuple[int, int]:
    """Return how many lines a change inserts and deletes."""
    now, wanted = change.now or b"", change.wanted or b""
    if max(len(now), len(wanted)) > MOST_COMPARED:
        # Split into lines they would hold up all else: the one stands for the other as a whole.
        return wanted.count(b"\n"), now.count(b"\n")
    before, after = now.splitlines(keepends=True), wanted.splitlines(keepends=True)
    return LineDiff(before, after).counts()
