"""No secret of the user's stands on a command line, where everybody on the machine can read it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.runs import begin, clis, eventually

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open

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
            for path in temporary.glob("claude-agent-lsp-*/**/*"):
                with contextlib.suppress(OSError):
                    name = "directory" if path.is_dir() else path.name
                    modes.add((name, path.stat().st_mode & 0o777))
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
        ("lock", 0o600),
        ("settings.json", 0o600),
        ("mcp.json", 0o600),
        ("system-prompt.md", 0o600),
    }
    assert f"My word is {KEY}." in str([request.body for request in model.requests])
    await eventually(lambda: not list(temporary.glob("claude-agent-lsp-*")))


@pytest.mark.skipif(sys.platform != "linux", reason="command lines are read in /proc")
async def test_deny_rules_of_a_folder_without_trust_are_given_by_file_whatever_they_hold(
    editor_with: Open, model: Loopback, environment: dict[str, str], folder: Path
) -> None:
    """A repository's rules keep nobody from working: no command line takes these."""
    configuration = Path(environment["CLAUDE_CONFIG_DIR"])
    (configuration / ".claude.json").unlink()
    rules = [f"Bash(mkfifo {KEY}*)", "Read(/own)"]
    deny: dict[str, Any] = {"permissions": {"deny": rules}}
    (configuration / "settings.json").write_text(json.dumps(deny))
    (folder / ".claude").mkdir()
    odd = ["a\0b", "a\ud800b", "Bash(", "", "x" * 140_000, "Read(/private)"]
    deny = {"permissions": {"deny": odd}}
    (folder / ".claude" / "settings.json").write_text(json.dumps(deny))
    (folder / "private").write_text("PRIVATE-WORDS")
    (folder / "own").write_text("OPEN-WORDS")
    reads = [call("Read", file_path=str(folder / name)) for name in ("private", "own")]
    forbidden = call("Bash", command=f"mkfifo {KEY}-made")
    model.add(reply("try it", [forbidden], reads, [say("Tried.")]))
    editor = await editor_with()
    query = begin(editor, "try it")
    await editor.event("text", query.events)
    lines = [line for process in clis(editor) for line in process.cmdline()]
    run = await query.asked
    assert run["status"] == "completed"
    assert lines
    assert [line for line in lines if KEY in line or "private" in line] == []
    told = "\n".join(said.text for request in model.requests for said in request.conversation)
    assert "PRIVATE-WORDS" not in told
    assert "OPEN-WORDS" in told
    assert "denied" in told
    assert [shown for shown, _ in editor.questions if "Trust" not in shown.message] == []
    assert not (folder / f"{KEY}-made").exists()
