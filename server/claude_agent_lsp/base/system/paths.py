"""Paths where the systems differ: drives, shares, and what lies in what."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import ModuleType

WINDOWS: Final = sys.platform == "win32"
_BEFORE_DRIVE: Final = re.compile(r"/(?=[A-Za-z]:(?:/|$))")


def relative(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> str | None:
    """Return how a path is called in a folder; None if it does not lie there.

    Names alone are compared, as the system compares them; ".." takes a name away.

    Args:
        path: A path.
        folder: Another one, which it may be itself: then it is ".".
    """
    return _relative(os.fspath(path), os.fspath(folder), os.path)


def _relative(path: str, folder: str, system: ModuleType) -> str | None:
    try:
        inside: str = system.relpath(path, folder)
    except ValueError:  # another drive
        return None
    above = system.pardir
    return None if inside == above or inside.startswith(above + system.sep) else inside


def shown_in(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> str:
    """Return a path as people read it who work in a folder: from there on, also upwards.

    On another drive it is the path itself.
    """
    try:
        return os.path.relpath(path, folder)
    except ValueError:
        return os.fspath(path)


def path_of_uri(host: str, path: str, *, windows: bool = WINDOWS) -> str | None:
    """Return the path that a `file:` URI means.

    Args:
        host: Its authority, without `localhost`.
        path: Its path, without escapes.
        windows: Whether this is Windows: there `/c:/x` is `c:/x`, and a host has shares.

    Returns:
        The path as text; None if it is on another machine that no path leads to.
    """
    if not windows:
        return path if not host else None
    if host:
        return f"//{host}{path}"
    return path[1:] if _BEFORE_DRIVE.match(path) else path
