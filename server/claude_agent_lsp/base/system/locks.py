"""A lock on an open file that the system frees when its holder ends, however it ends."""

from __future__ import annotations

import errno
import os
import sys
from typing import Final

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

# Windows lets nobody read what is locked, so this is a byte that no file of ours is as long as.
LOCKED_BYTE: Final = 2**30
# What Windows says of a byte that somebody else has locked.
_TAKEN: Final = {errno.EACCES, errno.EDEADLK}


def try_lock_handle(handle: int) -> bool:
    """Lock a file that is open for reading and writing, unless another handle has it locked.

    It excludes other processes, and other handles of this one; closing the handle frees it.

    Args:
        handle: A descriptor. On Windows it stands at another place of the file afterwards.

    Returns:
        Whether it is locked now.

    Raises:
        OSError: The file system has no such locks, or the handle is none.
    """
    if sys.platform == "win32":
        os.lseek(handle, LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno in _TAKEN:
                return False
            raise
    else:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
