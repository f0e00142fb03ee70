"""What the commands answer that are neither about sessions nor about questions."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from claude_agent_lsp import __version__
from claude_agent_lsp.loopback import call, fail, reply, say
from claude_agent_lsp.lsp.commands.names import NAMES
from tests.e2e.refusals import CANCELLED, refusal
from tests.e2e.wire import open_wire

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback, Step
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor


def write(path: Path) -> Step:
    """The agent's wish to write a file, which it has to ask for in the default mode."""
    return call("Write", file_path=str(path), content="x")


class TestCapabilities:
    """`claudeAgent.capabilities` and what `initialize` says."""

    async def test_server_announces_its_commands_their_progress_and_changing_folders(
        self, environment: dict[str, str], folder: Path
    ) -> None:
        async with open_wire(environment, folder) as wire:
            wire.initialize(rootUri=folder.as_uri())
            (answer,) = await wire.answers(0)
        announced = answer["result"]["capabilities"]
        assert announced["executeCommandProvider"] == {
            "commands": list(NAMES),
            "workDoneProgress": True,
        }
        folders = announced["workspace"]["workspaceFolders"]
        assert folders == {"supported": True, "changeNotifications": True}

    async def test_cli_tells_what_it_offers_in_the_folder(
        self, editor: Editor, folder: Path
    ) -> None:
        commands = folder / ".claude" / "commands"
        commands.mkdir(parents=True)
        (commands / "shipit.md").write_text("Ship it.")
        answer = await editor.command("capabilities", {"workspace": folder.as_uri()})
        assert set(answer) == {"models", "modes", "slashCommands", "agents", "mcpServers"}
        assert "default" in [model["value"] for model in answer["models"]]
        assert {"default", "acceptEdits", "plan"} <= set(answer["modes"])
        names = {command["name"] for command in answer["slashCommands"]}
        assert {"shipit", "compact"} <= names
        assert not {"agents", "heapdump", "workflow-launch-exec"} & names
        assert not any(name.startswith("__") for name in names)
        assert "general-purpose" in [agent["name"] for agent in answer["agents"]]
        assert answer["mcpServers"] == []

    async def test_its_process_serves_the_next_query(self, editor: Editor) -> None:
        await editor.command("capabilities")
        (started,) = (await editor.command("status"))["processes"]
        assert started["state"] == "idle"
        run = await editor.query("hello")
        (used,) = (await editor.command("status"))["processes"]
        assert (used["pid"], used["sessionId"]) == (started["pid"], run["sessionId"])

    async def test_mcp_servers_are_told_by_name_and_state_alone(self, editor_with: Open) -> None:
        server = {"type": "stdio", "command": "false", "env": {"TOKEN": "s3cr3t"}}
        editor = await editor_with(settings={"mcpServers": {"broken": server}})
        answer = await editor.command("capabilities")
        (told,) = answer["mcpServers"]
        assert set(told) == {"name", "status"}
        assert told["name"] == "broken"

    async def test_waiting_for_a_free_process_can_be_cancelled(
        self, editor_with: Open, folder: Path, tmp_path: Path
    ) -> None:
        other = tmp_path / "other"
        other.mkdir()
        editor = await editor_with(folder, other, settings={"maxProcesses": 1})
        run = editor.query("count slowly", workspace=folder.as_uri())
        await editor.event("text")
        asked = editor.command("capabilities", {"workspace": other.as_uri()})
        await editor.command("status")  # the one before it has arrived, too
        editor.cancel(asked)
        refused = await refusal(asked)
        assert (refused.code, refused.message) == (CANCELLED, "The request was cancelled.")
        assert not run.done
        editor.cancel(run)
        await refusal(run)


