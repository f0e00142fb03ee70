"""Sessions found by what was said in them, pinned, and archived."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.refusals import FAILED, INVALID, refusal
from tests.e2e.runs import eventually

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.editor import Editor

UNKNOWN = "11111111-2222-4333-8444-555555555555"


def state_of(environment: dict[str, str]) -> Path:
    return Path(environment["XDG_STATE_HOME"]) / "claude-agent-lsp"


async def found(editor: Editor, words: str, **more: Any) -> dict[str, dict[str, Any]]:
    page = await editor.command("session.list", {"search": words, "matches": True, **more})
    assert page["searched"]["done"] == page["searched"]["total"]
    return {session["sessionId"]: session for session in page["sessions"]}


async def test_a_session_is_found_by_what_the_agent_said_and_did(
    editor: Editor, model: Loopback, folder: Path
) -> None:
    read = call("Read", file_path=str(folder / "heronry.py"))
    model.add(reply("look around", [read], [say("An ibis.")]))
    run = await editor.query("look around")
    other = await editor.query("remember the code APPLE-1", session="new")
    session_id = run["sessionId"]
    for words in ("IBIS", "heronry ibis", "read heron"):
        assert set(await found(editor, words)) == {session_id}, words
    (session,) = (await found(editor, "ibis")).values()
    (match,) = session["matches"]
    assert (match["place"], match["line"]) == ("answer", "An ibis.")
    read = await editor.command("session.read", {"sessionId": session_id})
    assert match["messageId"] in [message["messageId"] for message in read["messages"]]
    assert session["prompts"] == 1
    assert set(await found(editor, "apple", file="heronry")) == set()
    assert other["sessionId"] in await found(editor, "apple")
    assert "matches" not in (await editor.command("session.list", {}))["sessions"][0]


async def test_what_is_said_later_is_found_and_what_is_deleted_is_not(
    editor: Editor, environment: dict[str, str]
) -> None:
    run = await editor.query("remember the code PLANTEDWORD-1")
    session_id = run["sessionId"]
    assert session_id in await found(editor, "plantedword")
    await editor.query("remember the code SECONDWORD-2", session=session_id)
    assert session_id in await found(editor, "plantedword secondword")
    await editor.command("session.delete", {"sessionId": session_id})
    assert await found(editor, "plantedword") == {}
    for path in state_of(environment).rglob("*"):
        if path.is_file() and "audit" not in path.name:
            assert b"plantedword" not in path.read_bytes().lower(), path


async def test_pinned_and_archived_sessions_are_told_and_listed(editor: Editor) -> None:
    first, second = [(await editor.query("hello", session="new"))["sessionId"] for _ in range(2)]
    pinned = await editor.command("session.pin", {"sessionId": first})
    assert (pinned["pinned"], pinned["archived"]) == (True, False)
    page = await editor.command("session.list", {})
    assert [each["sessionId"] for each in page["sessions"]] == [first, second]
    archived = await editor.command("session.archive", {"sessionId": first})
    assert archived["archived"] is True
    page = await editor.command("session.list", {})
    assert [each["sessionId"] for each in page["sessions"]] == [second]
    page = await editor.command("session.list", {"archived": True})
    assert [each["sessionId"] for each in page["sessions"]] == [first, second]
    await editor.command("session.archive", {"sessionId": first, "archived": False})
    await editor.command("session.pin", {"sessionId": first, "pinned": False})
    page = await editor.command("session.list", {})
    assert [each["sessionId"] for each in page["sessions"]] == [second, first]


@pytest.mark.parametrize("command", ["pin", "archive"])
async def test_unknown_session_is_neither_pinned_nor_archived(editor: Editor, command: str) -> None:
    refused = await refusal(editor.command(f"session.{command}", {"sessionId": UNKNOWN}))
    assert (refused.code, refused.reason) == (FAILED, "sessionNotFound")


async def test_a_list_may_not_be_of_no_time(editor: Editor) -> None:
    refused = await refusal(editor.command("session.list", {"since": "yesterday"}))
    assert refused.code == INVALID
    assert "since: expected a time" in refused.message
    page = await editor.command("session.list", {"since": "2999-01-01T00:00:00Z"})
    assert page["sessions"] == []


async def test_a_list_begins_the_reading_for_a_search(
    editor: Editor, environment: dict[str, str]
) -> None:
    await editor.query("hello")
    await editor.command("session.list", {})
    await eventually((state_of(environment) / "words.sqlite").exists)


async def test_a_session_is_sent_as_a_page_and_brought_to_another_folder(
    editor: Editor, model: Loopback, folder: Path, tmp_path: Path
) -> None:
    model.add(reply("look", [say("It is <script>alert(1)</script> sk-ant-" + "a1B2" * 8)]))
    run = await editor.query("look around")
    argument = {"sessionId": run["sessionId"], "format": "html"}
    text = (await editor.command("session.export", argument))["text"]
    assert text.startswith("<!DOCTYPE html>")
    assert "&lt;script&gt;alert(1)" in text
    assert "a1B2a1B2" not in text
    assert "<script" not in text
    file = tmp_path / "other.jsonl"
    await editor.command("session.export", {**argument, "format": "jsonl", "uri": file.as_uri()})
    known = await editor.command("session.import", {"uri": file.as_uri()})
    outcomes = [(each["outcome"], each["sessionId"]) for each in known["files"]]
    assert outcomes == [("known", run["sessionId"])]
    new = "aaaaaaaa-2222-4333-8444-555555555555"
    file.write_text(
        file.read_text().replace(run["sessionId"], new).replace(str(folder), "/home/other/cart")
    )
    brought = await editor.command("session.import", {"uri": file.as_uri()})
    assert [each["outcome"] for each in brought["files"]] == ["imported"]
    assert set(await found(editor, "script alert")) == {run["sessionId"], new}
    # The real CLI goes on with it.
    again = await editor.query("hello", session=new)
    assert (again["status"], again["sessionId"]) == ("completed", new)
    refused = await refusal(
        editor.command("session.import", {"uri": (tmp_path / "nowhere").as_uri()})
    )
    assert refused.code == INVALID
