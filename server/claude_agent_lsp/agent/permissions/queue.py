"""Questions to the user: one open at a time, each with a deadline, and silence means no.

    asked ──▶ waiting ──▶ open ──┬─▶ answered     by the editor or by command
                 │         │ ▲   ├─▶ past its deadline: denied
                 │         ▼ │   │
                 │        closed ┤   its user wants to see the next one first
                 └───────────────┴─▶ withdrawn    its run was stopped

Between an answer and the next question lies half a second: a key that is hit twice answers one.
What answers without a pause answers one, too: each answer that comes too soon puts off the next.

`QuestionQueue` owns every state. Who asks awaits `ask`; cancelling that await withdraws the
question.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from claude_agent_lsp.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from claude_agent_lsp.agent.question import Question

DENY: Final = "deny"
ALLOW: Final = "allow"
ALLOW_SESSION: Final = "allowSession"
ALLOW_ALWAYS: Final = "allowAlways"
# What a person takes at least to read a question, and to begin to answer it.
UNREAD_SECONDS: Final = 2.0
# Whoever answers sooner has not seen it: the key was hit twice, or was meant for something else.
SEEN_SECONDS: Final = 0.5
# Longer than a key that is held down takes to repeat, and shorter than a person takes to read that
# the answer came too soon.
PAUSE_SECONDS: Final = 1.0
# Of a plan: carry it out, and ask no more about edits.
ALLOW_EDITS: Final = "acceptEdits"
# Characters of a file that the user wants otherwise.
MOST_EDITED: Final = 1_000_000
# What showing a question ends with when its user has closed it without an answer.
CLOSED: Final = "closed"


class AnsweredBy(Enum):
    """How a question was settled."""

    EDITOR = "editor"
    COMMAND = "command"
    DEADLINE = "deadline"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the user decided.

    Attributes:
        value: One of the options' values. Of a choice also words of the user's own, or several
            values joined by ", ".
        note: Goes to the agent with it.
        by: How.
        edits: The file as the user wants it, in place of what was proposed.
    """

    value: str
    note: str | None = None
    by: AnsweredBy = AnsweredBy.EDITOR
    edits: str | None = None


def answer_to(
    question: Question,
    given: str | Sequence[str],
    note: str | None = None,
    *,
    by: AnsweredBy,
    edits: str | None = None,
) -> Answer:
    """Read an answer.

    Args:
        question: What is answered.
        given: The value of an option; of a choice also several, or words of the user's own.
        note: Goes to the agent with it.
        by: Where it comes from.
        edits: The file as the user wants it.

    Raises:
        InvalidArgument: It is no answer to this question.
    """
    values = [option.value for option in question.options]
    chosen = [given] if isinstance(given, str) else list(given)
    several = len(chosen) > 1 and question.multiple and DENY not in chosen
    fits = question.free_text or all(value in values for value in chosen)
    if not chosen or not fits or not (several or len(chosen) == 1):
        expected = "one or more of" if question.multiple else "one of"
        own = ", or text of your own" if question.free_text else ""
        raise InvalidArgument(f"answer: expected {expected} {', '.join(values)}{own}.")
    if edits is not None:
        _check_edits(question, chosen, edits)
    return Answer(", ".join(value.strip() for value in chosen), note, by, edits)


def _check_edits(question: Question, chosen: Sequence[str], edits: str) -> None:
    if not question.editable:
        raise InvalidArgument("edits: expected none, since the question is not `editable`.")
    if chosen == [DENY]:
        raise InvalidArgument("edits: expected an answer with it that allows something.")
    if len(edits) > MOST_EDITED:
        raise InvalidArgument(f"edits: expected at most {MOST_EDITED:,} characters.")


# What showing a question ends with.
Shown: TypeAlias = Answer | Literal["closed"] | None
Show: TypeAlias = "Callable[[Question, bool], Coroutine[None, None, Shown]]"


@dataclass
class _Entry:
    question: Question
    seconds: float
    answer: asyncio.Future[Answer]
    asked_at: float
    deadline: asyncio.TimerHandle | None = None
    showing: asyncio.Task[None] | None = None
    opened_at: float | None = None
    closed: bool = False


