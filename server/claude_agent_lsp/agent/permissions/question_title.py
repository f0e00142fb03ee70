"""What the user decides, as a question of one line: "Edit cart.py?".

    tool and its input ──▶ Title ──┬─▶ its words, and what the tool is used on
                                   └─▶ whether that is all that would be done

Some users see no more of a question than this line. So it says what the tool does, and not what the
agent says about that; and it knows whether something is left out.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.permissions.policy.tool_policy import SHELLS, rule_on
from claude_agent_lsp.agent.permissions.session_grants import NO_REASONS
from claude_agent_lsp.agent.permissions.spoof_guard import BACKGROUND, UNBOXED
from claude_agent_lsp.agent.permissions.tool_titles import PATH_FIELDS, path_in, paths_in
from claude_agent_lsp.base.texts.text import both_ends, one_line
from claude_agent_lsp.base.texts.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from claude_agent_lsp.agent.permissions.destinations import Destinations

SUBJECT_LENGTH: Final = 80
# Of what stands beside the subject: to whom, when, where.
_ASIDE_LENGTH: Final = 60
# Fields of a shell that change what its command does, and the notes on them.
WAYS: Final = {"run_in_background": BACKGROUND, "dangerouslyDisableSandbox": UNBOXED}
# The field of a tool's input that says what it is used on, and what is asked: the first question
# whose fields are all there.
_ASKED: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "Agent": ("prompt", ("Start a subagent with `{prompt}`?", "Start a subagent?")),
    "Bash": ("command", ("Run `{command}`?", "Run a command?")),
    "CronCreate": ("prompt", ("At `{cron}` prompt the agent with `{prompt}`?",)),
    "Edit": ("file_path", ("Edit {file_path}?", "Edit a file?")),
    "Glob": (
        "pattern",
        (
            "Find files that match `{pattern}` in {path}?",
            "Find files that match `{pattern}`?",
            "Find files?",
        ),
    ),
    "Grep": (
        "pattern",
        ("Search for `{pattern}` in {path}?", "Search for `{pattern}`?", "Search in files?"),
    ),
    "KillShell": ("", ("End a background command?",)),
    "LS": ("path", ("List {path}?", "List a folder?")),
    "Monitor": ("command", ("Run `{command}` and watch it?", "Watch `{ws}`?", "Run a command?")),
    "MultiEdit": ("file_path", ("Edit {file_path}?", "Edit a file?")),
    "NotebookEdit": ("notebook_path", ("Edit {notebook_path}?", "Edit a notebook?")),
    "Read": ("file_path", ("Read {file_path}?", "Read a file?")),
    "ScheduleWakeup": (
        "prompt",
        ("In {delaySeconds} seconds prompt the agent with `{prompt}`?",),
    ),
    "SendMessage": ("message", ("Send `{to}` the message `{message}`?",)),
    "Skill": (
        "skill",
        ("Use the skill `{skill}` with `{args}`?", "Use the skill `{skill}`?", "Use a skill?"),
    ),
    "Task": ("prompt", ("Start a subagent with `{prompt}`?", "Start a subagent?")),
    "WebFetch": ("url", ("Fetch `{url}`?", "Fetch a web page?")),
    "WebSearch": ("query", ("Search the web for `{query}`?", "Search the web?")),
    "Workflow": (
        "script",
        (
            "Run the script {scriptPath}?",
            "Run the script `{script}`?",
            "Run the workflow `{name}`?",
            "Run a workflow?",
        ),
    ),
    "Write": ("file_path", ("Write {file_path}?", "Write a file?")),
    "mcp__editor__rename_symbol": (
        "symbol",
        ("Rename `{symbol}` of {path} to `{new_name}` wherever it is used?",),
    ),
}
# Of these the start is shown: an address begins with its host.
_BY_THE_START: Final = frozenset({"pattern", "query", "skill", "url"})
# The tools of which the line says enough whatever else they are given: they read, or end
# something, or make a change that has a diff.
_ENOUGH: Final = frozenset(
    {
        *("Edit", "Glob", "Grep", "KillShell", "LS", "MultiEdit", "NotebookEdit", "Read"),
        *("WebSearch", "Write"),
    }
)
# Fields that change nothing in what is done to others.
_NOT_DONE: Final[Mapping[str, frozenset[str]]] = {
    "Agent": frozenset({"description", "subagent_type", "model", "effort", "run_in_background"}),
    "Bash": frozenset({"description", "timeout"}),
    "CronCreate": frozenset({"recurring"}),
    "Monitor": frozenset({"description", "timeout_ms"}),
    "ScheduleWakeup": frozenset({"reason", "noop"}),
    "SendMessage": frozenset({"summary", "recipient_kind"}),
    "Task": frozenset({"description", "subagent_type", "model", "effort", "run_in_background"}),
    "WebFetch": frozenset({"prompt", "offset"}),
    "Workflow": frozenset({"title", "description"}),
    "mcp__editor__rename_symbol": frozenset({"line"}),
}
# Values that say nothing; the last one is the type of each message that the CLI sends.
_NOT_SET: Final = (None, False, "message")
# The CLI says that it did not look into a command, of which the line shows all.
_UNCHECKED: Final = re.compile(r"[\w -]+ in this command can't be checked before it runs\.?")


@dataclass(frozen=True, slots=True)
class Title:
    """What the user decides, in one line.

    Attributes:
        words: A whole sentence.
        subject: What the tool is used on; empty if there is no such thing.
        says_all: Whether nothing is done that the words don't say.
        script: Of a tool that runs what stands in its input: the field that it stands in.
        path: The file or folder that the tool is used on.
    """

    words: str
    subject: str
    says_all: bool
    script: str | None = None
    path: Path | None = None


def question_title(
    tool: str, tool_input: Mapping[str, Any], where: Destinations, reason: str | None = None
) -> Title:
    """Word what a tool would do.

    Args:
        tool: Its name.
        tool_input: Its input.
        where: Where its paths lead.
        reason: Why the CLI asks. One that may tell more of what is done has to be seen, too.
    """
    if tool not in _ASKED:
        return _of_any_tool(tool, tool_input, where, reason)
    subject_field, questions = _ASKED[tool]
    asked = next((q for q in questions if all(_is_given(tool_input, f) for f in _fields(q))), None)
    if asked is None:
        return _of_any_tool(tool, tool_input, where, reason)
    fields = _fields(asked)
    if subject_field not in fields:
        subject_field = fields[0] if fields else ""
    parts = {
        field: _part(tool_input, field, where, aside=field != subject_field) for field in fields
    }
    words = asked.format_map({field: part.text for field, part in parts.items()})
    if tool in SHELLS:
        ways = [f" {WAYS[way][0].lower()}{WAYS[way][1:]}" for way in _ways_in(tool_input)]
        words = f"{words[:-1]}{''.join(ways)}?"
    says_all = asked == questions[0] if not fields else all(part.whole for part in parts.values())
    if tool not in _ENOUGH:
        said = (
            *fields,
            *_NOT_DONE.get(tool, ()),
            *(_ways_in(tool_input) if tool in SHELLS else ()),
        )
        values = (*_NOT_SET, *(tool_input[field] for field in fields))
        rest = (value for field, value in tool_input.items() if field not in said)
        says_all &= all(value in values for value in rest)
        says_all &= _is_usual(tool, tool_input, reason, os.fspath(where.folder))
    subject = parts[subject_field].text if subject_field else ""
    script = next((field for field in ("command", "script") if field in fields), None)
    path = path_in({field: tool_input[field] for field in fields if field in PATH_FIELDS})
    return Title(words, subject, says_all, script, path)


def in_order(tool_input: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Return the fields of an input; what the agent says about a call stands last."""
    return sorted(tool_input.items(), key=lambda field: field[0] == "description")


