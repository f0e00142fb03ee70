"""What a tool call is about, in the user's words: its title and the places it touches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.events import Location
from claude_agent_lsp.base.texts.text import beginning, ellipsis
from claude_agent_lsp.base.texts.visible import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

TITLE_LENGTH = 100
# What a tool does, and the field of its input that says to what.
_TITLES: Final = {
    "Agent": ("Delegating", "description"),
    "AskUserQuestion": ("Asking you", ""),
    "Bash": ("Running", "command"),
    "CronCreate": ("Ordering for later", "prompt"),
    "Edit": ("Editing", "path"),
    "ExitPlanMode": ("Proposing a plan", ""),
    "Glob": ("Looking for", "pattern"),
    "Grep": ("Searching for", "pattern"),
    "Monitor": ("Running", "command"),
    "MultiEdit": ("Editing", "path"),
    "NotebookEdit": ("Editing", "path"),
    "Read": ("Reading", "path"),
    "ScheduleWakeup": ("Ordering for later", "prompt"),
    "SendMessage": ("Sending", "message"),
    "Task": ("Delegating", "description"),
    "TodoWrite": ("Planning", ""),
    "WebFetch": ("Fetching", "url"),
    "WebSearch": ("Searching the web for", "query"),
    "Workflow": ("Running", "script"),
    "Write": ("Writing", "path"),
}
PATH_FIELDS = ("file_path", "notebook_path", "path", "scriptPath")


def title_of(tool: str, tool_input: Mapping[str, Any]) -> str:
    """Return a short line in the present tense, such as "Reading server.py".

    Nothing of the input is hidden in it but what is cut: also its line ends are spelled out.
    """
    if tool.startswith("mcp__"):
        server, _, function = tool.removeprefix("mcp__").partition("__")
        return _shown(f"Using {function or server} of {server}", TITLE_LENGTH)
    verb, field = _TITLES.get(tool, (f"Using {tool}", ""))
    if not field:
        title = verb
    elif field == "path":
        path = path_in(tool_input)
        title = f"{verb} {path.name if path is not None else 'a file'}"
    else:
        title = f"{verb} `{_shown(str(tool_input.get(field) or ''), TITLE_LENGTH // 2)}`"
    return _shown(title, TITLE_LENGTH)


def locations_of(tool_input: Mapping[str, Any], folder: Path) -> tuple[Location, ...]:
    """Return the file that a tool call's input names, with its lines where it names them."""
    path = path_in(tool_input)
    if path is None:
        return ()
    first = tool_input.get("offset")
    count = tool_input.get("limit")
    if not isinstance(first, int) or first < 1:
        return (Location(folder / path),)
    last = first - 1 + count if isinstance(count, int) and count > 0 else None
    return (Location(folder / path, first - 1, last),)


def path_in(tool_input: Mapping[str, Any]) -> Path | None:
    """Return the path that a tool call's input names; of several, the first."""
    return next(iter(paths_in(tool_input)), None)


def paths_in(tool_input: Mapping[str, Any]) -> list[Path]:
    """Return all paths that a tool call's input names."""
    values = (tool_input.get(field) for field in PATH_FIELDS)
    return [
        Path(value)
        for value in values
        if isinstance(value, str) and value and "\0" not in value and _is_unicode(value)
    ]


def _is_unicode(text: str) -> bool:
    """Return whether it has no lone surrogate, which no file's name and no message can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(text: str, limit: int) -> str:
    return ellipsis(beginning(text, limit, lambda part: visible(part).strip()), limit)
