"""Several folders in one editor: each with its own conversation, settings and current session."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.loopback import call, recall, reply, say, tokens
from tests.e2e.editor import EXECUTABLE, Editor, capabilities_of
from tests.e2e.runs import begin, cancelled, run_of

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """Two project folders."""
    folders = tmp_path / "one", tmp_path / "two"
    for folder in folders:
        folder.mkdir()
    return folders


async def test_two_folders_run_at_once_without_mixing(
    editor_with: Open, two: tuple[Path, Path], model: Loopback
) -> None:
    model.add(
        reply("where", [call("Read", file_path="name.txt")], [recall(r"NAME-\w+"), tokens(50)])
    )
    editor = await editor_with(*two)
    for folder in two:
        (folder / "name.txt").write_text(f"NAME-{folder.name}\n")
    asked = [
        editor.query("where am I?", workspace=folder.as_uri(), partialResultToken=folder.name)
        for folder in two
    ]
    runs = [await one for one in asked]
    assert len({run["sessionId"] for run in runs}) == 2
    for folder, run in zip(two, runs, strict=True):
        assert run["workspace"] == folder.as_uri()
        assert f"NAME-{folder.name}" in editor.text(folder.name)
        events = editor.events(folder.name)
        told = {event["run"]["sessionId"] for event in events if "run" in event}
        assert told == {run["sessionId"]}
        other = next(name for name in ("one", "two") if name != folder.name)
        assert f"NAME-{other}" not in editor.text(folder.name)


async def test_each_folder_keeps_its_current_session_across_restarts(
    editor_with: Open, two: tuple[Path, Path]
) -> None:
    first = await editor_with(*two)
    codes = ("PLUM-1", "PEAR-2")
    told = [
        await first.query(f"remember the code {code}", workspace=folder.as_uri())
        for folder, code in zip(two, codes, strict=True)
    ]
    await first.quit()
    second = await editor_with(*reversed(two))
    for folder, code, run in zip(two, codes, told, strict=True):
        again = await second.query("which code?", workspace=folder.as_uri())
        assert again["text"] == code
        assert again["sessionId"] == run["sessionId"]


async def test_folder_is_the_documents(editor_with: Open, two: tuple[Path, Path]) -> None:
    editor = await editor_with(*two)
    document = two[1] / "deep" / "a.py"
    document.parent.mkdir()
    document.write_text("pass\n")
    run = await editor.query("hello", context={"textDocument": {"uri": document.as_uri()}})
    assert run["workspace"] == two[1].as_uri()


async def test_several_folders_and_no_hint_is_an_error_that_lists_them(
    editor_with: Open, two: tuple[Path, Path]
) -> None:
    editor = await editor_with(*two)
    with pytest.raises(JsonRpcException) as refusal:
        await editor.query("hello")
    assert refusal.value.data is not None
    assert refusal.value.data["reason"] == "workspaceNotFound"
    assert all(folder.name in refusal.value.message for folder in two)


async def test_folders_come_and_go_while_the_server_runs(
    editor_with: Open, two: tuple[Path, Path]
) -> None:
    editor = await editor_with(two[0])
    await change(editor, added=[two[1]])
    assert (await editor.query("hello", workspace=two[1].as_uri()))["status"] == "completed"
    await change(editor, removed=[two[0]])
    assert (await editor.query("hello"))["workspace"] == two[1].as_uri()
    with pytest.raises(JsonRpcException, match="one"):
        await editor.query("hello", workspace=two[0].as_uri())


async def change(
    editor: Editor, added: list[Path] | None = None, removed: list[Path] | None = None
) -> None:
    event = types.WorkspaceFoldersChangeEvent(
        added=[types.WorkspaceFolder(path.as_uri(), path.name) for path in added or []],
        removed=[types.WorkspaceFolder(path.as_uri(), path.name) for path in removed or []],
    )
    params = types.DidChangeWorkspaceFoldersParams(event=event)
    editor.protocol.notify(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, params)


@pytest.mark.parametrize("way", ["rootUri", "rootPath"])
async def test_older_ways_to_name_the_folder_are_understood(
    folder: Path, environment: dict[str, str], way: str
) -> None:
    editor = Editor("vscode")
    await editor.start_io(str(EXECUTABLE), env=environment)
    capabilities = capabilities_of("vscode")
    roots: dict[str, Any] = (
        {"root_uri": folder.as_uri()} if way == "rootUri" else {"root_path": str(folder)}
    )
    await editor.initialize_session(types.InitializeParams(capabilities=capabilities, **roots))
    assert (await editor.query("hello"))["workspace"] == folder.as_uri()
    await editor.quit()


async def test_settings_hold_in_their_folder(editor_with: Open, two: tuple[Path, Path]) -> None:
    editor = await editor_with(*two)
    for folder, mode in zip(two, ("plan", "acceptEdits"), strict=True):
        editor.set_configuration(
            {"permissionMode": mode}, section="claudeAgent", scope_uri=folder.as_uri()
        )
    editor.protocol.notify(
        types.WORKSPACE_DID_CHANGE_CONFIGURATION, types.DidChangeConfigurationParams(settings=None)
    )
    told = (await editor.command("status"))["folders"]
    assert [folder["permissionMode"] for folder in told] == ["plan", "acceptEdits"]


async def test_settings_come_with_initialize_where_they_can_not_be_asked_for(
    folder: Path, environment: dict[str, str]
) -> None:
    editor = Editor("vscode")
    await editor.start_io(str(EXECUTABLE), env=environment)
    await editor.initialize_session(
        types.InitializeParams(
            capabilities=types.ClientCapabilities(),
            root_uri=folder.as_uri(),
            initialization_options={"settings": {"permissionMode": "plan"}},
        )
    )
    (told,) = (await editor.command("status"))["folders"]
    assert told["permissionMode"] == "plan"
    await editor.quit()


async def test_wrong_setting_is_told_by_name_once_and_the_default_holds(
    editor_with: Open,
) -> None:
    editor = await editor_with(settings={"maxProcesses": "four", "permisionMode": "plan"})
    assert (await editor.query("hello"))["status"] == "completed"
    assert (await editor.query("hello"))["status"] == "completed"
    told = [message.message for message in editor.messages]
    assert len(told) == 2
    assert any("claudeAgent.maxProcesses" in text and "using 4" in text for text in told)
    assert any("permisionMode" in text and "permissionMode" in text for text in told)


async def test_changed_setting_holds_from_the_next_query_on(
    editor_with: Open, folder: Path, model: Loopback
) -> None:
    model.add(reply("write it", [call("Write", file_path="a.txt", content="x")], [say("Done.")]))
    editor = await editor_with(settings={"permissionMode": "plan"})
    editor.set_configuration({"permissionMode": "acceptEdits"}, section="claudeAgent")
    editor.protocol.notify(
        types.WORKSPACE_DID_CHANGE_CONFIGURATION, types.DidChangeConfigurationParams(settings=None)
    )
    await editor.query("write it")
    assert (folder / "a.txt").exists()
    assert editor.questions == []


async def test_state_is_kept_where_the_setting_says(editor_with: Open, tmp_path: Path) -> None:
    settings = {"stateDirectory": str(tmp_path / "state")}
    editor = await editor_with(settings=settings)
    told = await editor.query("remember the code PLUM-1")
    await editor.quit()
    assert list((tmp_path / "state" / "folders").iterdir())
    editor = await editor_with(settings=settings)
    (session,) = (await editor.command("session.list"))["sessions"]
    assert session["current"] is True
    assert (await editor.query("which code?"))["sessionId"] == told["sessionId"]
    elsewhere = await editor_with()
    assert (await elsewhere.query("which code?"))["text"] == "I don't know."


async def test_state_does_not_move_while_a_run_is_at_work(
    editor_with: Open, folder: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    other, moved = tmp_path / "other", tmp_path / "moved"
    other.mkdir()
    editor = await editor_with(folder, other)
    query = begin(editor, "count slowly", workspace=folder.as_uri())
    await editor.event("text", query.events)
    session = (await run_of(editor, query))["sessionId"]
    # One of the folders says from now on that the state is elsewhere.
    editor.set_configuration(
        {"stateDirectory": str(moved)}, section="claudeAgent", scope_uri=other.as_uri()
    )
    editor.protocol.notify(
        types.WORKSPACE_DID_CHANGE_CONFIGURATION, types.DidChangeConfigurationParams(settings=None)
    )
    for _ in range(2):
        await editor.command("session.list", {"workspace": other.as_uri()})
    state = Path(environment["XDG_STATE_HOME"], "claude-agent-lsp")
    assert (state / "locks" / f"{session}.lock").exists()
    assert (state / "journal" / f"{session}.jsonl").exists()
    await editor.event("text", query.events, count=len(editor.events(query.events)) + 3)
    await cancelled(editor, query)
    assert not moved.exists()
    # It does with the next query that finds no run at work.
    asked = await begin(editor, "hello", 1, workspace=other.as_uri()).asked
    assert list((moved / "folders").iterdir())
    assert not (state / "journal" / f"{asked['sessionId']}.jsonl").exists()
