"""Prompts, edits, steers, stops, ends, clears and crashes: none is lost, none is doubled."""

from __future__ import annotations

import asyncio
import os
import tempfile
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_agent_lsp.agent.events import Queued, Run, RunStatus, Steered
from claude_agent_lsp.agent.ownership import steers as steers_module
from claude_agent_lsp.agent.ownership.runs import Runs
from claude_agent_lsp.agent.ownership.session_queue import SessionQueue, Waiting, WaitState
from claude_agent_lsp.agent.ownership.steers import Steers
from claude_agent_lsp.agent.process.launch import Launch
from claude_agent_lsp.agent.run.steering import Steer, Steering
from claude_agent_lsp.base.abort import AbortController
from claude_agent_lsp.base.lanes import Lanes
from claude_agent_lsp.errors import SessionAtWork
from claude_agent_lsp.lsp.commands.registry import Request
from claude_agent_lsp.lsp.commands.runs.waiting_queries import WaitingQueries
from claude_agent_lsp.sessions.journal.journal import Journal, JournaledTurn, now
from claude_agent_lsp.sessions.journal.kept_queries import KeptQueries
from claude_agent_lsp.workspace.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from claude_agent_lsp.agent.events import Event


def streamed(**event: Any) -> Any:
    return SimpleNamespace(event=event, parent_tool_use_id=None)


