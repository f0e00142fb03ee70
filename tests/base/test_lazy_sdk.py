"""What the import of the SDK brings along, in an interpreter of its own: this one has it all."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("mcp", "pydantic", "httpx", "jsonschema")
LAZY = "from claude_agent_lsp.base import lazy_sdk; lazy_sdk.install()\n"
BROUGHT = f"""
import sys
print(sorted({{name.partition(".")[0] for name in sys.modules}} & {{*{HEAVY!r}}}))
"""
# All of the server that knows the SDK, and what of the SDK imports more when it is used.
USED = """
import importlib, pathlib, claude_agent_lsp
root = pathlib.Path(claude_agent_lsp.__file__).parent
for file in sorted(root.rglob("*.py")):
    if "claude_agent_sdk" in file.read_text():
        name = ".".join(file.relative_to(root.parent).with_suffix("").parts)
        importlib.import_module(name)
import claude_agent_sdk._internal.query
import claude_agent_sdk._internal.transport.subprocess_cli
"""


def told(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_server_imports_the_sdk_without_what_it_never_uses() -> None:
    assert told(LAZY + USED + BROUGHT) == "[]"


def test_the_sdk_still_has_to_be_kept_from_importing_it() -> None:
    """Where this fails, `lazy_sdk` is needed no more."""
    assert "mcp" in told("import claude_agent_sdk.client" + BROUGHT)


def test_names_are_had_from_the_package_without_it() -> None:
    names = "rename_session, tag_session, fork_session, InMemorySessionStore, ClaudeSDKClient"
    assert told(f"{LAZY}from claude_agent_sdk import {names}{BROUGHT}") == "[]"


def test_whoever_asks_for_the_rest_gets_all_of_the_package() -> None:
    program = """
import claude_agent_sdk as sdk
from claude_agent_sdk import AssistantMessage, __version__
before = AssistantMessage
@sdk.tool("add", "Adds", {"a": int})
async def add(arguments):
    return {"content": []}
server = sdk.create_sdk_mcp_server("own", tools=[add])
assert sdk.AssistantMessage is before
assert {name for name in sdk.__all__ if not hasattr(sdk, name)} == set()
print(server["name"], type(server["instance"]).__module__.partition(".")[0])
"""
    assert told(LAZY + program) == "own mcp"


def test_a_tool_in_this_process_has_its_bridge() -> None:
    program = """
import asyncio
import sys
import claude_agent_sdk as sdk
from claude_agent_sdk._internal.query import SdkMcpBridge
assert "mcp" not in sys.modules
HELLO = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "somebody", "version": "1"},
}

async def main():
    bridge = SdkMcpBridge("own", sdk.create_sdk_mcp_server("own")["instance"])
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO}
    answer = await bridge.handle(message)
    await bridge.aclose()
    print(answer["result"]["serverInfo"]["name"])

asyncio.run(main())
"""
    assert told(LAZY + program) == "own"


def test_what_nobody_has_is_missed_as_in_any_package() -> None:
    program = """
import claude_agent_sdk as sdk
for name in ("no_such_name", "__wrapped__"):
    try:
        getattr(sdk, name)
    except AttributeError as error:
        print(error)
"""
    assert told(LAZY + program).splitlines() == [
        "module 'claude_agent_sdk' has no attribute 'no_such_name'",
        "module 'claude_agent_sdk' has no attribute '__wrapped__'",
    ]


def test_a_version_without_these_modules_is_imported_as_ever() -> None:
    program = """
lazy_sdk.SOURCES = ("moved",)
from claude_agent_sdk import ClaudeSDKClient, AssistantMessage
print(ClaudeSDKClient.__name__, AssistantMessage.__name__)
"""
    assert told(LAZY + program) == "ClaudeSDKClient AssistantMessage"
