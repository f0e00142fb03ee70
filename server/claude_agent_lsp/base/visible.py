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


def visible(text: str, *, lines: bool = False) -> str:
    """Returns the text with what can't be seen spelled out, as Python spells it.

    Args:
        text: What somebody else wrote.
        lines: Whether line ends and tabs are kept.
    """
    if text.isascii() and text.isprintable():
        return text
    kept = "\n\t" if lines else ""
    shown = []
    before = ""
    for character in text:
        if character in kept or _is_seen(character, before):
            shown.append(character)
        else:
            shown.append(character.encode("unicode_escape", "surrogatepass").decode())
        before = character
    return "".join(shown)


def _is_seen(character: str, before: str) -> bool:
    if character == _EMOJI_STYLE:
        # It gives a sign its colours: half of all emoji are written with it.
        return bool(before) and unicodedata.category(before) == "So"
    return character not in _SHAPELESS and unicodedata.category(character) not in UNSEEN
