"""Which folder a path leads to, whatever it is called: a name is easily given to another one.

    trusted/../evil, a link, a folder moved away and another one put in its place ──▶ its Place

All of it touches the disk: call it in a thread.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.base.system.processes import user_id

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT: Final = 0
# Of statx(2).
_HERE: Final = -100
_BIRTH: Final = 0x800
_BIRTH_AT: Final = 80


@dataclass(frozen=True, slots=True)
class Place:
    """A folder as the disk has it. Two are the same if path, device, inode, owner and `made` are.

    Attributes:
        path: Its real path, without links.
        device: The device that it is on.
        inode: Its number there.
        owner: The user whom it belongs to; root's number on Windows.
        born: When it was made, in nanoseconds; None if the system does not tell. An overlay tells
            another time once it is written to: no reason to stop what runs in it.
        made: That time on a disk, where it never changes, and an inode soon has a new folder.
        above: The folders that it lies in, the nearest one first.
    """

    path: str
    device: int
    inode: int
    owner: int
    born: int | None = field(default=None, compare=False)
    made: int | None = None
    above: tuple[Place, ...] = field(default=(), compare=False)


def place_of(folder: Path | str) -> Place | None:
    """Return the place that a path leads to now; None if there is none, or none to be seen."""
    try:
        real = Path(os.path.realpath(folder))
        above = tuple(_at(path) for path in real.parents)
        return _at(real, above)
    except (OSError, ValueError):
        return None


def nobody_elses(places: Iterable[Place], known: int = ROOT) -> bool:
    """Return whether all of them belong to this user, to root, or to a user who is known."""
    return all(place.owner in (user_id(), ROOT, known) for place in places)


def is_on_a_disk(device: int) -> bool:
    """Return whether a device is one: a network, an overlay and the like have passing numbers."""
    return sys.platform != "linux" or os.major(device) != 0


def _at(path: Path, above: tuple[Place, ...] = ()) -> Place:
    status = path.stat()
    born = _born(path, status)
    return Place(
        os.fspath(path),
        device=status.st_dev,
        inode=status.st_ino,
        owner=status.st_uid,
        born=born,
        made=born if is_on_a_disk(status.st_dev) else None,
        above=above,
    )


def _born(path: Path, status: os.stat_result) -> int | None:
    if user_id() is None:  # Windows, where this is not the last change
        return status.st_ctime_ns
    seconds = getattr(status, "st_birthtime", None)
    return _born_in_linux(path) if seconds is None else int(seconds * 1e9) or None


def _born_in_linux(path: Path) -> int | None:
    """Ask the system's library, since Python does not know statx(2) before 3.15."""
    statx, told = _statx(), ctypes.create_string_buffer(256)
    if statx is None or statx(_HERE, os.fsencode(path), 0, _BIRTH, told):
        return None
    (mask,) = struct.unpack_from("=I", told)
    seconds, nanoseconds = struct.unpack_from("=qI", told, _BIRTH_AT)
    # Of what was in a disk's image from the beginning, some tell the year 1970.
    return (seconds * 10**9 + nanoseconds) or None if mask & _BIRTH else None


@cache
def _statx() -> Any:
    return getattr(ctypes.CDLL(None), "statx", None)
