"""How a question is worded: exactly what would happen, with nothing in it that is hidden."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.titles import path_in
from claude_agent_lsp.workspace.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from claude_agent_sdk.types import PermissionUpdate

DETAIL_LENGTH: Final = 500
_FILES: Final = {
    "localSettings": ".claude/settings.local.json",
    "projectSettings": ".claude/settings.json",
    "userSettings": "your settings",
}


def detail_of(
    tool: str, given: Mapping[str, Any], folder: Path, *, diff: str | None, reason: str | None
) -> str:
    """What a tool would do: its command, its file and the change, or all of its input.

    Args:
        tool: The tool's name.
        given: Its input.
        folder: Where the agent works; a path in it is shown as it is there.
        diff: The change, if it is one.
        reason: Why the CLI asks, in its words.
    """
    path = path_in(given)
    parts = []
    if tool == "Bash":
        parts.append(shortened(visible(str(given.get("command", "")), lines=True)))
    elif path is not None:
        parts.append(visible(_place(path, folder)))
        if diff is not None:
            parts.append(shortened(diff))
        elif len(given) > 1:
            parts.append(shortened(_fields({k: v for k, v in given.items() if v != str(path)})))
    else:
        parts.append(shortened(_fields(given)))
    if reason:
        parts.append(shortened(visible(reason)))
    return "\n".join(parts)


def shortened(text: str, limit: int = DETAIL_LENGTH) -> str:
    """A text cut to so many characters, with how many were cut."""
    left_out = len(text) - limit
    return text if left_out <= 0 else f"{text[:limit]}\n… ({left_out} more characters)"


def told(updates: Iterable[PermissionUpdate]) -> str:
    """What some permissions allow, in a few words: "`npm run *`, edits, files in /tmp"."""
    words: list[str] = []
    for update in updates:
        for rule in update.rules or ():
            name = visible(rule.tool_name)
            content = rule.rule_content
            words.append(f"`{visible(content)}`" if content and name == "Bash" else name)
            if content and name != "Bash":
                words[-1] += f"({visible(content)})"
        if update.mode == "acceptEdits":
            words.append("edits")
        elif update.mode:
            words.append(f"the mode {visible(update.mode)}")
        words += [f"files in {visible(directory)}" for directory in update.directories or ()]
    return ", ".join(dict.fromkeys(words))


def kept_in(updates: Iterable[PermissionUpdate]) -> str:
    """Where permissions are written down."""
    return ", ".join(dict.fromkeys(_FILES.get(u.destination or "", "") for u in updates))


def _place(path: Path, folder: Path) -> str:
    if not path.is_absolute():
        return str(path)
    inside = os.path.relpath(path, folder)
    return str(path) if inside.startswith("..") else inside


def _fields(given: Mapping[str, Any]) -> str:
    return "\n".join(f"{visible(k)}: {visible(str(v), lines=True)}" for k, v in given.items())
