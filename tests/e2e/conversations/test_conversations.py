"""What was said in a session is read back whole, whatever has happened to it since."""

from __future__ import annotations

import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.base.disk.places import place_of
from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.conversations.test_session_commands import transcript
from tests.e2e.refusals import refusal
from tests.e2e.shown import said_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

SUMMARY = "This session is being continued"


async def read_all(editor: Editor, session_id: str) -> list[dict[str, Any]]:
    """All entries of a session but for what is told of its runs."""
    return said_in(await entries_of(editor, session_id))


async def entries_of(editor: Editor, session_id: str, **fields: Any) -> list[dict[str, Any]]:
    """All entries of a session, a few in each page."""
    messages: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        argument = {"sessionId": session_id, "limit": 3, **fields, **cursor}
        page = await editor.command("session.read", argument)
        messages += page["messages"]
        if page.get("nextCursor") is None:
            return messages
        cursor = {"cursor": page["nextCursor"]}


async def test_what_was_said_before_a_compaction_is_there(editor: Editor) -> None:
    session_id = "new"
    for code in ("APPLE-1", "PEAR-2"):
        run = await editor.query(f"remember the code {code}", session=session_id)
        session_id = run["sessionId"]
    before = await read_all(editor, session_id)
    await editor.query("/compact", session=session_id)
    await editor.query("remember the code PLUM-3", session=session_id)
    after = await read_all(editor, session_id)
    assert after[: len(before)] == before
    (compaction,) = [entry for entry in after if entry.get("kind") == "compaction"]
    assert compaction["role"] == "system"
    assert compaction["text"].startswith(SUMMARY)
    assert not [entry for entry in after if entry["role"] == "user" and SUMMARY in entry["text"]]
    assert after[-2]["text"] == "remember the code PLUM-3"
    argument = {"sessionId": session_id, "format": "markdown"}
    markdown = (await editor.command("session.export", argument))["text"]
    assert "APPLE-1" in markdown
    assert "What the agent was left with" in markdown
    # A copy that ends before the compaction is a conversation, too.
    copy = await editor.command(
        "session.fork", {"sessionId": session_id, "at": before[1]["messageId"]}
    )
    assert [entry["text"] for entry in await read_all(editor, copy["sessionId"])] == [
        entry["text"] for entry in before[:2]
    ]
    assert (await editor.query("which code?", session=copy["sessionId"]))["text"] == "APPLE-1"


