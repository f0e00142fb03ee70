"""Has one server on this machine give a session that it has to another one that wants it.

here: the user agrees ──▶ wanted ──▶ waited for ──▶ free, or withdrawn
there: kept ──▶ another server wants it ──▶ its background ends ──▶ given back
       at work ──▶ another server wants it stopped ──▶ its run is stopped ──▶ given back

Nobody ends another server's process: one that does not answer keeps what it has.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.errors import SessionBusy, SessionKept, StoreUnavailable
from claude_agent_lsp.sessions.wishes import Wishes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from claude_agent_lsp.base.abort import AbortSignal
    from claude_agent_lsp.base.lanes import Lanes, SessionLane
    from claude_agent_lsp.sessions.lock import Holder, SessionLocks
    from claude_agent_lsp.sessions.wishes import Wish
    from claude_agent_lsp.workspace.state import State

logger = logging.getLogger(__name__)

# How often a server looks whether somebody wants what it has.
LOOK_SECONDS: Final = 0.5
# A process is ended within two seconds or so; whoever does not give a session by then does not.
GIVE_SECONDS: Final = 15.0
# A server that is at work answers with its next look.
REPLY_SECONDS: Final = 10.0
# A run is stopped by the ladder, whose first rung may take as long as its user has set.
STOP_SECONDS: Final = 60.0
AGAIN_SECONDS: Final = 0.1
# A disk that hangs must not hold up the answer.
WITHDRAW_SECONDS: Final = 1.0


class Takeovers:
    """Sessions on their way between the servers of this machine.

    Args:
        state: Says where it is written down.
        locks: Who has which.
        lanes: Those of sessions.
    """

    def __init__(self, state: State, locks: SessionLocks, lanes: Lanes) -> None:
        self._locks = locks
        self._lanes = lanes
        self._wishes = Wishes(lambda: state.directory, locks.this_server())

    async def wanted(self, session_id: str) -> Holder:
        """Wait until another server wants a session that this one keeps; return which."""
        lane = self._lanes.session(session_id)
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            wish = await lane.read(self._wishes.of_others, session_id)
            if wish is not None and wish.ends_background:
                return wish.holder

    async def wanted_stopped(self, session_id: str, would_end: Callable[[], str]) -> Holder:
        """Wait until another server wants a session in which a run of this one is at work.

        Args:
            session_id: The session.
            would_end: Returns what runs in its background: a wish without a word about that is
                replied to, and not granted.
        """
        lane, refused = self._lanes.session(session_id), ""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            wish = await lane.read(self._wishes.of_others, session_id)
            if wish is None or not wish.stops or wish.wish_id == refused:
                continue
            lost = "" if wish.ends_background else would_end()
            try:
                await lane.run(self._wishes.reply, session_id, wish, lost)
            except OSError as error:
                logger.warning("Nobody is told that %s is given: %s", session_id, error)
            if lost:
                refused = wish.wish_id
            elif await lane.read(self._wishes.of_others, session_id) == wish:
                return wish.holder  # nobody has given up meanwhile

    async def get(self, session_id: str, signal: AbortSignal) -> None:
        """Have another server give a session that it keeps. The user has agreed.

        Raises:
            Aborted: The signal fired.
            SessionBusy: It is not given.
            StoreUnavailable: The other one can't be told.
        """

        async def given(lane: SessionLane, _: Wish) -> None:
            try:
                async with asyncio.timeout(GIVE_SECONDS):
                    while await lane.read(self._locks.busy, session_id):
                        await _pause(signal)
            except TimeoutError:
                raise SessionBusy(f"The session {session_id} was not given.") from None

        await self._while_wanted(session_id, given)

    async def stop_and_get(
        self, session_id: str, signal: AbortSignal, *, ends_background: bool
    ) -> None:
        """Have another server stop its run in a session, and give that. The user has agreed.

        Args:
            session_id: The session.
            signal: Ends the waiting.
            ends_background: Whether they have agreed that what runs in its background is ended.

        Raises:
            Aborted: The signal fired.
            SessionBusy: It is not given, or the other server does not answer.
            SessionKept: Something would end that they have not agreed to.
            StoreUnavailable: The other one can't be told.
        """

        async def given(lane: SessionLane, wish: Wish) -> None:
            loop = asyncio.get_running_loop()
            until, replied = loop.time() + REPLY_SECONDS, False
            while (holder := await lane.read(self._locks.elsewhere, session_id)) is not None:
                reply = await lane.read(self._wishes.reply_to, session_id, wish)
                lost = holder.waits_for if reply is None else reply.would_end
                if lost and not ends_background:
                    raise _kept(session_id, holder, lost)
                if not replied and (reply is not None or holder.waits_for):
                    until, replied = loop.time() + STOP_SECONDS, True
                if loop.time() > until:
                    raise _not_given(session_id, holder, replied=replied)
                await _pause(signal)

        await self._while_wanted(session_id, given, stops=True, ends_background=ends_background)

    async def _while_wanted(
        self,
        session_id: str,
        given: Callable[[SessionLane, Wish], Awaitable[None]],
        *,
        stops: bool = False,
        ends_background: bool = True,
    ) -> None:
        """Have it known that a session is wanted, for as long as it is waited for."""
        lane = self._lanes.session(session_id)
        try:
            wish = await lane.run(
                self._wishes.make, session_id, stops=stops, ends_background=ends_background
            )
        except OSError as error:
            raise StoreUnavailable(
                f"The session {session_id} can't be asked for: {error.strerror or error}."
            ) from error
        try:
            await given(lane, wish)
        finally:
            # Whoever is told that it is not given must not have it stopped afterwards.
            withdrawn = lane.put(self._wishes.withdraw, session_id)
            await asyncio.wait({withdrawn}, timeout=WITHDRAW_SECONDS)


async def _pause(signal: AbortSignal) -> None:
    await signal.wait_or_abort(asyncio.ensure_future(asyncio.sleep(AGAIN_SECONDS)))


def _kept(session_id: str, holder: Holder, would_end: str) -> SessionKept:
    who = str(holder)
    return SessionKept(
        f"{who[0].upper()}{who[1:]} has something at work in the background of the session "
        f"{session_id}: {would_end}.",
        session_id,
        keeper=who,
        waits_for=would_end,
    )


def _not_given(session_id: str, holder: Holder, *, replied: bool) -> SessionBusy:
    who = f"{holder}"
    who = f"{who[0].upper()}{who[1:]}"
    if replied:
        return SessionBusy(
            f"{who} has been stopping its run in the session {session_id} for "
            f"{STOP_SECONDS:g} seconds."
        )
    return SessionBusy(
        f"{who} does not answer, and has a run in the session {session_id}.",
        hint=(
            "Its process may be suspended, or its disk hang: look at it there. Nothing was ended. "
            "To go on without it, fork the session."
        ),
    )
