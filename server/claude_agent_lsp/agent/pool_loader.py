"""Loads the pool of processes, and with it the SDK, once the first run needs it."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING

from claude_agent_lsp.agent.process.orphans import end_orphans
from claude_agent_lsp.base.lanes import disk, processes

if TYPE_CHECKING:
    from claude_agent_lsp.agent.process.pool import ProcessPool
    from claude_agent_lsp.agent.process.watchdog import Watchdog
    from claude_agent_lsp.workspace.settings import Settings


async def load_pool(settings: Settings, watchdog: Watchdog) -> ProcessPool:
    """Return a new pool. What a server that was killed has left is gone by then."""
    ending = asyncio.create_task(processes.run(end_orphans))
    module = await disk.run(importlib.import_module, "claude_agent_lsp.agent.process.pool")
    await disk.run(importlib.import_module, "claude_agent_lsp.agent.run.turn")
    await ending
    pool: ProcessPool = module.ProcessPool(
        limit=settings.max_processes,
        idle_seconds=settings.idle_process_seconds,
        before_start=watchdog.ensure,
    )
    return pool
