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


def visible(text: str, *, lines: bool = False) -> str:
    """Returns the text with what can't be seen spelled out, as Python spells it.

    Args:
        text: What somebody else wrote.
        lines: Whether line ends and tabs are kept.
    """
    kept = "\n\t" if lines else ""
    return "".join(
        character
        if character in kept or unicodedata.category(character) not in UNSEEN
        else character.encode("unicode_escape", "surrogatepass").decode()
        for character in text
    )
