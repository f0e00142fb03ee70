"""The three ways in which a user gets a question and answers it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .editor import Editor


class Way(ABC):
    """How one client asks its user.

    Args:
        editor: The client.

    Attributes:
        profile: The editor that it is.
        announces: What it says that it knows.
        takes_notes: Whether a note can be given with an answer.
    """

    profile = "vscode"
    announces: ClassVar[Mapping[str, Any] | None] = None
    takes_notes = True

    def __init__(self, editor: Editor) -> None:
        self.editor = editor

    async def question(self, number: int = 1) -> dict[str, Any]:
        """Wait for the `number`-th question; returns it as it is told on the events' token."""
        event = await self.editor.event("question", count=number)
        await self.shown(number)
        return dict(event["question"])

    @abstractmethod
    async def shown(self, number: int) -> None:
        """Wait until the user can answer it."""

    @abstractmethod
    async def answer(self, value: str | Sequence[str], note: str | None = None) -> None:
        """Answer the open question; several values for one that takes several."""


class ByMessage(Way):
    """In an editor that knows LSP alone."""

    takes_notes = False

    async def shown(self, number: int) -> None:
        await self.editor.until(lambda: number and self._open is not None)

    async def answer(self, value: str | Sequence[str], note: str | None = None) -> None:
        assert note is None
        labels = {option["value"]: option["label"] for option in self._asked["options"]}
        for each in [value] if isinstance(value, str) else [*value, "Done"]:
            await self.shown(1)
            assert self._open is not None
            self.editor.answer(labels.get(each, each), self._open)

    @property
    def _open(self) -> int | None:
        """The number of the message that waits."""
        shown = enumerate(self.editor.questions, 1)
        return next((number for number, (_, chosen) in shown if not chosen.done()), None)

    @property
    def _asked(self) -> dict[str, Any]:
        events = self.editor.events
        settled = {event["questionId"] for event in events(kind="questionAnswered")}
        asked = [event["question"] for event in events(kind="question")]
        return next(q for q in asked if q["questionId"] not in settled)


class ByRequest(Way):
    """In an editor that knows this server."""

    announces: ClassVar[Mapping[str, Any] | None] = {"questions": True}

    async def shown(self, number: int) -> None:
        await self.editor.until(
            lambda: number and any(not answer.done() for _, answer in self.editor.requests)
        )

    async def answer(self, value: str | Sequence[str], note: str | None = None) -> None:
        answer: dict[str, Any] = {"answer": value if isinstance(value, str) else list(value)}
        self.editor.requests[-1][1].set_result(answer if note is None else {**answer, "note": note})


class ByCommand(Way):
    """In an editor that shows no questions at all."""

    profile = "helix"

    async def shown(self, number: int) -> None:
        assert (await self.editor.command("question.list"))["questions"]

    async def answer(self, value: str | Sequence[str], note: str | None = None) -> None:
        answer: dict[str, Any] = {"answer": value if isinstance(value, str) else list(value)}
        if note is not None:
            answer["note"] = note
        if value in ("allowSession", "allowAlways"):
            # What they allow does not stand in the line.
            (question, *_) = (await self.editor.command("question.list"))["questions"]
            answer["questionId"] = question["questionId"]
        assert await self.editor.answer_by_command(answer) == {"answered": True}


WAYS = (ByMessage, ByRequest, ByCommand)
