"""Sessions changed and given out: renamed, tagged, copied, deleted, exported, shown."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types

from claude_agent_lsp.base.uris import path_of
from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.refusals import FAILED, INVALID, refusal
from tests.e2e.runs import eventually
from tests.e2e.shown import said_in
from tests.processes import processes_of

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

UNKNOWN = "11111111-2222-4333-8444-555555555555"


def transcript(environment: dict[str, str], session_id: str) -> Path:
    """The file that the CLI keeps a session in."""
    (found,) = Path(environment["CLAUDE_CONFIG_DIR"]).glob(f"projects/*/{session_id}.jsonl")
    return found


def marks(path: Path, kind: str) -> list[dict[str, Any]]:
    """The lines of a transcript of this type."""
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    return [entry for entry in entries if entry["type"] == kind]


async def listed(editor: Editor, **argument: Any) -> dict[str, dict[str, Any]]:
    """A folder's sessions by their ids."""
    page = await editor.command("session.list", argument)
    return {session["sessionId"]: session for session in page["sessions"]}


async def said(editor: Editor, session_id: str) -> list[str]:
    """The texts of a session's messages."""
    read = await editor.command("session.read", {"sessionId": session_id})
    return [message["text"] for message in said_in(read["messages"])]


@pytest.mark.parametrize(
    ("command", "more"),
    [
        ("rename", {"title": "x"}),
        ("tag", {"tag": "x"}),
        ("fork", {}),
        ("delete", {}),
        ("export", {"format": "jsonl"}),
        ("show", {}),
    ],
)
async def test_unknown_session_is_not_found(
    editor: Editor, command: str, more: dict[str, Any]
) -> None:
    refused = await refusal(editor.command(f"session.{command}", {"sessionId": UNKNOWN, **more}))
    assert (refused.code, refused.reason) == (FAILED, "sessionNotFound")
    assert UNKNOWN in refused.message


async def test_renamed_session_has_its_title_in_every_list(
    editor: Editor, environment: dict[str, str]
) -> None:
    run = await editor.query("remember the code APPLE-1")
    session_id = run["sessionId"]
    renamed = await editor.command(
        "session.rename", {"sessionId": session_id, "title": "  Ä title\nof two lines "}
    )
    assert renamed["title"] == "Ä title\nof two lines"
    assert (await listed(editor))[session_id] == renamed
    # As the CLI's own list reads it.
    (mark,) = marks(transcript(environment, session_id), "custom-title")
    assert mark == {
        "type": "custom-title",
        "customTitle": renamed["title"],
        "sessionId": session_id,
    }
    # It stays so when the conversation goes on and its process ends.
    await editor.query("which code?")
    await editor.quit()
    assert marks(transcript(environment, session_id), "custom-title")[-1] == mark


async def test_tagged_session_is_found_by_its_tag_until_it_is_cleared(editor: Editor) -> None:
    run = await editor.query("hello")
    other = await editor.query("hello", session="new")
    tagged = await editor.command(
        "session.tag", {"sessionId": run["sessionId"], "tag": "experiment"}
    )
    assert tagged["tag"] == "experiment"
    assert list(await listed(editor, tag="experiment")) == [run["sessionId"]]
    cleared = await editor.command("session.tag", {"sessionId": run["sessionId"], "tag": None})
    assert "tag" not in cleared
    assert await listed(editor, tag="experiment") == {}
    assert set(await listed(editor)) == {run["sessionId"], other["sessionId"]}


@pytest.mark.parametrize("tag", ["\u200b", "\u202e"])
async def test_tag_that_nobody_can_see_is_refused(editor: Editor, tag: str) -> None:
    run = await editor.query("hello")
    refused = await refusal(
        editor.command("session.tag", {"sessionId": run["sessionId"], "tag": tag})
    )
    assert (refused.code, refused.message) == (
        INVALID,
        "tag: expected visible text, or null.",
    )


async def test_search_finds_what_was_asked_later(editor: Editor) -> None:
    run = await editor.query("paint the shed")
    await editor.query("now mend the FENCE, please")
    await editor.query("something else", session="new")
    assert list(await listed(editor, search="fence paint")) == [run["sessionId"]]
    # What the agent says is not searched.
    assert await listed(editor, search="OK.") == {}


