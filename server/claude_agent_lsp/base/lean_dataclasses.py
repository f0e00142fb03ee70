"""Makes this package's dataclasses in a quarter of the time.

`dataclass` writes and compiles up to six methods for each class (Python 3.11), which is a sixth of
all that a server does until its first answer. Here all classes share those that compare, represent
and freeze, and a class gets its `__init__` once the first of its objects is made, which of most
classes none is. See docs/decisions/0007-lazy-imports.md.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from reprlib import recursive_repr
from typing import Any, Final

PACKAGE: Final = "claude_agent_lsp"
# What is made lean; a class that wants anything else is made by `dataclass` itself.
KNOWN: Final = frozenset({"frozen", "kw_only", "slots", "eq"})
plain: Final[Any] = dataclasses.dataclass


def install() -> None:
    """Have modules of this package get them from now on; a class that is there stays as it is."""
    setattr(dataclasses, "dataclass", _dataclass)  # noqa: B010 - a plain assignment is none to mypy


def _dataclass(cls: type | None = None, /, **how: Any) -> Any:
    if cls is None:
        return lambda defined: _dataclass(defined, **how)
    bases = [getattr(base, "__dataclass_params__", None) for base in cls.__mro__[1:]]
    if (
        cls.__module__.partition(".")[0] != PACKAGE
        or not how.keys() <= KNOWN
        or any(base is not None and (base.init or base.frozen) for base in bases)
    ):
        return plain(cls, **how)
    shared = _shared(cls, **how)
    for name in shared.keys() - cls.__dict__.keys():
        setattr(cls, name, shared[name])
    how = {**how, "frozen": False, "eq": False}
    return plain(cls, init=False, repr=False, **how)


def _shared(
    cls: type, *, frozen: bool = False, eq: bool = True, slots: bool = False, **_: Any
) -> dict[str, Any]:
    """Return the methods that `dataclass` would have compiled."""
    shared: dict[str, Any] = {"__repr__": _represented, "__init__": _first_init(frozen=frozen)}
    if eq:
        shared |= {"__eq__": _equal, "__hash__": _hash if frozen else None}
        # A class with an `__eq__` has a `__hash__` of None by that alone, which counts as none.
        if frozen and "__eq__" in cls.__dict__ and cls.__dict__["__hash__"] is None:
            setattr(cls, "__hash__", _hash)  # noqa: B010
    if frozen:
        shared |= {"__setattr__": _refuse_setting, "__delattr__": _refuse_deleting}
    if frozen and slots:
        shared |= {"__getstate__": _state, "__setstate__": _set_state}
    return shared


def _first_init(*, frozen: bool) -> Any:
    def __init__(self: Any, *arguments: Any, **named: Any) -> None:  # noqa: N807
        owner = next(cls for cls in type(self).__mro__ if "__init__" in cls.__dict__)
        if owner.__dict__["__init__"] is __init__:
            made = _twin(owner, frozen=frozen).__dict__["__init__"]
            made.__qualname__ = f"{owner.__qualname__}.__init__"
            setattr(owner, "__init__", made)  # noqa: B010
        owner.__dict__["__init__"](self, *arguments, **named)

    return __init__


def _twin(cls: type, *, frozen: bool) -> Any:
    """Return a class with the same fields, made by `dataclass` itself."""
    return dataclasses.make_dataclass(
        cls.__name__,
        [(field.name, field.type, _copy(field)) for field in dataclasses.fields(cls)],
        namespace={"__post_init__": None} if hasattr(cls, "__post_init__") else None,
        repr=False,
        eq=False,
        frozen=frozen,
    )


def _copy(field: dataclasses.Field[Any]) -> Any:
    make: Any = dataclasses.field
    return make(
        default=field.default,
        default_factory=field.default_factory,
        init=field.init,
        kw_only=field.kw_only,
    )


@cache
def _compared(cls: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(cls) if field.compare)


@cache
def _hashed(cls: Any) -> tuple[str, ...]:
    fields = dataclasses.fields(cls)
    return tuple(
        field.name for field in fields if (field.compare if field.hash is None else field.hash)
    )


def _equal(self: Any, other: object) -> Any:
    alike = other.__class__ is self.__class__
    if not alike:
        return NotImplemented
    names = _compared(self.__class__)
    return [getattr(self, name) for name in names] == [getattr(other, name) for name in names]


def _hash(self: Any) -> int:
    return hash(tuple(getattr(self, name) for name in _hashed(self.__class__)))


@recursive_repr()
def _represented(self: Any) -> str:
    values = ", ".join(
        f"{field.name}={getattr(self, field.name)!r}"
        for field in dataclasses.fields(self)
        if field.repr
    )
    return f"{self.__class__.__qualname__}({values})"


def _refuse_setting(self: Any, name: str, value: object) -> None:
    if _is_fixed(self, name):
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
    object.__setattr__(self, name, value)


def _refuse_deleting(self: Any, name: str) -> None:
    if _is_fixed(self, name):
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
    object.__delattr__(self, name)


def _is_fixed(self: Any, name: str) -> bool:
    """Return whether it is frozen: a class that only inherits from a dataclass may have more."""
    cls = self.__class__
    return "__dataclass_fields__" in cls.__dict__ or name in cls.__dataclass_fields__


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
