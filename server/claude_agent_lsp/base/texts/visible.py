"""Text that somebody else wrote, as a user can be shown it: nothing in it is hidden or acts.

A file's name, a command or a commit's message may hold line ends, escape sequences, marks that turn
the direction of writing, or letters without a shape. Shown as they are they could take a part of
a question away, or add one.
"""

from __future__ import annotations

import unicodedata
from typing import Final

# Control and format characters, surrogates, private and unassigned ones, line and paragraph ends.
UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters, marks and signs that have no shape: joiners, fillers, variation selectors, a blank.
_SHAPELESS: Final = frozenset(
    map(
        chr,
        (
            *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F),
            *(0x2800, 0x3164, 0xFFA0, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)),
        ),
    )
)
_EMOJI_STYLE: Final = "\ufe0f"


# So many characters are remembered; a text with all of Unicode in it must not stay in memory.
_MOST_KNOWN: Final = 20_000


class _Spelling(dict[int, str]):
    """How each character is shown, found out when it first turns up."""

    def __init__(self, kept: str) -> None:
        super().__init__()
        self._kept = kept

    def __missing__(self, code: int) -> str:
        if len(self) >= _MOST_KNOWN:
            self.clear()
        character = chr(code)
        shown = character
        if character not in self._kept and not _is_seen(character):
            shown = character.encode("unicode_escape", "surrogatepass").decode()
        self[code] = shown
        return shown


_IN_A_LINE: Final = _Spelling("")
_IN_LINES: Final = _Spelling("\n\t")


def visible(text: str, *, lines: bool = False) -> str:
    """Spell out what can't be seen in a text, as Python spells it.

    Args:
        text: What somebody else wrote.
        lines: Whether line ends and tabs are kept.
    """
    if text.isascii() and text.isprintable():
        return text
    spelling = _IN_LINES if lines else _IN_A_LINE
    if _EMOJI_STYLE not in text:
        return text.translate(spelling)
    before, *pieces = text.split(_EMOJI_STYLE)
    shown = [before.translate(spelling)]
    for piece in pieces:
        # It gives a sign its colours: half of all emoji are written with it.
        sign = before[-1:] and unicodedata.category(before[-1]) == "So"
        shown += [_EMOJI_STYLE if sign else "\\ufe0f", piece.translate(spelling)]
        before = piece
    return "".join(shown)


def _is_seen(character: str) -> bool:
    return character not in _SHAPELESS and unicodedata.category(character) not in UNSEEN
