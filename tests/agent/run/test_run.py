"""Whatever fails on a run's way, it ends: its session is given back, its request answered."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from claude_agent_sdk import ResultMessage

from claude_agent_lsp.agent.accounts.audit_log import ToolTrail
from claude_agent_lsp.agent.accounts.daily_budget import DailyBudget
from claude_agent_lsp.agent.agent import Agent
from claude_agent_lsp.agent.background import Background
from claude_agent_lsp.agent.events import RunStatus
from claude_agent_lsp.agent.kept_sessions import KeptSessions
from claude_agent_lsp.agent.ownership.runs import Runs
from claude_agent_lsp.agent.run.delivery import Delivery
from claude_agent_lsp.agent.run.query import Query
from claude_agent_lsp.agent.run.run import NEXT, ActiveRun, RunState
from claude_agent_lsp.agent.run.run_journal import RunJournal
from claude_agent_lsp.base.abort import AbortSignal
from claude_agent_lsp.errors import RequestFailed
from claude_agent_lsp.sessions.journal.journal import Journal
from claude_agent_lsp.sessions.sharing.sharing import SharedSessions
from claude_agent_lsp.workspace.settings import Settings
from claude_agent_lsp.workspace.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator
    from pathlib import Path

    from claude_agent_lsp.agent.events import Event
    from claude_agent_lsp.agent.process.pool import ProcessPool

SECONDS = 20.0  # only catches hangs
SESSION = "6f1d3b9e-0000-4000-8000-000000000000"


class Broken(Exception):
    """A fault of ours."""


class FailsAt:
    """Awaits a coroutine, and raises something in it at the k-th place where it waits."""

    def __init__(
        self, work: Coroutine[Any, Any, Any], place: int, fault: type[BaseException] = Broken
    ) -> None:
        self._work = work
        self._place = place
        self._fault = fault
        self.waited = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Callable[[Any], Any] = self._work.send
        value: Any = None
        while True:
            try:
                waits_for = step(value)
            except StopIteration as end:
                return end.value
            yield waits_for
            fails = self.waited == self._place
            self.waited += 1
            step, value = (
                (self._work.throw, self._fault("here")) if fails else (self._work.send, None)
            )


class Process:
    """A process that answers each prompt at once."""

    session = SimpleNamespace(source=None)
    cost_usd, usable, tools = 0.0, True, None

    def __init__(self) -> None:
        self.background = Background()
        self._receiver: Any = None

    async def change(self, **_: Any) -> None:
        await asyncio.sleep(0)

    def attach(self, receiver: Any) -> None:
        self._receiver = receiver

    def detach(self) -> None:
        self._receiver = None

    def prompt(self, message: dict[str, Any]) -> None:
        result = ResultMessage(
            subtype="success",
            duration_ms=1,
            duration_api_ms=1,
            is_error=False,
            num_turns=1,
            session_id=SESSION,
            total_cost_usd=0.01,
            result="Done.",
            user_message_uuid=message["uuid"],
        )
        asyncio.get_running_loop().call_soon(self._receiver.receive, result)

    def interrupt(self) -> None:
        pass

    def withdraw(self, message_id: str) -> None:
        pass

    def end(self) -> asyncio.Future[None]:
        return asyncio.ensure_future(asyncio.sleep(0))


class Pool:
    """A pool with one such process."""

    limit, idle_seconds = 4, 300.0

    def __init__(self) -> None:
        self.lent_out = 0

    def __iter__(self) -> Any:
        return iter(())

    def spare(self, _: Any) -> None:
        return None

    async def borrow(self, *_: Any) -> Process:
        await asyncio.sleep(0)
        self.lent_out += 1
        return Process()

    def release(self, _: Process) -> None:
        self.lent_out -= 1

    async def close(self) -> None:
        pass


class Stage:
    """An agent whose CLI is `Process`."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "project"
        self.folder.mkdir()
        self.pool = Pool()
        self.told: list[Event] = []
        nobody = cast("Any", None)
        self.agent = Agent(State(home / "state"), show=nobody, own_runs=nobody)
        loaded: asyncio.Future[ProcessPool] = asyncio.get_running_loop().create_future()
        loaded.set_result(cast("ProcessPool", self.pool))
        self.agent._pools._pool = loaded

    async def begin(self) -> ActiveRun:
        query = Query("do it", self.folder, Settings(), session="new", trusted=True)
        backpressure = cast("Any", SimpleNamespace(congested=False))
        signal = AbortSignal()
        async with self.agent.lanes.folder(self.folder).place():
            return await self.agent.ask(
                query, signal=signal, to_editor=self.told.append, backpressure=backpressure
            )

    async def assert_free(self) -> None:
        """Nothing is left of what was there, and the next query is answered."""
        assert self.agent.runs == ()
        assert self.agent.locks._held == {}
        assert self.pool.lent_out == 0
        run = await asyncio.wait_for(self.begin(), SECONDS)
        ended = await asyncio.wait_for(asyncio.shield(run.ended), SECONDS)
        assert (ended.status, ended.error) == (RunStatus.COMPLETED, None)

    def assert_told(self) -> None:
        kinds = [event.kind for event in self.told]
        assert (kinds[0], kinds[-1]) == ("started", "ended")
        assert (kinds.count("started"), kinds.count("ended")) == (1, 1)


