"""Others' JSON, read in a time that nobody notices.

The parser holds the interpreter until it is done, also in a thread: nothing else of the server runs
meanwhile, no cancel and no shutdown. Long strings cost it little, many values much: two bytes may
make a list. So what holds too many values is refused, and they are counted piece by piece, between
which others have their turn.
"""

from __future__ import annotations

import json
from typing import Any, Final

# More than any settings, and any line of a conversation, and parsed in about 0.2 s at worst.
MOST_VALUES: Final = 250_000
# What is shorter can't hold more.
_SHORT: Final = MOST_VALUES
_PIECE: Final = 2**18
_BEFORE_VALUES: Final = "[{,:"


def parse_json(content: bytes) -> Any:
    """Return what a JSON text means.

    Raises:
        ValueError: It is no JSON, is nested too deep, or holds more than `MOST_VALUES` values.
    """
    text = content.decode(json.detect_encoding(content), "surrogatepass")
    if len(text) > _SHORT and _holds_too_much(text):
        raise ValueError(f"it holds more than {MOST_VALUES:,} values")
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _holds_too_much(text: str) -> bool:
    """Return whether a text has too many values; what stands in strings counts for nothing."""
    values, at, in_string = 0, 0, 0
    while at < len(text):
        piece = text[at : at + _PIECE]
        at += len(piece)
        if piece.endswith("\\"):
            # A backslash belongs to what follows, and so may the one before it.
            last = text[at : at + 1]
            run = len(piece) - len(piece.rstrip("\\"))
            if run % 2:
                piece, at = piece + last, at + 1
        pieces = piece.replace("\\\\", "").replace('\\"', "").split('"')
        values += sum(
            outside.count(mark) for outside in pieces[in_string::2] for mark in _BEFORE_VALUES
        )
        if values > MOST_VALUES:
            return True
        in_string = (in_string + len(pieces) - 1) % 2
    return False
