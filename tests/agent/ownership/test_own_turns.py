"""A turn that the agent begins by itself, where no run can have it, and what waits for it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from claude_agent_sdk import SystemMessage

from claude_agent_lsp.agent.background import Background
from claude_agent_lsp.agent.ownership.custody import Custody
from claude_agent_lsp.agent.ownership.own_turns import OwnTurns
from claude_agent_lsp.agent.process.receiver import CurrentReceiver
from claude_agent_lsp.base.lanes import Lanes
from claude_agent_lsp.sessions.lock import SessionLocks

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from claude_agent_sdk import Message

    from claude_agent_lsp.base.abort import AbortSignal

SECONDS = 20.0  # only catches hangs
SESSION = "0b06ac5f-0000-4000-8000-000000000000"


def state(name: str) -> SystemMessage:
    return SystemMessage("session_state_changed", {"state": name})


class Process:
    """A process that is read to its end before it has ended."""

    session_id = SESSION
    usable = True

    def __init__(self, turns: OwnTurns) -> None:
        self.background = Background()
        self.receiver = CurrentReceiver(
            SESSION, self.end, lambda signal: turns.own(cast("Any", self), signal)
        )
        self.read = asyncio.Event()
        self.ended = asyncio.get_running_loop().create_future()

    def end(self) -> asyncio.Future[None]:
        return asyncio.ensure_future(self._end())

    async def say(self, message: Message) -> None:
        await asyncio.wait_for(self.receiver.deliver(message), SECONDS)

    async def _end(self) -> None:
        await self.read.wait()
        if not self.ended.done():
            self.ended.set_result(None)


class Pool:
    """The pool, which lends whatever is wanted."""

    def __init__(self) -> None:
        self.lent = 0

    async def take(self, _: Process, signal: AbortSignal) -> None:
        signal.throw_if_aborted()
        self.lent += 1

    def release(self, _: Process) -> None:
        self.lent -= 1


class Stage:
    def __init__(self, home: Path) -> None:
        self.pool = Pool()
        self.locks = SessionLocks(lambda: home)
        self.tasks: list[asyncio.Task[Any]] = []
        nothing = cast("Any", None)
        sharing = cast("Any", SimpleNamespace(turn_ended=lambda _: None))
        self.custody = Custody(
            state=nothing,
            locks=self.locks,
            lanes=Lanes(),
            sharing=sharing,
            kept=nothing,
            process_of=lambda _: None,
            begin=self._begin,
            tell=lambda *_: None,
        )

        async def load() -> Pool:
            return self.pool

        pools = cast("Any", SimpleNamespace(load=load))
        self.turns = OwnTurns(pools, self.custody, nothing, nothing)
        self.process = Process(self.turns)

    def _begin(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        self.tasks.append(asyncio.ensure_future(work))
        return self.tasks[-1]


@pytest.fixture
async def stage(home: Path) -> Stage:
    return Stage(home)


async def test_where_nobody_can_have_it_its_process_ends_and_is_read_to_its_end(
    stage: Stage, home: Path
) -> None:
    other = SessionLocks(lambda: home)
    other.claim(SESSION, "another server's")
    await stage.process.say(state("running"))
    await stage.process.say(state("idle"))
    assert stage.pool.lent == 0
    assert not stage.process.ended.done()
    stage.process.read.set()
    await asyncio.wait_for(stage.process.ended, SECONDS)
    await asyncio.wait_for(asyncio.gather(*stage.tasks), SECONDS)
    assert other.release(SESSION, "another server's"), "it is the other's still"


async def test_a_run_that_is_about_to_begin_has_it(stage: Stage) -> None:
    taken: list[Message] = []
    run = SimpleNamespace(receive=taken.append, room=lambda: None)
    waits = asyncio.Event()

    async def lent(_: Process, signal: AbortSignal) -> None:
        waits.set()
        await signal.wait()
        signal.throw_if_aborted()

    stage.pool.take = lent  # type: ignore[method-assign]
    saying = asyncio.ensure_future(stage.process.say(state("running")))
    await asyncio.wait_for(waits.wait(), SECONDS)
    stage.process.receiver.attach(cast("Any", run))
    await saying
    assert taken == [state("running")]


async def test_what_is_no_turn_wants_no_owner(stage: Stage) -> None:
    for message in (state("idle"), SystemMessage("task_notification", {"task_id": "t"})):
        await stage.process.say(message)
    assert stage.pool.lent == 0
