"""Places in a text, as LSP counts them: lines, and units of an encoding in the line.

A line ends with LF, CRLF or CR, and with nothing else: a form feed is a character of a line, which
`str.splitlines` does not know.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Final

_LONE_RETURN: Final = re.compile(r"\r(?!\n)")
_END: Final = re.compile(r"\r\n|\n|\r")
_BLOCK: Final = 4096  # characters


class PositionEncoding(StrEnum):
    """In which units characters are counted in a line, as LSP names them."""

    UTF_8 = "utf-8"
    UTF_16 = "utf-16"
    UTF_32 = "utf-32"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a document; both from 0, `character` in the units agreed with the editor."""

    line: int
    character: int


@dataclass(frozen=True, slots=True)
class Range:
    """A piece of a document, without the character at its end."""

    start: Position
    end: Position


def offset_of(text: str, position: Position, encoding: PositionEncoding) -> int:
    """Return how many characters of a text stand before a position.

    What lies behind the end of a line, or of the text, is its end, as LSP has it.
    """
    start = _line_start(text, position.line)
    if start is None:
        return len(text)
    end = _END.search(text, start)
    line = text[start : len(text) if end is None else end.start()]
    return start + _characters_in(line, position.character, encoding)


def position_of(text: str, offset: int, encoding: PositionEncoding) -> Position:
    """Return the position behind so many characters of a text.

    Args:
        text: The text.
        offset: How many; not between the two of a CRLF.
        encoding: In which units characters are counted.
    """
    start = max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
    line = text.count("\n", 0, start)
    if "\r" in text:
        line += len(_LONE_RETURN.findall(text, 0, start))
    return Position(line, units_in(text[start:offset], encoding))


def text_in(text: str, place: Range, encoding: PositionEncoding) -> str:
    """Return a piece of a text."""
    start = offset_of(text, place.start, encoding)
    return text[start : offset_of(text, place.end, encoding)]


def _line_start(text: str, line: int) -> int | None:
    """Return where a line begins; None if there are fewer."""
    if line <= 0:
        return 0
    if "\r" in text and _LONE_RETURN.search(text) is not None:
        end = next(islice(_END.finditer(text), line - 1, None), None)
        return None if end is None else end.end()
    # Counted in C: a document of megabytes is looked through at each key that is typed.
    start = 0
    while (ends := text.count("\n", start, start + _BLOCK)) < line:
        start, line = start + _BLOCK, line - ends
        if start >= len(text):
            return None
    for _ in range(line):
        start = text.index("\n", start) + 1
    return start


def _characters_in(line: str, units: int, encoding: PositionEncoding) -> int:
    """Return how many characters of a line the first units are; a half one is none."""
    if units <= 0:
        return 0
    if encoding is PositionEncoding.UTF_32 or line.isascii():
        return min(units, len(line))
    name, size = _CODECS[encoding]
    encoded = line[:units].encode(name, "surrogatepass")[: units * size]
    return len(encoded.decode(name, "ignore"))


def units_in(piece: str, encoding: PositionEncoding) -> int:
    """Return how long a piece of a line is."""
    if encoding is PositionEncoding.UTF_32 or piece.isascii():
        return len(piece)
    name, size = _CODECS[encoding]
    return len(piece.encode(name, "surrogatepass")) // size


# Without a byte order mark before them.
_CODECS: Final = {PositionEncoding.UTF_8: ("utf-8", 1), PositionEncoding.UTF_16: ("utf-16-le", 2)}
