"""Loading the pool, and with it the SDK."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING, Any, Final

import pytest

from claude_agent_lsp.agent.agent import Agent
from claude_agent_lsp.workspace.settings import Settings
from claude_agent_lsp.workspace.state import State

if TYPE_CHECKING:
    from pathlib import Path

NOBODY: Final[Any] = None  # to show the runs that no prompt has begun


async def test_a_pool_that_could_not_be_loaded_is_loaded_with_the_next_run(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def show(_: Any, __: bool) -> None:
        return None

    def full(name: str) -> Any:
        raise OSError(f"{name}: too many open files")

    agent = Agent(State(home / "state"), show, own_runs=NOBODY)
    with monkeypatch.context() as patch:
        patch.setattr(importlib, "import_module", full)
        with pytest.raises(OSError, match="too many open files"):
            await agent._pools.load()
        assert agent.processes == ()
    pool = await agent._pools.load()
    assert await agent._pools.load() is pool
    await agent.close()


async def test_limits_of_the_pool_are_those_of_the_server_whatever_a_folder_has(home: Path) -> None:
    current = [Settings(max_processes=2, idle_process_seconds=10.0)]

    async def show(_: Any, __: bool) -> None:
        return None

    agent = Agent(State(home / "state"), show, own_runs=NOBODY, server_settings=lambda: current[0])
    pool = await agent._pools.load()
    assert (pool.limit, pool.idle_seconds) == (2, 10.0)
    current[0] = Settings(max_processes=3)
    await agent.idle_processes.prewarm(home, Settings(max_processes=9), asyncio.Future())
    assert (pool.limit, pool.idle_seconds) == (3, 300.0)
    await agent.close()
