"""What is told of a session that is followed, whatever becomes of it between two looks."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from claude_agent_lsp.agent.events import Ended, Started, Text
from claude_agent_lsp.agent.following import follower as following
from claude_agent_lsp.agent.following.follower import Follower
from claude_agent_lsp.agent.following.retelling import Retelling
from claude_agent_lsp.base.abort import AbortController
from claude_agent_lsp.base.lanes import Lanes
from claude_agent_lsp.sessions.journal.journal import Journal
from claude_agent_lsp.sessions.journal.run_records import (
    Begun,
    End,
    Outcome,
    RunRecord,
    RunRecords,
)
from claude_agent_lsp.sessions.lock import Holder
from tests.e2e.runs import eventually
from tests.sessions.lines import Disk, Talk, text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from claude_agent_lsp.agent.events import Emit, Event, Run
    from claude_agent_lsp.sessions.reading.messages import Message

AT = datetime(2026, 1, 1, tzinfo=UTC)
SESSION = "11111111-2222-4333-8444-555555555555"
OTHER = "11111111-2222-4333-8444-666666666666"


def second(number: int) -> datetime:
    return AT + timedelta(seconds=number)


@dataclass
class Stage:
    """A server that follows, as much of it as that takes, and what it shows.

    Attributes:
        faults: What the next looks meet.
        unshown: What it fails to show.
    """

    home: Path
    holder: Holder | None = None
    faults: list[Exception] = field(default_factory=list)
    unshown: type[Event] | tuple[()] = ()
    shown: dict[str, list[Event]] = field(default_factory=dict)
    shutdown: AbortController = field(default_factory=AbortController)

    def __post_init__(self) -> None:
        self.state = self.home / "state"
        self.journal = Journal(lambda: self.state)
        agent = SimpleNamespace(
            locks=self,
            state=SimpleNamespace(directory=self.state),
            journal=self.journal,
            lanes=Lanes(),
            shutdown=self.shutdown.signal,
        )
        self.follower = Follower(cast("Any", agent), self.show)

    def this_server(self) -> Holder:
        return Holder("", "Helix", 1, 1.0)

    def elsewhere(self, _: str) -> Holder | None:
        if self.faults:
            raise self.faults.pop()
        return self.holder

    def show(self, run: Run, _: AbortController) -> Emit:
        shown = self.shown.setdefault(run.run_id, [])

        def emit(event: Event) -> None:
            if isinstance(event, self.unshown):
                raise TypeError(event)
            shown.append(event)

        return emit

    def told(self, run_id: str) -> str:
        return "".join(e.text for e in self.shown.get(run_id, ()) if isinstance(e, Text))

    def write(self, *turns: tuple[str, int], session: str = SESSION) -> None:
        """Let turns be in the transcript, each said in a second, with its answer in the next."""
        talk, lines = Talk(), []
        for name, number in turns:
            prompt = talk.user(name, uuid=f"prompt-{name}")
            answer = talk.agent(text(f"<{name}>"), message_id=f"answer-{name}")
            for line, at in ((prompt, number), (answer, number + 1)):
                lines.append(json.dumps(line | {"timestamp": second(at).isoformat()}))
        Disk(self.home / ".claude").write(self.home, *lines, session_id=session)

    def record(self, *runs: tuple[str, int, int | None], session: str = SESSION) -> None:
        """Let runs be known from one moment on, by when they have begun and ended."""
        draft = RunRecords(lambda: self.home / "draft")
        for run_id, begins, ends in runs:
            draft.append(session, run_id, [Begun(run_id, f"prompt-{run_id}", second(begins))])
            if ends is not None:
                end = End(second(ends), f"answer-{run_id}", Outcome(run_id, "completed"))
                draft.append(session, run_id, [end])
        (self.state / "runs").mkdir(parents=True, exist_ok=True)
        drafted = self.home / "draft" / "runs" / f"{session}.jsonl"
        drafted.replace(self.state / "runs" / drafted.name)

    async def follow(self, session: str = SESSION) -> None:
        """Follow a session that is there."""

        async def find() -> Any:
            await asyncio.sleep(0)
            return SimpleNamespace(session_id=session, workspace=self.home)

        await self.follower.follow(session, find())

    async def ended(self, run_id: str) -> None:
        """Wait until a run is told as ended."""
        await eventually(lambda: any(isinstance(e, Ended) for e in self.shown.get(run_id, ())))


@pytest.fixture
async def stage(home: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setattr(following, "LOOK_SECONDS", 0.01)
    made = Stage(home)
    yield made
    made.shutdown.abort()


@pytest.mark.parametrize(
    ("behind", "runs"),
    [
        ([("own", 3)], [("own", 3, 5)]),
        ([("own", 3)], [("own", 3, None)]),
        ([("bare", 3)], []),
        ([("bare", 3), ("own", 5)], [("own", 5, 7)]),
    ],
)
async def test_what_was_said_behind_a_run_is_not_told_as_said_in_it(
    stage: Stage, behind: list[tuple[str, int]], runs: list[tuple[str, int, int | None]]
) -> None:
    """Neither what this server's own run says, nor what somebody does in a bare CLI."""
    stage.journal.runs.own.add("own")
    stage.write(("before", -2))
    await stage.follow()
    stage.write(("before", -2), ("theirs", 1), *behind)
    stage.record(("theirs", 1, 2), *runs)
    await stage.ended("theirs")
    assert stage.told("theirs") == "<theirs>"
    assert set(stage.shown) == {"theirs"}


