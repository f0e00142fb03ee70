"""What tools have put out, as it is shown: as much of it as anybody reads, and whole where asked.

What is shown of a result, live or later, is its first characters. All of it stands in the
transcript, and is read from there in pages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

# Characters of a result that are shown with its call.
RESULT_LENGTH: Final = 4_000
# Characters of one that are read at a time, at most.
MOST_CHARACTERS: Final = 2**20
# What moves a terminal's cursor, colours it, or names its window.
_SEQUENCES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")
# What the CLI puts around a whole result, for the model alone (CLI 2.1.332).
_MARKED: Final = re.compile(r"\s*<(tool_use_error|persisted-output)>(.*)</\1>\s*", re.DOTALL)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)")


@dataclass(frozen=True, slots=True)
class ShownResult:
    """As much of a result as is shown.

    Attributes:
        truncated: True if it is not all, else None.
        length: How many characters all of it has, then.
    """

    text: str
    truncated: bool | None = None
    length: int | None = None


@dataclass(frozen=True, slots=True)
class ResultPage:
    """A part of a result.

    Attributes:
        offset: Where it begins, in characters.
        length: How many all of it has.
        next_cursor: For the part that follows, if one does.
    """

    tool_call_id: str
    status: str | None
    text: str
    offset: int
    length: int
    next_cursor: str | None = None


def plain(text: str) -> str:
    """Return a text without control characters, which are nothing to be read."""
    return _CONTROLS.sub("", text)


def text_of_result(content: Any) -> str:
    """Return a tool's result as a text, all of it; what is no text in it is left out."""
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict)]
        texts = (part.get("text") for part in parts if part.get("type") == "text")
        content = "\n".join(text for text in texts if isinstance(text, str))
    if not isinstance(content, str):
        return ""
    marked = _MARKED.fullmatch(content)
    if marked is not None:
        content = marked[2].strip("\n")
    return plain(_SEQUENCES.sub("", content))


def shown_result(content: Any) -> ShownResult:
    """Return what is shown of a tool's result."""
    text = text_of_result(content)
    if len(text) <= RESULT_LENGTH:
        return ShownResult(text)
    return ShownResult(text[:RESULT_LENGTH], truncated=True, length=len(text))
