"""Questions of one server that are answered from another one: each answer counts once, or not."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.errors import SessionBusy
from claude_agent_lsp.sessions import open_questions as module
from claude_agent_lsp.sessions.lock import Holder
from claude_agent_lsp.sessions.open_questions import (
    OpenQuestion,
    OpenQuestions,
    Verdict,
    answer_elsewhere,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SESSION = "6f1d3b9e-0000-4000-8000-000000000000"
QUESTION = "6f1d3b9e-0000-4000-8000-00000000000a"
NAMES = SESSION, QUESTION
CONTENT = {"questionId": QUESTION, "sessionId": SESSION, "title": "Run `ls`?"}
ANSWERER = """
import asyncio, sys
from pathlib import Path
from claude_agent_lsp.sessions.open_questions import OpenQuestions, answer_elsewhere
store = OpenQuestions(lambda: Path(sys.argv[1]))
(question,) = store.of_others()
print("ready", flush=True)
sys.stdin.readline()
print(asyncio.run(answer_elsewhere(store, question, (sys.argv[2],), None)).answered, flush=True)
"""


def asking(state: Path) -> OpenQuestions:
    """The server that asks: this process, which others take for another one than they are."""
    me = Holder("", "Helix", os.getpid(), psutil.Process().create_time())
    return OpenQuestions(lambda: state, me)


def put_out(state: Path) -> tuple[OpenQuestions, OpenQuestions, OpenQuestion]:
    """A question that is put out; returns who asks, who may answer, and what that one sees."""
    server, other = asking(state), OpenQuestions(lambda: state)
    server.put_out(*NAMES, CONTENT)
    (question,) = other.of_others()
    return server, other, question


def test_a_question_is_told_whole_to_others_and_to_nobody_else(tmp_path: Path) -> None:
    server, _, question = put_out(tmp_path)
    assert question.content == CONTENT
    assert (question.session_id, question.question_id) == NAMES
    assert question.holder.editor == "Helix"
    assert server.of_others() == ()
    (path,) = (tmp_path / "questions").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    server.take_back(*NAMES)
    assert list(path.parent.iterdir()) == []


GIVE, TAKE, WITHDRAW = "give", "take", "withdraw"


@given(st.lists(st.tuples(st.sampled_from((GIVE, TAKE, WITHDRAW)), st.integers(0, 1))))
def test_in_whatever_order_each_answer_is_taken_at_most_once(
    steps: list[tuple[str, int]],
) -> None:
    """Two servers give answers and take them back while the one that asks takes them."""
    with tempfile.TemporaryDirectory() as directory:
        server, other, question = put_out(Path(directory))
        given_by: list[list[str]] = [[], []]
        waiting: str | None = None
        taken: list[str] = []
        for step, who in steps:
            if step == GIVE:
                answer_id = other.give(question, (f"{who}",), None)
                assert (answer_id is None) == (waiting is not None)
                if answer_id is not None:
                    given_by[who].append(answer_id)
                    waiting = answer_id
            elif step == TAKE:
                found = server.take_answer(*NAMES)
                assert (found and found.answer_id) == waiting
                taken += [] if found is None else [found.answer_id]
                waiting = None
            elif given_by[who]:
                last = given_by[who][-1]
                assert other.withdraw(question, last) == (last == waiting)
                waiting = None if last == waiting else waiting
        assert len(taken) == len(set(taken))
        left = {path.suffix for path in (Path(directory) / "questions").iterdir()}
        assert left == {".json"} | ({".answer"} if waiting else set())


async def serve(server: OpenQuestions, until: Callable[[], bool]) -> list[str]:
    """Take answers as a server does, of which the first counts; returns that one's value."""
    counted: list[str] = []
    while not until():
        found = server.take_answer(*NAMES)
        if found is not None:
            server.decide(SESSION, found.answer_id, Verdict(answered=not counted))
            counted += found.values if not counted else ()
        await asyncio.sleep(0.001)
    return counted


async def waits(state: Path) -> None:
    """An answer is there."""
    async with asyncio.timeout(20):
        while not list((state / "questions").glob("*.answer")):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("attempt", range(3))
