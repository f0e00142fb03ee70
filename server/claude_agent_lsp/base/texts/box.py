"""A box on a screen: what fits into its lines and columns, and what is shown of what does not."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.texts.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Before the rest of a line that is broken: so that it can't be taken for a line of its own.
_REST: Final = "  "
_GAP: Final = "…"
_TAB: Final = " " * 4
_WIDEST: Final = {"\u2e3a": 2, "\u2e3b": 3}
_WIDE: Final = frozenset({"W", "F", "A"})


@dataclass(frozen=True, slots=True)
class Box:
    """Room for a text.

    Attributes:
        lines: How many, those of the choices below the text included.
        columns: How wide they are.
    """

    lines: int
    columns: int

    def holds(self, text: str, choices: Sequence[str] = ()) -> bool:
        """Return whether a text fits with the choices below it, each in one line."""
        room = self.lines - len(choices)
        # Each character takes a column, or ends a line.
        if len(text) > room * (self.columns + 1):
            return False
        return len(self._lines_of(text)) <= room and all(map(self._is_line, choices))

    def fitted(self, text: str, choices: Sequence[str] = ()) -> str:
        """Return a text that `holds`, broken into lines, the first as wide as the widest choice.

        An editor may cut its choices to the width of the text.
        """
        first, *others = self._lines_of(text)
        widest = max(map(columns_of, choices), default=0)
        return "\n".join((first + " " * (widest - columns_of(first)), *others))

    def both_ends(self, title: str, text: str, closing: str, choices: Sequence[str]) -> str:
        """Return what is shown of what doesn't fit: both ends of its title, and of its text.

        Args:
            title: Keeps half of the room at least.
            text: What stands below it.
            closing: The last line, which is kept.
            choices: What stands below the text.
        """
        room = self.lines - len(choices)
        closing_lines = self._lines_of(closing)
        room -= len(closing_lines)
        title_lines = _without_middle(self._ends_of(title), (room + 1) // 2)
        room -= len(title_lines)
        below = _without_middle(self._ends_of(text), room) if text and room > 1 else []
        return self.fitted("\n".join((*title_lines, *below, *closing_lines)), choices)

    def line(self, text: str) -> str:
        """Put a text into one long line that is no longer than all of the box; see `choice`."""
        return _one_line(text, self.lines * self.columns)

    def choice(self, text: str) -> str:
        """Put a text into one line of the box; where it is too long, its middle is left out."""
        return _one_line(text, self.columns)

    def _is_line(self, text: str) -> bool:
        return self.choice(text) == text

    def _ends_of(self, text: str) -> list[str]:
        """Return the lines of a text, of a long one those at both ends."""
        limit = self.lines * (self.columns + 1)
        if len(text) <= 2 * limit:
            return self._lines_of(text)
        return [*self._lines_of(text[:limit]), *self._lines_of(text[-limit:])]

    def _lines_of(self, text: str) -> list[str]:
        shown = visible(text, lines=True).replace("\t", _TAB)
        return [part for line in shown.split("\n") for part in self._broken(line)]

    def _broken(self, line: str) -> Iterable[str]:
        """Break a line, at a blank if there is one in its latter half."""
        begin = ""
        while columns_of(begin + line) > self.columns:
            end = _fitting(line, self.columns - len(begin))
            blank = line.rfind(" ", end // 2, end)
            end = blank + 1 if blank >= 0 else end
            yield begin + line[:end]
            begin, line = _REST, line[end:]
        yield begin + line


def columns_of(text: str) -> int:
    """Return how many columns a text takes at most."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if character in _WIDEST:
        return _WIDEST[character]
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1


def _fitting(text: str, columns: int) -> int:
    """Return how many characters from its beginning fit, at least one."""
    taken = 0
    for count, character in enumerate(text):
        taken += _columns(character)
        if taken > columns:
            return max(count, 1)
    return len(text)


def _one_line(text: str, columns: int) -> str:
    """Return a text in one line, a long one with twice as much of its end as of its beginning."""
    ends = (text[:columns], text[-columns:]) if len(text) > 2 * columns else (text, text)
    first, last = (visible(" ".join(end.split())) for end in ends)
    if len(text) <= 2 * columns and columns_of(first) <= columns:
        return first
    before = first[: _fitting(first, (columns - 2) // 3)]
    backwards = last[::-1]
    after = backwards[: _fitting(backwards, columns - 2 - columns_of(before))]
    return f"{before}{_GAP}{after[::-1]}"


def _without_middle(lines: list[str], room: int) -> list[str]:
    """Return so many lines, and of more those at both ends, above all at the latter."""
    if len(lines) <= room:
        return lines
    before = (room - 1) // 2
    return [*lines[:before], _GAP, *lines[len(lines) - (room - 1 - before) :]]
