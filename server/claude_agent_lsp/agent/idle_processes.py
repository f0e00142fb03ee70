"""Processes that no run has asked for yet: started ahead, or asked what the CLI offers."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from claude_agent_lsp.agent.process.launch import Launch, SessionStart
from claude_agent_lsp.agent.run.query import Query
from claude_agent_lsp.sessions.claude_settings.deny_rules import DenyRules

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from claude_agent_lsp.agent.pool_loader import PoolLoader
    from claude_agent_lsp.agent.process.process import AgentProcess
    from claude_agent_lsp.agent.run.admission import Admission
    from claude_agent_lsp.agent.runs import Runs
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
    ) -> AgentProcess:
        """Return a started process of this folder, for what the CLI reports outside of runs.

        Args:
            folder: The folder.
            settings: What holds there.
            signal: Ends the waiting; what is not started by then never is.
            trusted: Whether the folder is trusted.
            place: What it was when it was found to be trusted.

        Raises:
            Aborted: The signal fired while it had to be waited for.
            RequestFailed: It could not be started.
        """
        pool = await self._pools.load()
        signal.throw_if_aborted()
        process = next((p for p in pool if p.launch.folder == folder and p.usable), None)
        if process is None:
            lane = self._lanes.folder(folder)
            session = await self.next_session(folder)
            denied = await lane.read(DenyRules.read, folder)
            query = Query("", folder, settings, trusted=trusted, place=place)
            launch = self.launch(query, session, denied)
            process = await pool.borrow(launch, session, signal, lambda: None)
            pool.release(process)
        await signal.wait_or_abort(process.started)
        return process

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
        if query.trusted:
            return replace(launch, place=query.place)
        return replace(launch, trusted=False, denied=denied.rules)

    def spare_session(self, query: Query) -> str | None:
        """Return the session of a process that waits for the first prompt of such a query."""
        if (pool := self._pools.loaded) is None:
            return None
        launch = Launch.build(query.folder, query.settings, query.wanted)
        spare = pool.spare(replace(launch, trusted=query.trusted, place=query.place))
        return spare if spare is None or self._locks.owner(spare) is None else None
