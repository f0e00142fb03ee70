"""An agent that uses tools on a file that is open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from claude_agent_lsp.loopback import call, reply, say

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.editor import Editor

DISK = "one on disk\ntwo\n"
UNSAVED = "ONE from buffer\ntwo\nthree unsaved\n"


class Uses(Protocol):
    """Has the agent use tools, and returns what it was told of each."""

    async def __call__(self, editor: Editor, *calls: Any, **fields: Any) -> list[str]:
        """Each call is made in an answer of its own."""


@pytest.fixture
def file(folder: Path) -> Path:
    """A file with two lines."""
    path = folder / "a.txt"
    path.write_text(DISK)
    return path


@pytest.fixture
def uses(model: Loopback) -> Uses:
    """The agent, who is told what to use."""
    number = 0

    async def use(editor: Editor, *calls: Any, **fields: Any) -> list[str]:
        nonlocal number
        number += 1
        prompt = f"use tools, round {number}"
        model.add(reply(prompt, *([each] for each in calls), [say("Done.")]))
        before = len(editor.events(kind="toolResult"))
        await editor.query(prompt, permissionMode="acceptEdits", **fields)
        return [event["text"] for event in editor.events(kind="toolResult")[before:]]

    return use


def read(path: Path, **more: Any) -> Any:
    """Have the agent read a file."""
    return call("Read", file_path=str(path), **more)


def edit(path: Path, old: str, new: str, **more: Any) -> Any:
    """Have the agent edit a file."""
    return call("Edit", file_path=str(path), old_string=old, new_string=new, **more)


def write(path: Path, content: str) -> Any:
    """Have the agent write a file."""
    return call("Write", file_path=str(path), content=content)
