"""The main job: ask, stop, resume, in every editor's profile."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from claude_agent_lsp import __version__
from claude_agent_lsp.lsp.protocol import PROTOCOL
from tests.e2e.editor import PROFILES
from tests.e2e.refusals import CANCELLED, INVALID, refusal
from tests.e2e.shown import said_in

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor


def transcript_of(session_id: str, environment: dict[str, str]) -> Path:
    """The file that the CLI keeps a session in."""
    (path,) = Path(environment["CLAUDE_CONFIG_DIR"]).glob(f"projects/*/{session_id}.jsonl")
    return path


@pytest.mark.parametrize("profile", PROFILES)
async def test_new_server_resumes_session_and_knows_code(editor_with: Open, profile: str) -> None:
    first = await editor_with(profile=profile)
    told = await first.query("remember the code PINEAPPLE-42", wait=True)
    await asyncio.sleep(3)  # as in the bug that this project began with
    await first.quit()
    second = await editor_with(profile=profile)
    asked = await second.query("which code?", wait=True)
    assert asked["text"] == "PINEAPPLE-42"
    assert asked["sessionId"] == told["sessionId"]
    assert uuid.UUID(told["sessionId"])


async def test_run_that_nobody_waited_for_is_resumed_by_new_server(editor_with: Open) -> None:
    first = await editor_with()
    begun = await first.query("remember the code PINEAPPLE-42", wait=False)
    assert begun["status"] == "running"
    ended = await first.event("ended")
    assert ended["run"] == {**ended["run"], "runId": begun["runId"], "status": "completed"}
    await first.quit()
    second = await editor_with()
    asked = await second.query("which code?")
    assert (asked["text"], asked["sessionId"]) == ("PINEAPPLE-42", begun["sessionId"])


async def test_cancelled_run_is_answered_with_its_run(editor: Editor, model: Loopback) -> None:
    asked = editor.query("count slowly")
    await editor.event("text")
    cancelled_at = editor.cancel(asked)
    refused = await refusal(asked)
    assert refused.code == CANCELLED
    assert asked.answered_at is not None
    assert asked.answered_at - cancelled_at < 5
    assert refused.run["status"] == "cancelled"
    request = await model.request("count slowly", 5)
    assert await request.hang_up(5) - cancelled_at < 5


async def test_session_of_run_cancelled_before_its_process_started_is_resumable(
    editor_with: Open, model: Loopback
) -> None:
    first = await editor_with(settings={"prewarm": False})
    asked = first.query("remember the code APPLE-1")
    await first.event("started")
    first.cancel(asked)
    refused = await refusal(asked)
    assert refused.code == CANCELLED
    assert refused.run["status"] == "cancelled"
    assert model.requests == []
    assert [event["kind"] for event in first.events()] == ["started", "ended"]
    session = refused.run["sessionId"]
    await first.quit()
    second = await editor_with()
    told = await second.query("remember the code PEAR-2", session=session)
    asked_again = await second.query("which code?")
    assert told["sessionId"] == asked_again["sessionId"] == session
    assert asked_again["text"] == "PEAR-2"


async def test_last_new_and_an_id_name_the_session(editor: Editor, model: Loopback) -> None:
    first = await editor.query("remember the code APPLE-1", session="last")
    second = await editor.query("remember the code PEAR-2", session="new")
    assert first["sessionId"] != second["sessionId"]
    last = await editor.query("which code?")
    assert (last["sessionId"], last["text"]) == (second["sessionId"], "PEAR-2")
    named = await editor.query("which code?", session=first["sessionId"].upper())
    assert (named["sessionId"], named["text"]) == (first["sessionId"], "APPLE-1")
    last = await editor.query("which code again?")
    assert (last["sessionId"], last["text"]) == (first["sessionId"], "APPLE-1")


async def test_fork_knows_the_code_and_leaves_the_session_as_it_was(
    editor_with: Open, environment: dict[str, str]
) -> None:
    first = await editor_with()
    told = await first.query("remember the code PINEAPPLE-42")
    await first.quit()
    original = transcript_of(told["sessionId"], environment)
    before = original.read_bytes()
    second = await editor_with()
    forked = await second.query("which code?", fork=True)
    assert forked["text"] == "PINEAPPLE-42"
    assert forked["sessionId"] != told["sessionId"]
    await second.query("remember the code PEAR-2")
    assert (await second.query("which code?"))["sessionId"] == forked["sessionId"]
    await second.quit()
    assert original.read_bytes() == before
    third = await editor_with()
    asked = await third.query("which code?", session=told["sessionId"])
    assert asked["text"] == "PINEAPPLE-42"


async def test_fork_goes_back_to_just_after_a_message(editor: Editor, model: Loopback) -> None:
    told = await editor.query("remember the code APPLE-1")
    (said,) = {event["messageId"] for event in editor.events(kind="text")}
    await editor.query("remember the code PEAR-2")
    forked = await editor.query("which code?", fork=True, resumeAt=said)
    assert forked["sessionId"] != told["sessionId"]
    assert forked["text"] == "APPLE-1"
    sent = [part.text for part in model.requests[-1].conversation]
    assert any("APPLE-1" in text for text in sent)
    assert any("I will remember it." in text for text in sent)
    assert not any("PEAR-2" in text for text in sent)
    last = await editor.query("which code?", session=told["sessionId"])
    assert last["text"] == "PEAR-2"


async def test_fork_goes_back_to_a_prompt_that_was_read(editor: Editor, model: Loopback) -> None:
    told = await editor.query("remember the code APPLE-1")
    await editor.query("remember the code PEAR-2")
    read = await editor.command("session.read", {"sessionId": told["sessionId"]})
    second_prompt = said_in(read["messages"])[2]
    assert (second_prompt["role"], second_prompt["text"]) == ("user", "remember the code PEAR-2")
    forked = await editor.query("which code?", fork=True, resumeAt=second_prompt["messageId"])
    assert forked["text"] == "PEAR-2"


async def test_fork_at_a_message_that_is_not_there_is_refused(editor: Editor) -> None:
    told = await editor.query("remember the code APPLE-1")
    refused = await refusal(editor.query("which code?", fork=True, resumeAt="nothing"))
    assert (refused.code, refused.message) == (
        INVALID,
        f"resumeAt: the session {told['sessionId']} has no message nothing.",
    )


async def test_the_answer_of_initialize_tells_the_versions(editor: Editor) -> None:
    told = editor.greeting
    assert told is not None
    assert told.server_info is not None
    assert told.server_info.version == __version__
    experimental = cast("Any", told.capabilities.experimental)
    assert experimental["claudeAgent"] == {"protocol": PROTOCOL}
