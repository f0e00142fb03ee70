"""Loading the pool, and with it the SDK."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.agent.agent import Agent
from claude_agent_lsp.workspace.settings import Settings
from claude_agent_lsp.workspace.state import State

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_pool_that_could_not_be_loaded_is_loaded_with_the_next_run(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def show(_: Any) -> None:
        return None

    def full(name: str) -> Any:
        raise OSError(f"{name}: too many open files")

    agent = Agent(State(home / "state"), show)
    with monkeypatch.context() as patch:
        patch.setattr(importlib, "import_module", full)
        with pytest.raises(OSError, match="too many open files"):
            await agent._load_pool(Settings())
        assert agent.processes == ()
    pool = await agent._load_pool(Settings())
    assert await agent._load_pool(Settings()) is pool
    await agent.close()
