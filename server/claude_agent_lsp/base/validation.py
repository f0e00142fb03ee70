"""What the value of a setting or an argument must be: each rule says it, and reads by it."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from claude_agent_lsp.base.problems import shown
from claude_agent_lsp.base.uris import path_of
from claude_agent_lsp.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_STORES = ("postgresql://", "postgres://", "redis://", "rediss://")
_MAX_PROMPT = 2 * 2**20  # bytes of UTF-8
_STRING_SCHEMA: Final = MappingProxyType({"type": "string"})


class UnfitError(ValueError):
    """A value does not keep to its rule.

    Args:
        found: What is wrong with it, as the end of "got …", without any value that may be
            secret; None to show the value itself.
    """

    def __init__(self, found: str | None = None) -> None:
        super().__init__(found)
        self.found = found


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value must be.

    Attributes:
        expected: It in words, as the end of "expected …".
        read: Turns a JSON value into what is kept of it, or raises UnfitError. FILE raises
            InvalidArgument instead, which says more.
        schema: It as JSON Schema, for whoever checks while it is typed. It may allow more.
    """

    expected: str
    read: Callable[[object], object]
    schema: Mapping[str, object] = dataclasses.field(compare=False)


class MisplacedError(Exception):
    """Something is wrong with what stands at `path` inside a value: `text` says what.

    Args:
        text: "expected …, got …", or the like.
        path: Such as `range.start` or `[2].message`; empty for the value itself.
    """

    def __init__(self, text: str, path: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.path = path

    def below(self, step: str) -> MisplacedError:
        """Return the same, seen from a level above."""
        dot = "." if self.path and not self.path.startswith("[") else ""
        return MisplacedError(self.text, f"{step}{dot}{self.path}")


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object: the rule for its value, and whether it has to be there."""

    rule: Rule
    required: bool = False


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise UnfitError
    return value


def _passable(value: object) -> bool:
    """Return whether it is a string for a process: no NUL, no unpaired surrogate."""
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        os.fsencode(value)
    except UnicodeEncodeError:
        return False
    return True


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or not _passable(value):
        raise UnfitError
    return value


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise UnfitError
    if "\0" in value:
        raise UnfitError("one with a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UnfitError("one with an unpaired surrogate") from None
    return value


def _word(value: object) -> str:
    text = _string(value)
    if not text.strip():
        raise UnfitError("a blank one")
    return text


def _prompt(value: object) -> str:
    text = _word(value)
    size = len(text.encode())
    if size > _MAX_PROMPT:
        raise UnfitError(f"{size:,} bytes; put long text into a file and attach it")
    return text


def _file(value: object) -> Path:
    if not isinstance(value, str):
        raise UnfitError
    return path_of(value)


def _finite(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnfitError
    try:
        finite = math.isfinite(value)
    except OverflowError:
        finite = False
    if not finite:
        raise UnfitError
    return value


def _location(value: object) -> Path:
    text = _text(value)
    try:
        return path_of(text) if text.lower().startswith("file:") else Path(text).expanduser()
    except (InvalidArgument, RuntimeError):
        raise UnfitError from None


def _absolute(value: object) -> Path:
    path = _location(value)
    if not path.is_absolute():
        raise UnfitError
    return path


def _locations(value: object) -> tuple[Path, ...]:
    if not isinstance(value, list | tuple):
        raise UnfitError
    return tuple(dict.fromkeys(_location(item) for item in value))


def _environment(value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise UnfitError
    for name, content in value.items():
        if not _passable(name) or not name or "=" in name:
            raise UnfitError("one with an invalid variable name")
        if not _passable(content):
            raise UnfitError(f"one whose {json.dumps(name)} is not a valid string")
        if name == "CLAUDE_CONFIG_DIR":
            raise UnfitError("one that sets CLAUDE_CONFIG_DIR")
    return MappingProxyType(dict(value))


def _servers(value: object) -> Mapping[str, Mapping[str, object]]:
    if not isinstance(value, Mapping):
        raise UnfitError
    for name, server in value.items():
        if not isinstance(name, str) or not name.strip():
            raise UnfitError("one with a blank name")
        if not isinstance(server, Mapping):
            raise UnfitError(f"one whose {json.dumps(name)} is not an object")
    try:
        # A copy of our own, and the proof that it can be handed on to the CLI.
        copied = json.loads(json.dumps({k: dict(v) for k, v in value.items()}, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        raise UnfitError("one that is not JSON") from None
    return MappingProxyType(copied)


def _store_url(value: object) -> str:
    if not isinstance(value, str) or not value.strip().lower().startswith(_STORES):
        raise UnfitError
    try:
        _port = urlsplit(value.strip()).port
    except ValueError:
        raise UnfitError("an invalid one") from None
    return value.strip()


FLAG = Rule("true or false", _flag, {"type": "boolean"})
TEXT = Rule("a string that is not blank", _text, _STRING_SCHEMA)
STRING = Rule("a string", _string, _STRING_SCHEMA)
WORD = Rule("a string that is not blank", _word, _STRING_SCHEMA)
PROMPT = Rule("text that is not blank, of at most 2 MiB", _prompt, _STRING_SCHEMA)
FILE = Rule("an absolute file: URI", _file, _STRING_SCHEMA)
ABSOLUTE_PATH = Rule("an absolute path (~ is your home) or a file: URI", _absolute, _STRING_SCHEMA)
PATHS = Rule(
    "a list of paths (~ is your home) or file: URIs",
    _locations,
    {"type": "array", "items": _STRING_SCHEMA},
)
ENVIRONMENT = Rule(
    "an object of strings, without CLAUDE_CONFIG_DIR (set that one in the server's own "
    "environment)",
    _environment,
    {"type": "object", "additionalProperties": _STRING_SCHEMA},
)
SERVERS = Rule(
    "an object of server configurations by name",
    _servers,
    {"type": "object", "additionalProperties": {"type": "object"}},
)
STORE_URL = Rule("a postgresql:// or redis:// URL", _store_url, _STRING_SCHEMA)


def whole(*, least: int, most: int | None = None) -> Rule:
    """Return the rule for a whole number of at least `least`, at most `most`; 4.0 is one."""

    def read(value: object) -> int:
        number = _finite(value)
        if number != int(number) or number < least or (most is not None and number > most):
            raise UnfitError
        return int(number)

    if most is None:
        schema: dict[str, object] = {"type": "integer", "minimum": least}
        return Rule(f"a whole number of at least {least}", read, schema)
    schema = {"type": "integer", "minimum": least, "maximum": most}
    return Rule(f"a whole number from {least} to {most}", read, schema)


def number(*, zero: bool) -> Rule:
    """Return the rule for a finite number above 0, or also 0 itself."""

    def read(value: object) -> float:
        number = float(_finite(value))
        if number < 0 or (number == 0 and not zero):
            raise UnfitError
        return number

    if zero:
        return Rule("a number of at least 0", read, {"type": "number", "minimum": 0})
    return Rule("a number above 0", read, {"type": "number", "exclusiveMinimum": 0})


def one_of(words: tuple[str, ...]) -> Rule:
    """Return the rule for one of these words."""

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise UnfitError
        return value

    return Rule(f"one of {_quoted(words)}", read, {**_STRING_SCHEMA, "enum": words})


def several_of(words: tuple[str, ...]) -> Rule:
    """Return the rule for a list of any of these words; it may be empty."""

    def read(value: object) -> tuple[str, ...]:
        if not isinstance(value, list | tuple) or any(item not in words for item in value):
            raise UnfitError
        return tuple(dict.fromkeys(value))

    items = {**_STRING_SCHEMA, "enum": words}
    schema = {"type": "array", "items": items, "uniqueItems": True}
    return Rule(f"a list of any of {_quoted(words)}", read, schema)


def _quoted(words: tuple[str, ...]) -> str:
    return ", ".join(f'"{word}"' for word in words)


def fields_of(raw: object, fields: Mapping[str, Field], *, closed: bool) -> dict[str, Any]:
    """Read an object; null stands for leaving a field out.

    Args:
        raw: The JSON value.
        fields: By name.
        closed: Whether other fields are refused, instead of not being looked at.

    Returns:
        What was read of the fields that are there.

    Raises:
        UnfitError: It is no object.
        MisplacedError: A field is missing, unknown or wrong.
    """
    if not isinstance(raw, Mapping):
        raise UnfitError
    for name in raw:
        if closed and name not in fields:
            raise MisplacedError(f"unknown field {_suggested(str(name), fields)}")
    values = {}
    for name, field in fields.items():
        value = raw.get(name)
        if value is not None:
            values[name] = _read_at(name, field.rule, value)
        elif field.required:
            found = "null" if name in raw else "nothing"
            raise MisplacedError(f"expected {field.rule.expected}, got {found}", name)
    return values


def record(
    expected: str, build: Callable[..., object], *, closed: bool = False, **fields: Field
) -> Rule:
    """Return the rule for an object of these fields, which are handed to `build` by name."""
    schema = {
        "type": "object",
        "properties": {name: _schema_of(field) for name, field in fields.items()},
        "required": [name for name, field in fields.items() if field.required],
        "additionalProperties": not closed,
    }
    return Rule(expected, lambda raw: build(**fields_of(raw, fields, closed=closed)), schema)


def _schema_of(field: Field) -> Mapping[str, object]:
    """Return the schema of a field, which may be null if it may be left out."""
    schema = field.rule.schema
    return schema if field.required else {"anyOf": [schema, {"type": "null"}]}


def list_of(item: Rule, expected: str) -> Rule:
    """Return the rule for a list of any length."""

    def read(value: object) -> tuple[object, ...]:
        if not isinstance(value, list | tuple):
            raise UnfitError
        return tuple(_read_at(f"[{index}]", item, one) for index, one in enumerate(value))

    return Rule(expected, read, {"type": "array", "items": item.schema})


def _read_at(step: str, rule: Rule, value: object) -> object:
    try:
        return rule.read(value)
    except UnfitError as unfit:
        found = unfit.found or shown(value)
        raise MisplacedError(f"expected {rule.expected}, got {found}", step) from None
    except InvalidArgument as error:
        raise MisplacedError(str(error), step) from None
    except MisplacedError as wrong:
        raise wrong.below(step) from None


def _suggested(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name[:80], known, n=1)
    hint = f"; did you mean `{close[0]}`?" if close else ""
    return f"`{shown(name)[1:-1]}`{hint}"
