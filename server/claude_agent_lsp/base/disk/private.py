"""Directories and files that are this user's alone: who may write there may decide for the user."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.system.processes import user_id

if TYPE_CHECKING:
    from pathlib import Path

OWNERS_ALONE: Final = 0o700
ANYTHING: Final = 0o077
WRITE: Final = 0o022


def make_directory(directory: Path) -> None:
    """Make a directory, and those above it that are missing, with mode 0700 whatever the umask.

    Raises:
        OSError: It can't be made, or is something else.
    """
    if directory.is_dir():
        return
    make_directory(directory.parent)
    try:
        directory.mkdir(OWNERS_ALONE)
    except FileExistsError:
        if not directory.is_dir():
            raise
    else:
        # A umask may have taken bits of the owner's, too.
        directory.chmod(OWNERS_ALONE)


def keep_private(directory: Path) -> None:
    """See to it that nobody else may look into a directory, if it is there.

    Raises:
        OSError: It can't be changed.
    """
    if directory.is_dir() and others_may(directory):
        directory.chmod(OWNERS_ALONE)


def others_may(path: Path, what: int = ANYTHING) -> str | None:
    """Return what others may do with a file or a directory, in a few words; None if nothing.

    Windows says nothing of it in the mode.

    Args:
        path: The file or directory.
        what: The bits of its mode that are looked at.

    Raises:
        OSError: It is not there.
    """
    user = user_id()
    if user is None:
        return None
    status = path.stat()
    if status.st_uid != user:
        return "it belongs to another user"
    mode = stat.S_IMODE(status.st_mode)
    if not mode & what:
        return None
    return f"other users may {'write' if mode & WRITE else 'read'} there (mode {mode:04o})"
