"""Gives sessions back after their runs, or keeps them for what goes on behind the turns.

    a run ends ──┬─▶ nothing goes on ──▶ given back
                 └─▶ the agent may go on by itself ──▶ kept ──┬─▶ it does: a run has it again
                                                              └─▶ all of it is over: given back

A session that is kept is nobody else's: the agent's next turn would be written between those of
somebody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.events import Level, Notice
from claude_agent_lsp.agent.ownership.takeover import Takeovers
from claude_agent_lsp.agent.run.run import END_SECONDS
from claude_agent_lsp.sessions.transcripts.transcript import find_transcript

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from claude_agent_lsp.agent.kept_sessions import KeptSessions
    from claude_agent_lsp.agent.process.process import AgentProcess
    from claude_agent_lsp.agent.run.run import ActiveRun
    from claude_agent_lsp.base.lanes import Lanes
    from claude_agent_lsp.sessions.lock import Holder, SessionLocks
    from claude_agent_lsp.sessions.sharing.sharing import SharedSessions
    from claude_agent_lsp.workspace.state import State

logger = logging.getLogger(__name__)

# How long after its background is empty an agent may still be woken by it. The CLI does so within
# 0.15 s (CLI 2.1.330).
WAKE_SECONDS: Final = 3.0


class Custody:
    """The sessions of one server, after their runs.

    Args:
        state: Each folder's current one.
        locks: Who has which.
        lanes: Those of sessions.
        sharing: Has to know when a session is given back.
        kept: Those that the user wants kept.
        process_of: Returns a session's process.
        begin: Begins work that nobody waits for.
        tell: Tells the user whether something is well, and what.

    Attributes:
        takeovers: The ways to other servers' sessions, and theirs to these.
    """

    def __init__(
        self,
        *,
        state: State,
        locks: SessionLocks,
        lanes: Lanes,
        sharing: SharedSessions,
        kept: KeptSessions,
        process_of: Callable[[str], AgentProcess | None],
        begin: Callable[[Coroutine[Any, Any, None]], object],
        tell: Callable[[bool, str], None],
    ) -> None:
        self.takeovers = Takeovers(state, locks, lanes)
        self._tell = tell
        self._state = state
        self._kept_sessions = kept
        self._locks = locks
        self._lanes = lanes
        self._sharing = sharing
        self._process_of = process_of
        self._begin = begin

    async def take(self, session_id: str, holder: str) -> None:
        """Take a session that nobody else has.

        Raises:
            SessionBusy: Somebody has it.
            StoreUnavailable: What is in its lock's place is no lock.
        """
        await self._lanes.session(session_id).run(self._locks.claim, session_id, holder)

    async def give_if_wanted(self, run: ActiveRun, stop: Callable[[], object]) -> None:
        """Stop a run as soon as another server wants its session, as the user there has agreed.

        Args:
            run: The run at work.
            stop: Stops it, as a cancel does.
        """
        session_id = run.session_id

        def would_end() -> str:
            process = self._process_of(session_id)
            return process.background.waits_for if process is not None and process.usable else ""

        wanted = asyncio.ensure_future(self.takeovers.wanted_stopped(session_id, would_end))
        waited: set[asyncio.Future[Any]] = {wanted, run.ended}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if not wanted.done():
            wanted.cancel()
        elif not run.ended.done():
            run.notify(Notice(Level.INFO, _handover(wanted.result())))
            stop()

    async def after(self, session_id: str, holder: str) -> None:
        """Give a session back after what has had it, unless the agent may go on in it.

        Args:
            session_id: The session.
            holder: The run that has it, or whatever else.
        """
        process = self._process_of(session_id)
        if process is not None and await self._kept(process, holder):
            self._begin(self._watch(process, holder))
        else:
            await self.give_back(session_id, holder)

    def settle(self, run: ActiveRun) -> None:
        """Note after a run that its session has a transcript, and all that stands in it."""
        folder, session_id = run.spec.launch.folder, run.session_id
        try:
            if (process := self._process_of(session_id)) is not None:
                process.transcript.changed_by_others()
            self._kept_sessions.settle(session_id)
            if not run.spec.session.resumes and find_transcript(session_id) is not None:
                self._state.settle(folder, session_id)
            if run.next_session is not None:
                self._state.clear(folder, session_id, run.next_session)
            elif run.cleared and self._state.current(folder) == session_id:
                self._state.select(folder, None)
        except Exception:
            logger.exception("The state of %s could not be saved", folder)

    def give_back_after(self, process: AgentProcess, holder: str) -> None:
        """End a process, and give its session back then."""

        async def end() -> None:
            await process.end()
            await self.give_back(process.session_id, holder)

        self._begin(end())

    async def give_back(self, session_id: str, holder: str) -> None:
        """Give a session back; on a disk that hangs that is done as soon as the disk answers."""
        released = self._lanes.session(session_id).put(self._locks.release, session_id, holder)
        released.add_done_callback(partial(self._share, session_id))
        await asyncio.wait({released}, timeout=END_SECONDS)

    def _share(self, session_id: str, released: asyncio.Future[bool]) -> None:
        if released.cancelled() or released.exception() is not None or not released.result():
            return
        try:
            self._sharing.turn_ended(session_id)
        except Exception:
            logger.exception("The session %s could not be shared", session_id)

    async def _kept(self, process: AgentProcess, holder: str) -> bool:
        """Keep its session as long as its agent may go on; return whether it is kept."""
        waits_for = process.background.waits_for if process.usable else ""
        if not waits_for:
            return False
        lane = self._lanes.session(process.session_id)
        keeping = lane.put(self._locks.keep, process.session_id, holder, waits_for)
        await asyncio.wait({keeping}, timeout=END_SECONDS)
        # One that could not be written down yet is kept all the same.
        return not keeping.done() or keeping.result()

    async def _watch(self, process: AgentProcess, holder: str) -> None:
        change = process.background.next_change
        while await self._kept(process, holder):
            wanted = asyncio.ensure_future(self.takeovers.wanted(process.session_id))
            await _first(change.wait(), process.gone.wait(), wanted)
            given = wanted.done() and not wanted.cancelled() and wanted.exception() is None
            if given and process.usable:
                self._tell(True, _goodbye(process, wanted.result()))
                await process.end()
            change = process.background.next_change
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAKE_SECONDS):
                await process.gone.wait()
        await self.give_back(process.session_id, holder)


def _handover(wisher: Holder) -> str:
    """Return what the user is told of a run whose session another server gets."""
    who = f"{wisher}"
    return f"{who[0].upper()}{who[1:]} takes this session over, as its user wants: it stops here."


def _goodbye(process: AgentProcess, wisher: Holder) -> str:
    """Return what the user is told of a session that another server gets."""
    who = f"{wisher}"
    lost = process.background.waits_for
    return (
        f"{who[0].upper()}{who[1:]} goes on with the session {process.session_id}, as its user "
        f"wants. This has ended here: {lost}"
    )


async def _first(*events: Awaitable[Any]) -> None:
    waiting = [asyncio.ensure_future(event) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for each in waiting:
        each.cancel()
