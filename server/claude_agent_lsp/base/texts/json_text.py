"""Others' JSON, read in a time that nobody notices.

The parser holds the interpreter until it is done, also in a thread: nothing else of the server runs
meanwhile, no cancel and no shutdown. Long strings cost it little, many values much: two bytes may
make a list. So what holds too many values is refused, and they are counted piece by piece, between
which others have their turn.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from claude_agent_lsp.base.texts import json_bounds
from claude_agent_lsp.base.texts.json_bounds import DEEPEST, TOO_DEEP, bounded, levels_of

# More than any settings, and any line of a conversation, and parsed in about 0.2 s at worst.
MOST_VALUES: Final = 250_000
# What the interpreter takes to its own limit, it may not give back.
_MOST_LEVELS: Final = 500
# What is shorter can't hold more.
_SHORT: Final = MOST_VALUES
_PIECE: Final = 2**18
_BEFORE_VALUES: Final = "[{,:"
# A line of a conversation, the message in it, that one's parts, and the fields of a part.
_FRAME: Final = 4
# What is longer, and has too much in it, is looked through for seconds: it counts as no line.
_LONGEST_PARED: Final = 2**22
_TOKEN: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},]', re.DOTALL)
_MORE: Final = '"… more, left out"'


def parse_json(content: bytes) -> Any:
    """Return what a JSON text means.

    Raises:
        ValueError: It is no JSON, is nested too deep, or holds more than `MOST_VALUES` values.
    """
    text = content.decode(json.detect_encoding(content), "surrogatepass")
    if len(text) > _SHORT and _holds_too_much(text):
        raise ValueError(f"it holds more than {MOST_VALUES:,} values")
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if text.count("[") + text.count("{") > _MOST_LEVELS and levels_of(value) > _MOST_LEVELS:
        raise ValueError("it is nested too deep")
    return value


def parse_line(content: bytes) -> Any:
    """Return what a line of a conversation means, without what is too deep or too much in it.

    What holds it together stays: a conversation is found by what its lines say of each other, and
    without one line whatever came before would be lost.

    Raises:
        ValueError: It is no JSON, or is too long to be rid of what is too much.
    """
    try:
        entry = parse_json(content)
    except ValueError:
        if len(content) > _LONGEST_PARED:
            raise
        entry = parse_json(_pared(content.decode()).encode())
    deep = content.count(b"[") + content.count(b"{") > DEEPEST
    wide = content.count(b",") > json_bounds.MOST_VALUES
    return bounded(entry, _FRAME) if deep or wide else entry


def _pared(text: str) -> str:
    """Return a JSON text with a string in the place of what is too deep or too much in it."""
    parts: list[str] = []
    closers: list[str] = []
    at = values = 0
    skipped_to: int | None = None  # the level at whose end it goes on
    for token in _TOKEN.finditer(text):
        mark = text[token.start()]
        if mark == '"':
            continue
        if mark in "[{":
            closers.append("]" if mark == "[" else "}")
            if skipped_to is None and len(closers) > DEEPEST + _FRAME:
                parts += [text[at : token.start()], json.dumps(TOO_DEEP)]
                skipped_to, at = len(closers) - 1, -1
        elif mark == ",":
            values += 1
            if skipped_to is None and values > json_bounds.MOST_VALUES and len(closers) > _FRAME:
                more = _MORE if closers[-1] == "]" else f"{_MORE}:null"
                parts.append(text[at : token.end()] + more)
                skipped_to, at = len(closers) - 1, 0
        elif closers:
            closers.pop()
            if skipped_to == len(closers):
                at = token.end() if at < 0 else token.start()
                skipped_to = None
        if len(closers) <= _FRAME:
            values = 0
    return "".join([*parts, text[at:] if skipped_to is None else ""])


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
