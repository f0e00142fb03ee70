"""Which sessions the user has pinned, and which archived.

    <state>/pinned/<session id>      an empty file for each
    <state>/archived/<session id>

So that one is set in a step, by any server, and all are known by one look. Everything here touches
the disk: call it in a thread.
"""

from __future__ import annotations

import os
from enum import Enum
from typing import TYPE_CHECKING

from claude_agent_lsp.base.disk.files import open_own
from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.errors import StoreUnavailable
from claude_agent_lsp.sessions.transcripts.transcript import is_session_id

if TYPE_CHECKING:
    from pathlib import Path


class Mark(Enum):
    """What a user does to find a session sooner, or later; the directory it is kept in."""

    PINNED = "pinned"
    ARCHIVED = "archived"


class Marks:
    """The marks of one state directory.

    Args:
        directory: The state directory.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def of(self, mark: Mark) -> frozenset[str]:
        """Return the ids of the sessions that have a mark."""
        try:
            with os.scandir(self._directory / mark.value) as found:
                return frozenset(each.name for each in found if is_session_id(each.name))
        except OSError:
            return frozenset()

    def has(self, session_id: str, mark: Mark) -> bool:
        """Return whether a session has a mark."""
        return os.path.lexists(self._directory / mark.value / session_id)

    def set(self, session_id: str, mark: Mark, *, on: bool) -> None:
        """Give a session a mark, or take it away.

        Raises:
            StoreUnavailable: It can't be written down.
        """
        path = self._directory / mark.value / session_id
        try:
            if on:
                make_directory(self._directory)
                make_directory(path.parent)
                os.close(open_own(path, os.O_WRONLY))
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreUnavailable(
                f"{path} can't be written: {error.strerror or error}."
            ) from error
