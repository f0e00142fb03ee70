"""Sessions: listed, read, chosen, and worked in by one run at a time."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any

from claude_agent_lsp.agent.cli import locate
from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.editor import SECONDS
from tests.e2e.refusals import CANCELLED, FAILED, refusal
from tests.e2e.shown import said_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor


async def in_terminal(
    *arguments: str, folder: Path, environment: Mapping[str, str]
) -> dict[str, Any]:
    """Run `claude -p` in a folder, as somebody in a terminal would; returns its result."""
    process = await asyncio.create_subprocess_exec(
        locate(None),
        "-p",
        "--output-format=json",
        *arguments,
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(SECONDS):
        out, _ = await process.communicate()
    result: dict[str, Any] = json.loads(out)
    return result


async def git(folder: Path, *arguments: str) -> None:
    """Run git, as nobody in particular."""
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    process = await asyncio.create_subprocess_exec("git", *who, *arguments, cwd=folder)
    assert await process.wait() == 0


async def listed(editor: Editor, **argument: Any) -> list[dict[str, Any]]:
    """The sessions of a page."""
    sessions: list[dict[str, Any]] = (await editor.command("session.list", argument))["sessions"]
    return sessions


async def test_session_is_listed_with_all_that_is_known_of_it(editor: Editor, folder: Path) -> None:
    run = await editor.query("remember the code APPLE-1")
    (session,) = await listed(editor)
    assert session == {
        "sessionId": run["sessionId"],
        "title": "remember the code APPLE-1",
        "firstPrompt": "remember the code APPLE-1",
        "workspace": folder.as_uri(),
        "gitBranch": "HEAD",
        "createdAt": session["createdAt"],
        "lastModified": session["lastModified"],
        "running": False,
        "current": True,
        "interrupted": False,
        "origin": "editor",
        "costUsd": run["costUsd"],
        "prompts": 1,
        "pinned": False,
        "archived": False,
    }
    assert session["createdAt"].endswith("Z")
    assert session["createdAt"] <= session["lastModified"]


async def test_running_and_interrupted_sessions_say_so(editor: Editor) -> None:
    asked = editor.query("count slowly")
    await editor.event("text")
    while not (sessions := await listed(editor)):
        pass  # the CLI may show a word before it writes the first line
    (session,) = sessions
    assert (session["running"], session["interrupted"]) == (True, False)
    editor.cancel(asked)
    await refusal(asked)
    (session,) = await listed(editor)
    assert (session["running"], session["interrupted"]) == (False, True)
    await editor.query("hello")
    (session,) = await listed(editor)
    assert session["interrupted"] is False


async def test_sessions_are_found_and_paged(editor: Editor) -> None:
    prompts = ["paint the shed green", "paint the fence", "mend the shed"]
    runs = [await editor.query(prompt, session="new") for prompt in prompts]
    ids = [run["sessionId"] for run in reversed(runs)]
    assert [one["sessionId"] for one in await listed(editor)] == ids
    assert [one["current"] for one in await listed(editor)] == [True, False, False]
    assert [one["sessionId"] for one in await listed(editor, search="SHED Paint")] == [ids[2]]
    assert await listed(editor, search="window") == []
    assert await listed(editor, tag="nothing") == []
    first = await editor.command("session.list", {"limit": 2})
    assert [one["sessionId"] for one in first["sessions"]] == ids[:2]
    # Meanwhile the one that comes next becomes the newest, and a new one is made.
    await editor.query("another one", session="new")
    second = await editor.command("session.list", {"limit": 2, "cursor": first["nextCursor"]})
    assert [one["sessionId"] for one in second["sessions"]] == ids[2:]
    assert "nextCursor" not in second


async def test_session_begun_in_a_terminal_is_listed_and_resumed(
    editor: Editor, folder: Path, environment: dict[str, str]
) -> None:
    told = await in_terminal("remember the code PEAR-2", folder=folder, environment=environment)
    (session,) = await listed(editor)
    assert (session["sessionId"], session["origin"]) == (told["session_id"], "terminal")
    assert (session["firstPrompt"], session["current"]) == ("remember the code PEAR-2", False)
    asked = await editor.query("which code?", session=told["session_id"])
    assert (asked["text"], asked["sessionId"]) == ("PEAR-2", told["session_id"])
    (session,) = await listed(editor)
    assert (session["origin"], session["current"]) == ("terminal", True)


async def test_session_of_an_editor_is_gone_on_with_in_a_terminal_and_back(
    editor: Editor, folder: Path, environment: dict[str, str]
) -> None:
    run = await editor.query("remember the code APPLE-1")
    resume = f"--resume={run['sessionId']}"
    await in_terminal("remember the code PEAR-2", resume, folder=folder, environment=environment)
    asked = await editor.query("which code?")
    assert (asked["text"], asked["sessionId"]) == ("PEAR-2", run["sessionId"])
    read = await editor.command("session.read", {"sessionId": run["sessionId"]})
    assert [message["text"] for message in said_in(read["messages"])] == [
        "remember the code APPLE-1",
        "I will remember it.",
        "remember the code PEAR-2",
        "I will remember it.",
        "which code?",
        "PEAR-2",
    ]


async def test_session_of_another_worktree_is_listed_and_refused_with_a_way_out(
    editor_with: Open, folder: Path, tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    await git(folder, "init", "--quiet")
    await git(folder, "commit", "--quiet", "--allow-empty", "--message=x")
    await git(folder, "worktree", "add", "--quiet", os.fspath(tree))
    editor = await editor_with(folder, tree)
    there = await editor.query("remember the code APPLE-1", workspace=tree.as_uri())
    session = there["sessionId"]
    (found,) = await listed(editor, workspace=folder.as_uri())
    assert (found["sessionId"], found["workspace"]) == (session, tree.as_uri())
    assert (found["current"], found["gitBranch"]) == (True, "tree")
    for asked in (
        editor.query("which code?", session=session, workspace=folder.as_uri()),
        editor.query("which code?", session=session, fork=True, workspace=folder.as_uri()),
        editor.command("session.select", {"sessionId": session, "workspace": folder.as_uri()}),
    ):
        refused = await refusal(asked)
        assert (refused.code, refused.reason) == (FAILED, "sessionNotFound")
        assert refused.message == f"The session {session} belongs to {tree}, not to {folder}."
        assert refused.hint == "Open that folder, or pass it as `workspace`."
    asked = editor.query("which code?", session=session, workspace=found["workspace"])
    assert (await asked)["text"] == "APPLE-1"


async def test_session_is_read_with_its_calls_and_page_by_page(
    editor: Editor, model: Loopback, folder: Path
) -> None:
    notes = folder / "notes.txt"
    notes.write_text("hello\n")
    model.add(
        reply(
            "look",
            [
                say("I look."),
                call("Read", file_path=str(notes)),
                call("Read", file_path=str(folder / "nothing")),
            ],
            [say("There.")],
        )
    )
    run = await editor.query("look around")
    await editor.query("hello")
    everything = await editor.command("session.read", {"sessionId": run["sessionId"]})
    assert everything["session"] == (await listed(editor))[0]
    assert "nextCursor" not in everything
    assert [(one["role"], one["text"]) for one in said_in(everything["messages"])] == [
        ("user", "look around"),
        ("assistant", "I look."),
        ("assistant", "There."),
        ("user", "hello"),
        ("assistant", "OK."),
    ]
    looked = said_in(everything["messages"])[1]
    # What is read has the ids that were streamed.
    ids = [event["messageId"] for event in editor.events(kind="text")]
    assert looked["messageId"] == ids[0]
    assert looked["timestamp"].endswith("Z")
    found, missed = looked["toolCalls"]
    streamed = [event["toolCallId"] for event in editor.events(kind="toolCall")]
    assert found == {
        "toolCallId": streamed[0],
        "tool": "Read",
        "input": {"file_path": str(notes)},
        "status": "completed",
        "text": found["text"],
    }
    assert "hello" in found["text"]
    assert (missed["toolCallId"], missed["status"]) == (streamed[1], "failed")
    pages: list[Any] = []
    cursor: str | None = None
    while not pages or cursor is not None:
        page = await editor.command(
            "session.read", {"sessionId": run["sessionId"], "limit": 2, "cursor": cursor}
        )
        assert len(page["messages"]) <= 2
        pages += page["messages"]
        cursor = page.get("nextCursor")
    assert pages == everything["messages"]
    alone = await editor.command("session.read", {"sessionId": run["sessionId"], "limit": 0})
    assert alone == {"session": everything["session"], "messages": []}


async def test_half_said_answer_is_read(editor: Editor) -> None:
    asked = editor.query("count slowly")
    await editor.event("text", count=5)
    editor.cancel(asked)
    refused = await refusal(asked)
    read = await editor.command("session.read", {"sessionId": refused.run["sessionId"]})
    prompt, answer, end = read["messages"]
    assert prompt["text"] == "count slowly"
    assert answer["text"] == refused.run["text"] == editor.text()
    assert (end["kind"], end["run"]["status"]) == ("outcome", "cancelled")


async def test_selected_session_is_the_last(editor_with: Open, folder: Path) -> None:
    editor = await editor_with()
    first = await editor.query("remember the code APPLE-1")
    second = await editor.query("remember the code PEAR-2", session="new")
    chosen = await editor.command("session.select", {"sessionId": first["sessionId"]})
    assert (chosen["sessionId"], chosen["current"]) == (first["sessionId"], True)
    assert [one["current"] for one in await listed(editor)] == [False, True]
    assert (await editor.query("which code?"))["text"] == "APPLE-1"
    chosen = await editor.command("session.select", {"sessionId": second["sessionId"]})
    await editor.quit()
    # It stays so in the next server.
    editor = await editor_with()
    asked = await editor.query("which code?")
    assert (asked["text"], asked["sessionId"]) == ("PEAR-2", second["sessionId"])


async def test_selected_new_begins_a_session(editor: Editor) -> None:
    first = await editor.query("remember the code APPLE-1")
    assert await editor.command("session.select", {"sessionId": "new"}) is None
    (session,) = await listed(editor)
    assert session["current"] is False
    asked = await editor.query("which code?")
    assert asked["text"] == "I don't know."
    assert asked["sessionId"] != first["sessionId"]


async def test_second_query_that_may_not_wait_is_refused_while_the_first_is_at_work(
    editor: Editor, model: Loopback
) -> None:
    told = await editor.query("remember the code APPLE-1")
    first = editor.query("count slowly", partialResultToken="first")
    await editor.event("text", "first", count=2)
    for argument in ({}, {"session": told["sessionId"]}):
        second = {"partialResultToken": "no", "ifBusy": "refuse", **argument}
        refused = await refusal(editor.query("which code?", **second))
        assert (refused.code, refused.reason) == (FAILED, "sessionBusy")
        started = (await editor.event("started", "first"))["run"]
        assert refused.message == (
            f"The run {started['runId']} is active in the session {told['sessionId']}."
        )
        assert "fork" in refused.hint
    assert editor.events("no") == []
    # A copy may be worked in meanwhile.
    forked = await editor.query("which code?", fork=True, partialResultToken="fork")
    assert forked["text"] == "APPLE-1"
    assert forked["sessionId"] != told["sessionId"]
    editor.cancel(first)
    refused = await refusal(first)
    assert (refused.code, refused.run["sessionId"]) == (CANCELLED, told["sessionId"])
    assert (await editor.query("which code?", session=told["sessionId"]))["text"] == "APPLE-1"


async def test_folder_behind_a_link_is_told_as_the_editor_spells_it(
    editor_with: Open, folder: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(folder)
    editor = await editor_with(link)
    run = await editor.query("remember the code APPLE-1")
    (session,) = await listed(editor)
    assert run["workspace"] == session["workspace"] == link.as_uri()
    assert session["current"] is True
    assert (await editor.query("which code?", session=run["sessionId"]))["text"] == "APPLE-1"
