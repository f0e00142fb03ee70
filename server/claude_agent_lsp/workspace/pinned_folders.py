"""Folders that a client has named, as the disk had them when they were named."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.disk.places import nobody_elses, place_of
from claude_agent_lsp.base.lanes import Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from claude_agent_lsp.base.disk.places import Place

# A disk that does not tell by then which folder it is keeps its folders from being trusted.
PATIENCE_SECONDS: Final = 2.0


class PinnedFolders:
    """The folders. What another one is put in the place of later is none of them.

    Args:
        folders: Their paths, which are looked up at once, each in a lane of its own.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self._looks = {folder: _look(folder) for folder in folders}

    async def hold(self, folder: Path, place: Place) -> bool:
        """Return whether a folder is one of them, or lies in one of them.

        Args:
            folder: The folder, as it is called.
            place: What that name leads to now.
        """
        for named, look in self._looks.items():
            if not look.done() and named in (folder, *folder.parents):
                await asyncio.wait({look}, timeout=PATIENCE_SECONDS)
            pin = look.result() if look.done() else None
            if pin is not None and pin in (place, *place.above):
                return True
            if look.done() and pin is None:
                # It was not there, and may come to be; not by another user's hand.
                self._looks[named] = _look(named, _unless_somebody_elses)
        return False


def _look(
    folder: Path, look: Callable[[Path], Place | None] = place_of
) -> asyncio.Future[Place | None]:
    return asyncio.ensure_future(Lane().read(look, folder))


def _unless_somebody_elses(folder: Path) -> Place | None:
    place = place_of(folder)
    return place if place is not None and nobody_elses((place,)) else None
