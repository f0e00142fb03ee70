"""How a question is worded: exactly what would happen, with nothing in it that is hidden.

    tool and its input ──▶ Description ──┬─▶ fields of the Question, each whole
                                         └─▶ its title and its detail, cut where they are long

The text of one call may be as long as a model can write: describe it in a thread.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.permissions.destinations import PATH_LENGTH
from claude_agent_lsp.agent.permissions.policy.tool_policy import SHELLS
from claude_agent_lsp.agent.permissions.question_title import WAYS, in_order, question_title
from claude_agent_lsp.agent.permissions.spoof_guard import (
    DETAIL_LENGTH,
    mark_lookalike_lines,
    truncation_note,
)
from claude_agent_lsp.agent.question import Action, Grant, Grants
from claude_agent_lsp.base.texts.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from claude_agent_sdk.types import PermissionUpdate

    from claude_agent_lsp.agent.permissions.destinations import Destinations

# What is said of notes and paths at most; cut, they say how much more there is.
NOTES_LENGTH: Final = 4 * DETAIL_LENGTH
_FILES: Final = {
    "localSettings": ".claude/settings.local.json",
    "projectSettings": ".claude/settings.json",
    "userSettings": "your settings",
}
# Fields of a shell that need no line of their own.
_SHELL_FIELDS_SHOWN: Final = frozenset({"command", "description", "timeout", "timeout_ms"})


@dataclass(frozen=True, slots=True)
class Description:
    """What a tool would do. The attributes are those of a `Question`, none of them cut.

    Others' words are in them as they are shown: with nothing unseen, and with a bar before each
    line of what could be taken for the server's own words.
    """

    title: str
    title_says_all: bool
    action: Action
    notes: tuple[str, ...] = ()
    diff: str | None = None
    reason: str | None = None
    grants: Grants = field(default_factory=Grants)

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
            parts.append(_notes_shortened(self.notes))
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
    where: Destinations,
    *,
    diff: str | None = None,
    reason: str | None = None,
    grants: Grants | None = None,
) -> Description:
    """Describe what a tool would do: its command, its file and the change, or all of its input.

    Args:
        tool: The tool's name.
        tool_input: Its input.
        where: Where paths lead; one in the agent's folder is shown as it is there.
        diff: The change, if it is one.
        reason: Why the CLI asks, in its words.
        grants: What the answers would allow beyond it.
    """
    title = question_title(tool, tool_input, where, reason)
    command = description = place = None
    notes: list[str] = []
    others = dict(in_order(tool_input))
    if tool in SHELLS and (title.script or tool == "Bash"):
        command = _shown(str(tool_input.get("command", "")), lines=True)
        description = tool_input.get("description")
        notes += [words for name, words in WAYS.items() if tool_input.get(name) in (True, "true")]
        others = {name: value for name, value in others.items() if not _needs_no_line(name, value)}
    elif title.script:
        command = _shown(str(others.pop(title.script)), lines=True)
    elif title.path is not None:
        place = _shown(where.shown(title.path))
        remark = where.remark(title.path)
        notes += [remark] if remark else []
        named = str(title.path)
        others = {} if diff is not None else {k: v for k, v in others.items() if v != named}
    notes += [_shown(f"{visible(name)}: {value}", lines=True) for name, value in others.items()]
    action = Action(
        subject=title.subject,
        tool=visible(tool),
        command=command,
        path=place,
        description=_shown(description, lines=True) if isinstance(description, str) else None,
    )
    return Description(
        title.words,
        title.says_all,
        action,
        tuple(notes),
        diff,
        _shown(reason) if reason else None,
        grants or Grants(),
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
    """Return whether a field of a shell needs no line of its own."""
    return name in _SHELL_FIELDS_SHOWN or (name in WAYS and value in (True, "true", False, None))


def _notes_shortened(notes: Sequence[str]) -> str:
    """Return notes cut to the room for them; none that is long takes that of the others."""
    room, limit = DETAIL_LENGTH, 0
    for left, length in zip(range(len(notes), 0, -1), sorted(map(len, notes)), strict=True):
        limit = min(length, room // left)
        room -= limit
    return shortened("\n".join(shortened(note, limit) for note in notes), NOTES_LENGTH)


def _shown(text: str, *, lines: bool = False) -> str:
    """Return others' words, whole, as the user may be shown them among the server's."""
    return mark_lookalike_lines(visible(text, lines=lines), sys.maxsize)