class TestStatus:
    """`claudeAgent.status`."""

    async def test_before_anything_was_asked(self, editor: Editor, folder: Path) -> None:
        status = await editor.command("status")
        assert status["server"] == {
            "name": "claude-agent-lsp",
            "version": __version__,
            "pid": editor.pid,
        }
        assert status["cli"]["path"].endswith("claude")
        assert status["cli"]["version"].count(".") == 2
        assert status["authentication"] == {"ok": None, "source": None}
        assert status["folders"] == [
            {
                "uri": folder.as_uri(),
                "name": "project",
                "currentSession": None,
                "permissionMode": "default",
                "trusted": True,
                "retention": {"days": 30, "nextDeletions": []},
            }
        ]
        assert status["processes"] == status["runs"] == status["questions"] == []

    async def test_while_a_run_is_at_work_and_after_it(self, editor: Editor, folder: Path) -> None:
        asked = editor.query("count slowly")
        await editor.event("text", count=3)
        status = await editor.command("status")
        (run,) = status["runs"]
        started = editor.events(kind="started")[0]["run"]
        assert run["runId"] == started["runId"]
        assert run["status"] == "running"
        assert run["text"].startswith("word0 word1 word2")
        assert run["durationMs"] > 0
        (process,) = status["processes"]
        assert process == {
            "pid": process["pid"],
            "sessionId": run["sessionId"],
            "workspace": folder.as_uri(),
            "state": "running",
            "spare": False,
            "backgroundTasks": 0,
            "liveDocuments": False,
            "costUsd": 0.0,
        }
        assert process["pid"] > 1
        assert status["authentication"] == {"ok": True, "source": "ANTHROPIC_API_KEY"}
        assert status["folders"][0]["currentSession"] == run["sessionId"]
        editor.cancel(asked)
        await refusal(asked)
        status = await editor.command("status")
        assert status["runs"] == []
        assert [process["state"] for process in status["processes"]] == ["idle"]

    async def test_open_question_stands_in_it(
        self, editor: Editor, model: Loopback, folder: Path
    ) -> None:
        model.add(reply("write", [write(folder / "a")], [say("Done.")]))
        asked = editor.query("write")
        question = (await editor.event("question"))["question"]
        (told,) = (await editor.command("status"))["questions"]
        assert {**told, "deadline": ""} == {**question, "deadline": ""}
        await editor.question()
        editor.answer("Deny")
        await asked

    async def test_no_secret_stands_in_it(self, editor_with: Open) -> None:
        editor = await editor_with(
            environment={"ANTHROPIC_API_KEY": "sk-s3cr3t-key"},
            settings={
                "env": {"MY_TOKEN": "s3cr3t-of-env"},
                "mcpServers": {
                    "broken": {
                        "type": "stdio",
                        "command": "false",
                        "args": ["s3cr3t-argument"],
                        "env": {"TOKEN": "s3cr3t-of-mcp"},
                    }
                },
            },
        )
        asked = editor.query("count slowly")
        await editor.event("text")
        for command in ("status", "capabilities"):
            assert "s3cr3t" not in json.dumps(await editor.command(command))
        editor.cancel(asked)
        assert "s3cr3t" not in json.dumps((await refusal(asked)).data)

    async def test_cli_that_is_missing_is_told_with_what_to_do(
        self, editor_with: Open, tmp_path: Path
    ) -> None:
        editor = await editor_with(settings={"cliPath": str(tmp_path / "nothing")})
        cli = (await editor.command("status"))["cli"]
        assert (cli["path"], cli["version"]) == (None, None)
        assert cli["problem"] == f"{tmp_path / 'nothing'} does not exist."
        assert "cliPath" in cli["hint"]