async def test_the_last_words_of_a_run_are_told_whenever_they_were_copied(stage: Stage) -> None:
    """The last line of a copied session has the time of the copy."""
    await stage.follow()
    stage.write(("theirs", 1))
    stage.record(("theirs", 1, 1))
    await stage.ended("theirs")
    assert stage.told("theirs") == "<theirs>"


async def test_one_that_is_followed_twice_at_once_is_told_once(stage: Stage) -> None:
    await asyncio.gather(stage.follow(), stage.follow())
    stage.follower.unfollow(SESSION)
    await nothing_comes(stage)


async def test_one_that_is_followed_no_longer_before_the_first_look_is_not_told(
    stage: Stage,
) -> None:
    asked = asyncio.create_task(stage.follow())
    await asyncio.sleep(0)  # it has begun
    assert stage.follower.unfollow(SESSION)
    await asked
    await nothing_comes(stage)
    assert not stage.follower.unfollow(SESSION)


async def test_one_that_can_not_be_followed_is_not(stage: Stage) -> None:
    stage.faults = [OSError("Gone")]
    with pytest.raises(OSError, match="Gone"):
        await stage.follow()
    assert not stage.follower.unfollow(SESSION)


async def nothing_comes(stage: Stage) -> None:
    """Nothing is told of a session, where of another one all is that comes later."""
    stage.write(("theirs", 1))
    stage.record(("theirs", 1, 2))
    await stage.follow(OTHER)
    for number in range(5):
        stage.write((f"{number}", 1), session=OTHER)
        stage.record(*((f"{each}", 1, 2) for each in range(number + 1)), session=OTHER)
        await stage.ended(f"{number}")
    assert "theirs" not in stage.shown


async def test_what_is_new_is_looked_for_beside_the_loop(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much a run has said: to compare all of it with what was told takes its time."""
    threads = set[int]()

    def noting(retelling: Retelling, entry: Message) -> Iterator[Event]:
        threads.add(threading.get_ident())
        return of(retelling, entry)

    of = Retelling._of
    monkeypatch.setattr(Retelling, "_of", noting)
    await stage.follow()
    stage.write(("theirs", 1))
    stage.record(("theirs", 1, 2))
    await stage.ended("theirs")
    assert stage.told("theirs") == "<theirs>"
    assert threads
    assert threading.get_ident() not in threads


@pytest.mark.parametrize("fault", [OSError("Gone"), ValueError("What?"), RuntimeError("Odd")])
async def test_a_look_that_fails_is_made_again(stage: Stage, fault: Exception) -> None:
    await stage.follow()
    stage.faults = [fault, fault]
    await eventually(lambda: not stage.faults)
    stage.write(("theirs", 1))
    stage.record(("theirs", 1, 2))
    await stage.ended("theirs")
    assert stage.told("theirs") == "<theirs>"


@pytest.mark.parametrize("fault", [OSError("Gone"), RuntimeError("Odd")])
async def test_what_a_look_that_fails_has_missed_is_told_though_nothing_else_comes(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    await stage.follow()
    faults = [fault]

    def each(session_id: str) -> Iterator[RunRecord]:
        for run in of(session_id):
            if faults:
                raise faults.pop()
            yield run

    of = stage.journal.runs.each
    monkeypatch.setattr(stage.journal.runs, "each", each)
    stage.write(("theirs", 1))
    stage.record(("theirs", 1, 2))
    await stage.ended("theirs")
    assert not faults
    assert stage.told("theirs") == "<theirs>"


async def test_what_was_found_before_a_fault_is_told_and_what_comes_behind_it_too(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = [RuntimeError("Odd")]

    def failing(retelling: Retelling, entry: Message) -> Iterator[Event]:
        yield from of(retelling, entry)
        if entry.message_id == "answer-theirs" and faults:
            raise faults.pop()

    of = Retelling._of
    monkeypatch.setattr(Retelling, "_of", failing)
    await stage.follow()
    stage.write(("theirs", 1), ("more", 3))
    stage.record(("theirs", 1, 4))
    await stage.ended("theirs")
    assert not faults
    assert stage.told("theirs") == "<theirs><more>"


async def test_what_can_not_be_shown_keeps_back_nothing_else(stage: Stage) -> None:
    stage.unshown = Started
    await stage.follow()
    stage.write(("theirs", 1))
    stage.record(("theirs", 1, 2))
    await stage.ended("theirs")
    assert stage.told("theirs") == "<theirs>"
