"""Whether a descriptor can be written to, or has a reader, without waiting for it."""

from __future__ import annotations

import os
import select
import sys
from typing import Final

# What never has to wait in a pipe that has room at all.
if sys.platform == "win32":
    PIPE_BYTES: Final = 512
else:
    PIPE_BYTES: Final = select.PIPE_BUF


class Room:
    """Tells whether a descriptor has room for `PIPE_BYTES` bytes.

    Windows can't be asked about pipes, only about sockets: there it is never known.

    Args:
        handle: The descriptor.

    Attributes:
        known: Whether it can be asked at all.
    """

    known: Final = sys.platform != "win32"

    def __init__(self, handle: int) -> None:
        self._handle = handle
        if sys.platform != "win32":
            self._poll = select.poll()
            self._poll.register(handle, select.POLLOUT)

    def __bool__(self) -> bool:
        if sys.platform == "win32":
            return False
        else:
            return self._poll.poll(0) == [(self._handle, select.POLLOUT)]


def watch_for_hang_up(handle: int) -> int | None:
    """Return a descriptor that can be read from once nobody reads from this one any more.

    On Linux alone. What it is asked for is nothing, so that neither room is told, nor that one
    direction of a socket was closed: an error and a hang-up are told all the same.

    Returns:
        One to be closed, once it is watched no more; None where there is no such thing, as for a
        file, which has no reader that could go.
    """
    if sys.platform != "linux":
        return None
    else:
        watched = select.epoll()
        try:
            watched.register(handle, 0)
            return os.dup(watched.fileno())
        except OSError:
            return None
        finally:
            watched.close()
