"""Background tasks as things of their own: listed, told of, read to their end, stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.clients.test_clients import shown
from tests.e2e.runs import (
    allow_tools,
    begin,
    data_of,
    eventually,
    none_sleep,
    sleepers,
    status,
    status_when,
)

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

# Of a command that is `sleep` the CLI would make a background task.
WORKS = "sh -c 'sleep 1000; true'"
KNOWS = {"sessionEvents": True}
COUNTS = "seq 1 30; until test -e go; do sleep 0.05; done; echo the end"
# What ignores SIGTERM, what has a session of its own, and what has lost its parent.
STUBBORN = """
trap '' TERM
sh -c "trap '' TERM; sleep 1000; true" &
setsid sh -c 'sleep 1000; true' &
(sh -c 'sleep 1000; true' >/dev/null 2>&1 &)
(setsid sh -c "trap '' TERM; sleep 1000; true" &)
sleep 1000
"""


@pytest.fixture(autouse=True)
def tools_allowed(environment: dict[str, str]) -> None:
    allow_tools(environment)


async def begun(editor: Editor, model: Loopback, *commands: str, number: int = 0) -> dict[str, Any]:
    """The run of an agent that has left these in the background."""
    calls = [call("Bash", command=command, run_in_background=True) for command in commands]
    prompt = f"leave it there, {number}"
    model.add(reply(prompt, calls, [say("It is running.")]))
    run: dict[str, Any] = await begin(editor, prompt, number).asked
    return run


async def tasks_of(editor: Editor, **argument: Any) -> list[dict[str, Any]]:
    answer = await editor.command("task.list", argument)
    found: list[dict[str, Any]] = answer["tasks"]
    return found


async def output_of(editor: Editor, task: dict[str, Any], **argument: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await editor.command(
        "task.output", {"taskId": task["taskId"], **argument}
    )
    return answer


def told(editor: Editor) -> list[tuple[str, str]]:
    return [(t["taskId"], t["state"]) for method, t in editor.announced if method == "taskChanged"]


async def test_one_is_listed_told_of_and_read_from_its_beginning_to_its_end(
    editor_with: Open, model: Loopback, folder: Path
) -> None:
    editor = await editor_with(announces=KNOWS)
    run = await begun(editor, model, COUNTS)
    (task,) = await tasks_of(editor)
    assert (task["kind"], task["state"], task["command"]) == ("command", "running", COUNTS)
    assert (task["sessionId"], task["workspace"]) == (run["sessionId"], folder.as_uri())
    assert task["title"] == COUNTS
    assert task["durationMs"] >= 0
    assert task["lastLines"].splitlines() == [str(number) for number in range(21, 31)]
    (event,) = editor.events("events-0", "task")
    assert event["task"]["toolCallId"] == editor.events("events-0", "toolCall")[0]["toolCallId"]
    first = await output_of(editor, task)
    assert first["text"] == "".join(f"{number}\n" for number in range(1, 31))
    assert told(editor) == [(task["taskId"], "running")]
    # What runs has a cursor for what is yet to come.
    (folder / "go").touch()
    await editor.until(lambda: len(told(editor)) == 2)
    assert told(editor)[1] == (task["taskId"], "completed")
    rest = await output_of(editor, task, cursor=first["nextCursor"])
    assert rest["text"].startswith("the end\n")
    assert "nextCursor" not in rest
    (ended,) = await tasks_of(editor, sessionId=run["sessionId"])
    # The CLI adds how it has ended.
    assert ended["state"] == "completed"
    assert "the end" in ended["lastLines"]
    assert ended["endedAt"] > ended["startedAt"]


async def test_a_long_output_is_read_in_pages_which_cut_no_character(
    editor: Editor, model: Loopback
) -> None:
    await begun(editor, model, r"i=0; while [ $i -lt 900 ]; do echo 'aé😀'; i=$((i+1)); done")
    await status_when(editor, lambda told: not told["tasks"])
    (task,) = await tasks_of(editor)
    pages: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = await output_of(editor, task, limit=1001, **cursor)
        pages.append(page["text"])
        if "nextCursor" not in page:
            break
        cursor = {"cursor": page["nextCursor"]}
    assert "".join(pages).startswith("aé😀\n" * 900)
    assert len(pages) == 8
    last = await output_of(editor, task, limit=1001, fromEnd=True)
    assert last["text"].startswith("aé😀\n")
    assert last["offset"] > 6000


async def test_one_that_is_stopped_ends_with_all_that_it_has_started_and_no_other_does(
    editor_with: Open, model: Loopback, environment: dict[str, str]
) -> None:
    editor = await editor_with(announces=KNOWS)
    run = await begun(editor, model, "sleep 1000; true")
    await eventually(lambda: len(sleepers(environment)) == 1)
    other = sleepers(environment)
    await begun(editor, model, STUBBORN, number=1)
    await eventually(lambda: len(sleepers(environment)) == 6)
    stubborn = next(t for t in await tasks_of(editor) if t["command"] == STUBBORN)
    answer = await editor.command("task.stop", {"taskId": stubborn["taskId"]})
    assert answer["task"]["state"] == "stopped"
    await none_sleep(environment, *other)
    assert sleepers(environment) == other
    assert told(editor)[-1] == (stubborn["taskId"], "stopped")
    # It is said again, and nothing else is done.
    again = await editor.command("task.stop", {"taskId": stubborn["taskId"]})
    assert again["task"]["state"] == "stopped"
    left = await tasks_of(editor, sessionId=run["sessionId"])
    assert [task["state"] for task in left] == ["running", "stopped"]
    assert (await begin(editor, "say something", 2).asked)["sessionId"] == run["sessionId"]


async def test_one_that_watches_for_the_agent_is_stopped_too(
    editor: Editor, model: Loopback, environment: dict[str, str]
) -> None:
    watch = call("Monitor", command="sleep 1000; true", description="wait for it", timeout_ms=60000)
    serve = call("Bash", command="sleep 1000; true", run_in_background=True)
    model.add(reply("watch it", [watch, serve], [say("It is watched.")]))
    query = begin(editor, "watch it")
    await query.asked
    await eventually(lambda: len(sleepers(environment)) == 2)
    watches = editor.events(query.events, "toolCall")[0]["toolCallId"]
    task = next(task for task in await tasks_of(editor) if task["toolCallId"] == watches)
    answer = await editor.command("task.stop", {"taskId": task["taskId"]})
    assert answer["task"]["state"] == "stopped"
    await eventually(lambda: len(sleepers(environment)) == 1)


async def test_an_agent_is_listed_read_and_stopped(
    editor: Editor, model: Loopback, environment: dict[str, str]
) -> None:
    agent = call(
        "Agent",
        description="look",
        prompt="look at it",
        subagent_type="general-purpose",
        run_in_background=True,
    )
    model.add(
        reply("delegate it", [agent], [say("It is looked at.")]),
        reply("look at it", [say("I look. "), call("Bash", command=WORKS)]),
    )
    query = begin(editor, "delegate it")
    await editor.event("task", query.events)
    await eventually(lambda: sleepers(environment))
    (task,) = await tasks_of(editor)
    assert (task["kind"], task["title"], task["state"]) == ("agent", "look", "running")
    text = (await output_of(editor, task))["text"]
    assert text == f"> look at it\nI look. \n[Bash] {WORKS}\n"
    stopped = await editor.command("task.stop", {"taskId": task["taskId"]})
    assert stopped["task"]["state"] == "stopped"
    await none_sleep(environment)


async def test_the_status_has_those_that_run_without_their_secrets(
    editor: Editor, model: Loopback, environment: dict[str, str]
) -> None:
    await begun(editor, model, "TOKEN=sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789 sleep 1000")
    (task,) = (await status(editor))["tasks"]
    assert task["state"] == "running"
    assert "abcdefghij" not in str(task)
    await editor.command("task.stop", {"taskId": task["taskId"]})
    assert (await status(editor))["tasks"] == []


async def test_one_ends_with_its_process(
    editor_with: Open, model: Loopback, environment: dict[str, str]
) -> None:
    editor = await editor_with(announces=KNOWS)
    run = await begun(editor, model, "sleep 1000; true")
    await editor.command("session.delete", {"sessionId": run["sessionId"]})
    await none_sleep(environment)
    assert [state for _, state in told(editor)] == ["running", "stopped"]


@pytest.mark.parametrize("command", ["task.output", "task.stop"])
async def test_one_that_there_is_not_is_refused(editor: Editor, command: str) -> None:
    with pytest.raises(JsonRpcException, match="taskId: expected the id of a background task"):
        await editor.command(command, {"taskId": "../x"})


async def test_an_output_that_a_link_has_taken_the_place_of_is_not_read(
    editor: Editor, model: Loopback, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("secret")
    command = f'ln -sf {tmp_path}/secret "$(readlink /proc/$$/fd/1)"; sleep 1000'
    await begun(editor, model, command)
    (task,) = await tasks_of(editor)
    with pytest.raises(JsonRpcException) as failed:
        await output_of(editor, task)
    assert data_of(failed.value)["reason"] == "storeUnavailable"
    assert task["lastLines"] == ""


@pytest.mark.parametrize("profile", ["helix", "emacs"])
async def test_a_client_that_sees_no_answers_gets_documents(
    editor_with: Open, model: Loopback, profile: str
) -> None:
    editor = await editor_with(profile=profile, settings={"showAnswers": "document"})
    await begun(editor, model, COUNTS)
    await shown(editor)
    (task,) = await tasks_of(editor)
    await shown(editor, 2)
    await output_of(editor, task)
    for count, said in ((2, f'task.stop {{"taskId": "{task["taskId"]}"}}'), (3, "\n1\n2\n3\n")):
        assert said in await shown(editor, count)


async def test_what_ends_with_a_process_that_no_longer_fits_is_told(
    editor: Editor, model: Loopback, environment: dict[str, str]
) -> None:
    await begun(editor, model, "sleep 1000; true")
    query = begin(editor, "say something", 1, effort="low")
    notice = await editor.event("notice", query.events)
    assert notice["level"] == "warning"
    assert notice["text"].endswith("This ended with the old one: sleep 1000; true")
    await query.asked
    await none_sleep(environment)
