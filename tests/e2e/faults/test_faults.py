"""What fails while it runs: each with its own reason, and a hint that tells what to do."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, cast

import pytest
from lsprotocol.types import (
    WORKSPACE_DID_CHANGE_CONFIGURATION,
    DidChangeConfigurationParams,
    LSPErrorCodes,
)
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.loopback import cut, fail, reply, say

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor


async def failure(editor: Editor, prompt: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    """Ask, and return the message and the data of the error that it is answered with."""
    with pytest.raises(JsonRpcException) as refusal:
        await editor.query(prompt, **fields)
    assert refusal.value.code == LSPErrorCodes.RequestFailed.value
    data = cast("dict[str, Any]", refusal.value.data)
    assert data["hint"].endswith(".")
    assert refusal.value.message.endswith(".")
    return refusal.value.message, data


@pytest.mark.parametrize(
    ("status", "reason", "hint"),
    [
        (400, "modelError", "would fail again"),
        (401, "notAuthenticated", "login"),
        (403, "notAuthenticated", "login"),
        (404, "modelError", "another `model`"),
        (413, "modelError", "start a new one"),
        (429, "rateLimited", "reset"),
        (500, "modelError", "Try again"),
        (529, "modelError", "Try again"),
    ],
)
async def test_error_of_the_model_has_its_reason_and_the_session_goes_on(
    editor: Editor, model: Loopback, status: int, reason: str, hint: str
) -> None:
    told = await editor.query("remember the code PINEAPPLE-42")
    model.add(reply("fail now", fail(status)))
    message, data = await failure(editor, "fail now", partialResultToken="failing")
    assert data["reason"] == reason
    assert "/login" not in message
    assert hint in data["hint"]
    assert data["run"]["status"] == "failed"
    assert data["run"]["sessionId"] == told["sessionId"]
    assert editor.events("failing")[-1]["kind"] == "ended"
    assert editor.events("failing")[-1]["run"]["status"] == "failed"
    assert (await editor.query("which code?"))["text"] == "PINEAPPLE-42"


async def test_connection_cut_in_mid_answer_is_a_model_error(
    editor_with: Open, model: Loopback
) -> None:
    model.add(reply("cut off", say("half of an ans"), cut()))
    editor = await editor_with(environment={"CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK": "1"})
    _, data = await failure(editor, "cut off please")
    assert data["reason"] == "modelError"
    assert editor.text() == "half of an ans"[: len(editor.text())]
    assert (await editor.query("hello"))["status"] == "completed"


async def test_model_that_can_not_be_reached_is_a_model_error(editor_with: Open) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    editor = await editor_with(environment={"ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}"})
    _, data = await failure(editor, "hello")
    assert data["reason"] == "modelError"
    assert "network" in data["hint"]


def executable(path: Path, text: str) -> Path:
    """A file that can be run."""
    path.write_text(text)
    path.chmod(0o755)
    return path


async def test_cli_that_does_not_exist_is_not_found(editor_with: Open, tmp_path: Path) -> None:
    editor = await editor_with(settings={"cliPath": str(tmp_path / "nothing")})
    message, data = await failure(editor, "hello")
    assert data["reason"] == "cliNotFound"
    assert str(tmp_path / "nothing") in message
    assert "cliPath" in data["hint"]
    assert data["run"]["sessionId"]


async def test_cli_that_is_not_executable_fails_to_start(editor_with: Open, tmp_path: Path) -> None:
    path = tmp_path / "claude"
    path.write_text("#!/bin/sh\n")
    editor = await editor_with(settings={"cliPath": str(path)})
    message, data = await failure(editor, "hello")
    assert data["reason"] == "cliFailedToStart"
    assert "can't be run" in message
    assert "doctor" in data["hint"]


@pytest.mark.parametrize(
    "script",
    ["while :; do echo rubbish; done", "echo rubbish", "exit 3", "printf '\\377\\376'"],
)
async def test_cli_that_prints_rubbish_fails_to_start(
    editor_with: Open, tmp_path: Path, script: str
) -> None:
    path = executable(tmp_path / "claude", f"#!/bin/sh\n{script}\n")
    editor = await editor_with(settings={"cliPath": str(path)})
    message, data = await failure(editor, "hello")
    assert data["reason"] == "cliFailedToStart"
    assert str(path) in message


async def test_fault_ends_with_the_setting_that_caused_it(
    editor_with: Open, tmp_path: Path
) -> None:
    editor = await editor_with(settings={"cliPath": str(tmp_path / "nothing")})
    _, data = await failure(editor, "remember the code PINEAPPLE-42")
    editor.set_configuration({}, section="claudeAgent")
    changed = DidChangeConfigurationParams(settings=None)
    editor.protocol.notify(WORKSPACE_DID_CHANGE_CONFIGURATION, changed)
    run = await editor.query("remember the code PINEAPPLE-42", session=data["run"]["sessionId"])
    assert run["sessionId"] == data["run"]["sessionId"]


async def test_state_that_can_not_be_kept_does_not_stop_a_run(
    editor_with: Open, tmp_path: Path
) -> None:
    # As root nothing is forbidden: a file where the directory should be is.
    (tmp_path / "state").write_text("in the way")
    editor = await editor_with(
        environment={"CLAUDE_AGENT_LSP_STATE_DIRECTORY": str(tmp_path / "state")}
    )
    run = await editor.query("remember the code PINEAPPLE-42")
    assert run["status"] == "completed"
    again = await editor.query("which code?", session=run["sessionId"])
    assert again["text"] == "PINEAPPLE-42"
