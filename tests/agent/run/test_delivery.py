"""Events are shown in order, none before it is written down, and text is gathered."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

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
from claude_agent_lsp.agent.run.delivery import GATHER_SECONDS, Delivery
from tests.agent.conftest import soon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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


class Journal:
    """A record that is as slow as the test wants."""

    def __init__(self) -> None:
        self.noted: list[Event] = []
        self.free = asyncio.Event()
        self.free.set()

    async def write_down(self, events: Iterable[Event]) -> None:
        await self.free.wait()
        self.noted += events


class Editor:
    """The delivery's other end."""

    def __init__(self) -> None:
        self.shown: list[Event] = []
        self.journal = Journal()
        self.clock = Clock()
        self.delivery = Delivery(self.journal, self._show)
        self.delivery._loop = self.clock  # type: ignore[assignment]

    def _show(self, event: Event) -> None:
        if isinstance(event, Text):
            assert event in self.journal.noted, "shown before it was written down"
        self.shown.append(event)

    async def put(self, *events: Event) -> None:
        for event in events:
            self.delivery.put(event)
        await soon()

    async def pass_by(self, seconds: float) -> None:
        self.clock.pass_by(seconds)
        await soon()

    @property
    def texts(self) -> list[str]:
        return [getattr(event, "text", event.kind) for event in self.shown]


@pytest_asyncio.fixture
async def editor() -> Editor:
    return Editor()


async def test_first_text_leaves_at_once(editor: Editor) -> None:
    await editor.put(Text("m1", "Hello"))
    assert editor.shown == [Text("m1", "Hello")]


async def test_text_that_follows_is_gathered_for_16_milliseconds(editor: Editor) -> None:
    await editor.put(Text("m1", "a"))
    await editor.put(Text("m1", "b"), Text("m1", "c"))
    await editor.pass_by(GATHER_SECONDS * 0.9)
    await editor.put(Text("m1", "d"))
    assert editor.texts == ["a"]
    await editor.pass_by(GATHER_SECONDS * 0.1)
    assert editor.texts == ["a", "bcd"]
    await editor.put(Text("m1", "e"))
    assert editor.texts == ["a", "bcd"]
    await editor.pass_by(GATHER_SECONDS)
    assert editor.texts == ["a", "bcd", "e"]


async def test_slow_text_is_never_held_back(editor: Editor) -> None:
    for word in "abc":
        await editor.put(Text("m1", word))
        await editor.pass_by(GATHER_SECONDS)
    assert editor.texts == ["a", "b", "c"]


@pytest.mark.parametrize(
    "event", [NOTICE, Ended(RUN), Thinking("m1", "Hm."), Text("m2", "Another message.")]
)
async def test_what_is_something_else_comes_after_the_gathered_text(
    editor: Editor, event: Event
) -> None:
    await editor.put(Text("m1", "a"))
    await editor.put(Text("m1", "b"), event)
    await editor.pass_by(GATHER_SECONDS)
    assert editor.shown[1:] == [Text("m1", "b"), event]


async def test_nothing_is_shown_before_it_is_written_down(editor: Editor) -> None:
    editor.journal.free.clear()
    await editor.put(Started(RUN), Text("m1", "a"), Text("m1", "b"), NOTICE)
    await editor.pass_by(10)
    assert editor.texts == ["started"]
    editor.journal.free.set()
    await editor.delivery.delivered()
    assert editor.texts == ["started", "a", "b", "Look."]


async def test_what_comes_while_a_slow_disk_writes_is_gathered(editor: Editor) -> None:
    editor.journal.free.clear()
    for word in "abcdef":
        await editor.put(Text("m1", word))
        await editor.pass_by(GATHER_SECONDS)
    editor.journal.free.set()
    await editor.delivery.delivered()
    assert editor.texts == ["a", "bcdef"]
    assert editor.journal.noted == editor.shown


async def test_delivered_waits_for_no_timer(editor: Editor) -> None:
    await editor.put(Text("m1", "a"))
    await editor.put(Text("m1", "b"))
    await editor.delivery.delivered()
    assert editor.texts == ["a", "b"]


async def test_an_event_that_can_not_be_shown_does_not_stop_the_others(
    editor: Editor, caplog: pytest.LogCaptureFixture
) -> None:
    show = editor.delivery._show

    def fail_once(event: Event) -> None:
        editor.delivery._show = show
        raise ValueError("no JSON")

    editor.delivery._show = fail_once
    await editor.put(NOTICE, Text("m1", "a"))
    assert editor.texts == ["a"]
    assert "could not be shown" in caplog.text


EVENTS = st.lists(
    st.one_of(
        st.builds(Text, st.sampled_from(["m1", "m2"]), st.text(max_size=3)),
        st.builds(Thinking, st.sampled_from(["m1", "m2"]), st.text(max_size=3)),
        st.just(NOTICE),
        st.floats(0, 0.03),
    ),
    max_size=30,
)


def joined(events: list[Event]) -> list[Event]:
    """The same events with neighbouring text of one message in one."""
    found: list[Event] = []
    for event in events:
        last = found[-1] if found else None
        if (
            isinstance(event, Text | Thinking)
            and isinstance(last, Text | Thinking)
            and (type(last), last.message_id) == (type(event), event.message_id)
        ):
            found[-1] = type(last)(last.message_id, last.text + event.text)
        else:
            found.append(event)
    return [event for event in found if getattr(event, "text", " ") != ""]


@given(EVENTS)
async def test_whatever_comes_whenever_arrives_whole_and_in_order(
    events: list[Event | float],
) -> None:
    editor = Editor()
    for event in events:
        if isinstance(event, float):
            await editor.pass_by(event)
        else:
            editor.delivery.put(event)
    await editor.put(Ended(RUN))
    await editor.delivery.delivered()
    told = [event for event in events if not isinstance(event, float)]
    assert joined(editor.shown) == joined([*told, Ended(RUN)])
