"""Which folder a path leads to, whatever it is called: a name is easily given to another one.

    trusted/../evil, a link, a folder moved away and another one put in its place ──▶ its Place

All of it touches the disk: call it in a thread.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Place:
    """A folder as the disk has it. Two are the same if the path, device and inode are.

    Attributes:
        path: Its real path, without links.
        device: The device that it is on.
        inode: Its number there.
        above: The folders that it lies in, the nearest one first.
    """

    path: str
    device: int
    inode: int
    above: tuple[Place, ...] = field(default=(), compare=False)


def place_of(folder: Path | str) -> Place | None:
    """Return the place that a path leads to now; None if there is none, or none to be seen."""
    try:
        real = Path(os.path.realpath(folder))
        above = tuple(_at(path) for path in real.parents)
        return _at(real, above)
    except (OSError, ValueError):
        return None


def _at(path: Path, above: tuple[Place, ...] = ()) -> Place:
    status = path.stat()
    return Place(os.fspath(path), status.st_dev, status.st_ino, above)