def one_line_of(text: str, limit: int) -> str:
    """Return the start of a text as one line; only what is shown of it is looked at."""
    start = text.lstrip()
    # No character takes less room than itself but a line's end, of which several become one blank.
    cut = start[: 4 * limit]
    line = one_line(cut, limit)
    return line if len(cut) == len(start) or line.endswith("…") else f"{line[: limit - 1]}…"


@dataclass(frozen=True, slots=True)
class _Part:
    text: str
    whole: bool


def _of_any_tool(
    tool: str, tool_input: Mapping[str, Any], where: Destinations, reason: str | None
) -> Title:
    """Word what a tool would do of which only its name and its input are known."""
    name = tool
    if tool.startswith("mcp__"):
        server, _, function = tool.removeprefix("mcp__").partition("__")
        name = f"{function or server} of {server}"
    called = _in_line(visible(name), _ASIDE_LENGTH, one_line_of)
    given = ", ".join(f"{field}: {_text(value)}" for field, value in in_order(tool_input))
    # Line ends are spelled out: what is in one field must not look like another one.
    with_it = _in_line(visible(given), SUBJECT_LENGTH)
    paths = paths_in(tool_input)
    says_all = called.whole and (with_it.whole or not tool_input)
    says_all &= all(where.remark(path) is None for path in paths)
    says_all &= _is_usual(tool, tool_input, reason, os.fspath(where.folder))
    words = f"Use {called.text} with `{with_it.text}`?" if tool_input else f"Use {called.text}?"
    if name != tool:
        subject = called.text if not tool_input else f"{called.text} with `{with_it.text}`"
        return Title(words, subject, says_all, path=path_in(tool_input))
    return Title(words, with_it.text, says_all, path=path_in(tool_input))