class TestCancel:
    """`claudeAgent.cancel`."""

    async def test_by_run_by_session_and_all(
        self, editor_with: Open, folder: Path, tmp_path: Path
    ) -> None:
        folders = [folder, *(tmp_path / name for name in ("two", "three", "four"))]
        for each in folders[1:]:
            each.mkdir()
        editor = await editor_with(*folders)
        asked = [
            editor.query("count slowly", workspace=each.as_uri(), partialResultToken=each.name)
            for each in folders
        ]
        for each in folders:
            await editor.event("text", each.name)
        runs = [editor.events(each.name, "started")[0]["run"] for each in folders]
        first, second, *others = (run["runId"] for run in runs)
        for argument, stopped in (
            ({"runId": first}, [first]),
            ({"sessionId": runs[1]["sessionId"]}, [second]),
            ({}, others),
            ({}, []),
        ):
            answer = await editor.command("cancel", argument)
            assert sorted(answer["cancelled"]) == sorted(stopped)
            for request, run in zip(asked, runs, strict=True):
                if run["runId"] in stopped:
                    refused = await refusal(request)
                    assert refused.code == CANCELLED
                    assert refused.run["runId"] == run["runId"]
                    assert refused.message == "The run was cancelled."
            running = {run["runId"] for run in (await editor.command("status"))["runs"]}
            assert running.isdisjoint(stopped)

    async def test_both_a_run_and_a_session_are_too_much(self, editor: Editor) -> None:
        refused = await refusal(editor.command("cancel", {"runId": "r", "sessionId": "0" * 32}))
        assert refused.message == "runId: expected either `runId` or `sessionId`, got both."


class TestMode:
    """`claudeAgent.mode`."""

    async def test_mode_holds_for_later_runs_of_its_session_alone(
        self, editor: Editor, model: Loopback, folder: Path
    ) -> None:
        model.add(reply("write", [write(folder / "a")], [say("Done.")]))
        run = await editor.query("hello")
        argument = {"sessionId": run["sessionId"], "permissionMode": "acceptEdits"}
        assert await editor.command("mode", argument) == argument
        await editor.query("write")
        assert (folder / "a").exists()
        assert editor.questions == []
        (folder / "a").unlink()
        asked = editor.query("write", session="new")
        await editor.question()
        editor.answer("Deny")
        assert [denial["tool"] for denial in (await asked)["permissionDenials"]] == ["Write"]

    async def test_mode_takes_effect_in_a_run_at_work(
        self, editor: Editor, model: Loopback, folder: Path
    ) -> None:
        model.add(reply("write both", [write(folder / "a")], [write(folder / "b")], [say("Done.")]))
        asked = editor.query("write both")
        await editor.question()
        session = editor.events(kind="started")[0]["run"]["sessionId"]
        await editor.command("mode", {"sessionId": session, "permissionMode": "acceptEdits"})
        editor.answer("Allow once")
        assert (await asked)["permissionDenials"] == []
        assert (folder / "b").exists()
        assert len(editor.questions) == 1

    async def test_mode_that_the_cli_refuses_changes_nothing(
        self, editor: Editor, model: Loopback, folder: Path
    ) -> None:
        model.add(reply("write both", [write(folder / "a")], [write(folder / "b")], [say("Done.")]))
        asked = editor.query("write both")
        await editor.question()
        session = editor.events(kind="started")[0]["run"]["sessionId"]
        # Its process was not started for it.
        with pytest.raises(JsonRpcException):
            await editor.command(
                "mode", {"sessionId": session, "permissionMode": "bypassPermissions"}
            )
        editor.answer("Allow once")
        await editor.question(2)
        editor.answer("Deny", 2)
        await asked
        modes = [event["permissionMode"] for event in editor.events(kind="mode")]
        assert modes == ["bypassPermissions", "default"]

    async def test_mode_of_one_run_is_for_this_run(
        self, editor: Editor, model: Loopback, folder: Path
    ) -> None:
        model.add(
            reply("write a", [write(folder / "a")], [say("Done.")]),
            reply("write b", [write(folder / "b")], [say("Done.")]),
        )
        await editor.query("write a", permissionMode="acceptEdits")
        assert editor.questions == []
        asked = editor.query("write b")
        await editor.question()
        editor.answer("Deny")
        await asked
        assert (folder / "a").exists()
        assert not (folder / "b").exists()

    @pytest.mark.parametrize("mode", ["plan", "dontAsk", "auto"])
    async def test_every_mode_is_taken(self, editor: Editor, mode: str) -> None:
        run = await editor.query("hello")
        argument = {"sessionId": run["sessionId"], "permissionMode": mode}
        assert await editor.command("mode", argument) == argument
        assert (await editor.query("hello"))["status"] == "completed"


