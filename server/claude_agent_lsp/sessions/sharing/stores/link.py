"""The way to a shared store, which may be slow or gone.

Whoever works for the user asks once and isn't kept waiting while the store is known to be away;
the mirror alone tries again. The user is notified once when it is away, and once when it is back.

A store is there if sessions can be claimed in it: then two machines never go on with the same one.
What it does not take of one session is that session's misfortune, and no reason to leave the others
unclaimed.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.errors import SessionBusy, StoreUnavailable
from claude_agent_lsp.sessions.sharing.stores.address import StoreAddress
from claude_agent_lsp.sessions.sharing.stores.store import Owner

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from claude_agent_sdk import SessionKey

    from claude_agent_lsp.sessions.sharing.stores.store import SharedStore

logger = logging.getLogger(__name__)
T = TypeVar("T")

# How long to wait before the first new try, and at most.
RETRY_SECONDS: Final = 0.5
RETRY_AT_MOST_SECONDS: Final = 8.0
# In a store that is there a session is claimed in a few milliseconds. No session has this key.
PROBE_SECONDS: Final = 2.0
_PROBE: Final[SessionKey] = {"project_key": "", "session_id": "probe"}


class RefusedByStore(StoreUnavailable):
    """The store is there, but it did not take or give this: what it has of one session is wrong."""


class StoreLink:
    """A store that is opened with its first use.

    Args:
        url: Where it is.
        tell: Shows the user whether it is good news, and the news.

    Attributes:
        address: Where it is, to be shown.
        retry_at: When to try again while it is away, on the loop's clock.
        on_failure: Called whenever something has failed.
    """

    def __init__(self, url: str, tell: Callable[[bool, str], None]) -> None:
        self.address = StoreAddress.parse(url)
        self.retry_at = 0.0
        self.on_failure: Callable[[], None] = lambda: None
        self._notify = tell
        self._store: asyncio.Task[SharedStore] | None = None
        self._fault: StoreUnavailable | None = None
        self._reported = False
        self._failures = 0

    @property
    def fault(self) -> StoreUnavailable | None:
        """Why the store can't be used at the moment, or None."""
        return self._fault

    async def use(self, work: Callable[[SharedStore], Awaitable[T]], *, seconds: float) -> T:
        """Do something with the store for somebody who waits.

        Raises:
            StoreUnavailable: It is away, or was not done in time.
        """
        self.throw_if_away()
        return await self.attempt(work, seconds=seconds)

    def throw_if_away(self) -> None:
        """Raise `StoreUnavailable` if it is known to be away."""
        if self._fault is not None:
            raise self._fault

    async def attempt(self, work: Callable[[SharedStore], Awaitable[T]], *, seconds: float) -> T:
        """Do something with the store even if it was away last time.

        Raises:
            RefusedByStore: This can't be done, but others can.
            StoreUnavailable: It is away, or was not done in time.
        """
        try:
            store = await self._opened()
            async with asyncio.timeout(seconds):
                done = await work(store)
        except TimeoutError:
            fault = StoreUnavailable(
                f"The shared store {self.address} did not answer within {seconds:g} seconds.",
                hint="Check whether it is overloaded, and how fast the connection is.",
            )
        except StoreUnavailable as error:
            fault = error
        else:
            if self._fault is None or await self.is_there():
                self._failures = 0
                return done
            raise self._failed(self._fault)
        if await self.is_there():
            raise RefusedByStore(str(fault), hint=fault.hint) from fault
        raise self._failed(fault)

    async def is_there(self) -> bool:
        """Return whether sessions can be claimed in the store; then it isn't away any more."""
        try:
            store = await self._opened()
            async with asyncio.timeout(PROBE_SECONDS):
                try:
                    await _claim(store)
                except StoreUnavailable:
                    # Perhaps on a connection that what went wrong before has left broken.
                    await _claim(store)
        except (StoreUnavailable, TimeoutError):
            return False
        self._fault = None
        return True

    def caught_up(self) -> None:
        """Record that the store has all that it missed while it was away."""
        if not self._reported or self._fault is not None:
            return
        self._reported = False
        self._notify(True, f"The shared store {self.address} is reachable again and up to date.")

    async def close(self) -> None:
        """Close the store."""
        if self._store is not None and self._store.done() and not self._store.exception():
            await self._store.result().close()

    async def _opened(self) -> SharedStore:
        if self._store is None or (self._store.done() and self._store.exception()):
            self._store = asyncio.create_task(disk.run(_load_adapter, self.address.url))
        return await asyncio.shield(self._store)

    def _failed(self, fault: StoreUnavailable) -> StoreUnavailable:
        seconds = min(RETRY_SECONDS * 2**self._failures, RETRY_AT_MOST_SECONDS)
        self.retry_at = asyncio.get_running_loop().time() + seconds
        self._failures = min(self._failures + 1, 10)
        first, self._reported, self._fault = not self._reported, True, fault
        logger.log(logging.WARNING if first else logging.DEBUG, "%s", fault)
        if first:
            self._notify(
                False,
                f"{fault} {fault.hint} Sessions continue on this machine, and are shared "
                "once the store is reachable.",
            )
        self.on_failure()
        return fault


async def _claim(store: SharedStore) -> None:
    with suppress(SessionBusy):  # somebody else is asking the same
        claim = await store.claim(_PROBE, Owner("", 0, ""))
        await claim.release()


def _load_adapter(url: str) -> SharedStore:
    from claude_agent_lsp.sessions.sharing.stores.opening import open_store

    return open_store(url)
