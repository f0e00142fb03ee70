"""Editors that drop a command's answer, or can't wait for it, see how a run ended all the same."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lsprotocol import types

from claude_agent_lsp.base.uris import path_of
from claude_agent_lsp.loopback import call, fail, reply, say
from tests.e2e.editor import SECONDS

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

IMPATIENT = ["helix", "emacs"]
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
    editor = await editor_with(profile=profile)
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
    editor = await editor_with(profile=profile)
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
    assert not first.exists()


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
    editor = await editor_with(profile=profile)
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