async def test_fork_is_a_session_of_its_own_at_once(editor: Editor) -> None:
    told = await editor.query("remember the code APPLE-1")
    copy = await editor.command("session.fork", {"sessionId": told["sessionId"]})
    assert copy["sessionId"] != told["sessionId"]
    assert copy["title"] == "remember the code APPLE-1 (fork)"
    assert (copy["current"], copy["workspace"]) == (False, told["workspace"])
    assert (await listed(editor))[copy["sessionId"]] == copy
    assert await said(editor, copy["sessionId"]) == await said(editor, told["sessionId"])
    asked = await editor.query("which code?", session=copy["sessionId"])
    assert (asked["text"], asked["sessionId"]) == ("APPLE-1", copy["sessionId"])
    assert len(await said(editor, told["sessionId"])) == 2


async def test_fork_at_a_message_ends_with_it(editor: Editor) -> None:
    told = await editor.query("remember the code APPLE-1")
    await editor.query("remember the code PEAR-2")
    read = await editor.command("session.read", {"sessionId": told["sessionId"]})
    at = read["messages"][1]["messageId"]
    copy = await editor.command(
        "session.fork", {"sessionId": told["sessionId"], "at": at, "title": "Before"}
    )
    assert copy["title"] == "Before"
    assert await said(editor, copy["sessionId"]) == [m["text"] for m in read["messages"][:2]]
    asked = await editor.query("which code?", session=copy["sessionId"])
    assert asked["text"] == "APPLE-1"


async def test_fork_at_an_unknown_message_is_refused(editor: Editor) -> None:
    told = await editor.query("hello")
    refused = await refusal(
        editor.command("session.fork", {"sessionId": told["sessionId"], "at": "nothing"})
    )
    assert refused.code == INVALID
    assert refused.message == f"at: the session {told['sessionId']} has no message nothing."


async def test_session_at_work_is_forked_but_not_deleted(editor: Editor) -> None:
    told = await editor.query("remember the code APPLE-1")
    asked = editor.query("count slowly", partialResultToken="second")
    await editor.event("text", "second")
    session = {"sessionId": told["sessionId"]}
    refused = await refusal(editor.command("session.delete", session))
    assert (refused.code, refused.reason) == (FAILED, "sessionBusy")
    copy = await editor.command("session.fork", session)
    assert (await said(editor, copy["sessionId"]))[0] == "remember the code APPLE-1"
    editor.cancel(asked)
    await refusal(asked)
    assert await editor.command("session.delete", session) == {"deleted": True}
    assert set(await listed(editor)) == {copy["sessionId"]}


async def test_deleted_session_is_gone_and_last_begins_a_new_one(
    editor: Editor, environment: dict[str, str]
) -> None:
    told = await editor.query("remember the code APPLE-1")
    path = transcript(environment, told["sessionId"])
    deleted = editor.command("session.delete", {"sessionId": told["sessionId"]})
    # Sent behind it, answered behind it.
    asked = await editor.query("which code?")
    assert await deleted == {"deleted": True}
    assert asked["text"] == "I don't know."
    assert asked["sessionId"] != told["sessionId"]
    assert not path.exists()
    assert list(await listed(editor)) == [asked["sessionId"]]
    refused = await refusal(editor.query("which code?", session=told["sessionId"]))
    assert refused.reason == "sessionNotFound"
    await editor.quit()
    assert not path.exists()


async def test_deleting_ends_the_process_that_is_kept_for_the_session(
    editor: Editor, environment: dict[str, str]
) -> None:
    told = await editor.query("hello")
    (kept,) = processes_of(environment, "claude")
    await editor.command("session.delete", {"sessionId": told["sessionId"]})
    await eventually(lambda: not kept.is_running())


async def test_session_that_another_server_deletes_stays_deleted(
    editor_with: Open, environment: dict[str, str]
) -> None:
    """Its process is still warm in the first one, and writes when it ends."""
    first, second = await editor_with(), await editor_with()
    told = await first.query("remember the code APPLE-1")
    path = transcript(environment, told["sessionId"])
    await second.command("session.delete", {"sessionId": told["sessionId"]})
    refused = await refusal(first.query("which code?", session=told["sessionId"]))
    assert refused.reason == "sessionNotFound"
    await first.quit()
    assert not path.exists()
    assert await listed(second) == {}


