"""No secret of the user's stands on a command line, where everybody on the machine can read it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from claude_agent_lsp.loopback import call, reply, say

from .runs import begin, clis, eventually

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback

    from .conftest import Open

KEY = "sk-not-for-everyone"
SERVERS: dict[str, Any] = {
    # None of them answers: the CLI goes on without them.
    "local": {"command": sys.executable, "args": ["-c", "pass", f"a{KEY}"]},
    "kept": {"command": "true", "env": {"TOKEN": f"e{KEY}"}},
    "remote": {"type": "http", "url": f"http://127.0.0.1:9/{KEY}", "headers": {"X": f"h{KEY}"}},
}


@pytest.mark.skipif(sys.platform != "linux", reason="command lines are read in /proc")
async def test_keys_prompts_and_grants_are_given_by_file(
    editor_with: Open, model: Loopback, environment: dict[str, str], tmp_path: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    granted = f"mkfifo {KEY}-made"
    model.add(reply("make it", [call("Bash", command=granted)], [say("Made.")]))
    settings = {
        "mcpServers": SERVERS,
        "appendSystemPrompt": f"My word is {KEY}.",
        "idleProcessSeconds": 0.1,
    }
    editor = await editor_with(settings=settings, environment={"TMPDIR": str(temporary)})
    lines: set[str] = set()
    modes: set[tuple[str, int]] = set()

    async def look() -> None:
        while True:
            for process in clis(editor):
                with contextlib.suppress(psutil.Error):
                    lines.add("\0".join(process.cmdline()))
            for path in temporary.glob("claude-agent-lsp-*/**"):
                with contextlib.suppress(OSError):
                    modes.add(("directory", path.stat().st_mode & 0o777))
                    found = {(each.name, each.stat().st_mode & 0o777) for each in path.iterdir()}
                    modes.update(found)
            await asyncio.sleep(0.002)

    looking = asyncio.create_task(look())
    query = begin(editor, "make it")
    await editor.question()
    editor.answer("Allow for this session")
    session = (await query.asked)["sessionId"]
    await eventually(lambda: not clis(editor))
    # Its process has gone, and the next one knows what was allowed.
    run = await begin(editor, "make it", 1, session=session).asked
    looking.cancel()
    assert run["status"] == "completed"
    assert len(editor.questions) == 1
    assert len(lines) >= 2
    assert [line for line in lines if KEY in line] == []
    assert modes == {
        ("directory", 0o700),
        ("settings.json", 0o600),
        ("mcp.json", 0o600),
        ("system-prompt.md", 0o600),
    }
    assert f"My word is {KEY}." in str([request.body for request in model.requests])
    await eventually(lambda: not list(temporary.glob("claude-agent-lsp-*")))
