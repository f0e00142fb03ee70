"""The CLI processes: which run gets which, and when they come and go."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from claude_agent_lsp.agent.cli import locate
from claude_agent_lsp.loopback import call, fail, reply, say
from tests.e2e.runs import (
    FAILED,
    allow_tools,
    assert_knows_code,
    begin,
    cancelled,
    clis,
    data_of,
    eventually,
    refusal,
    remember,
    requests_of,
    sleepers,
    status,
    status_when,
)

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor


async def pids(editor: Editor) -> dict[str, int]:
    """The process of each session, the least recently used first."""
    processes = (await status(editor))["processes"]
    return {each["sessionId"]: each["pid"] for each in processes}


async def pid_of(editor: Editor) -> int:
    """The only process."""
    (pid,) = (await pids(editor)).values()
    return pid


async def test_the_next_query_has_the_same_process(editor: Editor, model: Loopback) -> None:
    await remember(editor)
    pid = await pid_of(editor)
    await assert_knows_code(editor)
    assert await pid_of(editor) == pid
    assert len(model.requests[-1].conversation) > len(model.requests[0].conversation)


@pytest.mark.skipif(sys.platform != "linux", reason="only there is it seen what a process maps")
async def test_a_server_holds_nothing_that_only_tools_inside_it_would_need(editor: Editor) -> None:
    await remember(editor)
    await editor.command("session.list")
    maps = {each.path for each in psutil.Process(editor.pid).memory_maps()}
    assert any("psutil" in path for path in maps)
    assert not any("pydantic" in path for path in maps)


async def test_a_turn_that_somebody_else_took_is_not_lost(
    editor: Editor, model: Loopback, environment: dict[str, str], folder: Path
) -> None:
    model.add(reply("in the terminal", say("I heard you in the terminal.")))
    session = await remember(editor)
    pid = await pid_of(editor)
    terminal = await asyncio.create_subprocess_exec(
        locate(None),
        *("-p", "--resume", session, "the code in the terminal is BANANA-7"),
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await asyncio.wait_for(terminal.communicate(), 60)
    assert said.strip() == b"I heard you in the terminal."
    answer = await begin(editor, "which code?").asked
    assert answer == {**answer, "sessionId": session, "text": "BANANA-7"}
    assert await pid_of(editor) != pid
    told = [piece.text for piece in model.requests[-1].conversation]
    assert "I will remember it." in told
    assert "I heard you in the terminal." in told
    # What it has written itself is no reason to start afresh again.
    pid = await pid_of(editor)
    await begin(editor, "go on").asked
    assert await pid_of(editor) == pid


async def test_an_interrupted_turn_is_no_turn_of_somebody_else(
    editor_with: Open, model: Loopback, environment: dict[str, str]
) -> None:
    allow_tools(environment)
    model.add(reply("run it", [call("Bash", command="true; sleep 1000; true")], [say("It ran.")]))
    editor = await editor_with()
    await remember(editor)
    pid = await pid_of(editor)
    streaming = begin(editor, "count slowly", 1)
    await editor.event("text", streaming.events)
    await cancelled(editor, streaming)
    await assert_knows_code(editor)
    running = begin(editor, "run it", 2)
    await eventually(lambda: sleepers(environment))
    await cancelled(editor, running)
    await assert_knows_code(editor)
    assert await pid_of(editor) == pid
    # Nor is what the CLI adds by itself when it resumes behind one.
    last = begin(editor, "count slowly", 3)
    await editor.event("text", last.events)
    await cancelled(editor, last)
    await editor.quit()
    second = await editor_with()
    await assert_knows_code(second)
    pid = await pid_of(second)
    await assert_knows_code(second)
    assert await pid_of(second) == pid


@pytest.mark.parametrize("command", ["/cost", "/context", "/compact"])
async def test_a_slash_command_is_no_turn_of_somebody_else(editor: Editor, command: str) -> None:
    await remember(editor)
    pid = await pid_of(editor)
    await begin(editor, command).asked
    await begin(editor, "go on").asked
    assert await pid_of(editor) == pid


async def test_a_background_tasks_own_turn_is_no_turn_of_somebody_else(
    editor: Editor, model: Loopback, environment: dict[str, str], folder: Path
) -> None:
    allow_tools(environment)
    until_told = "until test -e go; do sleep 0.05; done; echo finished"
    task = call("Bash", command=until_told, run_in_background=True)
    model.add(reply("in the background", [task], [say("It is running.")]))
    await begin(editor, "run it in the background").asked
    pid = await pid_of(editor)
    seen = len(model.requests)
    (folder / "go").touch()
    # Its end wakes the agent, in a turn that belongs to no run.
    request = await model.request("in the background", 30, after=seen)
    assert "automated background-task event" in request.conversation[-1].text
    await eventually(lambda: request.finished)
    await status_when(
        editor, lambda told: not any(each["backgroundTasks"] for each in told["processes"])
    )
    await begin(editor, "go on", 2).asked
    assert await pid_of(editor) == pid


async def test_a_fork_keeps_its_process(editor: Editor) -> None:
    await remember(editor)
    forked = await begin(editor, "which code?", fork=True).asked
    assert forked["text"] == "PINEAPPLE-42"
    before = await pids(editor)
    await begin(editor, "go on", session=forked["sessionId"]).asked
    assert await pids(editor) == before


async def test_an_idle_process_ends_and_the_session_goes_on(editor_with: Open) -> None:
    editor = await editor_with(settings={"idleProcessSeconds": 0.3})
    session = await remember(editor)
    # The system forgets it a moment before the server does.
    await eventually(lambda: not clis(editor))
    await status_when(editor, lambda told: not told["processes"])
    answer = await assert_knows_code(editor)
    assert answer["sessionId"] == session


async def test_the_least_recently_used_process_makes_room(editor_with: Open) -> None:
    editor = await editor_with(settings={"maxProcesses": 2})
    one = await remember(editor, session="new")
    two = await remember(editor, session="new")
    await begin(editor, "go on", session=one).asked
    before = await pids(editor)
    assert list(before) == [two, one]
    three = await remember(editor, session="new")
    after = await pids(editor)
    assert list(after) == [one, three]
    assert after[one] == before[one]
    assert {each.pid for each in clis(editor)} == set(after.values())


async def test_there_are_never_more_processes_than_allowed(editor_with: Open) -> None:
    editor = await editor_with(settings={"maxProcesses": 2})
    queries = [begin(editor, f"say {number}", number, session="new") for number in range(5)]
    most = 0
    async with asyncio.timeout(60):
        while not all(query.asked.done for query in queries):
            most = max(most, len(clis(editor)))
            await asyncio.sleep(0.01)  # between two looks, of which there are to be many
    assert [(await query.asked)["text"] for query in queries] == ["OK."] * 5
    assert most == 2


@pytest.mark.parametrize(
    "limit",
    [{"maxTurns": 5}, {"effort": "low"}, {"outputSchema": {"type": "object"}}],
    ids=lambda limit: next(iter(limit)),
)
async def test_other_limits_need_a_process_of_their_own(
    editor: Editor, limit: dict[str, Any]
) -> None:
    session = await remember(editor)
    pid = await pid_of(editor)
    answer = await begin(editor, "which code?", **limit).asked
    assert answer["sessionId"] == session
    assert await pid_of(editor) != pid
    assert len(clis(editor)) == 1


async def test_model_and_mode_change_in_the_process_that_is_there(
    editor: Editor, model: Loopback, folder: Path
) -> None:
    model.add(
        reply(
            "write it", [call("Write", file_path=str(folder / "a"), content="x")], [say("Written.")]
        )
    )
    await remember(editor)
    pid = await pid_of(editor)
    await begin(editor, "which code?", model="claude-haiku-4-5").asked
    assert model.requests[-1].body["model"] == "claude-haiku-4-5"
    await begin(editor, "write it", permissionMode="acceptEdits").asked
    assert (folder / "a").read_text() == "x"
    assert not editor.questions
    await begin(editor, "which code?").asked
    assert model.requests[-1].body["model"] == model.requests[0].body["model"]
    # The mode was that run's, too: the next one asks again.
    (folder / "a").unlink()
    asking = begin(editor, "write it", 2)
    await editor.question()
    await cancelled(editor, asking)
    assert await pid_of(editor) == pid


async def test_a_model_for_one_run_leaves_the_users_own_to_the_next(
    editor_with: Open, environment: dict[str, str], model: Loopback
) -> None:
    own = Path(environment["CLAUDE_CONFIG_DIR"]) / "settings.json"
    own.parent.mkdir(exist_ok=True)
    own.write_text(json.dumps({"model": "claude-haiku-4-5"}))
    editor = await editor_with()
    for number, wanted in enumerate(["claude-sonnet-4-5", None, "claude-sonnet-4-5", None]):
        fields = {} if wanted is None else {"model": wanted}
        await begin(editor, "hello", number, **fields).asked
        assert model.requests[-1].body["model"] == (wanted or "claude-haiku-4-5")


async def test_a_process_is_started_ahead_for_the_current_session(editor_with: Open) -> None:
    editor = await editor_with()
    session = await remember(editor)
    await editor.quit()
    second = await editor_with()
    await eventually(lambda: clis(second))
    (ahead,) = clis(second)
    await assert_knows_code(second)
    assert await pids(second) == {session: ahead.pid}


async def test_no_process_is_started_ahead_if_it_is_not_wanted(editor_with: Open) -> None:
    editor = await editor_with()
    session = await remember(editor)
    await editor.quit()
    second = await editor_with(settings={"prewarm": False})
    # By the end of a run in another session, one started ahead would long be there.
    other = (await second.query("hello", session="new"))["sessionId"]
    assert list(await pids(second)) == [other]
    assert len(clis(second)) == 1
    await second.command("session.select", {"sessionId": session})
    await assert_knows_code(second)


async def test_a_cleared_conversation_ends_its_session(editor: Editor, model: Loopback) -> None:
    session = await remember(editor)
    query = begin(editor, "/clear")
    assert (await query.asked)["sessionId"] == session
    (notice,) = editor.events(query.events, "notice")
    assert "begins a new session" in notice["text"]
    answer = await begin(editor, "which code?", 1).asked
    assert answer["text"] == "I don't know."
    assert answer["sessionId"] != session
    # The session that was left is as it was.
    assert (await begin(editor, "which code?", 2, session=session).asked)["text"] == "PINEAPPLE-42"


async def test_a_run_ends_at_its_budget(editor: Editor) -> None:
    session = await remember(editor)
    query = begin(editor, "which code?", maxBudgetUsd=0.001)
    error = await refusal(query)
    assert (error.code, data_of(error)["reason"]) == (FAILED, "budgetExceeded")
    assert data_of(error)["run"]["sessionId"] == session
    await assert_knows_code(editor)


async def test_a_run_ends_at_its_number_of_turns(
    editor: Editor, model: Loopback, environment: dict[str, str]
) -> None:
    allow_tools(environment)
    model.add(reply("run it", [call("Bash", command="true")], [say("It ran.")]))
    await remember(editor)
    error = await refusal(begin(editor, "run it", maxTurns=1))
    assert (error.code, data_of(error)["reason"]) == (FAILED, "turnLimit")
    assert len(requests_of(model, "run it")) == 1
    await assert_knows_code(editor)


async def test_a_refused_key_is_not_asked_about_for_minutes(
    editor_with: Open, model: Loopback
) -> None:
    model.add(reply("let me in", fail(401)))
    editor = await editor_with(environment={"CLAUDE_CODE_MAX_RETRIES": "10"})
    await remember(editor)
    pid = await pid_of(editor)
    query = begin(editor, "let me in", 1)
    began = time.monotonic()
    error = await refusal(query)
    assert time.monotonic() - began < 10
    assert (error.code, data_of(error)["reason"]) == (FAILED, "notAuthenticated")
    assert len(requests_of(model, "let me in")) == 2
    await assert_knows_code(editor)
    assert await pid_of(editor) == pid
    assert len(requests_of(model, "let me in")) == 2


async def test_a_login_that_is_refreshed_is_asked_again(editor_with: Open, model: Loopback) -> None:
    model.add(reply("let me in", fail(401, times=1), say("Welcome.")))
    editor = await editor_with(environment={"CLAUDE_CODE_MAX_RETRIES": "10"})
    assert (await begin(editor, "let me in").asked)["text"] == "Welcome."