@pytest.fixture
async def stage(home: Path) -> Stage:
    return Stage(home)


# What it waits for may have been cancelled, too.
@pytest.mark.parametrize("fault", [Broken, asyncio.CancelledError])
async def test_a_run_that_fails_anywhere_ends_and_gives_all_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, fault: type[BaseException]
) -> None:
    conduct = ActiveRun.conduct
    conducted: list[FailsAt] = []

    async def failing(run: ActiveRun, *arguments: Any) -> None:
        conducted.append(FailsAt(conduct(run, *arguments), len(conducted), fault))
        await conducted[-1]

    # Once more than there are places where it waits.
    while not conducted or conducted[-1].waited >= len(conducted):
        monkeypatch.setattr(ActiveRun, "conduct", failing)
        run = await stage.begin()
        ended = await asyncio.wait_for(asyncio.shield(run.ended), SECONDS)
        assert ended.status in (RunStatus.COMPLETED, RunStatus.FAILED)
        assert run._state is RunState.ENDED
        stage.assert_told()
        monkeypatch.undo()
        await stage.assert_free()
        stage.told.clear()
    assert len(conducted) > 5


async def test_a_query_that_fails_anywhere_before_its_run_gives_its_session_back(
    stage: Stage,
) -> None:
    place = 0
    while True:
        beginning = FailsAt(stage.begin(), place)
        try:
            run = await asyncio.wait_for(_awaited(beginning), SECONDS)
        except (Broken, RequestFailed):
            pass
        else:
            await asyncio.wait_for(asyncio.shield(run.ended), SECONDS)
            if beginning.waited <= place:
                break
        await stage.assert_free()
        place += 1
    assert place > 1


@pytest.mark.parametrize(
    ("owner", "method"),
    [
        (RunJournal, "begin"),
        (RunJournal, "report_to"),
        (RunJournal, "prepend_untold"),
        (RunJournal, "write_down"),
        (RunJournal, "end"),
        (Journal, "begin"),
        (Journal, "forget"),
        (Delivery, "delivered"),
        (DailyBudget, "within"),
        (DailyBudget, "charge"),
        (SharedSessions, "began"),
        (SharedSessions, "turn_ended"),
        (ToolTrail, "follow"),
        (KeptSessions, "settle"),
        (Pool, "borrow"),
        (Process, "change"),
        (Process, "prompt"),
        (Runs, "_end"),
    ],
)
async def test_whatever_a_run_rests_on_may_fail(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, owner: Any, method: str
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise Broken(method)

    monkeypatch.setattr(owner, method, fail)
    try:
        run = await stage.begin()
    except Broken:
        pass
    else:
        ended = await asyncio.wait_for(asyncio.shield(run.ended), SECONDS)
        assert ended.status in (RunStatus.COMPLETED, RunStatus.FAILED)
    monkeypatch.undo()
    if (owner, method) == (Runs, "_end"):
        return  # that is the step that gives it back
    await stage.assert_free()


def test_every_state_leads_to_the_next_and_to_the_end() -> None:
    way = [RunState.ADMITTED]
    while way[-1] in NEXT:
        way.append(NEXT[way[-1]])
    assert way == list(RunState)


async def _awaited(work: Any) -> Any:
    return await work


async def test_the_state_stays_in_place_from_the_first_look_at_it_to_the_end_of_the_run(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = stage.agent.state
    before, read = state.directory, stage.agent.daily_budget.check
    looking, go_on = threading.Event(), threading.Event()

    def look(*asked: Any) -> None:
        looking.set()
        assert go_on.wait(SECONDS)
        read(*asked)

    def move() -> None:
        state.directory = before.with_name("moved")

    monkeypatch.setattr(stage.agent.daily_budget, "check", look)
    beginning = asyncio.create_task(stage.begin())
    assert await asyncio.to_thread(looking.wait, SECONDS)
    assert not stage.agent.locks.while_at_rest(move)
    go_on.set()
    run = await asyncio.wait_for(beginning, SECONDS)
    assert not stage.agent.locks.while_at_rest(move)
    await asyncio.wait_for(asyncio.shield(run.ended), SECONDS)
    assert stage.agent.locks.while_at_rest(move)
