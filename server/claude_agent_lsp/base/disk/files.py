"""Files that several servers write: opened with care, locked, and replaced in one step."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import stat
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.system.file_io import (
    BINARY,
    NO_LINK,
    NO_WAITING,
    close_and_remove,
    patiently,
    read_at,
    replace,
)
from claude_agent_lsp.base.system.locks import try_lock_handle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

_log = logging.getLogger(__name__)
_NO_LOCKS_HERE = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
_ALWAYS = os.O_CREAT | BINARY | NO_WAITING | NO_LINK
# What the system says of a link, and of a pipe that nobody reads, or a socket.
_NOT_A_FILE = {errno.ELOOP, errno.ENXIO}


def open_own(path: Path, flags: int) -> int:
    """Open a file that is ours to write to or to lock; made with mode 0600 if it is not there.

    In its place may be what somebody has put there, or a damaged disk: a pipe would be waited for,
    and what a link leads to (another file, the server's own input) is not ours.

    Args:
        path: In a directory that exists.
        flags: Of `os.open`.

    Raises:
        OSError: The file cannot be made or opened, or is no regular file, or is a link to one.
    """
    wrong = OSError(errno.EINVAL, "it is not a regular file", os.fspath(path))
    try:
        handle = patiently(lambda: os.open(path, flags | _ALWAYS, 0o600))
    except OSError as error:
        raise (wrong if error.errno in _NOT_A_FILE else error) from None
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    raise wrong


@contextmanager
def locked(path: Path, *, patience_seconds: float = 5.0) -> Iterator[None]:
    """Hold a lock that excludes other processes, and other threads of this one.

    The system frees it when its holder ends, however it ends; the file itself stays, since
    removing it would let two holders lock two files of one name. Where there are no such locks
    (some network file systems) it excludes nobody.

    Args:
        path: The lock file; made with mode 0600 if it is not there.
        patience_seconds: How long to wait for another holder.

    Raises:
        TimeoutError: Another holder still has it.
        OSError: As for `open_own`.
    """
    handle = open_own(path, os.O_RDWR)
    try:
        _acquire(handle, path, time.monotonic() + patience_seconds)
        yield
    finally:
        os.close(handle)


@contextmanager
def locked_and_removed(path: Path, *, patience_seconds: float = 5.0) -> Iterator[None]:
    """Hold a lock as `locked` does, one of many: its file is removed when it is given back.

    Args:
        path: The lock file, of which `try_lock` says more.
        patience_seconds: How long to wait for another holder.

    Raises:
        TimeoutError: Another holder still has it.
        OSError: As for `open_own`.
    """
    deadline = time.monotonic() + patience_seconds
    while (handle := try_lock(path)) is None:
        if time.monotonic() >= deadline:
            raise TimeoutError(f"another process holds the lock on {path}")
        time.sleep(0.002)
    try:
        yield
    finally:
        unlock_and_remove(handle, path)


def try_lock(path: Path) -> int | None:
    """Take a lock like that of `locked`, to be kept, and to be removed by its holder.

    Args:
        path: The lock file; made with mode 0600 if it is not there.

    Returns:
        A descriptor: the lock holds until `unlock_and_remove` or until it is closed. None if
        another holder has it.

    Raises:
        OSError: As for `open_own`.
    """
    while True:
        handle = open_own(path, os.O_RDWR)
        try:
            if not _acquired(handle, path):
                os.close(handle)
                return None
            if _is_at(path, handle):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # its holder has removed it meanwhile: another may lock a new one


def open_to_read(path: Path) -> int:
    """Open whatever is there without waiting for it, to read from it what it says by now.

    Raises:
        OSError: It cannot be opened.
    """
    return os.open(path, os.O_RDONLY | BINARY | NO_WAITING)


def unlock_and_remove(handle: int, path: Path) -> None:
    """Release a lock of `try_lock`, and remove its file.

    The file goes while it is locked, and whoever has opened it before finds, once they have its
    lock, that it is not the one of that name any more. So there are never two holders. On Windows
    it stays if somebody has opened it before.
    """
    ours = False
    with suppress(OSError):
        ours = _is_at(path, handle)
    with suppress(OSError):
        os.ftruncate(handle, 0)
    if ours:
        close_and_remove(handle, path)
    else:
        os.close(handle)


def _is_at(path: Path, handle: int) -> bool:
    """Return whether the open file is the one that has this name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _acquire(handle: int, path: Path, deadline: float) -> None:
    while not _acquired(handle, path):
        if time.monotonic() >= deadline:
            raise TimeoutError(f"another process holds the lock on {path}") from None
        time.sleep(0.002)


def _acquired(handle: int, path: Path) -> bool:
    try:
        return try_lock_handle(handle)
    except OSError as error:
        if error.errno not in _NO_LOCKS_HERE:
            raise
        _log.warning("%s: this file system has no locks (%s)", path, error.strerror)
    return True


def append_lines(path: Path, lines: bytes, *, looks: bool = False) -> bool:
    """Append whole lines to a file, which is made with mode 0600 if it is not there.

    Args:
        path: Its directory is made, too.
        lines: Each with its end.
        looks: Whether to look first at what is there: a line that somebody who was killed has left
            without its end is ended.

    Returns:
        Whether it held anything before, as far as that was looked at.

    Raises:
        OSError: It could not be written.
    """
    flags = os.O_RDWR | os.O_APPEND
    try:
        handle = open_own(path, flags)
    except FileNotFoundError:
        make_directory(path.parent)
        handle = open_own(path, flags)
    try:
        size = os.fstat(handle).st_size if looks else 0
        if size and read_at(handle, 1, size - 1) != b"\n":
            lines = b"\n" + lines
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(handle, rest) :]
    finally:
        os.close(handle)
    return size > 0


def replace_file(path: Path, content: bytes | BinaryIO | Callable[[BinaryIO], None]) -> None:
    """Write a file with mode 0600 such that readers see the old content or the new, never less.

    Args:
        path: In a directory that exists.
        content: What it shall hold; of an open file the rest, which is copied piece by piece; or
            what writes it.

    Raises:
        OSError: It could not be written; the old content is still there.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(handle, "wb") as file:  # noqa: PTH123 - a handle, since it carries the mode
            if isinstance(content, bytes):
                file.write(content)
            elif callable(content):
                content(file)
            else:
                shutil.copyfileobj(content, file)
            file.flush()
            os.fsync(handle)
        replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
