"""A folder whose disk hangs: no other folder, session or command waits for it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.editor import SECONDS
from tests.e2e.hanging import HangingDisk
from tests.e2e.runs import CANCELLED, allow_tools, begin, refusal, run_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HangingDisk]:
    """A folder with a disk that answers until it is told to hang."""
    folder = tmp_path / "slow"
    folder.mkdir()
    disk = HangingDisk(folder, tmp_path, monkeypatch)
    yield disk
    disk.answer()


def accept_in_terminal(environment: dict[str, str], *folders: Path) -> None:
    accepted = {str(folder): {"hasTrustDialogAccepted": True} for folder in folders}
    record = Path(environment["CLAUDE_CONFIG_DIR"]) / ".claude.json"
    record.write_text(json.dumps({"projects": accepted}))


async def leave_sessions(editor: Editor, disk: HangingDisk) -> None:
    """One that has ended well in the folder, and one that the CLI has lost, by a kill."""
    where = disk.folder.as_uri()
    await begin(editor, "remember the code PINEAPPLE-42", 90, workspace=where).asked
    lost = begin(editor, "count slowly", 91, workspace=where, session="new")
    await editor.event("text", lost.events)
    for process in psutil.Process(editor.pid).children():
        process.kill()
    os.kill(editor.pid, signal.SIGKILL)
    await editor.gone()


@pytest.mark.parametrize("known", ["open", "accepted in the terminal", "worked in before"])
async def test_whatever_is_known_of_it_every_command_is_answered_elsewhere(
    editor_with: Open, disk: HangingDisk, folder: Path, environment: dict[str, str], known: str
) -> None:
    opened = (disk.folder, folder) if known == "open" else (folder,)
    if known == "accepted in the terminal":
        accept_in_terminal(environment, disk.folder, folder)
    if known == "worked in before":
        await leave_sessions(await editor_with(disk.folder, settings={"prewarm": False}), disk)
    editor = await editor_with(*opened, settings={"prewarm": False})
    here = {"workspace": folder.as_uri()}
    told = await editor.query("remember the code PINEAPPLE-42", **here)
    session = {"sessionId": told["sessionId"]}
    disk.hang()
    waits = [
        begin(editor, "hello", number, workspace=disk.folder.as_uri(), session="new")
        for number in range(20 * (known == "open"))
    ]
    page = await editor.command("session.list", here)
    assert [one["sessionId"] for one in page["sessions"]] == [told["sessionId"]]
    assert (await editor.command("session.read", session))["messages"]
    await editor.command("session.rename", {**session, "title": "a title"})
    await editor.command("session.show", session)
    copy = await editor.command("session.fork", session)
    await editor.command("capabilities", here)
    await editor.command("session.select", {**here, **session})
    assert (await editor.query("which code?", **here))["text"] == "PINEAPPLE-42"
    assert (await editor.query("hello", **here, session="new"))["status"] == "completed"
    await editor.command("session.delete", {"sessionId": copy["sessionId"]})
    await editor.command("trust", {**here, "trusted": True})
    status = await editor.command("status")
    assert [one["name"] for one in status["folders"] if "problem" not in one] == ["project"]
    for query in waits:
        editor.cancel(query.asked)
    for query in waits:
        assert (await refusal(query)).code == CANCELLED
    assert await asyncio.wait_for(editor.quit(), SECONDS) == 0


async def test_another_folder_that_loses_its_trust_is_left_all_the_same(
    editor_with: Open, disk: HangingDisk, folder: Path, environment: dict[str, str]
) -> None:
    accept_in_terminal(environment)
    allow_tools(environment)
    editor = await editor_with(disk.folder, folder, settings={"prewarm": False})
    for each in (disk.folder, folder):
        await editor.command("trust", {"workspace": each.as_uri(), "trusted": True})
        await begin(editor, "hello", 90, workspace=each.as_uri()).asked
    running = begin(editor, "count slowly", workspace=folder.as_uri())
    await run_of(editor, running)
    disk.hang()
    answer: Any = await editor.command("trust", {"workspace": folder.as_uri(), "trusted": False})
    assert answer["trusted"] is False
    assert (await refusal(running)).code == CANCELLED


async def test_a_plan_that_can_not_be_written_is_asked_about_all_the_same(
    editor_with: Open,
    model: Loopback,
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plans = Path(environment["XDG_STATE_HOME"], "claude-agent-lsp", "plans")
    disk = HangingDisk(plans, tmp_path, monkeypatch)
    disk.hang()
    model.add(reply("plan it", [call("ExitPlanMode", plan="# The plan")], [say("Planned.")]))
    editor = await editor_with(settings={"permissionMode": "plan"})
    query = begin(editor, "plan it")
    question = await editor.question()
    assert question.message.startswith("Carry out this plan?")
    assert not plans.exists()
    editor.answer("Keep planning")
    disk.answer()
    session = (await query.asked)["sessionId"]
    await editor.command("session.delete", {"sessionId": session})
    assert list(plans.iterdir()) == []
