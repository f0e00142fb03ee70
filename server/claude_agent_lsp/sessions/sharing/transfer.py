"""One session on its way between here and a store: claimed, sent, fetched, released."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.errors import SessionBusy, StoreUnavailable
from claude_agent_lsp.sessions.sharing.reconcile import Reconciler
from claude_agent_lsp.sessions.sharing.stores.store import ClaimLost, Diverged

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_agent_lsp.base.lanes import Lanes
    from claude_agent_lsp.sessions.sharing.stores.link import StoreLink
    from claude_agent_lsp.sessions.sharing.stores.store import Claim, Owner, SharedStore
    from claude_agent_lsp.sessions.sharing.sync_state import Mirrored, SyncState

logger = logging.getLogger(__name__)

# How long a user who wants a session waits for somebody else to release it.
PATIENCE_SECONDS: Final = 2.0
# What a user waits for, and what nobody waits for. Whether the store is there at all is found out
# in two seconds more.
CLAIM_SECONDS: Final = 3.0
FETCH_SECONDS: Final = 20.0
SEND_SECONDS: Final = 120.0


@dataclass
class MirroredSession:
    """A session that this server mirrors.

    Attributes:
        at_work: Whether a run is in it. Until its end the claim is kept.
        due: When it is looked at next, on the loop's clock; None while there is no need.
        again: When it is looked at once more after that.
        lacking: Whether the store was away when something should have been sent to it.
        fetching: Whether its files here are being changed.
        deleted: Whether it is no more: who has waited for it sends nothing, and notes nothing.
        refusals: How often in a row the store, which was there, has refused something of it.
        noted: Whether it is on disk that the store may lack something.
        changing: Held by whoever changes one of the copies.
        users: How many do something with it, or wait to.
    """

    mirrored: Mirrored
    at_work: bool = False
    claim: Claim | None = None
    due: float | None = None
    again: float | None = None
    lacking: bool = False
    fetching: bool = False
    deleted: bool = False
    refusals: int = 0
    noted: bool = False
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do for it: what is known of it is on disk.

        Of one that is pending all the same another server has the rest to do.
        """
        waits = self.due is not None or self.again is not None
        return not (waits or self.users or self.at_work or self.claim is not None or self.lacking)

    def stop(self) -> None:
        """Do nothing more for it: it is deleted."""
        self.deleted = True
        self.due = self.again = None
        self.at_work = self.lacking = self.mirrored.pending = False

    @property
    def session_id(self) -> str:
        """Its id."""
        return self.mirrored.session_id


class Transfer:
    """Moves sessions to and from one store.

    Args:
        link: The way to the store.
        states: Where it is kept how far each session has come.
        owner: Who we are, for those who want the same session.
        notify: Shows the user whether it is good news, and the news.
        lanes: Those of the sessions.
    """

    def __init__(
        self,
        link: StoreLink,
        states: SyncState,
        owner: Owner,
        notify: Callable[[bool, str], None],
        lanes: Lanes,
    ) -> None:
        self._link = link
        self._states = states
        self._owner = owner
        self._notify = notify
        self._lanes = lanes

    async def is_pending(self, session: MirroredSession) -> bool:
        """Return whether nobody else, such as another server here, has sent it meanwhile."""
        mirrored = session.mirrored
        lane = self._lanes.session(session.session_id)
        known = await lane.run(self._states.read, mirrored.session_id, mirrored.store)
        if known is None or known.pending:
            return True
        session.mirrored = known
        return False

    async def send(self, session: MirroredSession) -> bool:
        """Send what is new, under the claim; a lost one is claimed anew.

        Returns:
            Whether the store had lost something of it.

        Raises:
            DeletedThere: It was deleted in the store.
            SessionBusy: Somebody else works in it.
            Diverged: It was gone on with there, and a run is at work in it here.
            ClaimLost: The claim is lost repeatedly.
            StoreUnavailable: The store can't be used.
        """
        if session.deleted:
            return False
        try:
            await self.claim(session)
            return await self._send_claimed(session)
        except ClaimLost:
            # Perhaps nobody else has claimed it: a lease may have run out while we were suspended.
            await self.release(session)
            await self.claim(session)
            return await self._send_claimed(session)

    async def _send_claimed(self, session: MirroredSession) -> bool:
        before = dict(session.mirrored.places)
        try:
            try:
                return await self._send_once(session)
            except Diverged:
                if session.at_work:
                    raise  # its CLI has the file
                await self.fetch(session)
                return await self._send_once(session)
        finally:
            if session.mirrored.places != before:
                await self.save(session)

    async def _send_once(self, session: MirroredSession) -> bool:
        claim = session.claim
        assert claim is not None
        return await self._link.attempt(
            lambda store: self._reconciler(store, session).send(
                claim.token, at_work=session.at_work
            ),
            seconds=SEND_SECONDS,
        )

    async def fetch(self, session: MirroredSession) -> None:
        """Bring what is in the store here."""
        session.fetching = True
        try:
            kept = await self._link.attempt(
                lambda store: self._reconciler(store, session).fetch(), seconds=FETCH_SECONDS
            )
        finally:
            session.fetching = False
        await self.save(session)
        if kept is not None:
            self._notify(
                False,
                f"The session {session.session_id} was also continued on another machine. It now "
                f"has the messages from there; the messages from here are in the session {kept}.",
            )

    def _reconciler(self, store: SharedStore, session: MirroredSession) -> Reconciler:
        return Reconciler(store, session.mirrored, self._lanes.session(session.session_id))

    async def claim_soon(self, session: MirroredSession) -> None:
        """Claim a session that may be somebody's for a moment only, to send the end of a run."""
        until = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            try:
                return await self.claim(session)
            except SessionBusy:
                if asyncio.get_running_loop().time() >= until:
                    raise
            await asyncio.sleep(PATIENCE_SECONDS / 20)

    async def claim(self, session: MirroredSession) -> None:
        """Claim the session, unless it is."""
        if session.claim is not None and session.claim.lost:
            await self.release(session)
        if session.claim is None:
            session.claim = await self._link.attempt(
                lambda store: store.claim(session.mirrored.key(), self._owner),
                seconds=CLAIM_SECONDS,
            )

    async def release(self, session: MirroredSession) -> None:
        """Release the claim."""
        claim, session.claim = session.claim, None
        if claim is not None:
            await claim.release()

    async def save(self, session: MirroredSession) -> None:
        """Write down how far the session has come."""
        if session.deleted:
            return
        try:
            lane = self._lanes.session(session.session_id)
            await lane.run(self._states.write, session.mirrored)
        except StoreUnavailable as error:
            logger.warning("%s", error)