def _part(tool_input: Mapping[str, Any], field: str, where: Destinations, *, aside: bool) -> _Part:
    limit = _ASIDE_LENGTH if aside else SUBJECT_LENGTH
    if field in PATH_FIELDS:
        path = path_in({field: tool_input[field]})
        assert path is not None
        place = _in_line(visible(where.shown(path)), limit)
        return _Part(place.text, place.whole and where.of(path) is not None)
    cut = one_line_of if field in _BY_THE_START else both_ends
    return _in_line(_text(tool_input[field]), limit, cut)


def _in_line(text: str, limit: int, cut: Callable[[str, int], str] = both_ends) -> _Part:
    """Put a text in one line; it is whole if nothing is cut and it was one line before."""
    line, text = cut(text, limit), text.strip()
    # Where lines were joined, the two are not the same either.
    whole = 0 < len(text) <= limit and line == visible(text.replace("\t", " "))
    return _Part(line, whole)


def _fields(question: str) -> tuple[str, ...]:
    return tuple(field for _, field, _, _ in Formatter().parse(question) if field is not None)


def _is_given(tool_input: Mapping[str, Any], field: str) -> bool:
    if field in PATH_FIELDS:
        return path_in({field: tool_input.get(field)}) is not None
    value = tool_input.get(field)
    return value is not None and bool(_text(value).strip())


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _ways_in(tool_input: Mapping[str, Any]) -> list[str]:
    """Return the fields of a shell that say how else than usual its command is run."""
    return [name for name in WAYS if tool_input.get(name) in (True, "true")]


def _is_usual(tool: str, tool_input: Mapping[str, Any], reason: str | None, folder: str) -> bool:
    """Return whether the CLI's reason to ask tells nothing of what is done.

    One that does is, for instance, that a name in a command is a link, or a hook's words.
    """
    if reason in NO_REASONS or _UNCHECKED.fullmatch(reason or ""):
        return True
    rulings = (
        rule_on(tool, tool_input, trusted=trusted, folder=folder) for trusted in (True, False)
    )
    return any(ruling is not None and ruling.reason == reason for ruling in rulings)
