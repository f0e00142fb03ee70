"""Editors that drop a command's answer, or can't wait for it, see how a run ended all the same."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.base.uris import path_of
from claude_agent_lsp.loopback import call, fail, reply, say
from tests.e2e.editor import SECONDS

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

IMPATIENT = ["helix", "emacs"]
OPENING = {"showAnswers": "document"}
ANSWERS = ("The agent's answer is in ", "The tasks are in ")


def documents(editor: Editor) -> list[Path]:
    """Where the transcripts are that the editor was shown, or told of if it opens none."""
    told = [message.message for message in editor.messages]
    return [path_of(document.uri) for document in editor.shown_documents] + [
        Path(text.removeprefix(answer)) for text in told for answer in ANSWERS if answer in text
    ]


async def shown(editor: Editor, count: int = 1) -> str:
    """The `count`-th transcript, once the editor has been shown it."""
    async with asyncio.timeout(SECONDS):
        while len(documents(editor)) < count:
            await editor.command("status")  # what it was shown arrives with the answer
    return documents(editor)[count - 1].read_text()


@pytest.mark.parametrize("profile", IMPATIENT)
async def test_run_is_answered_at_once_and_its_transcript_opened(
    editor_with: Open, model: Loopback, folder: Path, profile: str
) -> None:
    (folder / "a.txt").write_text("found\n")
    model.add(reply("look", [say("I look."), call("Read", file_path="a.txt")], [say("There.")]))
    editor = await editor_with(profile=profile, settings=OPENING)
    run = await editor.query("look around")
    assert run["status"] == "running"
    text = await shown(editor)
    assert run["sessionId"] in text
    assert "look around" in text
    assert "<summary>Read (completed)</summary>" in text
    assert "\n\nThere.\n\n*Done, " in text


@pytest.mark.parametrize("profile", IMPATIENT)
async def test_second_run_opens_a_document_with_all_that_was_said(
    editor_with: Open, profile: str
) -> None:
    editor = await editor_with(profile=profile, settings=OPENING)
    await editor.query("remember the code PINEAPPLE-42")
    assert "I will remember it." in await shown(editor)
    await editor.query("which code?", partialResultToken="second")
    await editor.event("ended", "second")
    assert "PINEAPPLE-42" in (await shown(editor, 2)).rpartition("which code?")[2]
    # Helix shows a document that it has open as it is: each run has one of its own.
    first, second = documents(editor)
    assert first != second
    for document in editor.shown_documents[1:]:
        assert document.selection is not None
        line = second.read_text().splitlines()[document.selection.start.line]
        assert line.startswith("## You"), "the editor does not go to the newest prompt"
    assert first.exists(), "it is open, and would be lost"
    if profile == "emacs":
        return  # it is told by a message where they are, and opens none
    # What was closed makes room for the next.
    for path in (first, second):
        text = types.TextDocumentItem(path.as_uri(), "markdown", 0, path.read_text())
        editor.text_document_did_open(types.DidOpenTextDocumentParams(text))
    closed = types.TextDocumentIdentifier(first.as_uri())
    editor.text_document_did_close(types.DidCloseTextDocumentParams(closed))
    await editor.query("and now?", partialResultToken="third")
    third = documents(editor)[2] if await shown(editor, 3) else None
    assert [path.exists() for path in (first, second, third) if path] == [False, True, True]


@pytest.mark.parametrize("profile", IMPATIENT)
async def test_failed_run_is_told_by_a_message_with_its_hint(
    editor_with: Open, model: Loopback, profile: str
) -> None:
    model.add(reply("fail", fail(529)))
    editor = await editor_with(profile=profile)
    await editor.query("fail please")
    ended = await editor.event("ended")
    assert ended["run"]["status"] == "failed"
    await editor.command("status")
    told = [message for message in editor.messages if message.type is types.MessageType.Error]
    assert len(told) == 1
    assert "Try again" in told[0].message


async def test_answer_is_told_where_no_document_can_be_written(
    editor_with: Open, tmp_path: Path
) -> None:
    # As root nothing is forbidden: a file where the directory should be is.
    (tmp_path / "state").write_text("in the way")
    editor = await editor_with(
        profile="helix",
        settings=OPENING,
        environment={"CLAUDE_AGENT_LSP_STATE_DIRECTORY": str(tmp_path / "state")},
    )
    await editor.query("remember the code PINEAPPLE-42")
    async with asyncio.timeout(SECONDS):
        while not editor.messages:
            await editor.command("status")
    (told,) = editor.messages
    assert told.type is types.MessageType.Error
    assert told.message.endswith("The agent's answer: I will remember it.")
    assert editor.shown_documents == []


@pytest.mark.parametrize("profile", IMPATIENT)
async def test_run_is_stopped_by_command(editor_with: Open, profile: str) -> None:
    editor = await editor_with(profile=profile, settings=OPENING)
    run = await editor.query("count slowly")
    await editor.event("text")
    assert await editor.command("cancel") == {"cancelled": [run["runId"]]}
    assert (await editor.event("ended"))["run"]["status"] == "cancelled"
    assert "word0" in await shown(editor)


async def test_waiting_editor_is_shown_no_document(editor: Editor) -> None:
    assert (await editor.query("hello"))["status"] == "completed"
    await editor.command("status")
    assert documents(editor) == []


async def test_any_editor_may_choose_not_to_wait(editor: Editor) -> None:
    run = await editor.query("remember the code PINEAPPLE-42", wait=False)
    assert run["status"] == "running"
    ended = (await editor.event("ended"))["run"]
    assert ended["runId"] == run["runId"]
    assert ended["status"] == "completed"
    assert (await editor.query("which code?"))["text"] == "PINEAPPLE-42"


async def message(editor: Editor, count: int = 1) -> types.ShowMessageParams:
    """The `count`-th message, once the editor was sent it."""
    async with asyncio.timeout(SECONDS):
        while len(editor.messages) < count:
            await editor.command("status")  # what it was sent arrives with the answer
    return editor.messages[count - 1]


@pytest.mark.parametrize("profile", ["helix", "emacs", "unknown"])
async def test_answer_is_told_in_a_line_and_opened_by_command(
    editor_with: Open, profile: str
) -> None:
    editor = await editor_with(profile=profile)
    asked = editor.command("query", "remember the code PINEAPPLE-42")
    told = await message(editor)
    assert told.type is types.MessageType.Info
    outcome, answer = told.message.split(". ", 1)
    assert outcome.startswith("Claude: Done")
    assert answer.startswith("I will remember it. ")
    assert "\n" not in told.message
    assert editor.shown_documents == []
    await asked
    if profile == "emacs":  # Emacs 29's client opens no documents
        assert "I will remember it." in Path(answer.rpartition(" is in ")[2]).read_text()
        return
    for count in (1, 2):
        shown = await editor.command("session.show")
        assert len(editor.shown_documents) == count
        assert "I will remember it." in path_of(shown["uri"]).read_text()
    first, second = (path_of(document.uri) for document in editor.shown_documents)
    # Helix shows a document that it has open as it was.
    assert (first == second) is (profile != "helix")


async def test_unknown_client_that_streams_a_run_shows_it_itself(editor_with: Open) -> None:
    editor = await editor_with(profile="unknown")
    run = await editor.query("hello")
    assert run["status"] == "completed"
    await editor.command("status")
    assert (editor.messages, editor.shown_documents) == ([], [])


@pytest.mark.parametrize("profile", ["helix", "unknown"])
async def test_error_of_a_command_is_shown_where_the_editor_keeps_it_to_itself(
    editor_with: Open, profile: str
) -> None:
    editor = await editor_with(profile=profile)
    for name, argument, told in (
        ("query", {"prompt": 1}, "prompt: expected "),
        ("nothing", {}, "Unknown command "),
        ("session.show", {}, "has no current session"),
        ("question.answer", "allow", "questionId: expected "),
    ):
        count = len(editor.messages)
        with pytest.raises(JsonRpcException):
            await editor.command(name, argument)
        shown = await message(editor, count + 1)
        assert shown.type is types.MessageType.Error
        assert told in shown.message


@pytest.mark.parametrize("profile", ["vscode", "emacs"])
async def test_error_is_told_once_where_the_editor_shows_it(
    editor_with: Open, profile: str
) -> None:
    editor = await editor_with(profile=profile)
    with pytest.raises(JsonRpcException):
        await editor.command("query", {"prompt": 1})
    await editor.command("status")
    assert editor.messages == []