async def test_transcript_is_exported_byte_for_byte(
    editor: Editor, environment: dict[str, str], tmp_path: Path
) -> None:
    told = await editor.query("say ä and ö")
    argument = {"sessionId": told["sessionId"], "format": "jsonl"}
    content = transcript(environment, told["sessionId"]).read_bytes()
    assert (await editor.command("session.export", argument))["text"].encode() == content
    file = tmp_path / "out put.jsonl"
    file.write_text("old")
    answer = await editor.command("session.export", {**argument, "uri": file.as_uri()})
    assert answer == {"uri": file.as_uri()}
    assert file.read_bytes() == content


async def test_markdown_is_exported_with_its_calls_folded_away(
    editor: Editor, model: Loopback, folder: Path, tmp_path: Path
) -> None:
    notes = folder / "notes.txt"
    notes.write_text("</details>\n```\n<script>\n")
    model.add(reply("look", [say("I look."), call("Read", file_path=str(notes))], [say("# There")]))
    run = await editor.query("look around")
    argument = {"sessionId": run["sessionId"], "format": "markdown"}
    text = (await editor.command("session.export", argument))["text"]
    assert text.startswith(f"# look around\n\nFolder: `{folder}`  \n")
    assert text.index("look around") < text.index("I look.") < text.index("### There")
    assert "<summary>Read (completed)</summary>" in text
    file = tmp_path / "session.md"
    await editor.command("session.export", {**argument, "uri": file.as_uri()})
    assert file.read_text() == text


async def test_export_replaces_nothing_but_a_file(editor: Editor, tmp_path: Path) -> None:
    run = await editor.query("hello")
    target = tmp_path / "target"
    target.write_text("precious")
    (tmp_path / "link").symlink_to(target)
    os.mkfifo(tmp_path / "pipe")
    for name, what in (
        ("", "is a folder"),
        ("link", "is not a regular file"),
        ("pipe", "is not a regular file"),
        ("nowhere/file", "nowhere is not one"),
    ):
        argument = {
            "sessionId": run["sessionId"],
            "format": "markdown",
            "uri": (tmp_path / name).as_uri(),
        }
        refused = await refusal(editor.command("session.export", argument))
        assert refused.code == INVALID
        assert what in refused.message
    assert target.read_text() == "precious"
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


async def test_shown_session_is_a_document_that_grows(editor: Editor, model: Loopback) -> None:
    run = await editor.query("remember the code APPLE-1")
    answer = await editor.command("session.show")
    assert answer["shown"] is True
    (shown,) = editor.shown_documents
    document = path_of(shown.uri)
    assert answer["uri"] == shown.uri
    assert document.name == f"{run['sessionId']}.md"
    assert "I will remember it." in document.read_text()
    assert stat.S_IMODE(document.stat().st_mode) == 0o600
    model.add(reply("go on", [say("First."), call("Read", file_path="nothing")], [say("Last.")]))
    await editor.query("go on")
    await eventually(lambda: "Last." in document.read_text())
    assert document.read_text().count("## You") == 2


async def test_closed_document_grows_no_more(editor: Editor) -> None:
    closed = (await editor.query("remember the code APPLE-1"))["sessionId"]
    await editor.command("session.show")
    (asked,) = [
        params.registrations
        for _, method, params in editor.log
        if method == types.CLIENT_REGISTER_CAPABILITY
        and params.registrations[0].id != "configuration"
    ]
    assert [each.method for each in asked] == ["textDocument/didOpen", "textDocument/didClose"]
    (shown,) = editor.shown_documents
    document = types.TextDocumentIdentifier(shown.uri)
    editor.text_document_did_close(types.DidCloseTextDocumentParams(document))
    before = path_of(shown.uri).read_text()
    await editor.query("and more", session=closed)
    # One that is open grows behind it.
    opened = (await editor.query("hello", session="new"))["sessionId"]
    await editor.command("session.show", {"sessionId": opened})
    await editor.query("the last", session=opened)
    text = path_of(editor.shown_documents[-1].uri).read_text
    await eventually(lambda: "the last" in text())
    assert path_of(shown.uri).read_text() == before


async def test_folder_without_a_session_has_nothing_to_show(editor: Editor, folder: Path) -> None:
    refused = await refusal(editor.command("session.show"))
    assert (refused.reason, refused.message) == (
        "sessionNotFound",
        f"{folder} has no current session.",
    )


async def test_editor_that_opens_no_documents_says_so(editor_with: Open) -> None:
    editor = await editor_with(profile="emacs")
    run = await editor.query("hello")
    refused = await refusal(editor.command("session.show", {"sessionId": run["sessionId"]}))
    assert (refused.code, refused.reason) == (FAILED, "unsupportedByClient")
