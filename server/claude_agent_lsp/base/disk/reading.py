"""The one door to files that others write: regular files, read to a bound, never waited for.

A repository may bring along, where a file is looked for, a link to a device or to the server's own
standard input, a FIFO that nobody writes to, or a file without an end. A disk that hangs is for the
lanes (`lanes.py`): call all of it in a thread.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, BinaryIO, Final

from claude_agent_lsp.base.system.file_io import BINARY, NO_LINK, NO_WAITING
from claude_agent_lsp.base.system.processes import user_id

if TYPE_CHECKING:
    from pathlib import Path

# What a settings file, a record or an image is never as large as.
MOST_BYTES: Final = 64 * 2**20
# Longer than any that a system opens.
LONGEST_PATH: Final = 40_000
# Where there is no such flag there are no FIFOs and no terminals in folders either.
_FLAGS: Final = (
    os.O_RDONLY | BINARY | NO_WAITING | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_CLOEXEC", 0)
)


def open_regular(path: Path | str, *, follow: bool = True) -> BinaryIO:
    """Open a regular file to be read.

    Args:
        path: The file.
        follow: Whether it may be a link that leads to one.

    Raises:
        OSError: It can't be opened, or it is something else: a device, a FIFO, a directory.
        ValueError: No file can have this name.
    """
    flags = _FLAGS if follow else _FLAGS | NO_LINK
    try:
        handle = os.open(path, flags)
    except BlockingIOError:
        # Somebody has a lease on it (fcntl(2)), and gives it up when the kernel asks: what has
        # one is a regular file.
        handle = os.open(path, flags & ~NO_WAITING)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", os.fspath(path))
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_regular(path: Path | str, most_bytes: int | None = MOST_BYTES) -> bytes:
    """Return all that a regular file holds.

    Args:
        path: The file.
        most_bytes: How many it may hold; None for a conversation, which is as long as it is.

    Raises:
        OSError: As for `open_regular`; or it is larger than `most_bytes`, also where it does not
            say so itself, as files of /proc don't.
        ValueError: No file can have this name.
    """
    with open_regular(path) as file:
        content = file.read(-1 if most_bytes is None else most_bytes + 1)
    if most_bytes is not None and len(content) > most_bytes:
        limit = most_bytes / 2**20
        raise OSError(errno.EFBIG, f"it is larger than {limit:g} MiB", os.fspath(path))
    return content


def read_own(path: Path | str, most_bytes: int) -> bytes:
    """Return all that a regular file of this user's holds, which is no link to one.

    Raises:
        OSError: As for `read_regular`; or it is another user's, or a link.
        ValueError: No file can have this name.
    """
    with open_regular(path, follow=False) as file:
        if user_id() not in (None, os.fstat(file.fileno()).st_uid):
            raise OSError(errno.EPERM, "it belongs to another user", os.fspath(path))
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise OSError(errno.EFBIG, f"it is larger than {most_bytes} bytes", os.fspath(path))
    return content


def read_text(path: Path | str, errors: str = "strict", most_bytes: int | None = MOST_BYTES) -> str:
    """Return the text of a regular file in UTF-8, all of whose lines end with LF.

    Raises:
        OSError: As for `read_regular`.
        ValueError: It is not UTF-8, and `errors` is "strict"; or no file can have this name.
    """
    text = read_regular(path, most_bytes).decode(errors=errors)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def first_line(path: Path | str) -> str | None:
    """Return the first line of a regular file, without its end; None if it can't be read.

    It is meant for files that hold one path: of a longer line the rest is left out, and one that no
    file can be called by is none.
    """
    try:
        with open_regular(path) as file:
            line = os.fsdecode(file.readline(LONGEST_PATH)).rstrip("\r\n")
    except (OSError, ValueError):
        return None
    return None if "\0" in line else line