class TestQuery:
    """What only `claudeAgent.query` takes."""

    async def test_bare_string_is_the_prompt(self, editor: Editor) -> None:
        run = await editor.command("query", "remember the code APPLE-1")
        assert run["text"] == "I will remember it."
        assert (await editor.query("which code?"))["text"] == "APPLE-1"

    async def test_run_is_told_in_full(self, editor: Editor, folder: Path) -> None:
        run: dict[str, Any] = await editor.query("hello")
        assert run == {
            "runId": run["runId"],
            "sessionId": run["sessionId"],
            "workspace": folder.as_uri(),
            "status": "completed",
            "text": "OK.",
            "stopReason": "end_turn",
            "turns": 1,
            "durationMs": run["durationMs"],
            "usage": {
                "inputTokens": run["usage"]["inputTokens"],
                "outputTokens": 1,
                "cacheReadTokens": 0,
                "cacheWriteTokens": 0,
            },
            "costUsd": run["costUsd"],
            "filesChanged": [],
            "permissionDenials": [],
            "origin": "user",
        }

    async def test_run_without_waiting_is_answered_at_once(self, editor: Editor) -> None:
        run = await editor.query("count slowly", wait=False)
        assert (run["status"], run["text"], run["turns"]) == ("running", "", 0)
        await editor.event("text")
        assert editor.events(kind="started")[0]["run"]["runId"] == run["runId"]
        await editor.command("cancel", {"runId": run["runId"]})
        ended = await editor.event("ended")
        assert ended["run"]["status"] == "cancelled"
        assert ended["run"]["text"].startswith("word0")

    async def test_failed_run_that_nobody_waits_for_tells_its_error(
        self, editor: Editor, model: Loopback
    ) -> None:
        model.add(reply("fail", fail(429)))
        await editor.query("fail", wait=False)
        run = (await editor.event("ended"))["run"]
        assert run["status"] == "failed"
        assert set(run["error"]) == {"reason", "message", "hint"}
        assert run["error"]["reason"] == "rateLimited"
        await editor.command("status")  # what the user is told has arrived by then
        (told,) = editor.messages
        assert told.type is types.MessageType.Error
        assert told.message == f"{run['error']['message']} {run['error']['hint']}"

    async def test_turn_limit_has_its_reason(
        self, editor: Editor, model: Loopback, folder: Path
    ) -> None:
        (folder / "a").write_text("a")
        model.add(reply("read", [call("Read", file_path=str(folder / "a"))], [say("Done.")]))
        refused = await refusal(editor.query("read", maxTurns=1))
        assert refused.reason == "turnLimit"
        assert "maxTurns" in refused.hint
        assert not re.search(r"\d", refused.run["error"]["message"])
        assert refused.run["status"] == "failed"
        assert (await editor.query("read"))["text"] == "Done."

    async def test_budget_has_its_reason(
        self, editor: Editor, model: Loopback, folder: Path
    ) -> None:
        (folder / "a").write_text("a")
        model.add(reply("read", [call("Read", file_path=str(folder / "a"))], [say("Done.")]))
        refused = await refusal(editor.query("read", maxBudgetUsd=0.001))
        assert refused.reason == "budgetExceeded"
        assert "maxBudgetUsd" in refused.hint
        assert (await editor.query("read"))["text"] == "Done."

    async def test_time_limit_has_its_reason_and_status(self, editor: Editor) -> None:
        refused = await refusal(editor.query("count slowly", timeoutSeconds=1.5))
        assert refused.reason == "timedOut"
        assert "timeoutSeconds" in refused.hint
        assert refused.run["status"] == "timedOut"
        assert editor.events()[-1]["run"] == refused.run

    async def test_slash_command_answers_without_the_model(
        self, editor: Editor, model: Loopback
    ) -> None:
        run = await editor.query("/cost", partialResultToken="events")
        assert run["status"] == "completed"
        assert run["text"] == editor.text() != ""
        assert [request for request in model.requests if not request.own] == []


async def test_progress_of_other_commands_is_not_shown(editor: Editor) -> None:
    await editor.command("session.list", {}, work_done_token="work")
    assert [params for _, method, params in editor.log if method == types.PROGRESS] == []
