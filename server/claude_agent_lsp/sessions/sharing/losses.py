"""What a store had once and has no more: it was restored, has lost its memory, or some of it.

Each machine knows what it has sent or fetched, and so what the store must have.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.sessions.sharing.stores.link import RefusedByStore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from claude_agent_lsp.sessions.sharing.stores.link import StoreLink
    from claude_agent_lsp.sessions.sharing.stores.store import SharedStore
    from claude_agent_lsp.sessions.sharing.sync_state import Mirrored, SyncState

logger = logging.getLogger(__name__)

# How often it is looked for, besides whenever a store comes back. It may have been restored
# without anybody's connection ending.
LOOK_SECONDS: Final = 600.0
LOOK_AT_MOST_SECONDS: Final = 20.0
# So many places are asked about at a time.
_BATCH: Final = 500


class Losses:
    """Looks for what one store has lost.

    Args:
        link: The way to the store.
        states: Where it is kept how far each session has come.
        store: What the store is called there.

    Attributes:
        due: When to look next, on the loop's clock.
    """

    def __init__(self, link: StoreLink, states: SyncState, store: str) -> None:
        self._link = link
        self._states = states
        self._store = store
        self.due = 0.0

    async def find(self) -> list[Mirrored]:
        """Return the sessions of which the store has lost something.

        A store that nothing was sent to, and that isn't known to be away, is not asked.

        Raises:
            StoreUnavailable: The store is away.
        """
        self.due = asyncio.get_running_loop().time() + LOOK_SECONDS
        known = await disk.run(self._states.known, self._store)
        if not known and self._link.fault is None:
            return []
        try:
            lost = await self._link.attempt(
                lambda store: places_lost(store, known), seconds=LOOK_AT_MOST_SECONDS
            )
        except RefusedByStore as error:
            logger.warning("What the shared store may have lost can't be found: %s", error)
            return []
        ids = {session_id for session_id, _ in lost}
        return [mirrored for mirrored in known if mirrored.session_id in ids]


async def places_lost(store: SharedStore, known: Iterable[Mirrored]) -> set[tuple[str, str]]:
    """Return of which sessions a store lacks what it has had, and in which of their files.

    Args:
        store: The store.
        known: What is known of sessions.

    Returns:
        The session's id and the file's subpath of each.

    Raises:
        StoreUnavailable: The store can't be used.
    """
    sent = [
        (mirrored, subpath, place.mark)
        for mirrored in known
        for subpath, place in mirrored.places.items()
        if place.mark.lines
    ]
    lost = set()
    for begin in range(0, len(sent), _BATCH):
        batch = sent[begin : begin + _BATCH]
        lacks = await store.lacks(
            [(mirrored.key(subpath), mark) for mirrored, subpath, mark in batch]
        )
        lost |= {
            (mirrored.session_id, subpath)
            for (mirrored, subpath, _), lacking in zip(batch, lacks, strict=True)
            if lacking
        }
    return lost
