"""A proposed change of a file as the user wants it: what the tool is given then.

The agent is told so by what the tool has put out: see `agent/process/launch.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from claude_agent_lsp.agent.permissions.diff import EDITS
from claude_agent_lsp.base.texts.line_diff import LineDiff

if TYPE_CHECKING:
    from collections.abc import Mapping

    from claude_agent_lsp.agent.permissions.diff import Before


def is_editable(tool: str, before: Before) -> bool:
    """Return whether the user can say how the file shall be.

    Args:
        tool: The tool's name.
        before: What the file holds.
    """
    return tool == "Write" or (tool in EDITS and before.why is None)


def edited_input(
    tool: str, tool_input: Mapping[str, Any], before: Before, wanted: str
) -> dict[str, Any] | None:
    """Return what the tool is given so that the file is as the user wants it; None if it is so.

    Args:
        tool: The tool's name, of one that is editable.
        tool_input: What it was to be given.
        before: What the file holds.
        wanted: What it shall hold.
    """
    # Line ends and byte order mark are the tool's business: it keeps those of the file.
    wanted = _plain(wanted)
    now = None if before.content is None else _plain(before.content)
    if wanted == now:
        return None
    if tool == "Write":
        return {**tool_input, "content": wanted}
    old, new = _smallest(now or "", wanted)
    return {**tool_input, "old_string": old, "new_string": new, "replace_all": False}


def _smallest(now: str, wanted: str) -> tuple[str, str]:
    """Return a part of a text that occurs once in it, and what makes it the other if replaced."""
    before, after = now.splitlines(keepends=True), wanted.splitlines(keepends=True)
    changes = [each for each in LineDiff(before, after).get_opcodes() if each[0] != "equal"]
    (_, i, _, j, _), (_, _, i_end, _, j_end) = changes[0], changes[-1]
    old, new = "".join(before[i:i_end]), "".join(after[j:j_end])
    # Two places may overlap, where `count` sees one.
    return (old, new) if old and now.find(old) == now.rfind(old) else (now, wanted)


def _plain(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n")
