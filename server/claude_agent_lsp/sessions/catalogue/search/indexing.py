"""Reads what was said in sessions in the background, a little at a time, for whoever searches."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.base.lanes import Lane
from claude_agent_lsp.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from claude_agent_lsp.sessions.catalogue.catalogue import Catalogue

logger = logging.getLogger(__name__)

STEP_SECONDS: Final = 0.2
# For as many times as long as a step has taken, nothing is read: runs have the machine.
PAUSE: Final = 4


class Indexing:
    """The background reading of one server: one folder after the other, each once at a time.

    Args:
        spawn: Begins work that nobody waits for.
    """

    def __init__(self, spawn: Callable[[Coroutine[Any, Any, None]], None]) -> None:
        self._spawn = spawn
        self._lane = Lane()
        self._folders: set[Path | None] = set()

    def begin(self, catalogue: Catalogue, folder: Path) -> None:
        """Begin to read what is new in the sessions of a folder, unless that has begun."""
        if folder not in self._folders:
            self._folders.add(folder)
            self._spawn(self._read(catalogue, folder))

    async def _read(self, catalogue: Catalogue, folder: Path) -> None:
        try:
            while True:
                began = time.monotonic()
                searched = await self._lane.run(catalogue.read_words, folder, STEP_SECONDS)
                if searched.done == searched.total:
                    return
                await asyncio.sleep(PAUSE * (time.monotonic() - began))
        except StoreUnavailable as error:
            logger.info("%s %s", error, error.hint)  # a search says so, too
        finally:
            self._folders.discard(folder)
