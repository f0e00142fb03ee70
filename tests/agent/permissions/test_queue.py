from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from claude_agent_lsp.agent.permissions import queue as queue_module
from claude_agent_lsp.agent.permissions.queue import (
    ALLOW,
    ALLOW_SESSION,
    CLOSED,
    DENY,
    Answer,
    AnsweredBy,
    QuestionQueue,
    Shown,
)
from claude_agent_lsp.agent.question import Question, QuestionOption

SECONDS = 60.0


def question(name: str) -> Question:
    options = tuple(QuestionOption(value, value) for value in (DENY, ALLOW, ALLOW_SESSION))
    return Question(name, "run", "session", "permission", name, "", options, datetime.now(UTC))


@dataclass
class Screen:
    """An editor: what it shows, and what it was asked to take away."""

    shown: dict[str, asyncio.Future[Shown]] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)
    told_again: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    away: bool = False

    async def show(self, asked: Question, again: bool) -> Shown:
        if again:
            self.told_again.append(asked.question_id)
            return None
        answer: asyncio.Future[Shown] = asyncio.get_running_loop().create_future()
        if self.away:
            raise ConnectionError("There is no editor.")
        self.shown[asked.question_id] = answer
        self.history.append(asked.question_id)
        try:
            return await answer
        except asyncio.CancelledError:
            self.withdrawn.append(asked.question_id)
            raise
        finally:
            del self.shown[asked.question_id]


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def questions(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> QuestionQueue:
    """A queue with no pause between an answer and the next question."""
    monkeypatch.setattr(queue_module, "SEEN_SECONDS", 0.0)
    return QuestionQueue(screen.show)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_editor_answers(questions: QuestionQueue, screen: Screen) -> None:
    asking = asyncio.create_task(questions.ask(question("a"), SECONDS))
    await settle()
    screen.shown["a"].set_result(Answer(ALLOW, "go on"))
    assert await asking == Answer(ALLOW, "go on")
    assert questions.pending == ()


async def test_one_is_open_at_a_time_in_the_order_of_asking(
    questions: QuestionQueue, screen: Screen
) -> None:
    asked = [asyncio.create_task(questions.ask(question(name), SECONDS)) for name in "abc"]
    await settle()
    assert list(screen.shown) == ["a"]
    assert [each.question_id for each in questions.pending] == ["a", "b", "c"]
    screen.shown["a"].set_result(Answer(ALLOW))
    await settle()
    assert list(screen.shown) == ["b"]
    screen.shown["b"].set_result(Answer(DENY))
    await settle()
    screen.shown["c"].set_result(Answer(ALLOW))
    assert [answer.value for answer in await asyncio.gather(*asked)] == [ALLOW, DENY, ALLOW]


async def test_a_waiting_one_can_be_answered_before_it_is_shown(
    questions: QuestionQueue, screen: Screen
) -> None:
    first = asyncio.create_task(questions.ask(question("a"), SECONDS))
    second = asyncio.create_task(questions.ask(question("b"), SECONDS))
    await settle()
    assert questions.answer("b", Answer(ALLOW))
    assert await second == Answer(ALLOW)
    assert questions.answer("a", Answer(DENY))
    await first
    await settle()
    assert screen.history == ["a"]


async def test_the_first_answer_stands(questions: QuestionQueue) -> None:
    asking = asyncio.create_task(questions.ask(question("a"), SECONDS))
    await settle()
    assert questions.answer("a", Answer(DENY))
    assert not questions.answer("a", Answer(ALLOW))
    assert await asking == Answer(DENY)
    assert not questions.answer("a", Answer(ALLOW))


async def test_an_answer_by_command_takes_the_question_off_the_screen(
    questions: QuestionQueue, screen: Screen
) -> None:
    asking = asyncio.create_task(questions.ask(question("a"), SECONDS))
    await settle()
    questions.answer("a", Answer(ALLOW))
    await asking
    await settle()
    assert screen.withdrawn == ["a"]


async def test_a_cancelled_asker_withdraws_and_the_next_one_opens(
    questions: QuestionQueue, screen: Screen
) -> None:
    first = asyncio.create_task(questions.ask(question("a"), SECONDS))
    second = asyncio.create_task(questions.ask(question("b"), SECONDS))
    await settle()
    first.cancel()
    await settle()
    assert screen.withdrawn == ["a"]
    assert list(screen.shown) == ["b"]
    second.cancel()
    await settle()
    assert questions.pending == ()


@pytest.mark.parametrize("end", [None, CLOSED])
async def test_closing_it_unanswered_leaves_it_to_a_command(
    questions: QuestionQueue, screen: Screen, end: Shown
) -> None:
    asking = asyncio.create_task(questions.ask(question("a"), SECONDS))
    await settle()
    screen.shown["a"].set_result(end)
    await settle()
    assert not asking.done()
    assert questions.answer("a", Answer(ALLOW))
    assert await asking == Answer(ALLOW)


async def test_an_editor_that_cannot_show_it_leaves_it_to_a_command() -> None:
    async def fail(_: Question, __: bool) -> Shown:
        raise RuntimeError("no window")

    questions = QuestionQueue(fail)
    asking = asyncio.create_task(questions.ask(question("a"), SECONDS))
    await settle()
    assert questions.answer("a", Answer(ALLOW))
    assert await asking == Answer(ALLOW)


def test_one_that_was_closed_keeps_no_other_from_being_shown_and_comes_back() -> None:
    with Answering("ab") as user:
        user.wait(10.0)
        user.screen.shown["a"].set_result(CLOSED)
        user.wait(0.0)
        assert list(user.screen.shown) == ["b"]
        assert user.pending == ["b", "a"]
        user.wait(10.0)
        assert user.unread(), "an answer without an id may be meant for the one that was closed"
        user.wait(1.1)
        assert not user.unseen("a", named=True)
        user.answer("b")
        user.wait(1.0)
        assert user.screen.told_again == ["a"]
        assert not user.unread()
        assert user.unseen("a"), "it has only just come back"
        user.wait(1.1)
        assert not user.unseen("a")
        user.asked["c"] = user.loop.create_task(user.questions.ask(question("c"), SECONDS))
        user.wait(0.0)
        assert list(user.screen.shown) == ["c"], "one that comes later is shown, too"
        user.screen.shown["c"].set_result(CLOSED)
        user.wait(0.0)
        assert user.pending == ["c", "a"], "the one that was closed last is still the open one"
        user.wait(37.0)
        assert user.pending == ["c"], "the time to answer began when it was shown first"
        assert user.unread(), "another one has just been there"
        user.wait(3.0)
        assert not user.unread()
        assert user.screen.history == ["a", "b", "c"]


def test_one_that_a_command_alone_answers_keeps_its_place() -> None:
    with Answering("ab") as user:
        user.screen.shown["a"].set_result(None)
        user.wait(10.0)
        assert user.screen.shown == {}
        assert user.pending == ["a", "b"]
        assert not user.unread()


async def test_no_answer_means_no(questions: QuestionQueue) -> None:
    answer = await questions.ask(question("a"), 0.001)
    assert answer.value == DENY
    assert answer.note is not None
    assert "0.001 seconds" in answer.note


def test_the_time_to_answer_begins_when_it_is_open(
    questions: QuestionQueue, screen: Screen
) -> None:
    loop = VirtualTime()

    async def life() -> None:
        first = loop.create_task(questions.ask(question("a"), SECONDS))
        second = loop.create_task(questions.ask(question("b"), 1.0))
        await settle()
        loop.now += 1.5  # longer than the second one has, once it is open
        await settle()
        assert not second.done()
        before = questions.pending[1].deadline
        screen.shown["a"].set_result(Answer(DENY))
        await first
        assert questions.pending[0].deadline > before
        loop.now += 0.5
        await settle()
        assert not second.done()
        loop.now += 1.0
        assert (await second).value == DENY

    loop.run_until_complete(life())
    loop.close()


def test_the_next_one_is_shown_half_a_second_after_an_answer() -> None:
    with Answering("abc") as user:
        assert user.unseen("b", named=True)
        user.wait(1.0)
        assert not user.unseen("b", named=True)
        assert not user.unseen("a")
        user.answer("a")
        assert user.unseen("b", named=True), "it was meant for the one before"
        for moment in (0.0, 0.25, 0.24):
            user.wait(moment)
            assert user.screen.shown == {}
        user.wait(0.02)
        assert list(user.screen.shown) == ["b"]
        user.wait(1.0)
        assert not user.unseen("b")
        user.answer("b")
        user.wait(0.6)
        assert list(user.screen.shown) == ["c"]
        assert user.unseen("c"), "it has only just come"
        user.answer("c")
        assert not user.unseen("c", named=True), "that there is none is told otherwise"


@pytest.mark.parametrize(
    ("seconds", "named"),
    [*((seconds, False) for seconds in (1 / 30, 0.1, 0.3, 0.55, 0.9)), (1 / 30, True), (0.3, True)],
)
def test_what_answers_without_a_pause_answers_one(seconds: float, named: bool) -> None:
    with Answering("abcd") as user:
        user.wait(10.0)
        answered = []
        for _ in range(int(20 / seconds)):
            open_one = user.questions.pending[0].question_id
            if not user.unseen(open_one, named=named):
                user.answer(open_one)
                answered.append(open_one)
            user.wait(seconds)
        assert answered == ["a"]
        user.wait(1.0)
        assert not user.unseen("b", named=named), "the key was let go"


def test_what_answers_without_a_pause_answers_none_that_comes_meanwhile() -> None:
    with Answering("ab") as user:
        user.wait(1.0)
        first = user.asked.pop("a")
        first.cancel()
        user.wait(0.0)
        assert list(user.screen.shown) == ["b"]
        for _ in range(60):
            assert user.unread() or user.unseen("b")
            user.wait(0.1)
        user.wait(1.0)
        assert not user.unread()
        assert not user.unseen("b")


class Answering:
    """A user who answers, on a clock of their own: `names` wait from the beginning."""

    def __init__(self, names: str) -> None:
        self.loop = VirtualTime()
        self.screen = Screen()
        self.questions = QuestionQueue(self.screen.show)
        self.asked = {
            name: self.loop.create_task(self.questions.ask(question(name), SECONDS))
            for name in names
        }

    def __enter__(self) -> Self:
        self.wait(0.0)
        return self

    def __exit__(self, *_: object) -> None:
        for task in self.asked.values():
            task.cancel()
        self.wait(0.0)
        self.loop.close()

    def wait(self, seconds: float) -> None:
        self.loop.now += seconds
        self.loop.run_until_complete(settle())

    @property
    def pending(self) -> list[str]:
        return [each.question_id for each in self.questions.pending]

    def unseen(self, name: str, *, named: bool = False) -> bool:
        async def look() -> bool:
            return self.questions.unseen(name, named=named)

        return self.loop.run_until_complete(look())

    def unread(self) -> bool:
        async def look() -> bool:
            return self.questions.unread()

        return self.loop.run_until_complete(look())

    def answer(self, name: str) -> None:
        assert self.questions.answer(name, Answer(ALLOW, by=AnsweredBy.COMMAND))
        self.wait(0.0)


class VirtualTime(asyncio.SelectorEventLoop):
    """A loop whose clock stands still until it is moved."""

    now = 0.0

    def time(self) -> float:
        return self.now


class Lifecycle(RuleBasedStateMachine):
    """Any order of asking, answering, closing, cancelling, waiting, losing the editor."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualTime()
        self.screen = Screen()
        self.questions = QuestionQueue(self.screen.show)
        self.asked: dict[str, asyncio.Task[Answer]] = {}
        self.answers: dict[str, Answer] = {}
        self.cancelled: set[str] = set()
        self.closed: list[str] = []

    def run(self) -> None:
        self.loop.run_until_complete(settle())

    @property
    def open(self) -> list[str]:
        return [name for name, task in self.asked.items() if not task.done()]

    @rule(seconds=st.sampled_from([1.0, 5.0]))
    def ask(self, seconds: float) -> None:
        name = f"q{len(self.asked)}"
        self.asked[name] = self.loop.create_task(self.questions.ask(question(name), seconds))
        self.run()

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), value=st.sampled_from([DENY, ALLOW, ALLOW_SESSION]))
    def answer_by_command(self, data: st.DataObject, value: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.asked)))
        taken = self.questions.answer(name, Answer(value))
        assert taken == (not self.asked[name].done())
        if taken:
            self.answers[name] = Answer(value)
            assert not self.questions.answer(name, Answer(ALLOW))
        self.run()

    @precondition(lambda self: self.screen.shown)
    @rule(value=st.sampled_from([DENY, ALLOW, CLOSED, None]), late=st.booleans())
    def answer_in_editor(self, value: str | None, late: bool) -> None:
        ((name, shown),) = self.screen.shown.items()
        answer: Shown = Answer(value) if value and value != CLOSED else None
        if late and self.questions.answer(name, Answer(DENY, "first")):
            self.answers[name] = Answer(DENY, "first")
        elif isinstance(answer, Answer):
            self.answers[name] = answer
        if value == CLOSED:
            answer = CLOSED
            self.closed.append(name)
        shown.set_result(answer)
        self.run()

    @precondition(lambda self: not self.screen.away)
    @rule()
    def lose_the_editor(self) -> None:
        self.screen.away = True
        for shown in self.screen.shown.values():
            shown.set_exception(ConnectionError("The editor has gone."))
        self.run()

    @precondition(lambda self: self.screen.away)
    @rule()
    def reconnect(self) -> None:
        self.screen.away = False
        self.run()

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.asked)))
        if self.asked[name].cancel():
            self.cancelled.add(name)
        self.run()

    @rule(seconds=st.sampled_from([0.5, 1.0, 10.0]))
    def wait(self, seconds: float) -> None:
        self.loop.now += seconds
        self.run()

    @invariant()
    def the_oldest_one_is_open_but_for_those_that_were_closed(self) -> None:
        pending = [each.question_id for each in self.questions.pending]
        assert sorted(pending) == sorted(self.open)
        others = [name for name in self.open if name not in self.closed]
        if others and not self.questions._pause:
            assert pending[0] == others[0]
        assert [name for name in pending if name not in self.closed] == others
        # One that is left to a command is open, but not shown.
        assert set(self.screen.shown) <= set(pending[:1])

    @invariant()
    def none_was_shown_twice(self) -> None:
        assert len(self.screen.history) == len(set(self.screen.history))

    @invariant()
    def each_end_is_the_one_that_was_asked_for(self) -> None:
        for name, task in self.asked.items():
            if not task.done():
                assert name not in self.answers
                assert name not in self.cancelled
            elif name in self.cancelled:
                assert task.cancelled()
            elif name in self.answers:
                assert task.result() == self.answers[name]
            else:
                assert task.result().value == DENY

    def teardown(self) -> None:
        while self.open:
            self.wait(10.0)
        self.each_end_is_the_one_that_was_asked_for()
        assert self.questions.pending == ()
        assert not self.screen.shown
        assert not asyncio.all_tasks(self.loop)
        self.loop.close()


TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(max_examples=100, stateful_step_count=25, deadline=None)
