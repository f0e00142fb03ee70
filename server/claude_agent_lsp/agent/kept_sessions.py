"""Copies of sessions, as far as the settings want them kept, each made in its session's lane."""

from __future__ import annotations

import asyncio
import importlib
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.sessions.catalogue.kept_copies import KeptCopies

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from claude_agent_lsp.base.abort import AbortSignal
    from claude_agent_lsp.base.lanes import Lanes
    from claude_agent_lsp.sessions.catalogue.keeping import Plan, Room
    from claude_agent_lsp.workspace.settings import Settings
    from claude_agent_lsp.workspace.state import State

logger = logging.getLogger(__name__)

# A CLI deletes at its start what is due: the first one waits so long for what has no copy yet.
FIRST_CLI_SECONDS: Final = 5.0
# And the others for one whose disk, or whose lane, is held up.
SESSION_SECONDS: Final = 60.0


class KeptSessions:
    """The kept sessions of one server.

    Args:
        state: Has the state directory, which a setting may move.
        lanes: Those of sessions.
        settings: Returns the settings of the whole server.
        begin: Begins work that nobody waits for.
        stopping: Fires when the server ends: no other session is copied then.
    """

    def __init__(
        self,
        state: State,
        lanes: Lanes,
        settings: Callable[[], Settings],
        begin: Callable[[Awaitable[object]], object],
        stopping: AbortSignal,
    ) -> None:
        self._stopping = stopping
        self._state = state
        self._lanes = lanes
        self._settings = settings
        self._begin = begin
        self._updating: asyncio.Task[None] | None = None

    @property
    def copies(self) -> KeptCopies:
        """The copies on disk."""
        return KeptCopies(self._state.directory)

    def keep_tagged(self, session_ids: Iterable[str]) -> None:
        """Begin to copy these sessions, if their tag wants them kept; nothing waits for it."""
        for session_id in session_ids:
            self._begin(self._lanes.session(session_id).run(self.follow, session_id))

    @property
    def wanted(self) -> bool:
        """Whether the tag has a session kept."""
        return self._settings().keep_sessions != "none"

    def follow(self, session_id: str) -> None:
        """Bring a session's copy up to date, if its tag wants it kept. Call it in its lane."""
        if self.wanted:
            self.copies.update(session_id, untagged=False)

    def settle(self, session_id: str) -> None:
        """Bring the copy of a session up to date that has one. Call it in its lane."""
        if self.copies.find(session_id) is not None:
            self.follow(session_id)

    def drop(self, session_id: str) -> None:
        """Drop the copy of a session that has lost its tag, unless all are kept.

        Raises:
            StoreUnavailable: It can't be removed.
        """
        if self._settings().keep_sessions != "all":
            self.copies.forget(session_id)

    async def status(self) -> dict[str, Any]:
        """Return which sessions are kept, and how much room they take, as the status has it."""
        settings = self._settings()
        room = await disk.run(self._room)
        return {
            "which": settings.keep_sessions,
            "sessions": room.sessions,
            "bytes": room.size,
            "maxBytes": settings.keep_max_megabytes * 1_000_000,
            "leaving": room.leaving,
        }

    async def before_cli(self) -> None:
        """Wait, before the first CLI starts, for copies of what it may delete; not for long."""
        await asyncio.wait({self._update()}, timeout=FIRST_CLI_SECONDS)

    async def update(self) -> None:
        """Copy what has to be copied, and let go what has to make room."""
        await asyncio.shield(self._update())

    def _update(self) -> asyncio.Task[None]:
        if self._updating is None or self._updating.done():
            self._updating = asyncio.ensure_future(self._carry_out())
            self._begin(self._updating)
        return self._updating

    async def _carry_out(self) -> None:
        try:
            plan = await disk.run(self._plan)
            for copy in plan.gone:
                logger.info("The kept copy of %s makes room for newer ones", copy.session_id)
                await self._lanes.session(copy.session_id).run(self.copies.forget, copy.session_id)
            if plan.gone:
                plan = await disk.run(self._plan)
            for copy, at in plan.leaving:
                if copy.leaves_at is None:
                    lane = self._lanes.session(copy.session_id)
                    await lane.run(self.copies.let_leave, copy.session_id, at)
            for copy in plan.staying:
                lane = self._lanes.session(copy.session_id)
                await lane.run(self.copies.let_leave, copy.session_id, None)
            stale = [copy.session_id for copy in await disk.run(self.copies.all_copies)]
            work = [(self._copy, waiting.session_id) for waiting in plan.copied]
            for bring, session_id in [*work, *((self.follow, each) for each in stale)]:
                if self._stopping.aborted:
                    return
                done = self._lanes.session(session_id).put(bring, session_id)
                await asyncio.wait({done}, timeout=SESSION_SECONDS)
        except Exception:
            # It is tried again later, and no run depends on it.
            logger.exception("The kept sessions could not be brought up to date")

    def _copy(self, session_id: str) -> None:
        self.copies.update(session_id, untagged=self._settings().keep_sessions == "all")

    def _room(self) -> Room:
        keeping = importlib.import_module("claude_agent_lsp.sessions.catalogue.keeping")
        room: Room = keeping.room_of(self.copies)
        return room

    def _plan(self) -> Plan:
        keeping = importlib.import_module("claude_agent_lsp.sessions.catalogue.keeping")
        index = importlib.import_module("claude_agent_lsp.sessions.catalogue.index")
        directory = self._state.directory
        plan: Plan = keeping.plan_of(
            KeptCopies(directory), self._settings(), index.Index(directory), datetime.now(UTC)
        )
        return plan
