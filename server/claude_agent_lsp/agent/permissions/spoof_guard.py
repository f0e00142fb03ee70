"""Setting what others wrote apart from the server's own lines in the detail of a question.

Most of it stands there as it is: clients find a command by its text. Only what could be taken for
a line of the server's, or would push one out of sight, is marked at each of its lines.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from claude_agent_lsp.base.texts.text import more_characters

DETAIL_LENGTH: Final = 500
BACKGROUND: Final = "In the background"
UNBOXED: Final = "Outside the sandbox"
_BAR: Final = "│ "
_MOST_EMPTY: Final = 2
# What a narrow window breaks into lines, or shows as empty ones.
_GAP: Final = r"[^\S\n]{8,}|\t{3,}"
_PIECES: Final = re.compile(rf"\n|{_GAP}")
_HOLES: Final = re.compile(r"(?:^|\n)[^\S\n]*\n[^\S\n]*\n|[^\S\n]{40,}|\t{10,}")
_WIDE: Final = re.compile(rf"(?<=\S)(?:{_GAP})|[^\S\n]{{40,}}|\t{{10,}}")
# Letters of other scripts and digits that look like Latin ones; "I" and "l" look like each other.
_LOOKALIKES: Final = {
    **dict.fromkeys("1|i\u0131\u03b9\u0456\u04cf", "l"),
    **dict.fromkeys("0\u03bf\u043e\u0585", "o"),
    **dict.fromkeys("\u03b1\u0430\u0251", "a"),
    **dict.fromkeys("\u0432\u044c\u03b2", "b"),
    **dict.fromkeys("\u0441\u03f2", "c"),
    "\u0501": "d",
    **dict.fromkeys("\u0435\u03b5", "e"),
    **dict.fromkeys("\u03dd\ua730", "f"),
    "\u0261": "g",
    **dict.fromkeys("\u043d\u04bb\u0570\u03b7", "h"),
    **dict.fromkeys("\u043a\u03ba", "k"),
    **dict.fromkeys("\u043c\u03bc", "m"),
    **dict.fromkeys("\u043f\u0578\u03bd", "n"),
    **dict.fromkeys("\u0440\u03c1", "p"),
    **dict.fromkeys("\u0433\u0280", "r"),
    "\u0455": "s",
    **dict.fromkeys("\u0442\u03c4", "t"),
    "\u057d": "u",
    "\u051d": "w",
    **dict.fromkeys("\u0445\u03c7", "x"),
    **dict.fromkeys("\u0443\u03c5", "y"),
}


def mark_lookalike_lines(text: str, limit: int = DETAIL_LENGTH) -> str:
    """Return what somebody else wrote, cut, with no line that could be taken for the server's.

    Args:
        text: With nothing unseen in it.
        limit: At most so many of its characters.
    """
    kept = text[:limit]
    if _HOLES.search(kept) or any(_resembles_own_line(piece) for piece in _PIECES.split(kept)):
        kept = "\n".join(_with_bars(kept))
    return kept + truncation_note(len(text) - limit)


def truncation_note(count: int) -> str:
    """Return the line that says how many characters were cut."""
    return f"\n{more_characters(count)}" if count > 0 else ""


def _with_bars(text: str) -> list[str]:
    """Return its lines, each with a bar before it; where nothing stands, how much of it."""
    lines: list[str] = []
    empty = 0
    for line in [*text.split("\n"), None]:
        if line is not None and not line.strip():
            empty += 1
            continue
        if empty > _MOST_EMPTY:
            lines.append(f"… ({empty} empty lines)")
        else:
            lines += [_BAR.rstrip()] * empty
        empty = 0
        if line is not None:
            lines.append(_BAR + _WIDE.sub(lambda gap: f" … ({len(gap[0])} blanks) … ", line))
    return lines


def _resembles_own_line(line: str) -> bool:
    return _OWN_WORDS.match(_folded(line)) is not None


def _folded(text: str) -> str:
    """Return how a text looks: without case, accents, blanks and signs, its letters Latin ones."""
    # Each by itself: to put many accents in their order takes a time that is quadratic.
    plain = "".join(map(_decomposed, text)).casefold()
    return "".join(_LOOKALIKES.get(c, c) for c in plain if c.isalnum() or c == "|")


@lru_cache(maxsize=4096)
def _decomposed(character: str) -> str:
    return unicodedata.normalize("NFKD", character)


# How the lines begin that are the server's own.
_OWN_WORDS: Final = re.compile(
    "|".join(
        (
            *map(_folded, ("For this session", "Always", BACKGROUND, UNBOXED)),
            *(rf"[\dlo]+{_folded(what)}" for what in ("more characters", "empty lines")),
        )
    )
)
