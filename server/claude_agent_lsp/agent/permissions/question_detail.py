"""How a question is worded: exactly what would happen, with nothing in it that is hidden.

    tool and its input ──▶ Description ──┬─▶ fields of the Question, each whole
                                         └─▶ its title and its detail, cut where they are long

The text of one call may be as long as a model can write: describe it in a thread.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.events import Action, Grant, Grants
from claude_agent_lsp.agent.permissions.spoof_guard import (
    BACKGROUND,
    DETAIL_LENGTH,
    UNBOXED,
    mark_lookalike_lines,
    truncation_note,
)
from claude_agent_lsp.agent.permissions.tool_titles import path_in
from claude_agent_lsp.base.texts.text import both_ends, one_line
from claude_agent_lsp.base.texts.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from claude_agent_sdk.types import PermissionUpdate

# Longer than any that a system opens.
PATH_LENGTH: Final = 40_000
SUBJECT_LENGTH: Final = 80
_BASH_FIELDS_SHOWN: Final = frozenset({"command", "description", "timeout"})
# Fields of Bash that change what its command does, and the notes on them.
_WAYS: Final = {"run_in_background": BACKGROUND, "dangerouslyDisableSandbox": UNBOXED}
_FILES: Final = {
    "localSettings": ".claude/settings.local.json",
    "projectSettings": ".claude/settings.json",
    "userSettings": "your settings",
}
# The field of a tool's input that says what it is done to, and what is asked with and without it.
_TITLES: Final = {
    "Agent": ("description", "Start a subagent for `{}`?", "Start a subagent?"),
    "Bash": ("command", "Run `{}`?", "Run a command?"),
    "Edit": ("path", "Edit {}?", "Edit a file?"),
    "Glob": ("pattern", "Find files that match `{}`?", "Find files?"),
    "Grep": ("pattern", "Search for `{}`?", "Search in files?"),
    "KillShell": ("", "", "End a background command?"),
    "LS": ("path", "List {}?", "List a folder?"),
    "MultiEdit": ("path", "Edit {}?", "Edit a file?"),
    "NotebookEdit": ("path", "Edit {}?", "Edit a notebook?"),
    "Read": ("path", "Read {}?", "Read a file?"),
    "Skill": ("skill", "Use the skill `{}`?", "Use a skill?"),
    "Task": ("description", "Start a subagent for `{}`?", "Start a subagent?"),
    "WebFetch": ("url", "Fetch `{}`?", "Fetch a web page?"),
    "WebSearch": ("query", "Search the web for `{}`?", "Search the web?"),
    "Write": ("path", "Write {}?", "Write a file?"),
}


@dataclass(frozen=True, slots=True)
class Description:
    """What a tool would do. The attributes are those of a `Question`, none of them cut.

    Others' words are in them as they are shown: with nothing unseen, and with a bar before each
    line of what could be taken for the server's own words.
    """

    action: Action
    notes: tuple[str, ...] = ()
    diff: str | None = None
    reason: str | None = None
    grants: Grants = field(default_factory=Grants)

    @property
    def title(self) -> str:
        """What the user decides, as a question of one line: "Edit cart.py?"."""
        tool, subject = self.action.tool or "", self.action.subject
        _, with_subject, without = _TITLES.get(tool, ("", "Use {}?", f"Use {_short(tool)}?"))
        return with_subject.format(subject) if subject else without

    @property
    def detail(self) -> str:
        """All of it as one text, each part cut where it is long, with how much was cut.

        A command or a path stands first.
        """
        parts = []
        if self.action.command is not None:
            parts.append(shortened(self.action.command))
        elif self.action.path is not None:
            parts.append(shortened(self.action.path, PATH_LENGTH))
        if self.diff is not None:
            # A sign stands before each of its lines.
            parts.append(shortened(self.diff))
        if self.notes:
            parts.append(shortened("\n".join(self.notes)))
        if self.reason is not None:
            parts.append(shortened(self.reason))
        text = "\n".join(parts)
        if self.grants.session:
            text += f"\n\nFor this session: {texts_of(self.grants.session)}"
        if self.grants.always:
            text += f"\nAlways: {texts_of(self.grants.always)}, in {self.grants.saved_in}"
        return text


def describe(
    tool: str,
    tool_input: Mapping[str, Any],
    folder: Path,
    *,
    diff: str | None = None,
    reason: str | None = None,
    grants: Grants | None = None,
) -> Description:
    """Describe what a tool would do: its command, its file and the change, or all of its input.

    Args:
        tool: The tool's name.
        tool_input: Its input.
        folder: Where the agent works; a path in it is shown as it is there.
        diff: The change, if it is one.
        reason: Why the CLI asks, in its words.
        grants: What the answers would allow beyond it.
    """
    path = path_in(tool_input)
    command = description = place = None
    notes: list[str] = []
    others: Mapping[str, Any] = tool_input
    if tool == "Bash":
        command = _shown(str(tool_input.get("command", "")), lines=True)
        description = tool_input.get("description")
        notes += [words for name, words in _WAYS.items() if tool_input.get(name) in (True, "true")]
        others = {
            name: value for name, value in tool_input.items() if not _needs_no_line(name, value)
        }
    elif path is not None:
        place = _shown(_place(path, folder))
        others = {} if diff is not None else {k: v for k, v in tool_input.items() if v != str(path)}
    notes += [_shown(f"{visible(name)}: {value}", lines=True) for name, value in others.items()]
    action = Action(
        subject=_subject(tool, tool_input, folder),
        tool=visible(tool),
        command=command,
        path=place,
        description=_shown(description, lines=True) if isinstance(description, str) else None,
    )
    return Description(
        action, tuple(notes), diff, _shown(reason) if reason else None, grants or Grants()
    )


def grants_of(session: Iterable[PermissionUpdate], always: Iterable[PermissionUpdate]) -> Grants:
    """Return what the answers of a question allow, by the permissions that the CLI suggests.

    Args:
        session: What it may do until the session ends.
        always: What is written down.
    """
    always = list(always)
    files = dict.fromkeys(_FILES.get(update.destination or "", "") for update in always)
    return Grants(
        session=tuple(dict.fromkeys(_grants_in(session))),
        always=tuple(dict.fromkeys(_grants_in(always))),
        saved_in=", ".join(files) or None,
    )


def texts_of(grants: Iterable[Grant]) -> str:
    """Return what is allowed, in a few words: "`npm run *`, all edits, files in /tmp"."""
    return ", ".join(dict.fromkeys(grant.text for grant in grants))


def shortened(text: str, limit: int = DETAIL_LENGTH) -> str:
    """Return a text cut to so many characters, with how many were cut."""
    return text[:limit] + truncation_note(len(text) - limit)


def one_line_of(text: str, limit: int) -> str:
    """Return the start of a text as one line; only what is shown of it is looked at."""
    start = text.lstrip()
    # No character takes less room than itself but a line's end, of which several become one blank.
    cut = start[: 4 * limit]
    line = one_line(cut, limit)
    return line if len(cut) == len(start) or line.endswith("…") else f"{line[: limit - 1]}…"


def _grants_in(updates: Iterable[PermissionUpdate]) -> Iterator[Grant]:
    for update in updates:
        for rule in update.rules or ():
            tool = visible(rule.tool_name)
            content = visible(rule.rule_content) if rule.rule_content else None
            text = tool if content is None else f"{tool}({content})"
            if content is not None and tool == "Bash":
                text = f"`{content}`"
            yield Grant("rule", text, tool=tool, rule=content)
        if update.mode:
            mode = visible(update.mode)
            text = "all edits" if mode == "acceptEdits" else f"the mode {mode}"
            yield Grant("mode", text, mode=mode)
        for directory in map(visible, update.directories or ()):
            yield Grant("directory", f"files in {directory}", directory=directory)


def _needs_no_line(name: str, value: object) -> bool:
    """Return whether a field of Bash needs no line of its own."""
    return name in _BASH_FIELDS_SHOWN or (name in _WAYS and value in (True, "true", False, None))


def _subject(tool: str, tool_input: Mapping[str, Any], folder: Path) -> str:
    """Return what a tool is used on, in one short line; empty if there is no such thing."""
    if tool.startswith("mcp__"):
        server, _, function = tool.removeprefix("mcp__").partition("__")
        return _short(f"{function or server} of {server}")
    name = _TITLES.get(tool, ("",))[0]
    if name == "path":
        path = path_in(tool_input)
        return "" if path is None else both_ends(_place(path, folder), SUBJECT_LENGTH)
    text = str(tool_input.get(name) or "")
    return both_ends(text, SUBJECT_LENGTH) if tool == "Bash" else _short(text)


def _short(text: str) -> str:
    return one_line_of(text, SUBJECT_LENGTH)


def _shown(text: str, *, lines: bool = False) -> str:
    """Return others' words, whole, as the user may be shown them among the server's."""
    return mark_lookalike_lines(visible(text, lines=lines), sys.maxsize)


def _place(path: Path, folder: Path) -> str:
    """Return a path as it is seen from the folder; whole if it leads out of it."""
    inside = os.path.relpath(folder / path, folder)
    outside = inside == os.pardir or inside.startswith(os.pardir + os.sep)
    return os.path.normpath(folder / path) if outside else inside
