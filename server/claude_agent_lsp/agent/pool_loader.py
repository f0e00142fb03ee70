"""Loads the pool of processes, and with it the SDK, once the first run needs it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from typing import TYPE_CHECKING

from claude_agent_lsp.agent.os_processes.adoption_report import report_adopted
from claude_agent_lsp.agent.os_processes.orphans import end_orphans
from claude_agent_lsp.base.lanes import disk, processes
from claude_agent_lsp.errors import RequestFailed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from claude_agent_lsp.agent.buffers.buffers import Buffers
    from claude_agent_lsp.agent.os_processes.watchdog import Watchdog
    from claude_agent_lsp.agent.process.pool import ProcessPool
    from claude_agent_lsp.agent.process.process import AgentProcess
    from claude_agent_lsp.agent.process.receiver import FindOwner
    from claude_agent_lsp.base.abort import AbortSignal
    from claude_agent_lsp.workspace.settings import Settings


class PoolLoader:
    """The pool, as far as it is loaded.

    Args:
        watchdog: At work before a CLI starts.
        server_settings: Returns the settings of the whole server. Runs of all folders share the
            pool: none of them may change it for the others.
        stopping: Fires when the server ends; nothing is loaded then.
        find_owner: Has a run own a turn that an agent has begun by itself.
        on_start: Called with each process as it starts.
        buffers: See the attribute.

    Attributes:
        buffers: The editor's documents, which processes read and edit.
        before: What is waited for before the first CLI starts.
    """

    def __init__(
        self,
        watchdog: Watchdog,
        server_settings: Callable[[], Settings],
        stopping: AbortSignal,
        find_owner: FindOwner,
        on_start: Callable[[AgentProcess], None] = lambda _: None,
        *,
        buffers: Buffers | None = None,
    ) -> None:
        self.buffers = buffers
        self.before: Callable[[], Awaitable[None]] | None = None
        self._find_owner = find_owner
        self._on_start = on_start
        self._watchdog = watchdog
        self._server_settings = server_settings
        self._stopping = stopping
        self._pool: asyncio.Future[ProcessPool] | None = None
        self._reporting: asyncio.Task[None] | None = None

    @property
    def loaded(self) -> ProcessPool | None:
        """The pool, if it is there."""
        pool = self._pool
        if pool is None or not pool.done() or pool.cancelled() or pool.exception() is not None:
            return None
        return pool.result()

    @property
    def processes(self) -> tuple[AgentProcess, ...]:
        """The CLI processes, the least recently used first."""
        return tuple(pool) if (pool := self.loaded) is not None else ()

    def process_of(self, session_id: str) -> AgentProcess | None:
        """Return a session's process, if it has one."""
        return next((p for p in self.processes if p.session_id == session_id), None)

    def lent(self, process: AgentProcess) -> bool:
        """Return whether a run has this process."""
        return (pool := self.loaded) is not None and pool.lent(process)

    def load(self) -> asyncio.Future[ProcessPool]:
        """Return the pool, which the first caller has loaded.

        Raises:
            RequestFailed: The server is ending.
        """
        if self._stopping.aborted:
            raise RequestFailed("The server is shutting down.", hint="Restart the server.")
        settings = self._server_settings()
        if self._pool is None or (self._pool.done() and self.loaded is None):
            # One that failed is tried again: what kept it from loading may be gone.
            self._pool = asyncio.ensure_future(self._load(settings))
            self._reporting = self._reporting or asyncio.create_task(report_adopted(self._watchdog))
        elif (pool := self.loaded) is not None:
            pool.limit, pool.idle_seconds = settings.max_processes, settings.idle_process_seconds
        return self._pool

    async def close(self) -> None:
        """End all processes in order."""
        if self._pool is not None:
            # A pool that could not be loaded has failed every run, and has nothing to end.
            with contextlib.suppress(Exception):
                await (await self._pool).close()
        if self._reporting is not None:
            self._reporting.cancel()
        if self.buffers is not None:
            await self.buffers.close()

    async def _load(self, settings: Settings) -> ProcessPool:
        """Return a new pool. What a server that was killed has left is gone by then."""
        ending = asyncio.create_task(processes.run(end_orphans))
        before = None if self.before is None else asyncio.ensure_future(self.before())
        module = await disk.run(importlib.import_module, "claude_agent_lsp.agent.process.pool")
        await disk.run(importlib.import_module, "claude_agent_lsp.agent.run.turn")
        await ending
        if before is not None:
            await before
        pool: ProcessPool = module.ProcessPool(
            limit=settings.max_processes,
            idle_seconds=settings.idle_process_seconds,
            before_start=self._watchdog.ensure,
            find_owner=self._find_owner,
            on_start=self._on_start,
            buffers=self.buffers,
        )
        return pool
