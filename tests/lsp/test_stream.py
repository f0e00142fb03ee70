"""Events leave in order, the first text at once, and more of it gathered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.agent.events import (
    Ended,
    Event,
    Level,
    Notice,
    Run,
    RunStatus,
    Started,
    Text,
    Thinking,
)
from claude_agent_lsp.lsp.results import jsonable
from claude_agent_lsp.lsp.stream import GATHER_SECONDS, EventStream

if TYPE_CHECKING:
    from collections.abc import Callable

RUN = Run("r1", "s1", Path("/work"), RunStatus.RUNNING)
NOTICE = Notice(Level.INFO, "Look.")


class Clock:
    """A loop's time, which passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        timer = Timer(when, callback)
        self._timers.append(timer)
        return timer

    def pass_by(self, seconds: float) -> None:
        self.now += seconds
        due = [timer for timer in self._timers if timer.when <= self.now]
        self._timers = [timer for timer in self._timers if timer.when > self.now]
        for timer in due:
            if not timer.cancelled:
                timer.callback()


class Timer:
    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Editor:
    """The stream's other end."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.clock = Clock()
        self.stream = EventStream(self.sent.append)
        self.stream._loop = self.clock  # type: ignore[assignment]

    def put(self, *events: Event) -> None:
        for event in events:
            self.stream.put(event)

    @property
    def texts(self) -> list[str]:
        return [event.get("text", event["kind"]) for event in self.sent]


@pytest_asyncio.fixture
async def editor() -> Editor:
    return Editor()


async def test_first_text_leaves_at_once(editor: Editor) -> None:
    editor.put(Text("m1", "Hello"))
    assert editor.sent == [{"kind": "text", "messageId": "m1", "text": "Hello"}]


async def test_text_that_follows_is_gathered_for_16_milliseconds(editor: Editor) -> None:
    editor.put(Text("m1", "a"), Text("m1", "b"), Text("m1", "c"))
    editor.clock.pass_by(GATHER_SECONDS * 0.9)
    editor.put(Text("m1", "d"))
    assert editor.texts == ["a"]
    editor.clock.pass_by(GATHER_SECONDS * 0.1)
    assert editor.texts == ["a", "bcd"]
    editor.put(Text("m1", "e"))
    assert editor.texts == ["a", "bcd"]
    editor.clock.pass_by(GATHER_SECONDS)
    assert editor.texts == ["a", "bcd", "e"]


async def test_slow_text_is_never_held_back(editor: Editor) -> None:
    for word in "abc":
        editor.put(Text("m1", word))
        editor.clock.pass_by(GATHER_SECONDS)
    assert editor.texts == ["a", "b", "c"]


@pytest.mark.parametrize(
    "event", [NOTICE, Ended(RUN), Thinking("m1", "Hm."), Text("m2", "Another message.")]
)
async def test_what_is_something_else_comes_after_the_gathered_text(
    editor: Editor, event: Event
) -> None:
    editor.put(Text("m1", "a"), Text("m1", "b"), event)
    editor.clock.pass_by(GATHER_SECONDS)
    assert editor.sent[1:] == [jsonable(Text("m1", "b")), jsonable(event)]


async def test_nothing_follows_the_end(editor: Editor) -> None:
    editor.put(Started(RUN), Text("m1", "a"), Text("m1", "b"), Ended(RUN))
    editor.clock.pass_by(10)
    assert editor.texts == ["started", "a", "b", "ended"]


EVENTS = st.lists(
    st.one_of(
        st.builds(Text, st.sampled_from(["m1", "m2"]), st.text(max_size=3)),
        st.builds(Thinking, st.sampled_from(["m1", "m2"]), st.text(max_size=3)),
        st.just(NOTICE),
        st.floats(0, 0.03),
    ),
    max_size=30,
)


def joined(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same events with neighbouring text of one message in one."""
    found: list[dict[str, Any]] = []
    for event in events:
        same = found and "messageId" in event
        if same and [found[-1].get(k) for k in ("kind", "messageId")] == [
            event["kind"],
            event["messageId"],
        ]:
            found[-1] = {**found[-1], "text": found[-1]["text"] + event["text"]}
        else:
            found.append(event)
    return [event for event in found if event.get("text") != ""]


@given(EVENTS)
async def test_whatever_comes_whenever_arrives_whole_and_in_order(
    events: list[Event | float],
) -> None:
    editor = Editor()
    for event in events:
        if isinstance(event, float):
            editor.clock.pass_by(event)
        else:
            editor.put(event)
    editor.put(Ended(RUN))
    told = [jsonable(event) for event in events if not isinstance(event, float)]
    assert joined(editor.sent) == joined([*told, jsonable(Ended(RUN))])
