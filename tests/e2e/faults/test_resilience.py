"""A run that is disturbed at an awkward moment."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.runs import none_sleep, sleepers

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor


async def test_fork_that_was_stopped_before_its_first_turn_is_still_a_copy(
    editor_with: Open,
) -> None:
    first = await editor_with()
    await first.query("remember the code PINEAPPLE-42")
    await first.quit()
    second = await editor_with(settings={"prewarm": False})
    asked = second.query("hello", fork=True, partialResultToken="fork")
    started = await second.event("started", "fork")
    second.cancel(asked)
    with pytest.raises(JsonRpcException):
        await asked
    await second.quit()
    third = await editor_with()
    run = await third.query("which code?")
    assert run["sessionId"] == started["run"]["sessionId"]
    assert run["text"] == "PINEAPPLE-42"


async def test_mode_that_is_changed_while_the_run_starts_holds_for_its_turn(
    editor_with: Open, folder: Path, model: Loopback
) -> None:
    model.add(reply("write it", [call("Write", file_path="a.txt", content="x")], [say("Done.")]))
    editor = await editor_with(settings={"prewarm": False})
    asked = editor.query("write it", permissionMode="acceptEdits")
    session_id = (await editor.event("started"))["run"]["sessionId"]
    await editor.command("mode", {"sessionId": session_id, "permissionMode": "default"})
    await editor.question()
    assert not (folder / "a.txt").exists()
    editor.answer("Deny")
    await asked
    assert not (folder / "a.txt").exists()


async def test_tools_of_a_cli_that_is_killed_are_gone_with_it(
    editor: Editor, environment: dict[str, str], model: Loopback
) -> None:
    command = "setsid sleep 73 & sleep 74"
    model.add(reply("work", [call("Bash", command=command)], [say("Done.")]))
    asked = editor.query("work now")
    await editor.question()
    editor.answer("Allow once")
    async with asyncio.timeout(20):
        while len(sleepers(environment)) < 2:
            await editor.command("status")
    (process,) = (await editor.command("status"))["processes"]
    os.kill(process["pid"], signal.SIGKILL)
    with pytest.raises(JsonRpcException) as refusal:
        await asked
    assert refusal.value.data is not None
    assert refusal.value.data["reason"] == "processDied"
    await none_sleep(environment)


async def test_path_that_no_file_can_have_harms_nothing(
    editor: Editor, model: Loopback, folder: Path
) -> None:
    model.add(reply("odd", [call("Read", file_path=f"{folder}/\ud800x")], [say("Odd.")]))
    assert (await editor.query("something odd"))["text"] == "Odd."