class QuestionQueue:
    """The queue of all runs' questions.

    Args:
        show: Shows a question in the editor and returns the answer; `CLOSED` if its user has closed
            it without one, so that the next can be shown; None if a command alone can answer it.
            Called with True for one that was closed, once no other is left to be shown: only to
            tell that it is the open one again. Cancelled when the question is settled.
        on_answered: Called once with each question that is settled, and how.
    """

    def __init__(
        self,
        show: Show,
        on_answered: Callable[[Question, Answer], None] = lambda _, __: None,
    ) -> None:
        self._show = show
        self._on_answered = on_answered
        self._entries: dict[str, _Entry] = {}
        self._open: _Entry | None = None
        self._unanswered_at = self._answered_at = self._refused_at = -math.inf
        self._pause: asyncio.TimerHandle | None = None

    def unread(self) -> bool:
        """Return whether an answer that names no question may be meant for another one.

        That is, the open one has just taken the place of one that nobody has answered, or another
        one was closed and still waits.
        """
        shown = sum(entry.opened_at is not None for entry in self._entries.values())
        return self._puts_off(shown > 1 or _now() - self._unanswered_at < UNREAD_SECONDS)

    def unseen(self, question_id: str, *, named: bool) -> bool:
        """Return whether an answer comes so soon that it can't be meant for its question.

        That is, the question has only just been shown, or another answer has only just been given,
        or was refused: a key that is held down stands for one answer.

        Args:
            question_id: The question.
            named: Whether the answer names it. Else it counts from when it stood on the screen
                alone.
        """
        entry = self._entries.get(question_id)
        if entry is None:
            return False
        shown_at = entry.asked_at if named else entry.opened_at
        return self._puts_off(
            shown_at is None
            or _now() - max(shown_at, self._answered_at) < SEEN_SECONDS
            or _now() - self._refused_at < PAUSE_SECONDS
        )

    def put_off(self) -> None:
        """Take note that an answer is refused: those that follow without a pause are, too."""
        self._refused_at = _now()

    def _puts_off(self, refused: bool) -> bool:
        if refused:
            self.put_off()
        return refused

    @property
    def pending(self) -> tuple[Question, ...]:
        """All that wait for an answer, the open one first."""
        return tuple(entry.question for entry in self._entries.values())

    async def ask(self, question: Question, seconds: float) -> Answer:
        """Ask and wait for the answer; "deny" once it has been open for `seconds`."""
        entry = _Entry(question, seconds, asyncio.get_running_loop().create_future(), _now())
        self._entries[question.question_id] = entry
        self._open_next()
        answer = Answer(DENY, by=AnsweredBy.WITHDRAWN)
        try:
            answer = await entry.answer
            return answer
        finally:
            del self._entries[question.question_id]
            self._open = None if self._open is entry else self._open
            if answer.by in (AnsweredBy.EDITOR, AnsweredBy.COMMAND):
                self._answered_at = _now()
            elif entry.opened_at is not None:
                self._unanswered_at = _now()
            if entry.deadline is not None:
                entry.deadline.cancel()
            if entry.showing is not None:
                entry.showing.cancel()
            self._open_next()
            self._on_answered(entry.question, answer)

    def answer(self, question_id: str, answer: Answer) -> bool:
        """Settle a question, open or waiting.

        Returns:
            False if there is no such question any more: the first answer stands.
        """
        entry = self._entries.get(question_id)
        if entry is None or entry.answer.done():
            return False
        entry.answer.set_result(answer)
        return True

    def answer_by_command(
        self,
        question: Question,
        given: str | Sequence[str],
        note: str | None = None,
        *,
        edits: str | None = None,
        named: bool = True,
    ) -> bool:
        """Settle a question by an answer that does not come from where it is shown.

        Args:
            question: The question.
            given: What is answered: see `answer_to`.
            note: Goes to the agent with it.
            edits: The file as the user wants it.
            named: Whether the answer names the question.

        Returns:
            False if it is settled already: the first answer stands.

        Raises:
            InvalidArgument: It is no answer to it, or comes so soon that it can't be meant for it.
        """
        denied = named and given in (DENY, [DENY], (DENY,))
        if not denied and self.unseen(question.question_id, named=named):
            raise InvalidArgument(
                f"answer: {question.question_id} has only just been asked; read it, and answer "
                "again."
            )
        answer = answer_to(question, given, note, by=AnsweredBy.COMMAND, edits=edits)
        return self.answer(question.question_id, answer)

    def _open_next(self) -> None:
        entry = self._next()
        if entry is None or entry is self._open or self._pause is not None:
            return
        loop = asyncio.get_running_loop()
        left = self._answered_at + SEEN_SECONDS - _now()
        if left > 0:
            self._pause = loop.call_later(left, self._end_pause)
            return
        if self._open is not None:
            self._unanswered_at = _now()
        self._open, again = entry, entry.closed
        entry.opened_at = _now()
        if not again:
            until = datetime.now(UTC) + timedelta(seconds=entry.seconds)
            entry.question = replace(entry.question, deadline=until)
            entry.deadline = loop.call_later(entry.seconds, self._expire, entry)
        entry.showing = asyncio.create_task(self._present(entry, again))

    def _next(self) -> _Entry | None:
        """Return the first one that is not closed, which goes before those that are."""
        entries = list(self._entries.values())
        first = next((entry for entry in entries if not entry.closed), None)
        if first is None:
            return entries[0] if entries else None
        for entry in entries[: entries.index(first)]:
            self._entries[entry.question.question_id] = self._entries.pop(
                entry.question.question_id
            )
        return first

    def _end_pause(self) -> None:
        self._pause = None
        self._open_next()

    async def _present(self, entry: _Entry, again: bool) -> None:
        with contextlib.suppress(Exception):  # an editor that can't show it: a command can answer
            answer = await self._show(entry.question, again)
            if isinstance(answer, Answer) and not entry.answer.done():
                entry.answer.set_result(answer)
            elif answer == CLOSED:
                entry.closed = True
                self._open_next()

    def _expire(self, entry: _Entry) -> None:
        if not entry.answer.done():
            note = f"The user did not answer within {entry.seconds:g} seconds."
            entry.answer.set_result(Answer(DENY, note, AnsweredBy.DEADLINE))


def _now() -> float:
    return asyncio.get_running_loop().time()
