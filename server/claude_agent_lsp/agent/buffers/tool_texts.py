"""What Read, Edit and Write make of a text, as the CLI's own tools do (2.1.330).

The agent sees and sends lines that end with LF. In the document, lines keep the ends that they
have, and new ones get those of most others.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import chain, islice, repeat
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.base.texts.line_diff import LineDiff
from claude_agent_lsp.workspace.documents.edits import Edit, edits_between

if TYPE_CHECKING:
    from collections.abc import Mapping

# Without `limit`, no more is read at once, as from the disk.
MOST_READ: Final = 256 * 1024
# The CLI needs the text before an edit for its own terminal alone.
MOST_ORIGINAL: Final = 200_000
CONTEXT_LINES: Final = 3
_ENDS: Final = re.compile(r"\r\n|\r|\n")


class ToolRefusedError(Exception):
    """The tool can't do this; the message is what the agent is told."""


def plain(text: str) -> str:
    """Return a text all of whose lines end with LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def read(path: str, text: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return what Read returns of a text.

    Args:
        path: As the agent has called the file.
        text: The text.
        wanted: The tool's input.

    Raises:
        ToolRefusedError: It is too long to be read at once.
    """
    lines = plain(text).split("\n")
    start = _whole(wanted.get("offset")) or 1
    limit = _whole(wanted.get("limit"))
    part = lines[start - 1 :] if limit is None else lines[start - 1 : start - 1 + limit]
    content = "\n".join(part)
    size = len(content.encode(errors="replace"))
    if size > MOST_READ and limit is None and not wanted.get("allow_large"):
        raise ToolRefusedError(
            f"File content ({size / 1024:.1f}KB) exceeds maximum allowed size (256KB). Use offset "
            "and limit parameters to read specific portions of the file."
        )
    return {
        "type": "text",
        "file": {
            "filePath": path,
            "content": content,
            "numLines": len(part),
            "startLine": start,
            "totalLines": len(lines),
        },
    }


def after(before: str, wanted: Mapping[str, Any]) -> str:
    """Return a text, with lines that end with LF, as Edit or Write makes it.

    Raises:
        ToolRefusedError: See `edited`.
    """
    if wanted.get("tool") == "Edit":
        return edited(before, wanted)
    return plain(str(wanted.get("content", "")))


def edited(text: str, wanted: Mapping[str, Any]) -> str:
    """Return a text, with lines that end with LF, as Edit makes it.

    Raises:
        ToolRefusedError: What is to be replaced isn't there, or several times.
    """
    old, new = plain(str(wanted.get("old_string", ""))), plain(str(wanted.get("new_string", "")))
    if not old:
        if text:
            raise ToolRefusedError("Cannot create new file - file already exists.")
        return new
    count = text.count(old)
    if not count:
        raise ToolRefusedError(
            f"String to replace not found in the editor's text of the file.\nString: {old}"
        )
    if count > 1 and not wanted.get("replace_all"):
        raise ToolRefusedError(
            f"Found {count} matches of the string to replace, but replace_all is false. To replace "
            "all occurrences, set replace_all to true. To replace only one occurrence, please "
            f"provide more context to uniquely identify the instance.\nString: {old}"
        )
    return text.replace(old, new)


def edits_for(text: str, after: str) -> list[Edit]:
    """Return the edits that make a document's text what a tool wants it to be.

    Args:
        text: The document's text, with its own line ends.
        after: The text that is wanted, whose lines end with LF.
    """
    edits = edits_between(plain(text), after)
    if "\r" not in text:
        return edits
    # Where a character stands in `text`: behind the second one of each CRLF before it.
    pairs = [match.start() - number for number, match in enumerate(re.finditer("\r\n", text))]
    end = _most_frequent_end(text)

    def at(offset: int) -> int:
        return offset + bisect_right(pairs, offset - 1)

    return [
        Edit(start, stop, _with_ends(each.new, _ENDS.findall(text, start, stop), end))
        for each in edits
        for start, stop in [(at(each.start), at(each.end))]
    ]


def result_of_edit(path: str, before: str, after: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return what Edit returns."""
    return {
        "filePath": path,
        "oldString": wanted.get("old_string", ""),
        "newString": wanted.get("new_string", ""),
        "originalFile": before if len(before) <= MOST_ORIGINAL else "",
        "structuredPatch": patch_of(before, after),
        "userModified": False,
        "replaceAll": bool(wanted.get("replace_all")),
    }


def result_of_write(path: str, before: str | None, after: str) -> dict[str, Any]:
    """Return what Write returns; `before` is None if there was no file."""
    return {
        "type": "create" if before is None else "update",
        "filePath": path,
        "content": after if len(after) <= MOST_ORIGINAL else "",
        "structuredPatch": [] if before is None else patch_of(before, after),
        "originalFile": before if before is None or len(before) <= MOST_ORIGINAL else "",
    }


def patch_of(before: str, after: str) -> list[dict[str, Any]]:
    """Return the hunks between two texts, as the CLI has them."""
    old, new = before.split("\n"), after.split("\n")
    hunks = []
    for group in LineDiff(old, new).get_grouped_opcodes(CONTEXT_LINES):
        (_, i, _, j, _), (_, _, i_end, _, j_end) = group[0], group[-1]
        lines = []
        for tag, i1, i2, j1, j2 in group:
            sign = " " if tag == "equal" else "-"
            lines += [f"{sign}{line}" for line in old[i1:i2]]
            lines += [] if tag == "equal" else [f"+{line}" for line in new[j1:j2]]
        hunks.append(
            {
                "oldStart": i + 1,
                "oldLines": i_end - i,
                "newStart": j + 1,
                "newLines": j_end - j,
                "lines": lines,
            }
        )
    return hunks


def _with_ends(text: str, ends: list[str], other: str) -> str:
    """Return a text with these line ends, one after the other, and another one behind them."""
    lines = text.split("\n")
    joined = zip(lines, chain(ends, repeat(other)), strict=False)
    return "".join(f"{line}{end}" for line, end in islice(joined, len(lines) - 1)) + lines[-1]


def _most_frequent_end(text: str) -> str:
    pairs = text.count("\r\n")
    counts = {"\r\n": pairs, "\n": text.count("\n") - pairs, "\r": text.count("\r") - pairs}
    return max(counts, key=lambda end: counts[end])


def _whole(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = int(value)
    except (ValueError, OverflowError):
        return None
    return number if number > 0 else None
