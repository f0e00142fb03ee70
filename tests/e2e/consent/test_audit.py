"""What the audit log has of a real run, and how a user looks at it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.loopback import call, reply, say
from claude_agent_lsp.loopback.script import Call
from tests.e2e.editor import EXECUTABLE
from tests.e2e.runs import allow_tools, begin, cancelled, eventually, sleepers

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor


@pytest.fixture(autouse=True)
def wishes(model: Loopback) -> None:
    model.add(
        reply("make one", [call("Bash", command="mkfifo one")], [say("Tried.")]),
        reply("write it", [call("Write", file_path="a", content="x")], [say("Wrote.")]),
        reply("read it", [call("Bash", command="ls")], [call("Glob", pattern="*")], [say("Ok.")]),
    )


def shown(environment: dict[str, str], *arguments: str) -> str:
    """What the user is shown in a terminal."""
    return subprocess.run(
        [EXECUTABLE, "audit", *arguments],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout


def entries(environment: dict[str, str], *arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in shown(environment, "--json", *arguments).splitlines()]


async def test_each_question_and_each_change_is_in_it(
    editor_with: Open, environment: dict[str, str]
) -> None:
    editor = await editor_with(settings={"questionTimeoutSeconds": 2.0})
    query = begin(editor, "make one")
    await editor.question(1)
    editor.answer("Allow once", 1)
    session = (await query.asked)["sessionId"]
    query = begin(editor, "make one", 1)
    await editor.question(2)
    await editor.answer_by_command({"answer": "deny", "note": "Not again."})
    await query.asked
    await begin(editor, "make one", 2).asked  # nobody answers
    await begin(editor, "write it", 3, permissionMode="acceptEdits").asked
    await begin(editor, "read it", 4).asked
    await editor.quit()
    found = entries(environment)
    questions = [entry for entry in found if entry["kind"] == "question"]
    assert [(q["answer"], q["by"], q["note"] or "") for q in questions][:2] == [
        ("allow", "editor", ""),
        ("deny", "command", "Not again."),
    ]
    assert (questions[2]["answer"], questions[2]["by"]) == ("deny", "deadline")
    assert questions[0]["detail"].startswith("mkfifo one")
    tools = [entry for entry in found if entry["kind"] == "tool" and entry["tool"] != "Glob"]
    assert [(t["tool"], t["status"], t["by"]) for t in tools] == [
        ("Bash", "completed", "question"),
        ("Bash", "denied", "question"),
        ("Bash", "denied", "question"),
        ("Write", "completed", "rule"),
        ("Bash", "completed", "rule"),
    ]
    assert tools[0]["toolCallId"] == questions[0]["toolCallId"]
    assert {entry["sessionId"] for entry in found} == {session}
    assert {entry["editor"] for entry in found} == {"Visual Studio Code"}
    table = shown(environment)
    assert "mkfifo one" in table
    assert "editor, Visual Studio Code" in table
    assert len(entries(environment, "--limit", "2")) == 2
    assert entries(environment, "--session", "ffffffff") == []
    assert "no matching entries" in shown(environment, "--session", "ffffffff")


async def test_command_that_was_stopped_in_its_middle_is_in_it(
    editor: Editor, environment: dict[str, str], model: Loopback
) -> None:
    model.add(reply("work long", [call("Bash", command="touch began; sleep 300")], [say("Done.")]))
    allow_tools(environment)
    query = begin(editor, "work long")
    await eventually(lambda: sleepers(environment))
    await cancelled(editor, query)
    await editor.quit()
    (tool,) = (entry for entry in entries(environment) if entry["kind"] == "tool")
    assert "touch began" in tool["input"]
    assert tool["status"] in ("failed", "unfinished")


async def test_no_part_of_a_secret_is_in_it_that_the_user_was_asked_about(
    editor_with: Open, environment: dict[str, str], model: Loopback
) -> None:
    secret = "merganser-of-a-far-server-0123456789"
    model.add(reply("deploy", [call("Bash", command=f"mkfifo x --header={secret}")], [say("Ok.")]))
    servers = {"far": {"type": "http", "url": "http://127.0.0.1:9/", "headers": {"X-Key": secret}}}
    editor = await editor_with(settings={"mcpServers": servers})
    query = begin(editor, "deploy")
    assert secret in (await editor.question(1)).message
    editor.answer("Deny", 1)
    await query.asked
    await editor.quit()
    found = entries(environment)
    assert {entry["kind"] for entry in found} == {"question", "tool"}
    assert {entry["title"] for entry in found} == {
        "Run `mkfifo x --header=***`?",
        "Running `mkfifo x --header=***`",
    }
    assert "merganser" not in json.dumps(found)


async def test_no_call_hides_behind_another_one_of_its_id(
    editor_with: Open, environment: dict[str, str], model: Loopback, folder: Path
) -> None:
    (folder / "old").write_text("x")
    model.add(
        reply(
            "hide one",
            [
                Call("Write", {"file_path": str(folder / "new"), "content": "x"}, "toolu_1"),
                Call("Read", {"file_path": str(folder / "old")}, "toolu_1"),
            ],
            [
                Call("Bash", {"command": "mkfifo first"}, "toolu_1"),
                Call("Bash", {"command": "mkfifo second"}, "toolu_1"),
            ],
            [say("Hidden.")],
        )
    )
    editor = await editor_with()
    query = begin(editor, "hide one", permissionMode="acceptEdits")
    await editor.question(1)
    editor.answer("Allow once", 1)
    await editor.question(2)
    editor.answer("Deny", 2)
    session = (await query.asked)["sessionId"]
    assert (folder / "new").exists()
    assert (folder / "first").exists()
    assert not (folder / "second").exists()
    calls = editor.events(query.events, "toolCall")
    ids = ["toolu_1", "toolu_1~2", "toolu_1~3", "toolu_1~4"]
    assert [call["toolCallId"] for call in calls] == ids
    assert [call.get("sharesIdOf") for call in calls] == [None, *["toolu_1"] * 3]
    ends = editor.events(query.events, "toolResult")
    statuses = ["completed", "completed", "completed", "denied"]
    assert [(end["toolCallId"], end["status"]) for end in ends] == list(
        zip(ids, statuses, strict=True)
    )
    page = await editor.command("session.read", {"sessionId": session})
    read = [call for message in page["messages"] for call in message.get("toolCalls", ())]
    assert [call["tool"] for call in read] == ["Write", "Read", "Bash", "Bash"]
    assert [call["status"] for call in read] == ["completed"] * 3 + ["denied"]
    await editor.quit()
    tools = [entry for entry in entries(environment) if entry["kind"] == "tool"]
    assert [(json.loads(t["input"]).get("command"), t["status"], t["by"]) for t in tools] == [
        (None, "completed", "rule"),
        ("mkfifo first", "completed", "question"),
        ("mkfifo second", "denied", "question"),
    ]
