"""Others' JSON values, kept within bounds wherever they are taken in.

What a tool is given, and what comes of it, may hold any number of values, nested to any depth.
All that is done with one later (it is masked, worded, written down, sent) takes a time for each of
its values, or a stack for each of its levels. Behind this door none has too many of either.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

# More than a model says in one answer, and walked through in a few milliseconds.
MOST_VALUES: Final = 20_000
# Deeper than anything that people or programs read.
DEEPEST: Final = 64
TOO_DEEP: Final = f"… nested deeper than {DEEPEST} levels, left out"
# Of a dataclass's field: a value that has come through here, and is JSON as it stands.
PLAIN_JSON: Final = {"plain_json": True}


def bounded(value: Any, whole_levels: int = 0) -> Any:
    """Return a JSON value of which a text stands for what is too deep or too much in it.

    A number that is none, as a parser makes of `1e999`, becomes null.

    Args:
        value: What a parser of JSON has made.
        whole_levels: So many levels are left whole; each value below them has a bound of its own.
    """
    if whole_levels and isinstance(value, Mapping):
        return {name: bounded(item, whole_levels - 1) for name, item in value.items()}
    if whole_levels and isinstance(value, list | tuple):
        return [bounded(item, whole_levels - 1) for item in value]
    return _Copy().of(value, DEEPEST)


def bounded_fields(given: Any) -> dict[str, Any]:
    """Return what a tool was given; what is no object is a field of one, since a model may err."""
    if given is None:
        return {}
    fields = bounded(given)
    return fields if isinstance(fields, dict) else {"input": fields}


def is_bounded(value: Any) -> bool:
    """Return whether nothing in a value is too deep or too much."""
    left = MOST_VALUES
    level = [value]
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for each in level:
            if isinstance(each, Mapping | list | tuple):
                left -= len(each)
                if left < 0:
                    return False
                inner += each.values() if isinstance(each, Mapping) else each
        level = inner
    return not any(isinstance(each, Mapping | list | tuple) for each in level)


def levels_of(value: Any) -> int:
    """Return how deep a value is nested: 0 for one that holds no others."""
    levels, holders = 0, [value]
    while holders := [each for each in holders if isinstance(each, Mapping | list | tuple)]:
        levels += 1
        holders = [
            inner
            for each in holders
            for inner in (each.values() if isinstance(each, Mapping) else each)
        ]
    return levels


class _Copy:
    """A copy of one value."""

    def __init__(self) -> None:
        self._left = MOST_VALUES

    def of(self, value: Any, levels: int) -> Any:
        """Return it, or as much of it as there is room for."""
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        if not isinstance(value, Mapping | list | tuple):
            return value
        if not levels:
            return TOO_DEEP
        if isinstance(value, Mapping):
            return self._fields(value, levels)
        return self._items(value, levels)

    def _fields(self, value: Mapping[str, Any], levels: int) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for name, item in value.items():
            if not self._left:
                fields["…"] = _left_out(len(value) - len(fields))
                break
            self._left -= 1
            fields[name] = self.of(item, levels - 1)
        return fields

    def _items(self, value: list[Any] | tuple[Any, ...], levels: int) -> list[Any]:
        items: list[Any] = []
        for item in value:
            if not self._left:
                items.append(_left_out(len(value) - len(items)))
                break
            self._left -= 1
            items.append(self.of(item, levels - 1))
        return items


def _left_out(count: int) -> str:
    return f"… {count:,} more, left out"
