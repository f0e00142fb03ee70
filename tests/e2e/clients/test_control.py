"""What a folder's CLI is run with: its MCP servers, the context, the account's limits."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from pygls.exceptions import JsonRpcException

from tests.e2e.runs import begin, data_of, status
from tests.standins import stand_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

SECRETS = ("s3cr3t-argument", "s3cr3t-variable", "s3cr3t-header", "s3cr3t-query")
SERVER = """
import sys
from mcp.server.fastmcp import FastMCP
server = FastMCP("hello")

@server.tool()
def greet(name: str) -> str:
    "Greets somebody."
    return name

server.run()
"""


def servers(tmp_path: Path) -> dict[str, Any]:
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    return {
        "good": {
            "command": sys.executable,
            "args": [str(script), f"--key={SECRETS[0]}"],
            "env": {"KEY": SECRETS[1]},
        },
        "broken": {"command": sys.executable, "args": ["-c", f"raise SystemExit('{SECRETS[0]}')"]},
        "away": {
            "type": "http",
            "url": f"http://127.0.0.1:1/mcp?key={SECRETS[3]}",
            "headers": {"Authorization": f"Bearer {SECRETS[2]}"},
        },
    }


async def listed(editor: Editor) -> dict[str, dict[str, Any]]:
    """The servers by their names, once none is on its way any more."""
    while True:
        answer = await editor.command("mcp.list")
        if not any(server["status"] == "pending" for server in answer["servers"]):
            return {server["name"]: server for server in answer["servers"]}


async def test_mcp_servers_are_listed_with_their_tools_and_without_their_secrets(
    editor_with: Open, tmp_path: Path
) -> None:
    editor = await editor_with(settings={"mcpServers": servers(tmp_path)})
    found = await listed(editor)
    assert {name: each["status"] for name, each in found.items()} == {
        "good": "connected",
        "broken": "failed",
        "away": "failed",
    }
    assert [tool["name"] for tool in found["good"]["tools"]] == ["greet"]
    assert found["good"]["serverInfo"]["name"] == "hello"
    assert (found["good"]["transport"], found["away"]["transport"]) == ("stdio", "http")
    assert found["broken"]["error"]
    assert not [secret for secret in SECRETS if secret in str(found)]
    assert not {"config", "env", "args", "headers", "url"} & set(found["good"]) & set(found["away"])


async def test_one_is_disabled_for_its_folder_and_enabled_and_connected_anew(
    editor_with: Open, tmp_path: Path
) -> None:
    editor = await editor_with(settings={"mcpServers": servers(tmp_path)})
    await listed(editor)
    off = await editor.command("mcp.toggle", {"name": "good", "enabled": False})
    assert (off["name"], off["status"]) == ("good", "disabled")
    with pytest.raises(JsonRpcException, match="good could not be connected: disabled"):
        await editor.command("mcp.reconnect", {"name": "good"})
    await editor.quit()
    # The CLI keeps it.
    editor = await editor_with(settings={"mcpServers": servers(tmp_path)})
    assert (await listed(editor))["good"]["status"] == "disabled"
    await editor.command("mcp.toggle", {"name": "good", "enabled": True})
    assert (await listed(editor))["good"]["status"] == "connected"
    anew = await editor.command("mcp.reconnect", {"name": "good"})
    assert anew["status"] == "connected"


async def test_all_processes_of_the_folder_have_it_off(editor_with: Open, tmp_path: Path) -> None:
    editor = await editor_with(settings={"mcpServers": {"good": servers(tmp_path)["good"]}})
    first = await begin(editor, "say something").asked
    second = await begin(editor, "say something", 1, session="new").asked
    assert first["sessionId"] != second["sessionId"]
    assert len((await status(editor))["processes"]) == 2
    await editor.command("mcp.toggle", {"name": "good", "enabled": False})
    for run in (first, second):
        await begin(editor, "say something", 2, session=run["sessionId"]).asked
        usage = await editor.command("context", {"sessionId": run["sessionId"]})
        assert usage["mcpTools"] == []


@pytest.mark.parametrize(
    ("command", "argument"),
    [("mcp.toggle", {"name": "none", "enabled": True}), ("mcp.reconnect", {"name": "none"})],
)
async def test_one_that_there_is_not_is_refused(
    editor: Editor, command: str, argument: dict[str, Any]
) -> None:
    with pytest.raises(JsonRpcException, match="name: expected one of this folder's MCP servers"):
        await editor.command(command, argument)


async def test_one_that_can_not_be_connected_says_why(editor_with: Open, tmp_path: Path) -> None:
    editor = await editor_with(settings={"mcpServers": servers(tmp_path)})
    await listed(editor)
    with pytest.raises(JsonRpcException, match="broken could not be connected") as failed:
        await editor.command("mcp.reconnect", {"name": "broken"})
    assert data_of(failed.value)["hint"]
    assert not [secret for secret in SECRETS if secret in str(failed.value)]


async def test_an_untrusted_folders_servers_are_not_there(
    editor_with: Open, folder: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    (folder / ".mcp.json").write_text('{"mcpServers": {"evil": {"command": "touch"}}}')
    editor = await editor_with(announces={"trust": True}, options={"trustedFolders": []})
    assert await listed(editor) == {}
    with pytest.raises(JsonRpcException, match="name: expected"):
        await editor.command("mcp.toggle", {"name": "evil", "enabled": True})


async def test_the_context_of_a_session_is_told_and_its_transcript_left_alone(
    editor_with: Open, folder: Path
) -> None:
    (folder / "CLAUDE.md").write_text("Be brief.\n" * 50)
    editor = await editor_with()
    run = await begin(editor, "remember the code PINEAPPLE-42").asked
    usage = await editor.command("context")
    assert usage["sessionId"] == run["sessionId"]
    assert 0 < usage["totalTokens"] < usage["maxTokens"]
    assert {"name", "tokens"} == set(usage["categories"][0])
    assert (folder / "CLAUDE.md").as_uri() in [file["uri"] for file in usage["memoryFiles"]]
    before = await editor.command("session.read", {"sessionId": run["sessionId"]})
    await editor.quit()
    # Nobody has it warm any more.
    editor = await editor_with()
    usage = await editor.command("context", {"sessionId": run["sessionId"]})
    assert usage["sessionId"] == run["sessionId"]
    after = await editor.command("session.read", {"sessionId": run["sessionId"]})
    assert after["messages"] == before["messages"]


async def test_limits_are_told_as_they_were_last_heard(editor_with: Open, tmp_path: Path) -> None:
    cli = stand_in("limited", tmp_path)
    editor = await editor_with(settings={"cliPath": str(cli)})
    assert (await editor.command("limits")) == {"limits": []}
    await begin(editor, "say something").asked
    weekly, overage = (await editor.command("limits"))["limits"]
    assert (weekly["limit"], weekly["status"]) == ("seven_day", "allowed_warning")
    assert weekly["utilization"] == 0.9
    assert weekly["resetsAt"] == "2033-05-18T03:33:20.000Z"
    assert (overage["limit"], overage["status"]) == ("overage", "rejected")
    assert "resetsAt" not in overage
