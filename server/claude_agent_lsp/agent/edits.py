"""What an edit would make of a file, as a unified diff. Reads the file: call it in a thread."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.titles import path_in
from claude_agent_lsp.workspace.visible import visible

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONTEXT_LINES: Final = 3
# Comparing takes its time: of a larger file only the changed part itself is shown.
MOST_BYTES: Final = 1_000_000


def diff_of(tool: str, given: Mapping[str, Any], folder: Path) -> str | None:
    """The diff of an Edit or a Write.

    Args:
        tool: The tool's name.
        given: Its input.
        folder: What a relative path in it is relative to.

    Returns:
        A unified diff in which nothing is hidden, or None if it is no change that can be shown:
        another tool, or a part of a file that isn't there.
    """
    path = path_in(given)
    if path is None or tool not in ("Edit", "Write"):
        return None
    before = _content_of(folder / path)
    if tool == "Write":
        after = str(given.get("content", ""))
    else:
        old, new = str(given.get("old_string", "")), str(given.get("new_string", ""))
        if old and old in (before or ""):
            after = (before or "").replace(old, new, -1 if given.get("replace_all") else 1)
        else:
            before, after = old, new
    if len(before or "") + len(after) > MOST_BYTES:
        return None
    name = visible(str(path))
    lines = difflib.unified_diff(
        _lines(before or ""),
        _lines(after),
        name if before is not None else "/dev/null",
        name,
        n=CONTEXT_LINES,
        lineterm="",
    )
    return "\n".join(lines) or None


def _content_of(path: Path) -> str | None:
    """A text file's content; None if there is none that could be compared."""
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            return None
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except (OSError, ValueError):
        return None


def _lines(text: str) -> list[str]:
    """Its lines, each with nothing hidden in it."""
    # Not splitlines(): a form feed, say, ends no line of a source file.
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    return [visible(line, lines=True) for line in lines]
