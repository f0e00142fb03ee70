"""What an edit would make of a file, as a unified diff.

before_of: the file, in its folder's lane ──▶ diff_of: the comparison, where long texts are
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.permissions.tool_titles import path_in
from claude_agent_lsp.base.disk.reading import read_text
from claude_agent_lsp.base.texts.line_diff import LineDiff
from claude_agent_lsp.base.texts.text import more_characters
from claude_agent_lsp.base.texts.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

CONTEXT_LINES: Final = 3
EDITS: Final = ("Edit", "Write")
# Of a larger file only the changed part itself is shown.
MOST_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Before:
    """What a file holds before an edit.

    Attributes:
        content: Its text; None if there is no such file.
        why: Why it can't be compared, if there is something that can't.
    """

    content: str | None = None
    why: str | None = None


def before_of(tool: str, tool_input: Mapping[str, Any], folder: Path) -> Before:
    """Read the file that an Edit or a Write would change. It touches the disk.

    Args:
        tool: The tool's name.
        tool_input: Its input.
        folder: What a relative path in it is relative to.
    """
    path = path_in(tool_input)
    if path is None or tool not in EDITS:
        return Before()
    try:
        return Before(_content_of(folder / path))
    except _NotComparedError as why:
        return Before(why=str(why))


def shown_before(text: str) -> Before:
    """Return what the editor has of a file before an edit."""
    return Before(text) if len(text) <= MOST_BYTES else Before(why=f"{len(text)} characters")


class _NotComparedError(Exception):
    """There is a file, or something else, that can't be compared; the message says why."""


def diff_of(tool: str, tool_input: Mapping[str, Any], before_it: Before) -> str | None:
    """Return the diff of an Edit or a Write.

    Args:
        tool: The tool's name.
        tool_input: Its input.
        before_it: What the file holds.

    Returns:
        A unified diff in which nothing is hidden, or None if it is no change that can be shown:
        another tool, or a part of a file that isn't there. Where a Write replaces what can't be
        compared, one removed line says so and stands for all of it.
    """
    path = path_in(tool_input)
    if path is None or tool not in EDITS:
        return None
    name = visible(str(path))
    write, content = tool == "Write", str(tool_input.get("content", ""))
    before, why = before_it.content, before_it.why
    if write and before is not None and len(content) > MOST_BYTES:
        why = f"{len(before)} characters"
    if why is not None and write:
        return _replacing(name, why, content)
    after = content if write else _edited(before or "", tool_input)
    if after is None:
        before, after = str(tool_input.get("old_string", "")), str(tool_input.get("new_string", ""))
    if len(before or "") > MOST_BYTES or len(after) > MOST_BYTES:
        return None
    body = "\n".join(_unified(_lines(before or ""), _lines(after)))
    old_name = "/dev/null" if before is None else name
    return f"--- {old_name}\n+++ {name}\n{body}" if body else None


def _edited(content: str, tool_input: Mapping[str, Any]) -> str | None:
    """Return a file after an Edit; None where it is not known, or too large."""
    old, new = str(tool_input.get("old_string", "")), str(tool_input.get("new_string", ""))
    if not old or old not in content:
        return None
    after = content.replace(old, new, -1 if tool_input.get("replace_all") else 1)
    return after if len(after) <= MOST_BYTES else None


def _replacing(name: str, what: str, content: str) -> str:
    """Return the diff of a file of which only so much is known."""
    added = list(_signed("+", _lines(content[:MOST_BYTES])))
    if (cut := len(content) - MOST_BYTES) > 0:
        added.append(f"+{more_characters(cut)}")
    hunk = f"@@ -1 +{_range(0, len(added))} @@"
    return "\n".join([f"--- {name}", f"+++ {name}", hunk, f"-… (the whole file: {what})", *added])


def _content_of(path: Path) -> str | None:
    """Return a text file's content; None if there is nothing.

    Raises:
        _NotComparedError: There is something that can't be compared.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise _NotComparedError("not a regular file")
        if status.st_size > MOST_BYTES:
            raise _NotComparedError(f"{status.st_size} bytes")
        return read_text(path, "surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise _NotComparedError("unreadable") from error


def _lines(text: str) -> list[str]:
    # Not splitlines(): a form feed, say, ends no line of a source file.
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


def _unified(before: list[str], after: list[str]) -> Iterator[str]:
    """Return the hunks of a unified diff."""
    for hunk in LineDiff(before, after).get_grouped_opcodes(CONTEXT_LINES):
        (_, i, _, j, _), (_, _, i_end, _, j_end) = hunk[0], hunk[-1]
        yield f"@@ -{_range(i, i_end - i)} +{_range(j, j_end - j)} @@"
        for tag, i1, i2, j1, j2 in hunk:
            yield from _signed(" " if tag == "equal" else "-", before[i1:i2])
            yield from () if tag == "equal" else _signed("+", after[j1:j2])


def unified(before: str, after: str) -> Iterator[str]:
    """Return the hunks of the unified diff of two texts, in which nothing is hidden."""
    return _unified(_lines(before), _lines(after))


def _range(start: int, count: int) -> str:
    """Return lines from an index on, as a hunk's head counts them."""
    if count == 1:
        return str(start + 1)
    return f"{start + 1 if count else start},{count}"


def _signed(sign: str, lines: Iterable[str]) -> Iterator[str]:
    return (f"{sign}{visible(line, lines=True)}" for line in lines)
