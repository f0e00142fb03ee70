"""What language servers answer, from LSP's JSON to inner types. What makes no sense is left out.

An answer comes from programs that nobody here knows, by way of the editor, and may be of any shape
and length: read it in a thread.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.buffers.knowledge import Place, Renaming, Shown, Symbol
from claude_agent_lsp.agent.buffers.tool_texts import ToolRefusedError
from claude_agent_lsp.base.texts.text import one_line
from claude_agent_lsp.base.uris import path_of
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.workspace.documents.diagnostics import SEVERITIES, Diagnostic
from claude_agent_lsp.workspace.documents.edits import RangeEdit
from claude_agent_lsp.workspace.documents.positions import Position, PositionEncoding, Range

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MOST: Final = 5000
WORDS: Final = 500
DEEPEST: Final = 20
_SEVERITIES: Final = dict(enumerate(SEVERITIES, 1))
_KINDS: Final = (
    *("file", "module", "namespace", "package", "class", "method", "property", "field"),
    *("constructor", "enum", "interface", "function", "variable", "constant", "string", "number"),
    *("boolean", "array", "object", "key", "null", "enum member", "struct", "event", "operator"),
    "type parameter",
)


def results_in(answer: object) -> list[tuple[Any, PositionEncoding | None]]:
    """Return what each language server has answered, and in which units it counts.

    Raises:
        ToolRefusedError: There is nothing but errors: the first one's words.
    """
    answers = _list(_field(answer, "answers"))
    found = [
        (each["result"], _encoding(each.get("positionEncoding")))
        for each in answers
        if isinstance(each, dict) and each.get("result") is not None
    ]
    errors = [str(each["error"]) for each in answers if _field(each, "error") is not None]
    if errors and not found:
        raise ToolRefusedError(f"The language server refuses: {one_line(errors[0], WORDS)}")
    return found


def places_in(result: object) -> Iterator[Place]:
    """Return the places of a `Location`, of several, or of links to some."""
    for each in _list(result if isinstance(result, list) else [result]):
        uri = _field(each, "uri") or _field(each, "targetUri")
        place = _field(each, "targetSelectionRange") or _field(each, "range")
        if (found := _place(uri, place)) is not None:
            yield found


def symbols_in(result: object, path: Path | None = None) -> list[Symbol]:
    """Return `DocumentSymbol`s of a file, with those within, or `SymbolInformation`s."""
    return list(itertools.islice(_symbols(_list(result), path, None, 0), MOST))


def renaming_in(result: object, encoding: PositionEncoding) -> Renaming:
    """Return the edits of a `WorkspaceEdit`.

    Raises:
        ToolRefusedError: Part of it can't be read, or is no edit of a file's text.
    """
    edits: dict[Path, list[RangeEdit]] = {}
    changes = _field(result, "changes")
    named = list(changes.items()) if isinstance(changes, dict) else []
    steps = _field(result, "documentChanges")
    if isinstance(steps, list):  # it is what counts then
        named = [
            (_field(_field(each, "textDocument"), "uri"), _field(each, "edits")) for each in steps
        ]
    for uri, given in named:
        path = _path(uri)
        if path is None or not isinstance(given, list):
            raise ToolRefusedError(
                "The language server would do more than edit files: move some, say. Nothing was "
                "changed."
            )
        edits.setdefault(path, []).extend(map(_edit, given))
    return Renaming({path: made for path, made in edits.items() if made}, encoding)


def diagnostics_in(given: object) -> Sequence[Diagnostic]:
    """Return the diagnostics of an array."""
    return [found for each in _list(given) if (found := _diagnostic(each)) is not None]


def shown_in(answer: object) -> Sequence[Shown]:
    """Return what an editor says that its user sees."""
    return [
        Shown(each["uri"], each.get("active") is True, range_in(each.get("selection")))
        for each in _list(_field(answer, "documents"))
        if isinstance(each, dict) and isinstance(each.get("uri"), str)
    ]


def range_in(given: object) -> Range | None:
    """Return a range; None if it is none."""
    start, end = _position(_field(given, "start")), _position(_field(given, "end"))
    return None if start is None or end is None or end < start else Range(start, end)


def _symbols(
    given: Sequence[object], path: Path | None, within: str | None, depth: int
) -> Iterator[Symbol]:
    for each in given:
        name = _field(each, "name")
        location = _field(each, "location")
        if location is None:
            span = range_in(_field(each, "selectionRange") or _field(each, "range"))
            place = None
            if path is not None and span is not None:
                place = Place(path, span.start.line, span.end.line)
        else:
            # Of a symbol of the workspace it may be the file alone.
            start = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
            place = _place(_field(location, "uri"), _field(location, "range") or start)
        if not isinstance(name, str) or place is None:
            continue
        container = _field(each, "containerName")
        inside = container if isinstance(container, str) else within
        yield Symbol(name, _kind(_field(each, "kind")), place, inside)
        if depth < DEEPEST:
            yield from _symbols(_list(_field(each, "children")), path, name, depth + 1)


def _place(uri: object, given: object) -> Place | None:
    path, place = _path(uri), range_in(given)
    return None if path is None or place is None else Place(path, place.start.line, place.end.line)


def _edit(given: object) -> RangeEdit:
    place, new = range_in(_field(given, "range")), _field(given, "newText")
    if place is None or not isinstance(new, str):
        raise ToolRefusedError("The language server's edits can't be read. Nothing was changed.")
    return RangeEdit(place, new)


def _diagnostic(given: object) -> Diagnostic | None:
    place, message = range_in(_field(given, "range")), _field(given, "message")
    if place is None or not isinstance(message, str):
        return None
    source, code = _field(given, "source"), _field(given, "code")
    severity = _field(given, "severity")
    return Diagnostic(
        place,
        message,
        _SEVERITIES.get(severity, "error") if isinstance(severity, int) else "error",
        source if isinstance(source, str) else None,
        str(code) if isinstance(code, str | int) else None,
    )


def _position(given: object) -> Position | None:
    line, character = _field(given, "line"), _field(given, "character")
    if not (isinstance(line, int) and isinstance(character, int)) or line < 0 or character < 0:
        return None
    return Position(line, character)


def _path(uri: object) -> Path | None:
    try:
        return path_of(uri) if isinstance(uri, str) else None
    except InvalidArgument:
        return None


def _kind(given: object) -> str:
    if isinstance(given, int) and 1 <= given <= len(_KINDS):
        return _KINDS[given - 1]
    return "symbol"


def _encoding(given: object) -> PositionEncoding | None:
    try:
        return PositionEncoding(given) if isinstance(given, str) else None
    except ValueError:
        return None


def _list(given: object) -> list[Any]:
    return given[:MOST] if isinstance(given, list) else []


def _field(given: object, name: str) -> Any:
    return given.get(name) if isinstance(given, dict) else None
