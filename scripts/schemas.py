"""The commands, events and settings of docs/protocol.md as JSON Schema, from their tables."""

# ruff: noqa: INP001 - a script; generated.py calls it

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from claude_agent_lsp.agent import background, events, question
from claude_agent_lsp.errors import RequestFailed
from claude_agent_lsp.lsp.commands.commands import COMMANDS
from claude_agent_lsp.lsp.protocol import PROTOCOL
from claude_agent_lsp.workspace.settings import Settings, camel

Schema: TypeAlias = dict[str, Any]

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
URI: Final = {"type": "string", "format": "uri"}
PLAIN: Final[Mapping[Any, Schema]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": ["number", "null"]},
    bool: {"type": "boolean"},
    Path: URI,
    datetime: {"type": "string", "format": "date-time"},
    Any: {},
    RequestFailed: {
        "type": "object",
        "properties": {name: {"type": "string"} for name in ("reason", "message", "hint")},
        "required": ["reason", "message", "hint"],
    },
    events.Location: {
        "type": "object",
        "properties": {"uri": URI, "range": {"type": "object"}},
        "required": ["uri"],
    },
}
# Names that the types have from modules which are imported for their types alone.
NAMES: Final = {
    **vars(question),
    **vars(background),
    "datetime": datetime,
    "Path": Path,
    "Mapping": Mapping,
    "RequestFailed": RequestFailed,
}


def files() -> dict[str, Callable[[], str]]:
    """Return what makes each file, by its path in the tree."""
    return {
        "docs/schema/commands.json": lambda: _written("The commands' arguments", commands()),
        "docs/schema/events.json": lambda: _written("What a run reports", event()),
        "docs/schema/settings.json": lambda: _written("The section claudeAgent", settings()),
    }


def commands() -> Schema:
    """Return the schema of an object with each command's argument by its name."""
    return {
        "type": "object",
        "properties": {name: _argument(COMMANDS[name].argument) for name in sorted(COMMANDS)},
        "additionalProperties": False,
    }


def settings() -> Schema:
    """Return the schema of the settings as an editor sends them; null leaves one out."""
    rows = {
        row.name: {
            "description": row.about,
            "default": row.default,
            "anyOf": [_plain(row.schema), {"type": "null"}],
        }
        for row in Settings.fields()
    }
    return {"type": "object", "properties": rows}


def event() -> Schema:
    """Return the schema of one event."""
    shapes: dict[str, Schema] = {}
    kinds = [_object(one, shapes) for one in get_args(events.Event)]
    return {"oneOf": kinds, "$defs": dict(sorted(shapes.items()))}


def _written(title: str, schema: Schema) -> str:
    head = {"$schema": DRAFT, "title": title, "$comment": f"Protocol {PROTOCOL}; make generated"}
    return json.dumps({**head, **schema}, indent=2, ensure_ascii=False) + "\n"


def _argument(cls: type[Any]) -> Schema:
    fields = {camel(each.name): each.metadata["field"] for each in dataclasses.fields(cls)}
    found = {
        "type": "object",
        "properties": {
            name: {"description": field.rule.expected, **_field(field)}
            for name, field in fields.items()
        },
        "required": [name for name, field in fields.items() if field.required],
        "additionalProperties": False,
    }
    if cls.bare is None:
        return found
    return {"anyOf": [found, {"type": "string", "description": f"the same as {cls.bare}"}]}


def _field(field: Any) -> Schema:
    schema = _plain(field.rule.schema)
    return schema if field.required else {"anyOf": [schema, {"type": "null"}]}


def _plain(schema: Mapping[str, object]) -> Schema:
    """Return a rule's schema without the types that only Python knows."""
    plain: Schema = json.loads(json.dumps(schema, default=dict))
    return plain


def _object(cls: type[Any], shapes: dict[str, Schema]) -> Schema:
    """Return the schema of a dataclass as `jsonable` writes it.

    Args:
        cls: The dataclass.
        shapes: Those that it holds, by name; more are added.
    """
    hints = get_type_hints(cls, localns=NAMES)
    fields = {camel(each.name): hints[each.name] for each in dataclasses.fields(cls)}
    kind = None if "kind" in fields else getattr(cls, "kind", None)
    head = {} if kind is None else {"kind": {"const": kind}}
    return {
        "description": (cls.__doc__ or "").strip().partition("\n")[0],
        "type": "object",
        "properties": head | {name: _type(hint, shapes) for name, hint in fields.items()},
        "required": [*head, *(name for name, hint in fields.items() if not _may_be_none(hint))],
    }


def _may_be_none(hint: Any) -> bool:
    return hint is Any or type(None) in get_args(hint)


def _type(hint: Any, shapes: dict[str, Schema]) -> Schema:
    if hint in PLAIN:
        return PLAIN[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        found = [_type(one, shapes) for one in arguments if one is not type(None)]
        return found[0] if len(found) == 1 else {"anyOf": found}
    if origin is tuple:
        return {"type": "array", "items": _type(arguments[0], shapes)}
    if origin is Mapping:
        return {"type": "object"}
    if origin is Literal or issubclass(hint, Enum):
        return {"enum": list(arguments) or [one.value for one in hint]}
    return _named(hint, shapes)


def _named(hint: type[Any], shapes: dict[str, Schema]) -> Schema:
    if hint.__name__ not in shapes:
        shapes[hint.__name__] = {}  # named while it is made: it may hold itself
        shapes[hint.__name__] = _object(hint, shapes)
    return {"$ref": f"#/$defs/{hint.__name__}"}
