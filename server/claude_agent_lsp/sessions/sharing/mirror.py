"""Sessions mirrored into one shared store, behind the user's back.

The CLI's transcript is written first and stays the truth here; what is new in it is sent while a
run is at work, after it, and again after whatever kept the store away. One task does it, so that
nothing waits for the store but what rests on it.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.errors import SessionBusy, StoreUnavailable
from claude_agent_lsp.sessions.sharing.losses import Losses
from claude_agent_lsp.sessions.sharing.reconcile import DeletedThere
from claude_agent_lsp.sessions.sharing.stores.link import RETRY_SECONDS, RefusedByStore
from claude_agent_lsp.sessions.sharing.stores.store import ClaimLost, Diverged
from claude_agent_lsp.sessions.sharing.transfer import (
    CLAIM_SECONDS,
    FETCH_SECONDS,
    MirroredSession,
    Transfer,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from claude_agent_lsp.base.lanes import Lanes
    from claude_agent_lsp.sessions.sharing.stores.link import StoreLink
    from claude_agent_lsp.sessions.sharing.stores.store import Owner
    from claude_agent_lsp.sessions.sharing.sync_state import Mirrored, SyncState

logger = logging.getLogger(__name__)

# How often a session at work is looked at, and when once more after its run: the CLI notes what
# a turn has cost a moment later.
INTERVAL_SECONDS: Final = 1.0
AFTERWARDS_SECONDS: Final = 2.0
# How long a session waits that somebody else has.
BUSY_SECONDS: Final = 5.0
CLOSE_SECONDS: Final = 2.0
# When what a fault of ours has broken is tried again.
FAULT_SECONDS: Final = 30.0


class Mirror:
    """The sessions of this server that are in one store.

    Args:
        link: The way to the store.
        places: Where it is kept how far each session has come.
        owner: Who we are, for those who want the same session.
        tell: Shows the user whether it is good news, and the news.
        lanes: Those of the sessions.
        store: What the store is called in the files of `places`.
    """

    def __init__(
        self,
        link: StoreLink,
        places: SyncState,
        owner: Owner,
        tell: Callable[[bool, str], None],
        lanes: Lanes,
        *,
        store: str,
    ) -> None:
        self.link = link
        self._losses = Losses(link, places, store)
        self._notify = tell
        self._states = places
        self._lanes = lanes
        self._transfer = Transfer(link, places, owner, tell, lanes)
        self._sessions: dict[str, MirroredSession] = {}
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._fault_reported = False
        link.on_failure = self._look_soon
        self._task = asyncio.create_task(self._work())

    @property
    def at_rest(self) -> bool:
        """Whether it has no session that needs it."""
        return not self._sessions

    @property
    def behind(self) -> int:
        """Of how many sessions the store may lack something."""
        return sum(session.mirrored.pending for session in self._sessions.values())

    def holds(self, session_id: str) -> bool:
        """Return whether a session is on its way, also if nothing of it is written down yet."""
        return session_id in self._sessions

    async def enter(self, mirrored: Mirrored) -> bool:
        """Take a session for a run that is about to continue it, and bring it up to date.

        A store that is away holds nobody up: the session is gone on with as it is here.

        Returns:
            Whether it was taken; not if a run of this server is at work in it.

        Raises:
            SessionBusy: Somebody else works in it.
        """
        session = self._session(mirrored)
        if session.at_work:
            return False
        async with self._using(session):
            return await self._enter(session)

    async def _enter(self, session: MirroredSession) -> bool:
        session.at_work = True
        try:
            # Whoever holds the session up may wait for a store that is too slow. While it fetches,
            # its file must be left alone.
            async with asyncio.timeout(FETCH_SECONDS if session.fetching else CLAIM_SECONDS):
                await session.changing.acquire()
        except TimeoutError:
            return True
        try:
            self.link.throw_if_away()
            await self._transfer.claim_soon(session)
            await self._transfer.fetch(session)
        except (StoreUnavailable, ClaimLost, Diverged) as error:
            session.lacking = True
            logger.info(
                "The session %s could not be fetched from the shared store; using the "
                "local copy: %s",
                session.session_id,
                error,
            )
        except (SessionBusy, asyncio.CancelledError):
            session.at_work = False
            raise
        except Exception:
            # The run is worth more than its copy.
            logger.exception(
                "The session %s could not be fetched from the shared store; using the local copy",
                session.session_id,
            )
        finally:
            session.changing.release()
        return True

    def began(self, mirrored: Mirrored) -> None:
        """Record that a run is at work in a session."""
        session = self._session(mirrored)
        session.at_work = session.mirrored.pending = True
        self._schedule(session)

    def ended(self, session_id: str) -> None:
        """Release the session once all of it has been sent: the run is over."""
        if (session := self._sessions.get(session_id)) is not None and session.at_work:
            session.at_work = False
            session.mirrored.pending = True
            session.again = self._now + AFTERWARDS_SECONDS
            self._schedule(session)

    def resume(self, unfinished: Iterable[Mirrored]) -> None:
        """Go on with what an earlier server had still to send."""
        for mirrored in unfinished:
            if mirrored.session_id not in self._sessions:
                self._schedule(self._session(mirrored))

    async def fetch(self, mirrored: Mirrored) -> None:
        """Bring a session here that is only in the store.

        Raises:
            StoreUnavailable: The store is away.
        """
        self.link.throw_if_away()
        session = self._session(mirrored)
        async with self._using(session), session.changing:
            await self._transfer.fetch(session)

    async def delete(self, mirrored: Mirrored) -> None:
        """Delete a session in the store.

        Raises:
            SessionBusy: Somebody works in it.
            StoreUnavailable: The store is away.
        """
        self.link.throw_if_away()
        session = self._session(mirrored)
        async with self._using(session), session.changing:
            try:
                await self._transfer.claim(session)
                await self.link.attempt(
                    lambda store: store.delete(mirrored.key()), seconds=FETCH_SECONDS
                )
            finally:
                await self._transfer.release(session)
            await self._forget(session)

    async def _forget(self, session: MirroredSession) -> None:
        session.stop()
        lane = self._lanes.session(session.session_id)
        await lane.run(self._states.forget, session.session_id)

    async def close(self) -> None:
        """Send what can be sent in a moment, and close everything."""
        self._closing.set()
        self._wake.set()
        until = self._now + CLOSE_SECONDS
        await asyncio.wait({self._task}, timeout=CLOSE_SECONDS)
        if not self._task.done():
            self._task.cancel()  # it waits for a store that is too slow
            await asyncio.wait({self._task})
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                for session in tuple(self._sessions.values()):
                    session.at_work = False
                    unfinished = session.mirrored.pending or session.again is not None
                    if unfinished and self.link.fault is None:
                        await self._sync(session)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                for session in tuple(self._sessions.values()):
                    await self._transfer.release(session)
                await self.link.close()

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _session(self, mirrored: Mirrored) -> MirroredSession:
        return self._sessions.setdefault(mirrored.session_id, MirroredSession(mirrored))

    @asynccontextmanager
    async def _using(self, session: MirroredSession) -> AsyncIterator[None]:
        """Whatever is done with a session is done inside; one that is idle then is forgotten."""
        session.users += 1
        try:
            yield
        finally:
            session.users -= 1
            if session.idle:
                self._sessions.pop(session.session_id, None)

    def _schedule(self, session: MirroredSession) -> None:
        session.due = self._now
        self._wake.set()

    async def _work(self) -> None:
        """Do what is due until the end. A fault of ours costs some time and not the sharing."""
        while not self._closing.is_set():
            try:
                await self._do_next()
            except Exception as error:
                logger.exception("Sharing sessions failed")
                self._report_fault(error)
                with suppress(TimeoutError):
                    async with asyncio.timeout(FAULT_SECONDS):
                        await self._closing.wait()

    async def _do_next(self) -> None:
        """Wait for what is due first, and do it."""
        first, at = self._first(), self._losses.due
        if first is not None:
            at = min(at, first.due or 0.0)
        if self.link.fault is not None:
            at = max(self.link.retry_at, at)
        if at > self._now:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(at):
                    await self._wake.wait()
            self._wake.clear()
        elif first is None or self._losses.due <= self._now:
            await self._look()
        else:
            await self._sync(first)

    def _first(self) -> MirroredSession | None:
        """Return the session to be looked at next; those in use come before all others."""
        due = [session for session in self._sessions.values() if session.due is not None]
        overdue = [session for session in due if (session.due or 0.0) <= self._now]
        return min(
            overdue or due,
            key=lambda session: (not session.at_work, session.due or 0.0),
            default=None,
        )

    def _report_fault(self, error: Exception) -> None:
        """Notify the user, once."""
        if self._fault_reported:
            return
        self._fault_reported = True
        try:
            self._notify(
                False,
                f"Sessions could not be shared ({type(error).__name__}: {error}). Sharing is "
                f"retried every {FAULT_SECONDS:g} seconds.",
            )
        except Exception:
            logger.exception("The user could not be notified")

    def _look_soon(self) -> None:
        self._losses.due = self._now
        self._wake.set()

    async def _look(self) -> None:
        """See whether the store is there, and still has all that it was sent from here."""
        with suppress(StoreUnavailable):
            for mirrored in await self._losses.find():
                session = self._session(mirrored)
                logger.info("The shared store has lost something of %s", session.session_id)
                session.lacking = session.mirrored.pending = True
                self._schedule(session)
            self._report_if_caught_up()

    async def _sync(self, session: MirroredSession) -> None:
        """Send what is new in a session, and release it if nobody works in it."""
        async with self._using(session), session.changing:
            session.due = None
            try:
                await self._send(session)
            except RefusedByStore as error:
                self._wait_with(session, error)
            except StoreUnavailable:
                session.lacking = True
                session.due = self._now
                return
            except (SessionBusy, ClaimLost, Diverged) as error:
                logger.info("The session %s is not shared yet: %s", session.session_id, error)
                if session.at_work or await self._transfer.is_pending(session):
                    session.due = self._now + BUSY_SECONDS
                else:
                    session.due, session.again = session.again, None
            except Exception as error:
                # Whatever is wrong with one session, the others are mirrored.
                logger.exception("The session %s could not be shared", session.session_id)
                session.due, session.noted = self._now + FAULT_SECONDS, False
                self._report_fault(error)
            session.lacking = False
            if not session.at_work:
                try:
                    await self._transfer.release(session)
                except Exception:
                    # Its owner's connection, or its lease, ends it.
                    logger.exception(
                        "The claim of the session %s could not be released", session.session_id
                    )
        self._report_if_caught_up()

    async def _send(self, session: MirroredSession) -> None:
        if not session.noted:
            session.noted = True
            await self._transfer.save(session)
        try:
            lost = await self._transfer.send(session)
        except DeletedThere:
            await self._forget(session)
            return
        if lost and not session.lacking:
            self._look_soon()  # perhaps it isn't the only one
        session.refusals = 0
        if session.at_work:
            session.due = self._now + INTERVAL_SECONDS
        else:
            session.due, session.again = session.again, None
            session.mirrored.pending = session.noted = False
            await self._transfer.save(session)

    def _wait_with(self, session: MirroredSession, error: RefusedByStore) -> None:
        """Try it again: soon once, since the store may just have come back; then seldom."""
        session.refusals += 1
        first = session.refusals == 1
        if first:
            self._losses.due = self._now
        session.due = self._now + (RETRY_SECONDS if first else FAULT_SECONDS)
        if not first:
            logger.warning("The session %s is not shared: %s", session.session_id, error)
            self._report_fault(error)

    def _report_if_caught_up(self) -> None:
        looked = self._losses.due > self._now
        if looked and not any(session.lacking for session in self._sessions.values()):
            self.link.caught_up()
