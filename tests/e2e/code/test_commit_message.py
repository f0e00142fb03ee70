"""The message of a commit: what the agent is told, and that nothing of it is left."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.loopback import call, hang, reply, say
from tests.e2e.runs import CANCELLED, data_of, requests_of

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open

ASKED = "Write the message of the commit"
ANSWER = reply(ASKED, [call("StructuredOutput", message="Add beta\n")], [say("Done.")])


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(folder: Path) -> Path:
    """A commit with a file, and a change of it that is staged."""
    git(folder, "init", "-b", "main")
    (folder / "app.py").write_text("alpha = 1\n")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "Begin with alpha")
    (folder / "app.py").write_text("alpha = 1\nbeta = 2\n")
    git(folder, "add", ".")
    (folder / "app.py").write_text("alpha = 1\nbeta = 2\nunstaged = 3\n")
    return folder


def told(model: Loopback, prompt: str) -> str:
    request = requests_of(model, prompt)[0]
    return json.dumps(request.body["messages"], ensure_ascii=False).replace("\\n", "\n")


def traces(place: Path, session_id: str) -> set[str]:
    """The files that are called by a session, or hold what was said in it.

    The CLI keeps the bare id of its last session (`plugins/store`).
    """
    files = {path for path in place.rglob("*") if path.is_file()}
    told = {path for path in files if ASKED in path.read_text(errors="replace")}
    return {path.name for path in told | {path for path in files if session_id in str(path)}}


async def test_message_is_of_what_is_staged_and_knows_the_conversation(
    editor_with: Open, model: Loopback, repository: Path
) -> None:
    model.add(ANSWER)
    editor = await editor_with()
    before = await editor.query("remember the code PINEAPPLE-42")
    assert await editor.command("commitMessage") == {"message": "Add beta"}
    asked = told(model, ASKED)
    assert "--- app.py\n+++ app.py\n@@ -1 +1,2 @@\n alpha = 1\n+beta = 2" in asked
    assert "unstaged" not in asked
    assert "Begin with alpha" in asked
    assert "PINEAPPLE-42" in asked
    # The conversation goes on as if nothing had been.
    after = await editor.query("which code?")
    assert after["sessionId"] == before["sessionId"]
    assert ASKED not in told(model, "which code?")


async def test_nothing_of_it_is_left(
    editor_with: Open,
    model: Loopback,
    repository: Path,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    model.add(ANSWER)
    state = tmp_path / "state"
    editor = await editor_with(
        environment={"CLAUDE_AGENT_LSP_STATE_DIRECTORY": str(state)},
        announces={"sessionEvents": True},
    )
    other = await editor.query("remember the code PINEAPPLE-42")
    await editor.command("commitMessage", {"partialResultToken": "commit"})
    run = editor.events("commit", "started")[0]["run"]
    assert traces(state, run["sessionId"]) == set()
    assert traces(Path(environment["CLAUDE_CONFIG_DIR"]), run["sessionId"]) == set()
    listed = (await editor.command("session.list"))["sessions"]
    assert [session["sessionId"] for session in listed] == [other["sessionId"]]
    assert run["runId"] not in str(editor.announced)
    assert other["runId"] in str(editor.announced)
    # Its process has ended with it.
    processes = (await editor.command("status"))["processes"]
    assert run["sessionId"] not in [process["sessionId"] for process in processes]


async def test_first_commit_is_told_of_its_files(
    editor_with: Open, model: Loopback, folder: Path
) -> None:
    model.add(ANSWER)
    git(folder, "init", "-b", "main")
    (folder / "app.py").write_text("alpha = 1\n")
    (folder / "image").write_bytes(b"\0\1")
    git(folder, "add", ".")
    editor = await editor_with()
    assert await editor.command("commitMessage", {"instructions": "In French."}) == {
        "message": "Add beta"
    }
    asked = told(model, ASKED)
    assert "--- /dev/null\n+++ app.py\n@@ -0,0 +1 @@\n+alpha = 1" in asked
    assert "+++ image\n(not a text that can be shown)" in asked
    assert "In French." in asked


async def test_nothing_staged_and_no_repository_are_told(
    editor_with: Open, model: Loopback, folder: Path
) -> None:
    editor = await editor_with()
    with pytest.raises(JsonRpcException) as none:
        await editor.command("commitMessage")
    assert data_of(none.value)["reason"] == "noRepository"
    git(folder, "init", "-b", "main")
    (folder / "app.py").write_text("alpha = 1\n")
    with pytest.raises(JsonRpcException) as nothing:
        await editor.command("commitMessage")
    assert data_of(nothing.value)["reason"] == "nothingChanged"
    assert "git add" in data_of(nothing.value)["hint"]
    assert model.requests == []


async def test_repository_of_an_untrusted_folder_runs_nothing(
    editor_with: Open, model: Loopback, repository: Path, canaries: Path
) -> None:
    model.add(ANSWER)
    for name in ("diff.external", "diff.x.command", "diff.x.textconv", "filter.x.clean"):
        git(repository, "config", name, f"touch {canaries}/{name} #")
    git(repository, "config", "core.fsmonitor", f"touch {canaries}/fsmonitor #")
    (repository / ".gitattributes").write_text("* diff=x filter=x\n")
    editor = await editor_with()
    assert await editor.command("commitMessage") == {"message": "Add beta"}
    assert list(canaries.iterdir()) == []


async def test_it_is_cancelled_with_nothing_left(
    editor_with: Open,
    model: Loopback,
    repository: Path,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    model.add(reply(ASKED, hang()))
    state = str(tmp_path / "state")
    editor = await editor_with(environment={"CLAUDE_AGENT_LSP_STATE_DIRECTORY": state})
    asked = editor.command("commitMessage", {"partialResultToken": "events"})
    run: dict[str, Any] = (await editor.event("started"))["run"]
    editor.cancel(asked)
    with pytest.raises(JsonRpcException) as cancelled:
        await asked
    assert cancelled.value.code == CANCELLED
    config = Path(environment["CLAUDE_CONFIG_DIR"])
    assert traces(config, run["sessionId"]) == set()
    assert traces(tmp_path / "state", run["sessionId"]) == set()


async def test_agent_can_change_nothing_meanwhile(
    editor_with: Open, model: Loopback, repository: Path
) -> None:
    model.add(
        reply(
            ASKED,
            [call("Write", file_path=str(repository / "made"), content="")],
            [call("StructuredOutput", message="Add beta")],
            [say("Done.")],
        )
    )
    editor = await editor_with(settings={"permissionMode": "acceptEdits"})
    await editor.command("commitMessage")
    assert not (repository / "made").exists()
    (request, *_) = requests_of(model, ASKED)
    tools = {tool["name"] for tool in request.body["tools"]}
    assert not tools & {"Bash", "Edit", "Write", "NotebookEdit"}
