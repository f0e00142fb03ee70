"""What is wrong in the settings, in words that disclose no secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHOWN = 80  # characters of a wrong value that a problem repeats


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in the settings; `str()` of it is a sentence for the user.

    Attributes:
        name: Of the setting, in camelCase; empty for the whole section.
        expected: What should stand there.
        found: What stands there; no value that may be secret.
        outcome: What is done about it.
    """

    name: str
    expected: str
    found: str
    outcome: str = "ignoring it"

    def __str__(self) -> str:
        name = f"claudeAgent.{self.name}" if self.name else "claudeAgent"
        return f"{name}: expected {self.expected}, got {self.found}; {self.outcome}."


def unknown(name: str, known: Iterable[str]) -> Problem:
    """Return the problem of a name that is not among the known ones; suggests the closest."""
    from difflib import get_close_matches

    lowered = {other.lower(): other for other in known}
    close = get_close_matches(name[:_SHOWN].lower(), lowered, n=1)
    hint = f' (did you mean "{lowered[close[0]]}"?)' if close else ""
    # The value is not shown: it may be that of a misspelled `env`.
    return Problem(_short(name), f"a known setting{hint}", "an unknown name")


def shown(value: object) -> str:
    """Return a JSON value as a problem repeats it: in one short line, an object by its kind."""
    if isinstance(value, Mapping) or (isinstance(value, str) and "\0" in value):
        return kind(value)
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return kind(value)
    return _short(text)


def kind(value: object) -> str:
    """Return what a JSON value is, without saying it."""
    kinds: tuple[tuple[Any, str], ...] = (
        (bool, "a boolean"),
        (int | float, "a number"),
        (str, "a string"),
        (list | tuple, "a list"),
        (Mapping, "an object"),
    )
    return next((name for types, name in kinds if isinstance(value, types)), "something else")


def _short(text: str) -> str:
    text = text.encode(errors="backslashreplace").decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
