"""Imports LSP's types in little more than half the time: before pygls, which imports them as well.

attrs writes and compiles five methods for each of lsprotocol's 570 classes, which is most of what a
server does until it answers `initialize` (lsprotocol 2025.0.0, attrs 26.1). Here all classes share
those that compare and represent, and what reads the same is compiled once: half of the classes have
the fields of another one. See docs/decisions/0007-lazy-imports.md.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import sys
from typing import TYPE_CHECKING, Any, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULE: Final = "lsprotocol.types"
# Who compiles meanwhile: the methods, and the names of types. One that has moved does so as ever.
COMPILING: Final = ("attr._make", "typing")


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
        with _compiling_once():
            importlib.import_module(MODULE)
    finally:
        setattr(attrs, "define", define)  # noqa: B010


@contextlib.contextmanager
def _compiling_once() -> Iterator[None]:
    """Have these modules compile equal texts once, whichever class they are for."""
    made: dict[tuple[Any, ...], Any] = {}

    def compiled(source: Any, filename: Any, mode: str, *more: Any, **how: Any) -> Any:
        if not isinstance(source, str) or more or how:
            return builtins.compile(source, filename, mode, *more, **how)
        if (source, mode) not in made:
            made[source, mode] = builtins.compile(source, filename, mode)
        return made[source, mode]

    modules = [sys.modules[name] for name in COMPILING if name in sys.modules]
    for module in modules:
        module.__dict__["compile"] = compiled
    try:
        yield
    finally:
        for module in modules:
            module.__dict__.pop("compile", None)


def _equal(self: Any, other: object) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return all(getattr(self, name) == getattr(other, name) for name in _names(self))


def _represented(self: Any) -> str:
    values = ", ".join(f"{name}={getattr(self, name)!r}" for name in _names(self))
    return f"{self.__class__.__qualname__}({values})"


def _names(value: Any) -> list[str]:
    return [field.name for field in attrs.fields(type(value))]