TOOL = streamed(type="content_block_start", content_block={"type": "tool_use"})


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder is looked at for a message, and a CLI drops at once what it is to drop."""
    monkeypatch.setattr(steers_module, "RECALL_SECONDS", 0.02)
    monkeypatch.setattr(
        steers_module, "message_of", lambda query, message_id: ({"uuid": message_id}, None)
    )


class FakeRun:
    """A run whose CLI takes at the end of a tool what it has been handed by then."""

    permission_mode = "default"
    lost_lines = False

    def __init__(self, world: World, run_id: str, folder: Path) -> None:
        self.run_id, self.session_id, self._world = run_id, world.session, world
        self.next_session: str | None = None
        self.spec = SimpleNamespace(launch=Launch(folder, Settings(), trusted=False))
        self.ended: asyncio.Future[Run] = asyncio.get_running_loop().create_future()
        self.handed: list[str] = []
        self.steering = Steering(run_id, self._take)
        self.steering.attach(self._hand, self._withdraw)
        world.locked.add(self.session_id)

    @property
    def cleared(self) -> bool:
        return self.next_session is not None

    def steer(self, steer: Steer) -> bool:
        return self.steering.add(steer)

    def withdraw(self, steer: Steer) -> None:
        self.steering.remove(steer)

    def tool_ends(self) -> None:
        self.steering.take(tuple(self.handed))
        self.handed.clear()
        self.steering.follow(streamed(type="message_start"))

    def end(self, status: RunStatus) -> None:
        if status is RunStatus.CANCELLED:
            self._world.queue.hold(self.session_id)
            self.steering.recall()
        self.steering.close()
        self._world.runs.remove(self)
        folder = self.spec.launch.folder
        self.ended.set_result(Run(self.run_id, self.session_id, folder, status))

    def _hand(self, message: Mapping[str, Any]) -> None:
        assert message["uuid"] not in self._world.seen, "the CLI takes no id twice"
        self._world.seen.add(message["uuid"])
        self.handed.append(message["uuid"])

    def _withdraw(self, message_id: str) -> None:
        if message_id in self.handed:
            self.handed.remove(message_id)

    def _take(self, event: Event) -> None:
        assert isinstance(event, Steered)
        self._world.write_down(event.message_id)
        self._world.answered.append(event.run_id)
        self._world.queue.steered(event)


class World:
    """A server with one conversation, on a state directory that outlives it.

    Attributes:
        session: The session that the user is in: another one each time that they clear it.
        locked: The sessions that runs have, until they are given back.
    """

    def __init__(self, state: Path, before: World | None = None) -> None:
        self.state = state
        self.sessions: list[str] = before.sessions if before else [str(uuid.uuid4())]
        self.answered: list[str] = before.answered if before else []
        self.given_back: list[str] = before.given_back if before else []
        self.asked: list[str] = before.asked if before else []
        self.seen: set[str] = set()  # of the CLI, which is another one then
        self.journal = Journal(lambda: state)
        self.kept = KeptQueries(lambda: state, self.journal)
        self.lanes = Lanes()
        self.queue = SessionQueue(self.kept, self.lanes, lambda good, text: pytest.fail(text))
        self.runs: list[FakeRun] = []
        self.locked: set[str] = set()
        self.tasks: set[asyncio.Future[Any]] = set()
        self.steers = Steers(
            self.queue, self.lanes, cast("Any", self.runs), self.advance, self.track
        )
        self._shutdown = AbortController()
        nobody: Any = None
        self.owner = Runs(
            show=nobody,
            audit=nobody,
            journal=self.journal,
            lanes=self.lanes,
            budget=nobody,
            costs=nobody,
            pools=cast("Any", SimpleNamespace(process_of=lambda _: None)),
            custody=cast("Any", SimpleNamespace(settle=lambda _: None, after=self._given_back)),
            queue=self.queue,
            shutdown=self._shutdown.signal,
            begin=cast("Any", self.track),
        )
        agent: Any = SimpleNamespace(
            queue=self.queue,
            steers=self.steers,
            advance=self.advance,
            runs=self.runs,
            shutdown=self._shutdown.signal,
            cancel=self._cancel,
        )
        self._folder = SimpleNamespace(path=state)

        async def settings_in(*_: object) -> Settings:
            return Settings()

        services: Any = SimpleNamespace(
            agent=agent,
            editor=SimpleNamespace(
                spawn=self.track, profile=SimpleNamespace(shows_results=True, drops_results=False)
            ),
            folders=SimpleNamespace(spelled=lambda _: self._folder),
            configuration=SimpleNamespace(settings_in=settings_in),
        )
        beginning: Any = SimpleNamespace(in_order=self._begin)
        display: Any = SimpleNamespace(
            unasked=lambda run_id, *_: self._noted(run_id),
            on_own_token=lambda _, show, **__: show,
            report_end=self._reported,
        )
        self.queries = WaitingQueries(services, beginning, display)

    @property
    def session(self) -> str:
        return self.sessions[-1]

    def track(self, work: Any) -> asyncio.Future[Any]:
        task: asyncio.Future[Any] = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def advance(self, session_id: str) -> None:
        if not self.runs:
            self.queue.advance(session_id)

    def write_down(self, message_id: str) -> None:
        self.journal.begin(self.session, JournaledTurn(message_id, "", self.state, now()))

    async def ask(self) -> None:
        run_id = str(uuid.uuid4())
        self.asked.append(run_id)
        if not self.runs and not self.queue.stands_before(self.session, run_id):
            self.write_down(run_id)
            self.answered.append(run_id)
            self.runs.append(FakeRun(self, run_id, self.state))
            return
        stop = AbortController()
        given: Any = {"prompt": "say it"}
        request = Request(stop.signal, stop, None, given)
        told: list[str] = []

        def to_editor(event: Event) -> None:
            if isinstance(event, Queued):  # under its own id, from now on
                self.asked[self.asked.index(run_id)] = event.run.run_id
                told.append(event.run.run_id)
            else:
                self._noted(told[0])(event)

        folder: Any = SimpleNamespace(path=self.state)
        busy = SessionAtWork("A run is at work in it.", self.session)
        waiting = await self.queries.queue_up(folder, busy, request, to_editor)
        self.track(self.queries.in_its_turn(waiting, request))

    async def crash(self) -> World:
        await self.settle()
        files, self.kept._files = self.kept._files, {}
        for handle, _, _ in files.values():
            os.close(handle)  # as the system does
        for task in tuple(self.tasks):
            task.cancel()
        after = World(self.state, self)
        await after.queries.adopt(self.session)
        return after

    async def settle(self) -> None:
        for _ in range(4):
            for session in self.sessions:
                await self.lanes.session(session).run(lambda: None)
            await self.lanes.folder(self.state).run(lambda: None)
            for _ in range(10):
                await asyncio.sleep(0)

    def _noted(self, run_id: str) -> Any:
        def note(event: Event) -> None:
            run = getattr(event, "run", None)
            cancelled = run is not None and run.status is RunStatus.CANCELLED
            if cancelled and run_id not in self.answered:
                self.given_back.append(run_id)

        return note

    async def _begin(self, _: Any, __: Any, ___: Any, waiting: Waiting) -> FakeRun:
        await asyncio.sleep(0)
        session = waiting.session_id
        if session in self.locked or self.queue.stands_before(session, waiting.run_id):
            raise SessionAtWork("at work", session)
        assert session == self.session, "it goes on where the user does"
        assert waiting.message_id not in self.seen, "the CLI takes no id twice"
        self.seen.add(waiting.message_id)
        self.write_down(waiting.message_id)
        self.answered.append(waiting.run_id)
        run = FakeRun(self, waiting.run_id, self.state)
        self.runs.append(run)
        return run

    def _cancel(self, *, run_id: str) -> None:
        for run in [run for run in self.runs if run.run_id == run_id]:
            run.end(RunStatus.CANCELLED)

    async def _given_back(self, session_id: str, _: str) -> None:
        self.locked.remove(session_id)

    async def _reported(self, *_: object, **__: object) -> None:
        return


async def edit(world: World, waiting: Waiting) -> None:
    if waiting.steer is None:
        await world.queue.edit(waiting, {**waiting.asked, "prompt": "say more"})


async def remove(world: World, waiting: Waiting) -> None:
    if await world.steers.recall(waiting) is None:
        waiting.stop.abort()


async def send(world: World, waiting: Waiting) -> None:
    if waiting.steer is None:
        await world.queries.send(waiting)


async def end(world: World, run: FakeRun) -> None:
    run.tool_ends()
    run.end(RunStatus.COMPLETED)
    await world.owner._end(cast("Any", run))


async def clear(world: World, run: FakeRun) -> None:
    """Its prompt is "/clear": the user goes on in another session from then on."""
    run.next_session = str(uuid.uuid4())
    run.end(RunStatus.COMPLETED)
    world.sessions.append(run.next_session)
    await world.owner._end(cast("Any", run))


async def stop(world: World, run: FakeRun) -> None:
    run.end(RunStatus.CANCELLED)
    await world.owner._end(cast("Any", run))


async def tool_begins(_: World, run: FakeRun) -> None:
    run.steering.follow(TOOL)


async def tool_ends(_: World, run: FakeRun) -> None:
    run.tool_ends()


ALWAYS = ("ask", "steer", "steer", "release", "crash")
ON_THE_LINE = {"edit": edit, "remove": remove, "send": send}
ON_THE_RUN = {
    "end": end,
    "clear": clear,
    "stop": stop,
    "tool": tool_begins,
    "tool ends": tool_ends,
}
ACTS = st.lists(
    st.tuples(st.sampled_from(("ask", *ON_THE_LINE, *ON_THE_RUN, *ALWAYS)), st.integers(0, 4)),
    min_size=12,
    max_size=30,
)


async def act(world: World, what: str, number: int) -> World:
    """Do something, if it can be done now."""
    if what == "crash":
        return await world.crash()
    if what in ("ask", "steer"):
        await world.ask()
    line = [each for each in world.queue.of(world.session) if not each.turn.done()]
    if what == "steer" and world.runs and line:
        await tool_begins(world, world.runs[0])
        await send(world, line[-1])
    elif what == "release":
        world.queue.release(world.session)
        world.advance(world.session)
    elif what in ON_THE_RUN and world.runs:
        await ON_THE_RUN[what](world, world.runs[0])
    elif what in ON_THE_LINE and line:
        await ON_THE_LINE[what](world, line[number % len(line)])
    await world.settle()
    return world


async def live(acts: list[tuple[str, int]], state: Path) -> None:
    world = World(state)
    await world.ask()
    for what, number in acts:
        world = await act(world, what, number)
        states = [waiting.state for waiting in world.queue.of(world.session)]
        assert world.runs or set(states) <= {WaitState.KEPT}, "nobody waits for nothing"
    for _ in range(200):
        if not world.runs and not world.queue.of(world.session):
            break
        world = await act(world, "end" if world.runs else "release", 0)
    await world.settle()
    outcomes = sorted(world.answered + world.given_back)
    assert outcomes == sorted(world.asked), "answered or given back, exactly once"
    assert not list(state.glob("queue/*"))
    for task in tuple(world.tasks):
        task.cancel()


@pytest.fixture(scope="module")
def places() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        yield Path(place)


@settings(max_examples=80, deadline=None)
@given(acts=ACTS)
def test_each_prompt_is_answered_or_given_back_exactly_once(
    acts: list[tuple[str, int]], places: Path
) -> None:
    state = places / uuid.uuid4().hex
    state.mkdir()
    asyncio.run(live(acts, state))
