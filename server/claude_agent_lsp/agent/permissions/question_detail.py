"""How a question is worded: exactly what would happen, with nothing in it that is hidden."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.permissions.spoof_guard import (
    BACKGROUND,
    DETAIL_LENGTH,
    UNBOXED,
    set_apart,
    what_is_cut,
)
from claude_agent_lsp.agent.permissions.tool_titles import path_in
from claude_agent_lsp.base.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from claude_agent_sdk.types import PermissionUpdate

# Longer than any that a system opens.
PATH_LENGTH: Final = 40_000
_SHOWN_OF_BASH: Final = frozenset({"command", "description", "timeout"})
# Fields of Bash that change what its command does, and what is said of them.
_WAYS: Final = {"run_in_background": BACKGROUND, "dangerouslyDisableSandbox": UNBOXED}
_FILES: Final = {
    "localSettings": ".claude/settings.local.json",
    "projectSettings": ".claude/settings.json",
    "userSettings": "your settings",
}


def detail_of(
    tool: str, given: Mapping[str, Any], folder: Path, *, diff: str | None, reason: str | None
) -> str:
    """What a tool would do, and why the CLI asks.

    Args:
        tool: The tool's name.
        given: Its input.
        folder: Where the agent works; a path in it is shown as it is there.
        diff: The change, if it is one.
        reason: In the words of the CLI.
    """
    deed = deed_of(tool, given, folder, diff=diff)
    return f"{deed}\n{set_apart(visible(reason))}" if reason else deed


def deed_of(tool: str, given: Mapping[str, Any], folder: Path, *, diff: str | None) -> str:
    """What a tool would do: its command, its file and the change, or all of its input.

    A command stands first and as it is, unless it has lines that look like the server's.
    """
    path = path_in(given)
    if tool == "Bash":
        parts = [set_apart(visible(str(given.get("command", "")), lines=True))]
        others = {name: value for name, value in given.items() if name not in _SHOWN_OF_BASH}
        for name, words in _WAYS.items():
            if others.get(name) in (True, "true"):
                parts.append(words)
                del others[name]
        others = {k: v for k, v in others.items() if k not in _WAYS or v not in (False, None)}
        if others:
            parts.append(set_apart(_fields(others)))
    elif path is not None:
        parts = [set_apart(visible(_place(path, folder)), PATH_LENGTH)]
        if diff is not None:
            # A sign stands before each of its lines.
            parts.append(shortened(diff))
        elif len(given) > 1:
            parts.append(set_apart(_fields({k: v for k, v in given.items() if v != str(path)})))
    else:
        parts = [set_apart(_fields(given))]
    return "\n".join(parts)


def shortened(text: str, limit: int = DETAIL_LENGTH) -> str:
    """A text cut to so many characters, with how many were cut."""
    return text[:limit] + what_is_cut(len(text) - limit)


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
