"""Imports LSP's types in little more than half the time: before pygls, which imports them as well.

attrs writes and compiles five methods for each of lsprotocol's 570 classes, which is most of what a
server does until it answers `initialize` (lsprotocol 2025.0.0, attrs 26.1). Here all classes share
those that compare and represent. See docs/decisions/0007-lazy-imports.md.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any, Final

import attrs

MODULE: Final = "lsprotocol.types"


def load() -> None:
    """Import the types, unless they have been."""
    if MODULE in sys.modules:
        return
    define: Any = attrs.define

    def lean(cls: type | None = None, **how: Any) -> Any:
        if cls is None:
            return lambda defined: lean(defined, **how)
        # What a class has of its own attrs leaves as it is.
        own = cls.__dict__
        if "__eq__" not in own:
            setattr(cls, "__eq__", _equal)  # noqa: B010 - a plain assignment is none to mypy
            setattr(cls, "__hash__", None)  # noqa: B010
        if "__repr__" not in own:
            setattr(cls, "__repr__", _represented)  # noqa: B010
        return define(cls, **how)

    setattr(attrs, "define", lean)  # noqa: B010
    try:
        importlib.import_module(MODULE)
    finally:
        setattr(attrs, "define", define)  # noqa: B010


def _equal(self: Any, other: object) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return all(getattr(self, name) == getattr(other, name) for name in _names(self))


def _represented(self: Any) -> str:
    values = ", ".join(f"{name}={getattr(self, name)!r}" for name in _names(self))
    return f"{self.__class__.__qualname__}({values})"


def _names(value: Any) -> list[str]:
    return [field.name for field in attrs.fields(type(value))]
