"""What a process is given to ask about open documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import pytest
from claude_agent_sdk import ClaudeAgentOptions

from claude_agent_lsp.agent.buffers import buffer_tools
from claude_agent_lsp.agent.buffers.buffer_tools import ANNOUNCED, BufferTools
from claude_agent_lsp.agent.buffers.buffers import Buffers
from claude_agent_lsp.agent.buffers.channel import with_buffers
from claude_agent_lsp.workspace.documents.documents import Documents

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Editor:
    """One that does nothing."""

    synchronizes: bool = True
    applies: bool = True
    saves: bool = True


@pytest.fixture
def buffers() -> Buffers:
    """Those of one server."""
    return Buffers(Documents(), cast("Any", Editor()))


def hooked(tools: BufferTools) -> set[str | None]:
    """Return the tools that a process with these has hooks for."""
    hooks = with_buffers(ClaudeAgentOptions(), tools).hooks or {}
    return {matcher.matcher for matchers in hooks.values() for matcher in matchers}


async def test_no_read_and_no_edit_waits_for_a_hook_as_long_as_the_cli_takes_the_mod(
    buffers: Buffers, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffer_tools, "ANNOUNCE_SECONDS", 0.01)
    first = BufferTools(buffers, folder, "ifClean")
    assert hooked(first) == {"Bash|Grep|Glob"}
    first.hear("ui_log", {"text": ANNOUNCED})
    await first.settle()
    assert (first.ready, first.safe) == (True, True)
    refusing = BufferTools(buffers, folder, "ifClean")
    refusing.hear("ui_log", {"text": "of another plugin"})
    await refusing.settle()
    assert (refusing.ready, refusing.safe) == (False, False)
    later = BufferTools(buffers, folder, "ifClean")
    assert hooked(later) == {"Bash|Grep|Glob", "Read", "Edit|Write|MultiEdit|NotebookEdit"}
    await later.settle()
    assert (later.ready, later.safe) == (False, True)
