"""What the CLI says beside the answer reaches the user: hooks, MCP servers, answers given up."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.loopback import call, fail, hang, reply, say, stop
from tests.e2e.hooks import answering, set_hooks
from tests.e2e.runs import (
    FAILED,
    allow_tools,
    begin,
    cancelled,
    data_of,
    processes_at,
    refusal,
    requests_of,
)
from tests.e2e.shown import said_in

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

DENY = {
    "hookEventName": "PreToolUse",
    "permissionDecision": "deny",
    "permissionDecisionReason": "No shells on Sundays.",
}


def notices(editor: Editor, token: str | int = "events") -> list[str]:
    return [event["text"] for event in editor.events(token, "notice")]


def lines(editor: Editor, token: str) -> list[str]:
    """What a progress display has shown."""
    return [str(event["message"]) for event in editor.events(token, "report")]


async def test_hooks_say_something(
    editor_with: Open, environment: dict[str, str], model: Loopback
) -> None:
    events = ("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop")
    set_hooks(environment, **{event: answering(systemMessage=f"Hear {event}.") for event in events})
    model.add(reply("go", [call("Bash", command="echo hi")], [say("Done.")]))
    editor = await editor_with()
    await editor.query("go")
    told = notices(editor)
    for event in events:
        assert len([text for text in told if f"Hear {event}." in text]) == 1, told
    hooks = editor.events(kind="hook")
    assert {"PreToolUse:Bash", "PostToolUse:Bash", "Stop"} <= {hook["name"] for hook in hooks}
    for hook_id in {hook["hookId"] for hook in hooks}:
        stages = [hook["status"] for hook in hooks if hook["hookId"] == hook_id]
        assert stages == ["started", "completed"]


async def test_a_call_that_a_hook_denies_is_denied_with_its_reason(
    editor_with: Open, environment: dict[str, str], model: Loopback
) -> None:
    set_hooks(environment, PreToolUse=answering(hookSpecificOutput=DENY))
    model.add(reply("go", [call("Bash", command="echo hi")], [say("Done.")]))
    editor = await editor_with()
    run = await editor.query("go")
    (result,) = editor.events(kind="toolResult")
    assert (result["status"], "No shells on Sundays." in result["text"]) == ("denied", True)
    assert run["permissionDenials"] == [{"tool": "Bash", "reason": "No shells on Sundays."}]
    assert any("No shells on Sundays." in text for text in notices(editor))
    (hook,) = [hook for hook in editor.events(kind="hook") if hook["status"] != "started"]
    assert (hook["status"], hook["text"]) == ("blocked", "No shells on Sundays.")
    read = await editor.command("session.read", {"sessionId": run["sessionId"]})
    (kept,) = [each for message in read["messages"] for each in message["toolCalls"]]
    assert kept["status"] == "denied"


async def test_a_call_that_a_rule_denies_is_denied(
    editor_with: Open, environment: dict[str, str], model: Loopback, folder: Path
) -> None:
    model.add(reply("go", [call("Bash", command="touch x")], [say("Done.")]))
    editor = await editor_with()
    run = await editor.query("go", permissionMode="dontAsk")
    (result,) = editor.events(kind="toolResult")
    assert result["status"] == "denied"
    (denial,) = run["permissionDenials"]
    assert "don't ask mode" in denial["reason"]
    assert "IMPORTANT" not in denial["reason"]
    assert not (folder / "x").exists()


async def test_what_only_reads_like_a_denial_has_failed(
    editor_with: Open, environment: dict[str, str], model: Loopback
) -> None:
    command = "echo 'PreToolUse:Bash hook error: no.' >&2; exit 3"
    allow_tools(environment)
    model.add(reply("go", [call("Bash", command=command)], [say("Done.")]))
    editor = await editor_with()
    await editor.query("go")
    (result,) = editor.events(kind="toolResult")
    assert result["status"] == "failed"


@pytest.mark.parametrize(
    ("hook", "status", "words"),
    [
        ("echo 'It broke.' >&2; exit 1", "failed", "The hook PreToolUse:Bash failed: It broke."),
        ({"command": "sleep 60", "timeout": 1}, "cancelled", "did not finish"),
        (answering(**{"continue": False, "stopReason": "Halt!"}), "blocked", "said no: Halt!"),
    ],
)
async def test_a_hook_that_fails_hangs_or_stops_the_run_is_told(
    hook: Any,
    status: str,
    words: str,
    editor_with: Open,
    environment: dict[str, str],
    model: Loopback,
) -> None:
    set_hooks(environment, PreToolUse=hook)
    model.add(reply("go", [call("Bash", command="echo hi")], [say("Done.")]))
    editor = await editor_with()
    run = await editor.query("go")
    assert run["status"] == "completed"
    assert editor.events(kind="hook")[-1]["status"] == status
    assert any(words in text for text in notices(editor)), notices(editor)


async def test_a_stop_hook_that_is_overridden_is_told_once(
    editor_with: Open, environment: dict[str, str]
) -> None:
    set_hooks(environment, Stop=answering(decision="block", reason="Not yet."))
    editor = await editor_with()
    await editor.query("go")
    told = notices(editor)
    assert len([text for text in told if "overriding and ending turn" in text]) == 1
    assert any("The hook Stop said no: Not yet." in text for text in told)
    assert not any("ctrl+o" in text for text in told)


async def test_a_slow_hook_is_shown_by_progress(
    editor_with: Open, environment: dict[str, str]
) -> None:
    set_hooks(environment, Stop="sleep 3")
    editor = await editor_with()
    query = begin(editor, "go")
    await editor.until(lambda: "Running the hook Stop" in lines(editor, query.own_token))
    await query.asked


SERVER = """
import json, sys, time
time.sleep(float(sys.argv[1]))
for line in sys.stdin:
    asked = json.loads(line)
    if "id" in asked:
        result = {}
        if asked["method"] == "initialize":
            version = asked["params"]["protocolVersion"]
            info = {"name": "late", "version": "1"}
            result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
        elif asked["method"] == "tools/list":
            result = {"tools": [{"name": "look", "inputSchema": {"type": "object"}}]}
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"""


async def test_a_server_that_hangs_is_told_and_waited_for_no_longer_than_need_be(
    editor_with: Open,
) -> None:
    servers = {"slowpoke": {"command": "sleep", "args": ["600"]}}
    editor = await editor_with(settings={"mcpServers": servers})
    query = begin(editor, "go")
    waiting = "Waiting for the MCP server “slowpoke” to connect."
    await editor.until(lambda: waiting in lines(editor, query.own_token))
    assert not editor.events(query.events, "text")
    await query.asked
    told = notices(editor, query.events)
    assert told[0] == waiting
    assert "The MCP server “slowpoke” has not connected yet" in told[1]
    assert len(told) == 2
    await begin(editor, "go on", 1).asked
    assert notices(editor, "events-1") == []


async def test_a_server_that_connects_late_is_told_to_be_there(
    editor_with: Open, model: Loopback, folder: Path, tmp_path: Path
) -> None:
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    command = {"command": sys.executable, "args": [str(script), "8"]}
    editor = await editor_with(settings={"mcpServers": {"late": command}})
    model.add(reply("go", say("Well,"), hang()))
    query = begin(editor, "go")
    connected = "The MCP server “late” has connected: its tools are there now."
    await editor.until(lambda: connected in notices(editor, query.events))
    assert "“late” has not connected yet" in notices(editor, query.events)[1]
    await cancelled(editor, query)


async def test_a_server_that_fails_is_told_once_with_the_reason(editor_with: Open) -> None:
    servers = {"gone": {"command": "/no/such/server"}}
    editor = await editor_with(settings={"mcpServers": servers})
    await begin(editor, "go").asked
    (told,) = notices(editor, "events-0")
    assert "The MCP server “gone” could not be connected to (ENOENT" in told
    assert told.endswith("its tools are missing.")
    await begin(editor, "go on", 1).asked
    assert notices(editor, "events-1") == []


async def test_what_the_model_gave_up_is_retracted(editor: Editor, model: Loopback) -> None:
    model.add(reply("go", say("FIRST half "), fail(529, times=1), say("and the rest.")))
    query = begin(editor, "go")
    run = await query.asked
    (retracted,) = editor.events(query.events, "retracted")
    first = editor.events(query.events, "text")[0]
    assert retracted == {
        "kind": "retracted",
        "messageId": first["messageId"],
        "text": "FIRST half ",
    }
    assert any("broke off" in text for text in notices(editor, query.events))
    assert any("broke off" in line for line in lines(editor, query.own_token))
    assert run["text"] == "FIRST half and the rest."
    read = await editor.command("session.read", {"sessionId": run["sessionId"]})
    assert [message["text"] for message in said_in(read["messages"])] == ["go", run["text"]]


async def test_what_was_retracted_is_not_told_to_the_agent_after_a_crash(
    editor: Editor, model: Loopback
) -> None:
    model.add(reply("go", say("FIRST half "), fail(529, times=1), hang()))
    query = begin(editor, "go")
    await editor.event("retracted", query.events)
    (pid,) = await processes_at(editor)
    os.kill(pid, signal.SIGKILL)
    assert data_of(await refusal(query))["reason"] == "processDied"
    await begin(editor, "what now", 1).asked
    (asked,) = requests_of(model, "what now")
    told = " ".join(each.text for each in asked.conversation) + asked.prompt
    assert "FIRST half" not in told
    assert "go" in told


@pytest.mark.parametrize(
    ("reason", "hint"),
    [("max_tokens", "Ask for less at once"), ("refusal", "The model refused.")],
)
async def test_an_answer_that_does_not_stand_has_a_hint_of_its_own(
    reason: str, hint: str, editor: Editor, model: Loopback
) -> None:
    model.add(reply("", say("Some words."), stop(reason)))
    error = await refusal(begin(editor, "go"))
    assert error.code == FAILED
    data = data_of(error)
    assert data["reason"] == "modelError"
    assert hint in data["hint"]
    assert "network" not in data["hint"]


async def test_an_answer_that_the_cli_can_not_use_has_no_figures_in_it(
    editor: Editor, model: Loopback
) -> None:
    model.add(reply("", stop("stop_sequence")))
    error = await refusal(begin(editor, "go"))
    assert error.message == "The turn ended without an answer."
    assert "stop_sequence" in data_of(error)["hint"]


async def test_an_empty_answer_is_told(editor: Editor, model: Loopback) -> None:
    model.add(reply("", stop("end_turn")))
    run = await editor.query("go")
    assert (run["status"], run["text"]) == ("completed", "")
    assert any("answer is empty" in text for text in notices(editor))
