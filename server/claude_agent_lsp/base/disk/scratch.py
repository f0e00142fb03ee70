"""Files of this process that are not to last: what it has not removed itself, the next one removes.

    <temporary>/claude-agent-lsp-RANDOM/    one for each process, which holds the lock in it
    ├─ lock
    └─ RANDOM/                              one for each purpose

What is in them may be secret, and a process that is killed removes nothing. Everything here touches
the disk: call it in a thread.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

from claude_agent_lsp.base.disk.files import try_lock, unlock_and_remove
from claude_agent_lsp.base.system.processes import user_id

PREFIX: Final = "claude-agent-lsp-"
LOCK: Final = "lock"
_NAMED: Final = re.compile(rf"{PREFIX}[a-z0-9_]{{8}}")
# A process takes the lock as soon as it has made the directory. Version 0.1 had none.
UNLOCKED_SECONDS: Final = 86_400.0


class Scratch:
    """The directory of one process, as long as anything is in it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._root: Path | None = None
        self._lock: int | None = None

    def make(self) -> Path:
        """Make a directory that only this user can look into.

        Raises:
            OSError: There is no room, or no place.
        """
        with self._guard:
            if self._root is not None and not os.path.lexists(self._root / LOCK):
                self._leave()  # somebody has tidied up
            if self._root is None:
                # Only its owner may look into it.
                root = Path(tempfile.mkdtemp(prefix=PREFIX))
                self._lock = try_lock(root / LOCK)
                self._root = root
            return Path(tempfile.mkdtemp(dir=self._root))

    def remove(self, directory: Path) -> None:
        """Remove one of `make`; any number of times."""
        shutil.rmtree(directory, ignore_errors=True)
        with self._guard:
            if self._root is None or self._has_more():
                return
            self._leave()

    def _leave(self) -> None:
        assert self._root is not None
        if self._lock is not None:
            unlock_and_remove(self._lock, self._root / LOCK)
        with contextlib.suppress(OSError):
            self._root.rmdir()
        self._root = self._lock = None

    def _has_more(self) -> bool:
        assert self._root is not None
        try:
            return any(each.name != LOCK for each in self._root.iterdir())
        except OSError:  # somebody has tidied up
            return False


scratch: Final = Scratch()


def remove_abandoned(*, now: float | None = None) -> int:
    """Remove what processes have left that are gone.

    Args:
        now: Instead of the clock's time, in seconds since 1970.

    Returns:
        How many directories were removed.
    """
    now = time.time() if now is None else now
    found = Path(tempfile.gettempdir()).glob(f"{PREFIX}*")
    return sum(_remove_if_abandoned(each, now) for each in found if _NAMED.fullmatch(each.name))


def _remove_if_abandoned(directory: Path, now: float) -> bool:
    """Remove a directory if its process is gone; others' and what is no directory stay."""
    try:
        found = directory.lstat()
        if not stat.S_ISDIR(found.st_mode) or user_id() not in (None, found.st_uid):
            return False
        if not os.path.lexists(directory / LOCK):
            # It is being made, or it is of a version that had no lock.
            if found.st_mtime < now - UNLOCKED_SECONDS:
                shutil.rmtree(directory, ignore_errors=True)
            return not directory.exists()
        handle = try_lock(directory / LOCK)
    except OSError:
        return False
    if handle is None:
        return False
    # Windows removes no file that is open.
    unlock_and_remove(handle, directory / LOCK)
    shutil.rmtree(directory, ignore_errors=True)
    return True