async def test_of_two_answers_of_two_processes_one_counts(tmp_path: Path, attempt: int) -> None:
    server, _, _ = put_out(tmp_path)
    values = [f"{attempt}-{name}" for name in "ab"]
    pipe = asyncio.subprocess.PIPE
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", ANSWERER, str(tmp_path), value, stdin=pipe, stdout=pipe
        )
        for value in values
    ]
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    ending = [asyncio.create_task(process.communicate(b"\n")) for process in processes]
    counted = await serve(server, lambda: all(each.done() for each in ending))
    said = [each.result()[0] for each in ending]
    assert [value for value, word in zip(values, said, strict=True) if word == b"True\n"] == counted
    assert len(counted) == 1


async def test_what_is_made_of_an_answer_is_told(tmp_path: Path) -> None:
    server, other, question = put_out(tmp_path)
    answering = asyncio.create_task(answer_elsewhere(other, question, ("allow",), "Please."))
    await waits(tmp_path)
    given = server.take_answer(*NAMES)
    assert given is not None
    assert (given.values, given.note) == (("allow",), "Please.")
    server.decide(SESSION, given.answer_id, Verdict(answered=False, refusal="Too soon."))
    assert await answering == Verdict(answered=False, refusal="Too soon.")


async def test_an_answer_to_a_question_that_is_settled_meanwhile_does_not_count(
    tmp_path: Path,
) -> None:
    server, other, question = put_out(tmp_path)
    answering = asyncio.create_task(answer_elsewhere(other, question, ("allow",), None))
    await waits(tmp_path)
    server.take_back(*NAMES)
    assert await answering == Verdict(answered=False)


async def test_a_server_that_does_not_answer_gets_no_answer_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REPLY_SECONDS", 0.2)
    server, other, question = put_out(tmp_path)
    with pytest.raises(SessionBusy, match=r"Helix .* does not answer"):
        await answer_elsewhere(other, question, ("allow",), None)
    # It was taken back: what goes on later finds none.
    assert server.take_answer(*NAMES) is None


def test_a_question_of_a_server_that_is_gone_is_none(tmp_path: Path) -> None:
    OpenQuestions(lambda: tmp_path, Holder("", "Helix", os.getpid(), 1.0)).put_out(*NAMES, CONTENT)
    assert OpenQuestions(lambda: tmp_path).of_others() == ()


DAMAGE = [b"", b"[]", b"\xff", b"{" * 5000, b'{"server": 1, "question": {}}', b'{"question": []}']


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_makes_no_sense_is_no_question_and_no_answer(tmp_path: Path, damage: bytes) -> None:
    server, other, question = put_out(tmp_path)
    other.give(question, ("allow",), None)
    (answer,) = (tmp_path / "questions").glob("*.answer")
    answer.write_bytes(damage)
    (tmp_path / "questions" / f"{SESSION}.other.json").write_bytes(damage)
    assert [each.question_id for each in other.of_others()] == [QUESTION]
    assert server.take_answer(*NAMES) is None


@pytest.mark.parametrize("name", ["../../evil", "", "x" * 36])
def test_an_answer_names_no_file(tmp_path: Path, name: str) -> None:
    server, other, question = put_out(tmp_path)
    other.give(question, ("allow",), None)
    (answer,) = (tmp_path / "questions").glob("*.answer")
    answer.write_text(json.dumps({"id": name, "values": ["allow"], "note": None}))
    assert server.take_answer(*NAMES) is None


@pytest.mark.parametrize("place", ["link", "pipe", "directory", "other"])
def test_what_others_could_have_put_there_is_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    server, other, question = put_out(tmp_path)
    other.give(question, ("allow",), None)
    (answer,) = (tmp_path / "questions").glob("*.answer")
    elsewhere: Any = tmp_path / "elsewhere"
    if place == "other":
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    else:
        answer.rename(elsewhere)
    if place == "link":
        answer.symlink_to(elsewhere)
    elif place == "pipe":
        os.mkfifo(answer)
    elif place == "directory":
        answer.mkdir()
    assert server.take_answer(*NAMES) is None
