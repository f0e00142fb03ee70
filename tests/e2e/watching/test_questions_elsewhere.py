"""A question that its own editor does not show is answered from another one, or in a terminal."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.agent.os_processes.marked import MARK
from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.consent.test_audit import entries
from tests.e2e.editor import EXECUTABLE
from tests.e2e.faults.test_survival import killed
from tests.e2e.runs import begin, cancelled, clis, data_of, eventually
from tests.e2e.turns.test_own_turns import state_of
from tests.e2e.watching.test_following import KNOWS, follow_at_work
from tests.processes import processes_of

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor
    from tests.e2e.runs import Query


@pytest.fixture(autouse=True)
def wishes(model: Loopback) -> None:
    model.add(
        reply("make one", [call("Bash", command="mkfifo one")], [say("Tried.")]),
        reply("edit it", [call("Write", file_path="a.txt", content="x\n")], [say("Tried.")]),
    )


async def asks(editor: Editor, prompt: str = "make one") -> tuple[Query, dict[str, Any]]:
    """A run that waits for an answer; returns its question, too."""
    query = begin(editor, prompt)
    return query, (await editor.event("question", query.events))["question"]


async def unshown(editor: Editor, count: int = 1) -> list[dict[str, Any]]:
    """The questions that an editor lists, once there are so many."""
    async with asyncio.timeout(20):
        while True:
            found: list[dict[str, Any]] = (await editor.command("question.list"))["questions"]
            if len(found) == count:
                return found
            await asyncio.sleep(0.05)


async def in_terminal(environment: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    """What `claude-agent-lsp questions` says, and its exit status."""
    process = await asyncio.create_subprocess_exec(
        str(EXECUTABLE),
        "questions",
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_one_that_helix_can_not_show_is_answered_from_another_editor(
    editor_with: Open, environment: dict[str, str], folder: Path
) -> None:
    first = await editor_with(profile="helix")
    query, question = await asks(first)
    second = await editor_with()
    (listed,) = await unshown(second)
    assert listed.pop("heldBy") == f"helix (process {first.pid})"
    assert listed.pop("deadline") >= question.pop("deadline")
    assert listed == question
    answer = {"questionId": question["questionId"], "answer": "allow"}
    assert await second.answer_by_command(answer) == {"answered": True}
    await first.event("ended", query.events)
    assert (folder / "one").is_fifo()
    (answered,) = first.events(query.events, "questionAnswered")
    assert (answered["answer"], answered["by"]) == ("allow", "command")
    (entry,) = [each for each in entries(environment) if each["kind"] == "question"]
    assert (entry["answer"], entry["by"]) == ("allow", "command")
    # It is settled, and nothing is left of it.
    await eventually(lambda: not list((state_of(environment) / "questions").iterdir()))
    assert await unshown(second, 0) == []
    with pytest.raises(JsonRpcException, match="expected the id of an open question"):
        await second.command("question.answer", answer)


async def test_one_that_its_user_has_closed_is_answered_in_a_terminal(
    editor_with: Open, environment: dict[str, str], folder: Path
) -> None:
    editor = await editor_with(profile="neovim")
    query, question = await asks(editor, "edit it")
    await editor.question()
    # As long as it is shown, nobody else is asked.
    assert await in_terminal(environment, "list") == (
        *(0, "There is no question that an editor does not show.\n", ""),
    )
    editor.answer(None)
    await eventually(lambda: list((state_of(environment) / "questions").glob("*.json")))
    status, listed, _ = await in_terminal(environment)
    assert status == 0
    beginning = question["questionId"][:8]
    assert listed.startswith(f"{beginning}  in Neovim (process {editor.pid})")
    assert "Write a.txt?" in listed
    assert "+x" in listed
    assert "  deny  Deny\n" in listed
    _, as_json, _ = await in_terminal(environment, "list", "--json")
    (told,) = json.loads(as_json)
    assert told["questionId"] == question["questionId"]
    assert told["diff"] == question["diff"]
    refused = await in_terminal(environment, "answer", "ffffffff", "allow")
    assert refused == (1, "", 'No question has an id that begins with "ffffffff".\n')
    status, _, why = await in_terminal(environment, "answer", beginning, "perhaps")
    assert status == 1
    assert "expected one of deny, allow" in why
    # What an agent's tool has started is not its user.
    within = {**environment, MARK: "an-agent"}
    status, _, why = await in_terminal(within, "answer", beginning, "allow")
    assert (status, why) == (1, "What an agent has started answers no question.\n")
    answer = ("answer", beginning, "deny", "--note", "Call it b.txt.")
    assert await in_terminal(environment, *answer) == (0, "Answered.\n", "")
    run = await query.asked
    assert run["permissionDenials"] == [{"tool": "Write", "reason": "Call it b.txt."}]
    assert not (folder / "a.txt").exists()


async def test_who_follows_its_run_is_asked_and_answers(editor_with: Open, folder: Path) -> None:
    first = await editor_with(profile="helix")
    query, question = await asks(first)
    second = await editor_with(profile="neovim", announces=KNOWS)
    _, token = await follow_at_work(second, question["sessionId"])
    told = (await second.event("question", token))["question"]
    assert told.pop("heldBy") == f"helix (process {first.pid})"
    assert {**told, "deadline": ""} == {**question, "deadline": ""}
    answer = {"questionId": question["questionId"], "answer": "allow"}
    assert await second.answer_by_command(answer) == {"answered": True}
    settled = await second.event("questionAnswered", token)
    assert (settled["questionId"], settled["by"]) == (question["questionId"], "withdrawn")
    ended = await second.event("ended", token)
    assert ended["run"]["status"] == "completed"
    assert (folder / "one").is_fifo()
    await first.event("ended", query.events)


async def test_of_two_servers_that_answer_at_once_one_counts(
    editor_with: Open, folder: Path
) -> None:
    first = await editor_with(profile="helix")
    query, question = await asks(first)
    others = [await editor_with(), await editor_with(profile="neovim")]
    for other in others:
        await unshown(other)
    answers = [
        other.answer_by_command({"questionId": question["questionId"], "answer": value})
        for other, value in zip(others, ("allow", "deny"), strict=True)
    ]
    given = await asyncio.gather(*answers, return_exceptions=True)
    counted = [each == {"answered": True} for each in given]
    assert sum(counted) == 1
    (answered,) = first.events(query.events, "questionAnswered")
    assert answered["answer"] == ("allow" if counted[0] else "deny")
    await first.event("ended", query.events)
    assert (folder / "one").exists() == counted[0]


async def test_a_frozen_server_is_told_and_gets_no_answer_later(
    editor_with: Open, environment: dict[str, str], folder: Path
) -> None:
    first = await editor_with(profile="helix")
    query, question = await asks(first)
    second = await editor_with()
    await unshown(second)
    os.kill(first.pid, signal.SIGSTOP)
    try:
        with pytest.raises(JsonRpcException) as failed:
            await second.command(
                "question.answer", {"questionId": question["questionId"], "answer": "allow"}
            )
    finally:
        os.kill(first.pid, signal.SIGCONT)
    assert data_of(failed.value)["reason"] == "sessionBusy"
    assert "does not answer" in failed.value.message
    assert not list((state_of(environment) / "questions").glob("*.answer"))
    assert not first.events(query.events, "questionAnswered")
    await cancelled(first, query)
    assert not (folder / "one").exists()


async def test_one_whose_time_is_up_or_whose_server_is_killed_is_listed_no_more(
    editor_with: Open, environment: dict[str, str]
) -> None:
    first = await editor_with(profile="helix", settings={"questionTimeoutSeconds": 3})
    second = await editor_with()
    query, _ = await asks(first)
    await unshown(second)
    answered = await first.event("questionAnswered", query.events)
    assert (answered["answer"], answered["by"]) == ("deny", "deadline")
    await unshown(second, 0)
    await first.event("ended", query.events)
    patient = await editor_with(profile="helix")
    await asks(patient)
    await unshown(second)
    await killed(patient)
    await unshown(second, 0)
    await eventually(lambda: len(processes_of(environment, "claude")) == len(clis(first)))


async def test_what_a_repository_brings_along_is_no_answer(
    editor_with: Open, environment: dict[str, str], folder: Path
) -> None:
    """Only the state directory counts, and there only files that nobody else has made."""
    first = await editor_with(profile="helix")
    query, question = await asks(first)
    places = state_of(environment) / "questions"
    await eventually(lambda: list(places.glob("*.json")))
    name = f"{question['sessionId']}.{question['questionId']}.answer"
    planted = folder / name
    yes = {"id": question["questionId"], "values": ["allow"], "note": None}
    planted.write_text(json.dumps(yes))
    (places / name).symlink_to(planted)
    await eventually(lambda: not os.path.lexists(places / name))  # it was looked at
    assert not first.events(query.events, "questionAnswered")
    await cancelled(first, query)
    assert not (folder / "one").exists()
