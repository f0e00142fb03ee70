"""What a conversation has left is all that `uninstall` knows of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from claude_agent_lsp.agent.os_processes.output import output_of
from tests.e2e.editor import EXECUTABLE

if TYPE_CHECKING:
    from tests.e2e.conftest import Open


def state_in(environment: dict[str, str]) -> Path:
    """The state directory of a home."""
    (found,) = Path(environment["HOME"]).rglob("claude-agent-lsp/folders")
    return found.parent


async def test_after_a_conversation_all_of_the_state_goes(
    editor_with: Open, environment: dict[str, str]
) -> None:
    editor = await editor_with()
    run = await editor.query("hello")
    await editor.command("session.tag", {"sessionId": run["sessionId"], "tag": "keep"})
    await editor.quit()
    said, all_of_it = await output_of(
        EXECUTABLE,
        "sessions",
        "list",
        "--all",
        environment=environment,
        seconds=30,
        most_bytes=10**6,
    )
    assert all_of_it
    assert run["sessionId"] in said.decode()
    directory = state_in(environment)
    assert any(directory.iterdir())
    await output_of(
        EXECUTABLE, "uninstall", "--yes", environment=environment, seconds=30, most_bytes=10**6
    )
    assert not directory.exists()
    sessions = Path(environment["CLAUDE_CONFIG_DIR"]).glob(f"projects/*/{run['sessionId']}.jsonl")
    assert len(list(sessions)) == 1
