"""Which process a run gets, with stand-ins for the CLI."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import pytest_asyncio

from claude_agent_lsp.agent.process.launch import Launch, Overrides, SessionStart
from claude_agent_lsp.agent.process.pool import ProcessPool
from claude_agent_lsp.base.abort import AbortController, Aborted, AbortSignal
from claude_agent_lsp.errors import RequestFailed
from tests.agent.conftest import launch_of, new_session, soon

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from claude_agent_lsp.agent.process.process import AgentProcess

pytestmark = pytest.mark.starts

SECONDS = 20
NEVER = AbortSignal()


class Pool(ProcessPool):
    """A pool with shorter words, that counts how often a run had to wait."""

    waits = 0

    async def lend(
        self, launch: Launch, session: SessionStart, signal: AbortSignal = NEVER
    ) -> AgentProcess:
        return await asyncio.wait_for(self.borrow(launch, session, signal, self._wait), SECONDS)

    async def use(self, launch: Launch, session: SessionStart) -> AgentProcess:
        """As a run does that has nothing to say."""
        process = await self.lend(launch, session)
        process.used = True
        self.release(process)
        return process

    def _wait(self) -> None:
        self.waits += 1


@pytest_asyncio.fixture
async def pool() -> AsyncIterator[Pool]:
    pool = Pool(limit=2)
    yield pool
    await asyncio.wait_for(pool.close(), SECONDS)
    assert not list(pool)


async def gone(process: AgentProcess) -> None:
    await asyncio.wait_for(process.gone.wait(), SECONDS)
    await soon()


async def test_a_session_keeps_its_process(pool: Pool, launch: Launch) -> None:
    session = new_session()
    first = await pool.use(launch, session)
    assert await pool.use(launch, session) is first
    assert list(pool) == [first]


async def test_another_session_gets_another_process(pool: Pool, launch: Launch) -> None:
    assert await pool.use(launch, new_session()) is not await pool.use(launch, new_session())


async def test_model_and_mode_do_not_need_another_process(pool: Pool, launch: Launch) -> None:
    session = new_session()
    first = await pool.use(launch, session)
    other = replace(launch, model="other", permission_mode="plan")
    assert await pool.use(other, session) is first


@pytest.mark.parametrize(
    "other", [{"max_turns": 3}, {"effort": "low"}, {"output_schema": {}}, {"max_budget_usd": 1.0}]
)
async def test_other_limits_need_another_process(
    pool: Pool, launch: Launch, other: dict[str, Any]
) -> None:
    session = new_session()
    first = await pool.use(launch, session)
    second = await pool.use(replace(launch, **other), session)
    assert second is not first
    assert list(pool) == [second]


@pytest.mark.filterwarnings("ignore:can_use_tool will not be invoked")
async def test_bypassing_needs_a_process_that_was_started_for_it(
    pool: Pool, launch: Launch
) -> None:
    session = new_session()
    first = await pool.use(launch, session)
    bypassing = Launch.build(
        launch.folder, launch.settings, Overrides(permission_mode="bypassPermissions")
    )
    second = await pool.use(bypassing, session)
    assert second is not first
    assert await pool.use(launch, session) is second


async def test_a_process_with_a_budget_serves_one_run(pool: Pool, launch: Launch) -> None:
    session = new_session()
    budget = replace(launch, max_budget_usd=1.0)
    assert await pool.use(budget, session) is not await pool.use(budget, session)


async def test_a_transcript_that_others_changed_needs_another_process(
    pool: Pool, launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = new_session()
    first = await pool.use(launch, session)
    monkeypatch.setattr(first.transcript, "changed_by_others", lambda: True)
    second = await pool.use(launch, session)
    assert second is not first
    assert first.gone.is_set()


async def test_a_process_that_died_is_replaced(pool: Pool, launch: Launch) -> None:
    session = new_session()
    first = await pool.use(launch, session)
    assert first.pid is not None
    psutil.Process(first.pid).kill()
    await gone(first)
    assert list(pool) == []
    assert await pool.use(launch, session) is not first


async def test_one_that_dies_while_its_transcript_is_looked_at_is_replaced(
    pool: Pool, launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = new_session()
    first = await pool.use(launch, session)
    loop = asyncio.get_running_loop()

    def die_meanwhile() -> bool:
        assert first.pid is not None
        psutil.Process(first.pid).kill()
        asyncio.run_coroutine_threadsafe(first.gone.wait(), loop).result(SECONDS)
        return False

    monkeypatch.setattr(first.transcript, "changed_by_others", die_meanwhile)
    assert await pool.use(launch, session) is not first


async def test_a_cli_that_does_not_start_fails_the_run(pool: Pool, home: Path) -> None:
    with pytest.raises(RequestFailed):
        await pool.lend(launch_of("dead_at_start", home), new_session())
    await soon()
    assert list(pool) == []


def works_behind(process: AgentProcess, *, at_work: bool = True) -> None:
    """The CLI says what goes on behind its turns."""
    tasks = [{"task_id": "task", "description": "serves"}] if at_work else []
    process.background.read("background_tasks_changed", {"tasks": tasks})


async def test_the_least_recently_used_goes_first(pool: Pool, launch: Launch) -> None:
    one, two, three = new_session(), new_session(), new_session()
    await pool.use(launch, one)
    second = await pool.use(launch, two)
    first = await pool.use(launch, one)
    third = await pool.use(launch, three)
    assert list(pool) == [first, third]
    assert second.gone.is_set()


async def test_one_with_background_tasks_is_spared(pool: Pool, launch: Launch) -> None:
    busy = await pool.use(launch, new_session())
    works_behind(busy)
    idle = await pool.use(launch, new_session())
    await pool.use(launch, new_session())
    assert idle.gone.is_set()
    assert not busy.gone.is_set()


async def test_there_are_never_more_than_allowed(pool: Pool, launch: Launch) -> None:
    async def run() -> None:
        await pool.use(launch, new_session())
        assert len(list(pool)) <= pool.limit

    await asyncio.gather(*(run() for _ in range(6)))
    assert len(list(pool)) == pool.limit


async def test_a_run_waits_for_a_free_process_and_is_told_once(pool: Pool, launch: Launch) -> None:
    lent = [await pool.lend(launch, new_session()) for _ in range(2)]
    waiting = asyncio.create_task(pool.lend(launch, new_session()))
    await soon()
    pool._wake()
    await soon()
    assert pool.waits == 1
    assert not waiting.done()
    pool.release(lent[1])
    third = await waiting
    assert lent[1].gone.is_set()
    assert list(pool) == [lent[0], third]


async def test_a_waiting_run_can_be_stopped(pool: Pool, launch: Launch) -> None:
    lent = [await pool.lend(launch, new_session()) for _ in range(2)]
    controller = AbortController()
    waiting = asyncio.create_task(pool.lend(launch, new_session(), controller.signal))
    await soon()
    controller.abort()
    with pytest.raises(Aborted):
        await waiting
    assert list(pool) == lent


async def test_a_run_is_stopped_at_once_while_another_process_ends(
    pool: Pool, launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = new_session()
    first = await pool.use(launch, session)
    reached, slow = asyncio.Event(), asyncio.Event()
    ending = type(first)._shut_down

    async def end_slowly(process: AgentProcess) -> None:
        reached.set()
        await slow.wait()
        await ending(process)

    monkeypatch.setattr(type(first), "_shut_down", end_slowly)
    controller = AbortController()
    other = replace(launch, effort="low")
    waiting = asyncio.create_task(pool.lend(other, session, controller.signal))
    await asyncio.wait_for(reached.wait(), SECONDS)
    controller.abort()
    with pytest.raises(Aborted):
        await waiting
    assert not first.gone.is_set()
    slow.set()


async def test_a_process_that_is_starting_is_kept_when_its_run_is_stopped(
    pool: Pool, launch: Launch
) -> None:
    session, controller = new_session(), AbortController()
    waiting = asyncio.create_task(pool.lend(launch, session, controller.signal))
    await soon()
    (starting,) = pool
    controller.abort()
    with pytest.raises(Aborted):
        await waiting
    assert await pool.use(launch, session) is starting


async def test_a_session_whose_process_is_lent_waits_for_it(pool: Pool, launch: Launch) -> None:
    session = new_session()
    first = await pool.lend(launch, session)
    waiting = asyncio.create_task(pool.lend(launch, session))
    await soon()
    assert not waiting.done()
    pool.release(first)
    assert await waiting is first


async def test_two_that_start_in_one_session_share_its_process(pool: Pool, launch: Launch) -> None:
    session = new_session()
    first, second = await asyncio.gather(pool.use(launch, session), pool.use(launch, session))
    assert first is second


async def test_a_prewarmed_process_is_used_by_the_first_run(pool: Pool, launch: Launch) -> None:
    session = new_session()
    pool.prewarm(launch, session)
    (warm,) = pool
    assert pool.spare(launch) == session.session_id
    assert pool.spare(replace(launch, effort="low")) is None
    assert await pool.lend(launch, session) is warm
    assert pool.spare(launch) is None
    warm.used = True
    pool.release(warm)
    assert pool.spare(launch) is None


async def test_one_that_resumes_is_no_spare(pool: Pool, launch: Launch) -> None:
    session = new_session()
    pool.prewarm(launch, SessionStart(session.session_id, source=session.session_id))
    assert pool.spare(launch) is None


async def test_what_goes_back_gets_a_process_that_does(pool: Pool, launch: Launch) -> None:
    session_id = new_session().session_id
    going_on = SessionStart(session_id, source=session_id)
    going_back = replace(going_on, at="line")
    first = await pool.use(launch, going_on)
    second = await pool.use(launch, going_back)
    assert second is not first
    assert second.session == going_back
    assert await pool.use(launch, going_on) is second
    assert await pool.use(launch, going_back) is not second


async def test_one_that_has_gone_back_in_vain_is_not_gone_on_with(
    pool: Pool, launch: Launch
) -> None:
    session_id = new_session().session_id
    going_on = SessionStart(session_id, source=session_id)
    unused = await pool.lend(launch, replace(going_on, at="line"))
    pool.release(unused)
    assert await pool.use(launch, going_on) is not unused


async def test_prewarming_takes_nobodys_room(pool: Pool, launch: Launch) -> None:
    session = new_session()
    first = await pool.use(launch, session)
    pool.prewarm(launch, session)
    assert list(pool) == [first]
    second = await pool.use(launch, new_session())
    pool.prewarm(launch, new_session())
    assert list(pool) == [first, second]


async def test_an_idle_process_ends(launch: Launch) -> None:
    pool = Pool(idle_seconds=0.01)
    process = await pool.use(launch, new_session())
    await gone(process)
    assert list(pool) == []
    await pool.close()


async def test_a_lent_process_does_not_expire(launch: Launch) -> None:
    pool = Pool(idle_seconds=0.2)
    session = new_session()
    await pool.use(launch, session)
    process = await pool.lend(launch, session)
    other = await pool.use(launch, new_session())
    await gone(other)
    assert process.usable
    assert not process.gone.is_set()
    await pool.close()


async def test_an_idle_process_with_background_tasks_is_kept_until_they_end(
    launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claude_agent_lsp.agent.process.pool.LOOK_AGAIN_SECONDS", 0.01)
    pool = Pool(idle_seconds=0.0)
    process = await pool.lend(launch, new_session())
    works_behind(process)
    pool.release(process)
    other = await pool.use(launch, new_session())
    await gone(other)
    assert not process.gone.is_set()
    works_behind(process, at_work=False)
    await gone(process)
    await pool.close()


async def test_nothing_is_started_after_the_end(launch: Launch) -> None:
    pool = Pool()
    lent = await pool.lend(launch, new_session())
    await pool.close()
    assert lent.gone.is_set()
    pool.release(lent)
    pool.prewarm(launch, new_session())
    assert list(pool) == []
    with pytest.raises(RequestFailed, match="shutting down"):
        await pool.lend(launch, new_session())


async def test_the_end_does_not_wait_for_a_start(home: Path) -> None:
    pool = Pool()
    pool.prewarm(launch_of("mute", home), new_session())
    await asyncio.wait_for(pool.close(), SECONDS)


async def test_one_whose_transcript_can_not_be_looked_at_is_given_back(
    pool: Pool, launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = new_session()
    first = await pool.use(launch, session)

    def fail() -> bool:
        raise OSError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(first.transcript, "changed_by_others", fail)
        with pytest.raises(OSError, match="the disk is gone"):
            await pool.lend(launch, session)
    assert not pool.lent(first)
    assert await pool.use(launch, session) is first
