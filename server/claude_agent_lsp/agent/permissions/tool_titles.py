"""What a tool call is about, in the user's words: its title and the places it touches."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.events import Location
from claude_agent_lsp.base.visible import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

TITLE_LENGTH = 100
# What a tool does, and the field of its input that says to what.
_TITLES: Final = {
    "Agent": ("Delegating", "description"),
    "AskUserQuestion": ("Asking you", ""),
    "Bash": ("Running", "command"),
    "Edit": ("Editing", "path"),
    "ExitPlanMode": ("Proposing a plan", ""),
    "Glob": ("Looking for", "pattern"),
    "Grep": ("Searching for", "pattern"),
    "MultiEdit": ("Editing", "path"),
    "NotebookEdit": ("Editing", "path"),
    "Read": ("Reading", "path"),
    "Task": ("Delegating", "description"),
    "TodoWrite": ("Planning", ""),
    "WebFetch": ("Fetching", "url"),
    "WebSearch": ("Searching the web for", "query"),
    "Write": ("Writing", "path"),
}
PATH_FIELDS = ("file_path", "notebook_path", "path")
_LINE_ENDS = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")


def title_of(tool: str, given: Mapping[str, Any]) -> str:
    """A short line in the present tense, such as "Reading server.py".

    Nothing of the input is hidden in it but what is cut: also its line ends are spelled out.
    """
    if tool.startswith("mcp__"):
        server, _, function = tool.removeprefix("mcp__").partition("__")
        return one_line(visible(f"Using {function or server} of {server}"), TITLE_LENGTH)
    verb, field = _TITLES.get(tool, (f"Using {tool}", ""))
    if not field:
        title = verb
    elif field == "path":
        path = path_in(given)
        title = f"{verb} {path.name if path is not None else 'a file'}"
    else:
        title = f"{verb} `{one_line(visible(str(given.get(field) or '')), TITLE_LENGTH // 2)}`"
    return one_line(visible(title), TITLE_LENGTH)


def locations_of(given: Mapping[str, Any], folder: Path) -> tuple[Location, ...]:
    """The file that a tool call's input names, with its lines where it names them."""
    path = path_in(given)
    if path is None:
        return ()
    first = given.get("offset")
    count = given.get("limit")
    if not isinstance(first, int) or first < 1:
        return (Location(folder / path),)
    last = first - 1 + count if isinstance(count, int) and count > 0 else None
    return (Location(folder / path, first - 1, last),)


def path_in(given: Mapping[str, Any]) -> Path | None:
    """The path that a tool call's input names."""
    for field in PATH_FIELDS:
        value = given.get(field)
        if isinstance(value, str) and value and "\0" not in value and _is_unicode(value):
            return Path(value)
    return None


def _is_unicode(text: str) -> bool:
    """Whether it has no lone surrogate, which no file's name and no message can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def one_line(text: str, limit: int) -> str:
    """`text` as one line of at most `limit` characters, with nothing in it that can't be seen."""
    line = visible(_LINE_ENDS.sub(" ", text.strip()).replace("\t", " "))
    return line if len(line) <= limit else line[: limit - 1] + "…"
