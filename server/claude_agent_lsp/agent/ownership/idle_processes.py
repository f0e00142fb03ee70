"""Processes that no run has asked for yet: started ahead, or asked what the CLI offers."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from claude_agent_lsp.agent.ownership.spare_processes import SpareProcesses
from claude_agent_lsp.agent.process.launch import CHANGES, Launch, SessionStart
from claude_agent_lsp.agent.run.query import LAST, NEW, Query
from claude_agent_lsp.errors import SessionBusy
from claude_agent_lsp.sessions.claude_settings.deny_rules import DenyRules

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.agent.ownership.runs import Runs
    from claude_agent_lsp.agent.pool_loader import PoolLoader
    from claude_agent_lsp.agent.process.process import AgentProcess
    from claude_agent_lsp.agent.run.admission import Admission
    from claude_agent_lsp.base.abort import AbortSignal
    from claude_agent_lsp.base.disk.places import Place
    from claude_agent_lsp.base.lanes import Lanes
    from claude_agent_lsp.sessions.lock import SessionLocks
    from claude_agent_lsp.workspace.settings import Settings
    from claude_agent_lsp.workspace.state import State


class IdleProcesses:
    """Starts processes for a folder's next query, and knows which one waits for it.

    Args:
        pools: Has the pool.
        lanes: Those of folders and sessions.
        state: Knows each folder's current session.
        admission: Knows how a session is gone on with.
        locks: Know which sessions are in use.
        runs: Have the modes that were set for sessions, and what was allowed for them.

    Attributes:
        spares: Those that stand ready for new sessions.
    """

    def __init__(
        self,
        *,
        pools: PoolLoader,
        lanes: Lanes,
        state: State,
        admission: Admission,
        locks: SessionLocks,
        runs: Runs,
    ) -> None:
        self._pools = pools
        self._lanes = lanes
        self._state = state
        self._admission = admission
        self._locks = locks
        self._runs = runs
        self.spares = SpareProcesses(pools, lanes, runs)

    async def prewarm(
        self,
        folder: Path,
        settings: Settings,
        revoked: asyncio.Future[None],
        place: Place | None = None,
    ) -> None:
        """Start a process ahead of the next query in a folder that is trusted, if there is room.

        Args:
            folder: The folder.
            settings: What holds there.
            revoked: That of the folder's lane, from before trust was looked at.
            place: What it was when it was found to be trusted.
        """
        if settings.max_budget_usd is not None or settings.daily_budget_usd is not None:
            return  # a process with a budget is one run's, and is started with what is left then
        pool = await self._pools.load()
        lane = self._lanes.folder(folder)
        async with lane.place():
            session = await self.next_session(folder)
            busy = await lane.run(self._locks.busy, session.session_id)
            if not busy and not revoked.done():
                query = Query("", folder, settings, trusted=True, place=place)
                pool.prewarm(self.launch(query, session, DenyRules()), session)

    async def process_in(
        self,
        folder: Path,
        settings: Settings,
        signal: AbortSignal,
        *,
        trusted: bool,
        place: Place | None,
        session_id: str | None = None,
    ) -> AgentProcess:
        """Return a started process of this folder, for what the CLI reports outside of runs.

        Args:
            folder: The folder.
            settings: What holds there.
            signal: Ends the waiting; what is not started by then never is.
            trusted: Whether the folder is trusted.
            place: What it was when it was found to be trusted.
            session_id: The session that it has to be one of; any by default.

        Raises:
            Aborted: The signal fired while it had to be waited for.
            RequestFailed: It could not be started.
            SessionBusy: The session is another server's.
        """
        pool = await self._pools.load()
        signal.throw_if_aborted()
        there = [p for p in pool if p.launch.folder == folder and p.usable]
        process = next((p for p in there if session_id in (None, p.session_id)), None)
        if process is None:
            lane = self._lanes.folder(folder)
            session = await self._session(folder, session_id)
            denied = await lane.read(DenyRules.read, folder)
            query = Query("", folder, settings, trusted=trusted, place=place)
            launch = self.launch(query, session, denied)
            new = session.source is None
            start = await self.spares.start_of(launch) if new and trusted else None
            process = await pool.borrow(launch, session, signal, lambda: None)
            pool.release(process)
            if new:
                self.spares.stand(process, start)
        await signal.wait_or_abort(process.started)
        return process

    async def _session(self, folder: Path, session_id: str | None) -> SessionStart:
        if session_id is None:
            return await self.next_session(folder)
        lane = self._lanes.session(session_id)
        if await lane.run(self._locks.busy, session_id):
            raise SessionBusy(f"Somebody is at work in the session {session_id}.")
        return await lane.run(self._admission.next_session, session_id, folder)

    async def next_session(self, folder: Path) -> SessionStart:
        """Return the session that the folder's next query will work in, as things stand."""
        current = await self._lanes.folder(folder).read(self._state.current, folder)
        if current is None:
            return SessionStart(str(uuid.uuid4()))
        return await self._lanes.session(current).run(self._admission.next_session, current, folder)

    def launch(self, query: Query, session: SessionStart, denied: DenyRules) -> Launch:
        """Return how a process is started for a query in its session."""
        # The folder may have lost its trust since the mode was set.
        mode = self._runs.modes.chosen_for(session.session_id, trusted=query.trusted)
        launch = Launch.build(query.folder, query.settings, query.wanted, mode)
        if (grants := self._runs.grants.get(session.session_id)) is not None:
            launch = replace(
                launch, granted_rules=grants.rules, granted_directories=grants.directories
            )
        if query.traceless:
            launch = replace(launch, traceless=True, denied=CHANGES)
        if query.trusted:
            return replace(launch, place=query.place)
        return replace(launch, trusted=False, denied=(*launch.denied, *denied.rules))

    async def spare_session(self, query: Query, signal: AbortSignal) -> str | None:
        """Return the session of a process that waits for the first prompt of such a query.

        Raises:
            Aborted: The signal fired.
        """
        launch = Launch.build(query.folder, query.settings, query.wanted)
        launch = replace(launch, trusted=query.trusted, place=query.place)
        if not self.spares.any_for(launch) or not await self._begins_session(query):
            return None
        looking = asyncio.ensure_future(self.spares.claim(launch))
        looking.add_done_callback(lambda done: done.cancelled() or done.exception())
        spare = await signal.wait_or_abort(looking)
        return spare if spare is None or self._locks.owner(spare) is None else None

    async def _begins_session(self, query: Query) -> bool:
        if query.fork or query.traceless or query.new_id or query.session not in (LAST, NEW):
            return False
        lane = self._lanes.folder(query.folder)
        return query.session == NEW or await lane.read(self._state.current, query.folder) is None
