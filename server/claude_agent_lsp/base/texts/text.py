"""Texts that are shown in less room than they take: cut first, then cleaned.

What somebody wrote may be as long as a model can write. Here it costs what is shown of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from claude_agent_lsp.base.texts.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable

_LINE_ENDS = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")


def beginning(text: str, limit: int, clean: Callable[[str], str]) -> str:
    """Clean only as much of a text as is shown of it.

    Args:
        text: The whole text.
        limit: How many characters are shown.
        clean: Makes of a text's beginning the beginning of what it makes of the text.

    Returns:
        `clean(text)`, or more than `limit` characters of its beginning.
    """
    end = limit + 1
    while True:
        cleaned = clean(text[:end])
        if len(cleaned) > limit or end >= len(text):
            return cleaned
        end *= 2


def ellipsis(text: str, limit: int) -> str:
    """Cut a text to `limit` characters, the last of which shows that it was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def one_line(text: str, limit: int) -> str:
    """Put the beginning of a text in one line, with nothing in it that can't be seen.

    Args:
        text: The text, of any length.
        limit: At most so many characters are returned.
    """
    return ellipsis(beginning(text.strip(), limit, _in_one_line), limit)


def both_ends(text: str, limit: int) -> str:
    """Put a text in one line that has its beginning and its end: what it does may stand in either.

    Args:
        text: The text, of any length.
        limit: At most so many characters are returned. A text that is cut has an ellipsis for what
            is left out, with twice as much behind it as before it.
    """
    text = text.strip()
    if len(text) <= limit * 2 and len(line := _in_one_line(text)) <= limit:
        return line
    before = (limit - 1) // 3
    after = limit - 1 - before
    return f"{_in_one_line(text[:limit])[:before]}…{_in_one_line(text[-limit:])[-after:]}"


def cut(text: str, limit: int, gap: str = "\n") -> str:
    """Cut a text to `limit` characters and say how many more there are, behind a gap."""
    more = len(text) - limit
    return text if more <= 0 else f"{text[:limit]}{gap}{more_characters(more)}"


def more_characters(count: int) -> str:
    """Return what stands in the place of so many characters."""
    return f"… ({count} more characters)"


def _in_one_line(text: str) -> str:
    return visible(_LINE_ENDS.sub(" ", text).replace("\t", " "))
