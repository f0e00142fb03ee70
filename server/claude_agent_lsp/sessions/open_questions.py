"""Questions that the editor which they are for does not show, to be answered from anywhere else.

    <state>/questions/<session>.<question>.json      what is asked, and by which server
    <state>/questions/<session>.<question>.answer    an answer, until that server takes it
    <state>/questions/<session>.<answer>.verdict     what that server makes of it

Only this user's own files count, none that a link leads to. An answer is there whole or not at all,
and there is one at a time: of two that are given at once the second is told so. The server that
asks takes it by giving it another name, so that it counts once; whoever gave it can take it back
only as long as it was not taken. What is no coroutine touches the disk: call it in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import uuid
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.base.disk.files import replace_file
from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.disk.reading import read_own
from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.base.texts.json_text import parse_json
from claude_agent_lsp.errors import SessionBusy
from claude_agent_lsp.sessions.lock import Holder, parse_holder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

# The whole change of an edit is in it.
_MOST_BYTES = 16 * 2**20
# It becomes a part of a file's name.
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# A server looks twice a second whether one of its questions has been answered.
REPLY_SECONDS: Final = 10.0
AGAIN_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question of another server.

    Attributes:
        session_id: Its session.
        question_id: Its id.
        content: The Question of docs/protocol.md.
        holder: The server that asks.
    """

    session_id: str
    question_id: str
    content: Mapping[str, Any]
    holder: Holder


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """An answer from elsewhere.

    Attributes:
        answer_id: An id of its own.
        values: What was chosen.
        note: Goes to the agent with it.
    """

    answer_id: str
    values: tuple[str, ...]
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What has become of an answer.

    Attributes:
        answered: Whether it counts.
        refusal: Why it was no answer, or came too soon; None if it was one.
    """

    answered: bool
    refusal: str | None = None


class OpenQuestions:
    """The questions of all servers of this user, as they stand on disk.

    Args:
        state_directory: Gives the state directory, which a setting may move.
        me: Who this server is to others; None for who has no questions.
    """

    def __init__(self, state_directory: Callable[[], Path], me: Holder | None = None) -> None:
        self._state_directory = state_directory
        self._me = me

    def put_out(self, session_id: str, question_id: str, content: Mapping[str, Any]) -> None:
        """Show a question to others.

        Raises:
            OSError: It can't be written.
        """
        assert self._me is not None
        path = self._path(session_id, question_id, "json")
        make_directory(path.parent)
        told = {"server": asdict(self._me), "question": dict(content)}
        replace_file(path, json.dumps(told).encode())

    def take_back(self, session_id: str, question_id: str) -> None:
        """Show it no longer: it is settled."""
        for kind in ("json", "answer", "taken"):
            self._path(session_id, question_id, kind).unlink(missing_ok=True)

    def of_others(self) -> tuple[OpenQuestion, ...]:
        """Return what other servers that are there ask, the oldest first."""
        found = []
        with contextlib.suppress(OSError):
            for path in self._directory.glob("*.json"):
                with contextlib.suppress(OSError):
                    found.append((path.lstat().st_mtime, path))
        questions = (self._read(path) for _, path in sorted(found))
        return tuple(each for each in questions if each is not None)

    def is_settled(self, question: OpenQuestion) -> bool:
        """Return whether a question waits no more."""
        return not self._path(question.session_id, question.question_id, "json").exists()

    def give(self, question: OpenQuestion, values: tuple[str, ...], note: str | None) -> str | None:
        """Give an answer.

        Returns:
            Its id; None if another one has been given, or the question is settled.

        Raises:
            OSError: It can't be written.
        """
        answer_id = str(uuid.uuid4())
        place = self._path(question.session_id, question.question_id, "answer")
        given = {"id": answer_id, "values": list(values), "note": note}
        whole = self._path(question.session_id, answer_id, "given")
        replace_file(whole, json.dumps(given).encode())
        try:
            os.link(whole, place)
        except FileExistsError:
            return None
        finally:
            whole.unlink(missing_ok=True)
        return answer_id

    def withdraw(self, question: OpenQuestion, answer_id: str) -> bool:
        """Take an answer back; return whether it still could be: it counts no more then."""
        place = self._path(question.session_id, question.question_id, "answer")
        given = self._answer_in(place)
        if given is None or given.answer_id != answer_id:
            return False
        mine = self._path(question.session_id, answer_id, "given")
        try:
            place.rename(mine)
        except OSError:
            return False
        mine.unlink(missing_ok=True)
        return True

    def verdict_on(self, question: OpenQuestion, answer_id: str) -> Verdict | None:
        """Return what has become of an answer, once; None as long as that is not known."""
        path = self._path(question.session_id, answer_id, "verdict")
        found = _content(path)
        if found is None:
            return None
        path.unlink(missing_ok=True)
        refusal = found.get("refusal")
        return Verdict(found.get("answered") is True, None if refusal is None else str(refusal))

    def take_answer(self, session_id: str, question_id: str) -> GivenAnswer | None:
        """Take what has been answered to a question of this server; None if nothing was."""
        place = self._path(session_id, question_id, "answer")
        taken = self._path(session_id, question_id, "taken")
        try:
            place.rename(taken)
        except OSError:
            return None
        given = self._answer_in(taken)
        with contextlib.suppress(OSError):
            taken.unlink()
        return given

    def decide(self, session_id: str, answer_id: str, verdict: Verdict) -> None:
        """Tell whoever has given an answer what has become of it.

        Raises:
            OSError: It can't be written.
        """
        path = self._path(session_id, answer_id, "verdict")
        replace_file(path, json.dumps(asdict(verdict)).encode())

    def _read(self, path: Path) -> OpenQuestion | None:
        session_id, _, question_id = path.stem.partition(".")
        found = _content(path)
        if found is None or not isinstance(content := found.get("question"), dict):
            return None
        holder = parse_holder(json.dumps(found.get("server")).encode())
        if holder is None or holder == self._me or not holder.alive:
            return None
        if (content.get("sessionId"), content.get("questionId")) != (session_id, question_id):
            return None
        return OpenQuestion(session_id, question_id, content, holder)

    def _answer_in(self, path: Path) -> GivenAnswer | None:
        match _content(path):
            case {"id": str(answer_id), "values": list(values), "note": str() | None as note} if (
                _ID.fullmatch(answer_id)
            ):
                return GivenAnswer(answer_id, tuple(map(str, values)), note)
        return None

    @property
    def _directory(self) -> Path:
        return self._state_directory() / "questions"

    def _path(self, session_id: str, name: str, kind: str) -> Path:
        return self._directory / f"{session_id}.{name}.{kind}"


def _content(path: Path) -> dict[str, Any] | None:
    try:
        found = parse_json(read_own(path, _MOST_BYTES))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


async def answer_elsewhere(
    questions: OpenQuestions, question: OpenQuestion, values: tuple[str, ...], note: str | None
) -> Verdict:
    """Answer a question of another server, and return what becomes of the answer.

    Raises:
        OSError: It can't be written.
        SessionBusy: That server does not answer.
    """
    answer_id = await disk.run(questions.give, question, values, note)
    if answer_id is None:
        return Verdict(answered=False)
    verdict = await _verdict(questions, question, answer_id)
    if verdict is None and not await disk.run(questions.withdraw, question, answer_id):
        verdict = await _verdict(questions, question, answer_id)  # it has just been taken
    if verdict is None:
        who = f"{question.holder}"
        raise SessionBusy(
            f"{who[0].upper()}{who[1:]} asks this, and does not answer.",
            hint="Its process may be suspended, or its disk hang: look at it there.",
        )
    return verdict


async def _verdict(
    questions: OpenQuestions, question: OpenQuestion, answer_id: str
) -> Verdict | None:
    loop = asyncio.get_running_loop()
    until = loop.time() + REPLY_SECONDS
    while loop.time() < until:
        settled = await disk.run(questions.is_settled, question)
        verdict = await disk.run(questions.verdict_on, question, answer_id)
        if verdict is not None or settled:
            return verdict or Verdict(answered=False)
        await asyncio.sleep(AGAIN_SECONDS)
    return None
