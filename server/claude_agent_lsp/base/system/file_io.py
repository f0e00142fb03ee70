"""Opening, reading, writing and replacing files where the systems differ."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

# Windows turns line ends into its own in a file that is opened without it.
BINARY: Final = getattr(os, "O_BINARY", 0)
# A named pipe in a file's place would be waited for. Windows has none in folders.
NO_WAITING: Final = getattr(os, "O_NONBLOCK", 0)
# Windows has no such flag, and needs a privilege to make a link.
NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
# How long a scanner of viruses, an index or another server may hold a file on Windows.
HELD_SECONDS: Final = 2.0
PAUSE_SECONDS: Final = 0.01


def read_at(handle: int, size: int, offset: int) -> bytes:
    """Read from a place in a file, at most so many bytes.

    Windows has no `pread`, so the handle moves: it has to be this thread's alone.

    Raises:
        OSError: It can't be read.
    """
    os.lseek(handle, offset, os.SEEK_SET)
    return os.read(handle, size)


def write_at(handle: int, content: bytes, offset: int) -> None:
    """Write all of this to a place in a file; the handle moves, as with `read_at`.

    Raises:
        OSError: It could not be written, or not all of it.
    """
    os.lseek(handle, offset, os.SEEK_SET)
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]


def patiently(change: Callable[[], T]) -> T:
    """Do something to a file that somebody else may have open just now.

    Windows neither replaces nor removes a file that is open anywhere. Whoever has it for a moment
    is waited for, `HELD_SECONDS` at most; elsewhere a refusal stays one, and nobody is waited for.

    Args:
        change: May be called several times.

    Raises:
        OSError: As `change` does.
    """
    until = time.monotonic() + (HELD_SECONDS if sys.platform == "win32" else 0.0)
    while True:
        try:
            return change()
        except PermissionError:
            if time.monotonic() >= until:
                raise
            time.sleep(PAUSE_SECONDS)


def replace(source: Path, target: Path) -> None:
    """Give a file another one's name in one step; what had that name is gone.

    Raises:
        OSError: It can't be done; both are as before.
    """
    patiently(lambda: source.replace(target))


def close_and_remove(handle: int, path: Path) -> None:
    """Remove a file that is open, and close it. It raises nothing: then the file stays.

    Elsewhere than on Windows it is gone before others can open it; there it is closed first, and
    stays if somebody has opened it meanwhile.
    """
    if sys.platform == "win32":
        os.close(handle)
        _remove(path)
    else:
        _remove(path)
        os.close(handle)


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError:
        return
