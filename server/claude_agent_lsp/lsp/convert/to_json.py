"""From the project's own types to the JSON of docs/protocol.md."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from enum import Enum
from functools import cache, singledispatch
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.events import Location, Text, Thinking
from claude_agent_lsp.base.texts.json_bounds import PLAIN_JSON
from claude_agent_lsp.base.uris import uri_of
from claude_agent_lsp.errors import RequestFailed, SessionKept, sentence
from claude_agent_lsp.lsp.convert.encoded import EncodedResult
from claude_agent_lsp.workspace.settings import camel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from claude_agent_lsp.agent.events import Run
    from claude_agent_lsp.agent.ownership.session_queue import Waiting

_PLAIN: Final = frozenset({type(None), bool, int, str})


def jsonable(value: object) -> Any:
    """Return a value as JSON.

    Dataclasses become objects with camelCase names, without the fields that are None; an event's
    `kind` comes first. Paths become `file:` URIs, enums their values, times ISO 8601 in UTC, and a
    float that is not finite null, as in JavaScript. A mapping keeps its keys. What is JSON already
    (a tool's input) is passed on as it is, however much of it there is.

    Args:
        value: An inner type, or anything built of inner types, lists and mappings.

    Raises:
        TypeError: There is no JSON for it.
        ValueError: A path is not absolute.
    """
    # Thousands of these come in a second; nothing else is worth a case of its own.
    if isinstance(value, Text | Thinking) and value.parent_tool_call_id is None:
        return {"kind": value.kind, "messageId": value.message_id, "text": value.text}
    return value if type(value) in _PLAIN else _convert(value)


def error_data(error: RequestFailed, run: Run | None = None) -> dict[str, Any]:
    """Return the `data` of a RequestFailed response: `{reason, hint, run?, keptBy?, keptFor?}`."""
    data: dict[str, Any] = {"reason": error.reason, "hint": error.hint}
    if isinstance(error, SessionKept):
        data |= {"keptBy": error.keeper, "keptFor": error.waits_for}
    return data if run is None else {**data, "run": jsonable(run)}


def waiting_json(waiting: Waiting, most: int | None = None) -> dict[str, Any]:
    """Return a query that waits for its session.

    Args:
        waiting: It.
        most: How many characters of its prompt are told, and that there are more; None for all.
    """
    prompt = str(waiting.asked["prompt"])
    cut = most is not None and len(prompt) > most
    return {
        "runId": waiting.run_id,
        "sessionId": waiting.session_id,
        "workspace": uri_of(waiting.folder),
        "prompt": prompt[:most] if cut else prompt,
        **({"truncated": True} if cut else {}),
        "state": waiting.state.value,
        "at": jsonable(waiting.at),
    }


@singledispatch
def _convert(value: object) -> Any:
    """Convert what is no plain JSON; by itself a dataclass, and below what else is known."""
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"no JSON for {type(value).__name__}")
    kind, fields = _shape(type(value))
    result: dict[str, Any] = {} if kind is None else {"kind": kind}
    for attribute, name, plain in fields:
        item = getattr(value, attribute)
        item = item if plain else jsonable(item)
        if item is not None:
            result[name] = item
    return result


@cache
def _shape(cls: type[Any]) -> tuple[str | None, tuple[tuple[str, str, bool], ...]]:
    """Return an event's kind, or None, and of each field its attribute, JSON name and plainness."""
    fields = {field.name: field.metadata == PLAIN_JSON for field in dataclasses.fields(cls)}
    kind = None if "kind" in fields else getattr(cls, "kind", None)
    return kind, tuple((name, camel(name), plain) for name, plain in fields.items())


@_convert.register
def _(value: float) -> float | None:
    return value if math.isfinite(value) else None


@_convert.register
def _(value: Enum) -> Any:
    return value.value


@_convert.register
def _(value: RequestFailed) -> dict[str, str]:
    return {"reason": value.reason, "message": sentence(value), "hint": value.hint}


@_convert.register
def _(value: EncodedResult) -> EncodedResult:
    return value


@_convert.register
def _(value: Path) -> str:
    return uri_of(value)


@_convert.register
def _(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


@_convert.register(list)
@_convert.register(tuple)
def _(value: Iterable[object]) -> list[Any]:
    return [jsonable(item) for item in value]


@_convert.register(AbstractSet)
def _(value: AbstractSet[object]) -> list[Any]:
    return [jsonable(item) for item in sorted(value, key=str)]


@_convert.register(Mapping)
def _(value: Mapping[str, object]) -> dict[str, Any]:
    return {key: jsonable(item) for key, item in value.items()}


@_convert.register
def _(value: Location) -> dict[str, Any]:
    result: dict[str, Any] = {"uri": uri_of(value.path)}
    if value.first_line is not None:
        last = value.first_line + 1 if value.last_line is None else value.last_line
        result["range"] = {
            "start": {"line": value.first_line, "character": 0},
            "end": {"line": last, "character": 0},
        }
    return result
