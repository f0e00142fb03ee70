"""A proposed change is changed before it is accepted, and the agent is told so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.refusals import INVALID, refusal
from tests.e2e.runs import begin

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

MODIFIED = "user modified"


def told(model: Loopback) -> str:
    """What the agent was told of the tool's result."""
    return json.dumps(model.requests[-1].body["messages"][-1])


async def asked_about(editor: Editor, prompt: str) -> tuple[Any, dict[str, Any]]:
    """A query whose question waits for its answer."""
    query = begin(editor, prompt, 1)
    return query.asked, (await editor.event("question", token=query.events))["question"]


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
async def test_an_edit_is_made_as_the_user_wants_it(
    editor: Editor, model: Loopback, folder: Path, ends: str
) -> None:
    notes = folder / "notes.txt"
    notes.write_bytes(ends.join(("one", "two", "three", "four", "")).encode())
    model.add(
        reply(
            "edit",
            [call("Read", file_path=str(notes))],
            [call("Edit", file_path=str(notes), old_string="four", new_string="4")],
            [say("Edited.")],
        )
    )
    run, question = await asked_about(editor, "edit")
    assert question["editable"] is True
    answer = {"questionId": question["questionId"], "answer": "allow"}
    await editor.answer_by_command({**answer, "edits": "one\nzwei\nthree\nvier\n"})
    assert (await run)["status"] == "completed"
    assert notes.read_bytes() == ends.join(("one", "zwei", "three", "vier", "")).encode()
    assert MODIFIED in told(model)
    answered = next(each for each in editor.events("events-1", "questionAnswered"))
    assert (answered["answer"], answered["edited"]) == ("allow", True)
    # It is the agent's all the same, and can be looked at.
    (file,) = (await editor.command("review.list"))["files"]
    assert [hunk["diff"] for hunk in file["hunks"]] == ["-two\n+zwei\n", "-four\n+vier\n"]


@pytest.mark.parametrize("by_request", [False, True])
async def test_a_new_file_is_written_as_the_user_wants_it(
    editor_with: Open, model: Loopback, folder: Path, by_request: bool
) -> None:
    new = folder / "new.txt"
    model.add(
        reply("write", [call("Write", file_path=str(new), content="new\n")], [say("Written.")])
    )
    editor = await editor_with(announces={"questions": True} if by_request else None)
    run, question = await asked_about(editor, "write")
    if by_request:
        await editor.until(lambda: editor.requests)
        editor.requests[0][1].set_result({"answer": "allow", "edits": "mine\n"})
    else:
        answer = {"questionId": question["questionId"], "answer": "allow", "edits": "mine\n"}
        await editor.answer_by_command(answer)
    await run
    assert new.read_text() == "mine\n"
    assert MODIFIED in told(model)


async def test_what_is_accepted_as_it_is_is_not_called_modified(
    editor: Editor, model: Loopback, folder: Path
) -> None:
    new = folder / "new.txt"
    model.add(
        reply("write", [call("Write", file_path=str(new), content="new\n")], [say("Written.")])
    )
    run, question = await asked_about(editor, "write")
    await editor.answer_by_command({"questionId": question["questionId"], "answer": "allow"})
    await run
    assert new.read_text() == "new\n"
    assert "created successfully" in told(model)
    assert MODIFIED not in told(model)
    answered = next(each for each in editor.events("events-1", "questionAnswered"))
    assert "edited" not in answered


async def test_a_file_that_is_wanted_as_it_is_stays_so(
    editor: Editor, model: Loopback, folder: Path
) -> None:
    notes = folder / "notes.txt"
    notes.write_text("one\n")
    model.add(
        reply(
            "edit",
            [call("Read", file_path=str(notes))],
            [call("Edit", file_path=str(notes), old_string="one", new_string="two")],
            [say("Well.")],
        )
    )
    run, question = await asked_about(editor, "edit")
    answer = {"questionId": question["questionId"], "answer": "allow", "edits": "one\n"}
    await editor.answer_by_command(answer)
    await run
    assert notes.read_text() == "one\n"
    assert "The user wants the file to stay as it is." in told(model)


async def test_edits_belong_to_a_yes_about_a_file(
    editor: Editor, model: Loopback, folder: Path
) -> None:
    new = folder / "new.txt"
    model.add(
        reply(
            "work",
            [call("Bash", command="touch made")],
            [call("Write", file_path=str(new), content="new\n")],
            [say("Done.")],
        )
    )
    query = begin(editor, "work", 1)
    first = (await editor.event("question", token=query.events))["question"]
    assert "editable" not in first
    named = {"questionId": first["questionId"], "edits": "x"}
    for answer in (named | {"answer": "allow"}, {"answer": "deny", "edits": "x"}):
        with pytest.raises(JsonRpcException, match="edits: expected") as refused:
            await editor.answer_by_command(answer)
        assert refused.value.code == INVALID
    await editor.command("question.answer", {"questionId": first["questionId"], "answer": "deny"})
    await editor.until(lambda: len(editor.events(query.events, "question")) == 2)
    second = editor.events(query.events, "question")[1]["question"]
    named = {"questionId": second["questionId"]}
    again = await refusal(
        editor.command("question.answer", {**named, "answer": "deny", "edits": "x"})
    )
    assert "edits: expected an answer with it" in again.message
    await editor.command("question.answer", {**named, "answer": "deny"})
    await query.asked
    assert not new.exists()