@pytest.mark.parametrize("damage", ["nuls", "half"])
async def test_damaged_line_costs_what_stood_in_it(
    editor_with: Open, environment: dict[str, str], damage: str
) -> None:
    editor = await editor_with()
    session_id = "new"
    for code in ("APPLE-1", "PEAR-2", "PLUM-3"):
        run = await editor.query(f"remember the code {code}", session=session_id)
        session_id = run["sessionId"]
    before = [entry["text"] for entry in await read_all(editor, session_id)]
    await editor.quit()
    path = transcript(environment, session_id)
    lines = path.read_bytes().splitlines(keepends=True)
    answers = [at for at, line in enumerate(lines) if b'"type":"assistant"' in line]
    line = lines[answers[1]]
    lines[answers[1]] = (b"\0" * 500 if damage == "nuls" else line[: len(line) // 2]) + b"\n"
    path.write_bytes(b"".join(lines))
    editor = await editor_with()
    after = await read_all(editor, session_id)
    assert [entry["text"] for entry in after if "kind" not in entry] == before[:3] + before[4:]
    assert [entry["kind"] for entry in after if "kind" in entry] == ["gap"]
    # And it is gone on with.
    assert (await editor.query("which code?", session=session_id))["text"] == "PLUM-3"


@pytest.mark.parametrize(
    "command", ["/context", "/model", "/cost", "/help", "/nothing-of-the-kind"]
)
async def test_answer_of_a_slash_command_is_read_again(editor: Editor, command: str) -> None:
    run = await editor.query(command, session="new")
    assert run["text"]
    entries = await read_all(editor, run["sessionId"])
    assert [entry["text"] for entry in entries if entry["role"] == "assistant"] == [run["text"]]
    (session,) = (await editor.command("session.list", {}))["sessions"]
    assert session["sessionId"] == run["sessionId"]
    # What was read goes on being there when the conversation begins.
    await editor.query("remember the code APPLE-1", session=run["sessionId"])
    assert (await read_all(editor, run["sessionId"]))[: len(entries)] == entries


async def test_interrupt_is_not_the_users_prompt(editor: Editor) -> None:
    asked = editor.query("count slowly")
    await editor.event("text", count=3)
    editor.cancel(asked)
    await refusal(asked)
    (session,) = (await editor.command("session.list", {}))["sessions"]
    entries = await read_all(editor, session["sessionId"])
    assert [(entry["role"], entry.get("kind")) for entry in entries] == [
        ("user", None),
        ("assistant", None),
    ]
    everything = await entries_of(editor, session["sessionId"])
    (outcome,) = [entry for entry in everything if entry.get("kind") == "outcome"]
    assert outcome["run"]["status"] == "cancelled"


async def test_model_that_was_set_from_outside_is_nobodys_command(editor: Editor) -> None:
    run = await editor.query("remember the code APPLE-1")
    await editor.query("which code?", model="sonnet")
    entries = await read_all(editor, run["sessionId"])
    assert [entry["text"] for entry in entries] == [
        "remember the code APPLE-1",
        run["text"],
        "which code?",
        "APPLE-1",
    ]


async def test_sessions_are_listed_whatever_their_folder_is_called(
    editor_with: Open, tmp_path: Path
) -> None:
    names = ("emoji \U0001f600", "e\u0301te\u0301", "my-app", "my_app", "a.b [c] 'd' $e")
    folders = [tmp_path / name for name in names]
    for folder in folders:
        folder.mkdir()
    editor = await editor_with(*folders)
    runs = {}
    for folder in folders:
        runs[folder] = await editor.query("remember the code APPLE-1", workspace=folder.as_uri())
    for folder in folders:
        argument = {"workspace": folder.as_uri()}
        listed = (await editor.command("session.list", argument))["sessions"]
        assert [one["sessionId"] for one in listed] == [runs[folder]["sessionId"]]
        assert listed[0]["workspace"] == folder.as_uri()


async def test_call_that_was_denied_is_read_as_denied(editor: Editor, model: Loopback) -> None:
    model.add(reply("try it", [call("Bash", command="touch one")], [say("Tried.")]))
    asked = editor.query("try it")
    await editor.question()
    editor.answer("Deny")
    run = await asked
    entries = await read_all(editor, run["sessionId"])
    (denied,) = [each for entry in entries for each in entry["toolCalls"]]
    (shown,) = editor.events(kind="toolResult")
    assert denied["status"] == shown["status"] == "denied"
    assert denied["text"] == shown["text"]


def make_repository(folder: Path) -> None:
    for command in (["init", "-q"], ["remote", "add", "origin", "https://git.invalid/a.git"]):
        subprocess.run(["git", *command], check=True, cwd=folder)


async def remembered_in_a_folder_that_is_gone(
    editor_with: Open,
    tmp_path: Path,
    *,
    by: Callable[[Path, Path], object] = Path.rename,
    **how: Any,
) -> tuple[Editor, str, Path, Path]:
    """Return an editor with the folder as it is called now, the session, and both names."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    make_repository(old)
    editor = await editor_with(old)
    run = await editor.query("remember the code APPLE-1")
    await editor.command("session.tag", {"sessionId": run["sessionId"], "tag": "keep"})
    await editor.quit()
    by(old, new)
    return await editor_with(new, **how), run["sessionId"], old, new


def clone(old: Path, new: Path) -> None:
    """Another folder, which is of the same place in the same repository."""
    shutil.copytree(old, new)
    shutil.rmtree(old)


async def test_conversation_of_a_renamed_folder_goes_on_and_the_user_is_told(
    editor_with: Open, tmp_path: Path, environment: dict[str, str]
) -> None:
    editor, session_id, old, new = await remembered_in_a_folder_that_is_gone(editor_with, tmp_path)
    if place_of(new) is None or place_of(new).born is None:  # type: ignore[union-attr]
        pytest.skip("this file system tells no time of birth")
    run = await editor.query("which code?", session=session_id)
    assert (run["text"], run["sessionId"]) == ("APPLE-1", session_id)
    assert [each.message for each in editor.messages] == [
        f"This conversation is from {old}, which is {new} now. It goes on here."
    ]
    assert editor.questions == []
    assert transcript(environment, session_id).parent.name.endswith("-new")


async def test_conversation_of_a_folder_that_is_gone_is_listed_and_goes_on_after_one_question(
    editor_with: Open, tmp_path: Path, environment: dict[str, str]
) -> None:
    editor, session_id, old, new = await remembered_in_a_folder_that_is_gone(
        editor_with, tmp_path, by=clone
    )
    # Nobody has named it yet.
    assert (await editor.query("which code?", session="last"))["sessionId"] != session_id
    listed = {one["sessionId"]: one for one in (await editor.command("session.list"))["sessions"]}
    assert listed[session_id]["workspace"] == old.as_uri()
    assert listed.pop(session_id)["elsewhere"] == "gone"
    assert not any("elsewhere" in one for one in listed.values())
    copy = await editor.query("which code?", session=session_id, fork=True)
    assert copy["text"] == "APPLE-1"
    assert transcript(environment, session_id).parent.name.endswith("-old")
    asking = editor.query("which code?", session=session_id)
    asked = await editor.question()
    assert asked.message.startswith(
        f"This conversation is from {old}, which is gone. Go on with it here?"
    )
    editor.answer("Go on here")
    run = await asking
    assert (run["text"], run["sessionId"]) == ("APPLE-1", session_id)
    listed = {one["sessionId"]: one for one in (await editor.command("session.list"))["sessions"]}
    assert {session_id, copy["sessionId"]} <= set(listed)
    assert {one["workspace"] for one in listed.values()} == {new.as_uri()}
    assert not any("elsewhere" in one for one in listed.values())
    assert transcript(environment, session_id).parent.name.endswith("-new")
    # It is this folder's now, also if another one of that name comes; nothing is asked again.
    old.mkdir()
    assert (await editor.query("which code?", session=session_id))["text"] == "APPLE-1"
    assert (await read_all(editor, session_id))[0]["text"] == "remember the code APPLE-1"
    await editor.quit()
    # And the folder of that name has no current session that can't be gone on with.
    editor = await editor_with(old)
    assert (await editor.command("status"))["folders"][0]["currentSession"] is None
    assert (await editor.query("hello"))["sessionId"] != session_id


@pytest.mark.parametrize("answer", ["Leave it", None])
async def test_conversation_of_a_folder_that_is_gone_stays_where_it_is_without_a_yes(
    editor_with: Open, tmp_path: Path, environment: dict[str, str], answer: str | None
) -> None:
    editor, session_id, old, new = await remembered_in_a_folder_that_is_gone(
        editor_with, tmp_path, by=clone
    )
    select = partial(editor.command, "session.select", {"sessionId": session_id})
    query = partial(editor.query, "which code?", session=session_id)
    for count, begin in enumerate((query, select), 1):
        asking = begin()
        await editor.question(count)
        editor.answer(answer, count)
        refused = await refusal(asking)
        assert refused.reason == "sessionNotFound"
        assert f"is from {old}, which is gone" in refused.message
    assert transcript(environment, session_id).parent.name.endswith("-old")
    assert (await editor.command("status"))["folders"][0]["currentSession"] is None
    assert new.exists()


async def test_conversation_of_a_folder_that_is_gone_is_selected_after_one_question(
    editor_with: Open, tmp_path: Path
) -> None:
    editor, session_id, *_ = await remembered_in_a_folder_that_is_gone(
        editor_with, tmp_path, by=clone
    )
    selecting = editor.command("session.select", {"sessionId": session_id})
    await editor.question()
    editor.answer("Go on here")
    selected = await selecting
    assert (selected["sessionId"], selected["current"]) == (session_id, True)
    assert (await editor.query("which code?"))["text"] == "APPLE-1"


async def test_what_was_allowed_in_a_folder_that_is_gone_is_asked_again_in_the_next(
    editor_with: Open, tmp_path: Path, model: Loopback
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
        make_repository(folder)
    model.add(reply("make it", [call("Bash", command="mkfifo made")], [say("Made.")]))
    editor = await editor_with(old, new)
    making = editor.query("make it", workspace=old.as_uri())
    await editor.question()
    editor.answer("Allow for this session")
    run = await making
    session = {"session": run["sessionId"]}
    await editor.command("session.tag", {"sessionId": run["sessionId"], "tag": "keep"})
    again = await editor.query("make it", workspace=old.as_uri(), **session)
    assert len(editor.questions) == 1
    assert again["permissionDenials"] == []
    shutil.rmtree(old)
    going_on = editor.query("make it", workspace=new.as_uri(), **session)
    await editor.question(2)
    editor.answer("Go on here", 2)
    await editor.question(3)
    assert not (new / "made").exists()
    editor.answer("Deny", 3)
    assert (await going_on)["permissionDenials"]


async def test_last_is_no_session_that_belongs_elsewhere_by_now(
    editor_with: Open, tmp_path: Path, environment: dict[str, str]
) -> None:
    one = tmp_path / "one"
    one.mkdir()
    editor = await editor_with(one)
    run = await editor.query("remember the code APPLE-1")
    path = transcript(environment, run["sessionId"])
    await editor.quit()
    # As by hand, or by a server that could not write the folder's state.
    there = path.parent.with_name(path.parent.name.replace("-one", "-other")) / path.name
    there.parent.mkdir()
    there.write_text(path.read_text().replace(str(one), str(tmp_path / "other")))
    path.unlink()
    editor = await editor_with(one)
    assert (await editor.query("hello"))["sessionId"] != run["sessionId"]


async def test_conversation_of_a_folder_that_is_there_stays_there(
    editor_with: Open, tmp_path: Path
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    editor = await editor_with(one, other)
    run = await editor.query("remember the code APPLE-1", workspace=one.as_uri())
    refused = await refusal(
        editor.query("which code?", session=run["sessionId"], workspace=other.as_uri())
    )
    assert refused.reason == "sessionNotFound"
