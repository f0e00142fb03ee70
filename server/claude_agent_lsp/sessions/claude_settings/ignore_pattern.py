"""Patterns as in .gitignore, matched in a time that grows with their length alone.

Anybody who can write into a repository can write such a pattern, and one turned into a regular
expression may take for ever. Here a `*` is looked at again at most once for each character of a
name, and a `**` once for each of a path's parts (gitignore(5)).

Letters match whatever their case, as the CLI takes them (2.1.330) and as a disk may.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

ANY_PARTS: Final = "**"
# What no pattern and no path is as long as: more of either is not looked at.
LONGEST: Final = 10_000


@dataclass(frozen=True, slots=True)
class _One:
    """Exactly one character: any, or one of a set."""

    characters: frozenset[str] = frozenset()
    ranges: tuple[tuple[str, str], ...] = ()
    other: bool = True

    def fits(self, character: str) -> bool:
        within = character in self.characters or any(
            first <= character <= last for first, last in self.ranges
        )
        return within is not self.other


class _Star:
    """Any characters of a name, also none."""


_STAR: Final = _Star()
_Token = str | _One | _Star


class IgnorePattern:
    """One line of a .gitignore.

    Args:
        line: The line. One that is empty, a comment or a negation matches nothing.
    """

    def __init__(self, line: str) -> None:
        self._parts: list[list[_Token] | None] = []
        self._inside_only = False
        text = _without_blanks(line.casefold())
        if not text or text[0] in "#!" or len(text) > LONGEST:
            # What is too long to be meant denies all: it is no way around a rule.
            self._parts = [None] if len(text) > LONGEST else []
            return
        self._inside_only = text.endswith("/")
        text = text.removesuffix("/")
        parts = text.split("/")
        if len(parts) == 1:
            parts = [ANY_PARTS, *parts]
        elif not parts[0]:
            parts = parts[1:]
        if all(part == ANY_PARTS for part in parts):
            parts = [ANY_PARTS, "*"]
        if parts[-1] == ANY_PARTS:
            # What lies in a folder, and not the folder itself.
            parts, self._inside_only = parts[:-1], True
        for part in parts:
            if part == ANY_PARTS and self._parts[-1:] == [None]:
                continue
            self._parts.append(None if part == ANY_PARTS else _tokens(part))

    def matches(self, path: str) -> bool:
        """Return whether a path is meant, or a folder that it lies in.

        Args:
            path: Relative to where the pattern is meant, with "/" between its parts.
        """
        if not self._parts:
            return False
        names = path.casefold()[:LONGEST].split("/")
        end = len(self._parts)
        reached = self._skip_any({0})
        for number, name in enumerate(names, 1):
            after = set()
            for at in reached:
                part = self._parts[at] if at < end else ()
                if part is None:
                    after.add(at)
                elif at < end and _fits(part, name):
                    after.add(at + 1)
            reached = self._skip_any(after)
            if end in reached and (number < len(names) or not self._inside_only):
                return True
            if not reached:
                return False
        return False

    def _skip_any(self, reached: set[int]) -> set[int]:
        """Let each `**` that is reached stand for no part at all, too."""
        return reached | {
            at + 1 for at in reached if at < len(self._parts) and self._parts[at] is None
        }


def _without_blanks(line: str) -> str:
    """Return a line without the blanks at its end, but for one that a backslash keeps."""
    line = line.rstrip("\r\n")
    text = line.rstrip(" \t")
    return text + " " if text.endswith("\\") and text != line else text


def _tokens(part: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(part):
        character = part[at]
        at += 1
        if character == "*":
            if tokens[-1:] != [_STAR]:
                tokens.append(_STAR)
        elif character == "?":
            tokens.append(_One())
        elif character == "\\" and at < len(part):
            tokens.append(part[at])
            at += 1
        elif character == "[" and (end := _end_of_set(part, at)) is not None:
            tokens.append(_set_of(part[at:end]))
            at = end + 1
        else:
            tokens.append(character)
    return tokens


def _end_of_set(part: str, at: int) -> int | None:
    first = at + (part[at : at + 1] in ("!", "^"))
    end = part.find("]", first + 1)
    return None if end < 0 else end


def _set_of(text: str) -> _One:
    other = text[:1] in ("!", "^")
    text = text[1:] if other else text
    characters, ranges = set(), []
    at = 0
    while at < len(text):
        if text[at] == "\\" and at + 1 < len(text):
            at += 1
        if text[at + 1 : at + 2] == "-" and at + 2 < len(text):
            ranges.append((text[at], text[at + 2]))
            at += 3
        else:
            characters.add(text[at])
            at += 1
    return _One(frozenset(characters), tuple(ranges), other)


def _fits(tokens: Sequence[_Token], name: str) -> bool:
    """Return whether a name fits: on a mismatch the last `*` takes one character more."""
    at = token = 0
    star, resume = -1, 0
    while at < len(name):
        wanted = tokens[token] if token < len(tokens) else None
        if isinstance(wanted, _Star):
            star, resume = token, at
            token += 1
        elif wanted is not None and (
            wanted == name[at] if isinstance(wanted, str) else wanted.fits(name[at])
        ):
            at += 1
            token += 1
        elif star >= 0:
            resume += 1
            at, token = resume, star + 1
        else:
            return False
    return all(isinstance(each, _Star) for each in tokens[token:])
