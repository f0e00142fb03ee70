"""A process that stands ready, with stand-ins for the CLI: when it ends, and who may have it."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
import pytest_asyncio

from claude_agent_lsp.agent.ownership import spare_processes
from claude_agent_lsp.agent.ownership.spare_processes import SpareProcesses
from claude_agent_lsp.agent.process.pool import ProcessPool
from claude_agent_lsp.base.lanes import Lanes, processes
from tests.agent.conftest import new_session, soon

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from claude_agent_lsp.agent.process.launch import Launch
    from claude_agent_lsp.agent.process.process import AgentProcess

pytestmark = pytest.mark.starts

SECONDS = 20


class _Pools:
    def __init__(self) -> None:
        self.loaded = ProcessPool(limit=3)

    def lent(self, process: AgentProcess) -> bool:
        return self.loaded.lent(process)

    def process_of(self, session_id: str) -> AgentProcess | None:
        return next((each for each in self.loaded if each.session_id == session_id), None)


class _Runs:
    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[Any]] = []

    def begin(self, work: Any) -> None:
        self.tasks.append(asyncio.create_task(work))


class Standing:
    """One process that stands ready."""

    def __init__(self, launch: Launch) -> None:
        self.launch, self.pools, self.runs = launch, _Pools(), _Runs()
        self.spares = SpareProcesses(cast("Any", self.pools), Lanes(), cast("Any", self.runs))

    async def begin(self) -> AgentProcess:
        session = new_session()
        start = await self.spares.start_of(self.launch)
        self.pools.loaded.prewarm(self.launch, session)
        process = self.pools.process_of(session.session_id)
        assert process is not None
        self.spares.stand(process, start)
        await asyncio.wait_for(process.started, SECONDS)
        return process


@pytest_asyncio.fixture
async def standing(launch: Launch) -> AsyncIterator[Standing]:
    standing = Standing(launch)
    yield standing
    await asyncio.wait_for(standing.pools.loaded.close(), SECONDS)
    await asyncio.wait_for(asyncio.gather(*standing.runs.tasks), SECONDS)


async def test_it_is_claimed_once(standing: Standing) -> None:
    process = await standing.begin()
    assert standing.spares.of(process)
    assert await standing.spares.claim(standing.launch) == process.session_id
    assert await standing.spares.claim(standing.launch) is None
    assert not standing.spares.of(process)


async def test_of_two_that_want_it_at_once_one_has_it(standing: Standing) -> None:
    process = await standing.begin()
    wanted = [standing.spares.claim(standing.launch) for _ in range(2)]
    got = await asyncio.gather(*wanted)
    assert sorted(got, key=str) == sorted([process.session_id, None], key=str)


async def test_it_serves_no_other_launch(standing: Standing) -> None:
    await standing.begin()
    for other in ({"model": "opus"}, {"effort": "low"}, {"max_turns": 1}, {"may_bypass": True}):
        assert await standing.spares.claim(replace(standing.launch, **cast("Any", other))) is None


class _Memory:
    """What the machine has left, and how often that was looked at."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left, self.looks = 2**40, 0
        self._looked = threading.Condition()
        self.on_look: Callable[[], object] = int
        monkeypatch.setattr(spare_processes, "LOOK_SECONDS", 0.01)
        monkeypatch.setattr(spare_processes, "available_memory", self._available)

    def _available(self) -> int:
        with self._looked:
            self.looks += 1
            self._looked.notify_all()
        self.on_look()
        return self.left

    async def looked_at(self, times: int) -> None:
        def look() -> bool:
            with self._looked:
                return self._looked.wait_for(lambda: self.looks >= times, SECONDS)

        assert await asyncio.to_thread(look)


async def test_it_ends_once_memory_is_short(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = _Memory(monkeypatch)
    process = await standing.begin()
    await memory.looked_at(3)
    assert process.usable
    memory.left = 2**20
    await asyncio.wait_for(process.gone.wait(), SECONDS)


async def test_one_that_a_session_gets_meanwhile_does_not_end(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, looking, claimed = _Memory(monkeypatch), threading.Event(), threading.Event()

    def look() -> None:
        looking.set()
        assert claimed.wait(SECONDS)

    memory.left, memory.on_look = 0, look
    process = await standing.begin()
    assert await asyncio.to_thread(looking.wait, SECONDS)
    assert await standing.spares.claim(standing.launch) == process.session_id
    claimed.set()
    await soon()
    await asyncio.gather(*(processes.run(int) for _ in range(3)))
    await soon()
    assert process.usable


async def test_what_the_cli_leaves_of_it_is_removed(standing: Standing, home: Path) -> None:
    process = await standing.begin()
    left = home / ".claude" / "session-env" / process.session_id
    left.mkdir(parents=True)
    await process.end()
    await asyncio.wait_for(asyncio.gather(*standing.runs.tasks), SECONDS)
    assert not left.exists()
    assert left.parent.exists()
