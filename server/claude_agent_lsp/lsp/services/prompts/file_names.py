"""The files that a prompt may name: all of a folder's that are not ignored, the likeliest first."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.agent.changes.git_view import GitView
from claude_agent_lsp.base.lanes import Lane, parsing
from claude_agent_lsp.sessions.changes.folder_scan import TooManyError, walk

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

logger = logging.getLogger(__name__)

MOST: Final = 100
# So long a list is taken as it is; then it is read anew, behind what is answered meanwhile.
FRESH_SECONDS: Final = 3.0
# A user who types does not wait longer for a list that is not there yet.
WAIT_SECONDS: Final = 1.0


class FileNames:
    """The files of folders, as they were a moment ago."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[float, list[str]]] = {}
        self._reading: dict[Path, asyncio.Task[None]] = {}

    async def likely(self, folder: Path, typed: str) -> list[str]:
        """Return the files that somebody may mean who has typed something of a path."""
        at, names = self._known.get(folder, (0.0, []))
        if time.monotonic() - at > FRESH_SECONDS:
            reading = self._reading.get(folder)
            if reading is None:
                reading = self._reading[folder] = asyncio.create_task(self._read(folder))
            if not at:
                await asyncio.wait({reading}, timeout=WAIT_SECONDS)
                names = self._known.get(folder, (0.0, []))[1]
        return await parsing.run(ranked, names, typed)

    async def _read(self, folder: Path) -> None:
        try:
            names = await names_in(folder)
        except Exception as error:  # noqa: BLE001 - whatever it is: the old ones stay
            logger.info("The files of %s are not known: %s", folder, error)
            names = self._known.get(folder, (0.0, []))[1]
        finally:
            del self._reading[folder]
        self._known[folder] = (time.monotonic(), names)


async def names_in(folder: Path) -> list[str]:
    """Return a folder's files by their paths in it; none where there are too many."""
    try:
        git = await GitView.find(folder)
        if git is not None:
            return await git.paths()
        return await Lane().read(walk, folder)
    except TooManyError:
        return []


def ranked(names: Iterable[str], typed: str) -> list[str]:
    """Return the names in which all that was typed stands in this order, the likeliest first.

    Upper and lower case are one. A name's beginning counts before its middle, its last part before
    its folders, and a short one before a long one.
    """
    wanted = typed.lower()
    scored = ((_score(name.lower(), wanted), len(name), name) for name in names)
    return [name for score, _, name in sorted(each for each in scored if each[0] < _NONE)[:MOST]]


_NONE: Final = 9


def _score(name: str, wanted: str) -> int:
    if not wanted:
        return 0
    last = name[name.rfind("/") + 1 :]
    likely = (
        wanted in (last, last.partition(".")[0]),
        last.startswith(wanted),
        name.startswith(wanted),
        wanted in last,
        f"/{wanted}" in name,
        wanted in name,
        _holds(last, wanted),
        _holds(name, wanted),
    )
    return likely.index(True) if True in likely else _NONE


def _holds(name: str, wanted: str) -> bool:
    """Return whether all characters stand in a name in this order."""
    at = -1
    for character in wanted:
        at = name.find(character, at + 1)
        if at < 0:
            return False
    return True
