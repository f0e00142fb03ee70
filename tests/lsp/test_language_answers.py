"""Whatever an editor or its language servers answer is read, or refused with the reason."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.agent.buffers.knowledge import Place
from claude_agent_lsp.agent.buffers.tool_texts import ToolRefusedError
from claude_agent_lsp.lsp.buffers.language_answers import (
    diagnostics_in,
    places_in,
    renaming_in,
    results_in,
    shown_in,
    symbols_in,
)
from claude_agent_lsp.workspace.documents.positions import PositionEncoding

NAMES = (
    *("answers", "result", "error", "uri", "range", "start", "end", "line", "character", "name"),
    *("children", "location", "changes", "documentChanges", "edits", "newText", "textDocument"),
    *("documents", "selection", "message", "severity", "targetUri", "selectionRange", "kind"),
)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.just("file:///a") | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
    ),
    max_leaves=20,
)


def at(line: int, last: int | None = None) -> dict[str, Any]:
    end = line if last is None else last
    return {"start": {"line": line, "character": 0}, "end": {"line": end, "character": 1}}


@given(ODD)
def test_odd_answers_are_weather(odd: Any) -> None:
    list(places_in(odd))
    symbols_in(odd)
    symbols_in(odd, Path("/a"))
    diagnostics_in(odd)
    shown_in(odd)
    with contextlib.suppress(ToolRefusedError):
        results_in(odd)
    with contextlib.suppress(ToolRefusedError):
        renaming_in(odd, PositionEncoding.UTF_16)


def test_locations_are_read_in_each_form() -> None:
    link = {"targetUri": "file:///b", "targetRange": at(0, 9), "targetSelectionRange": at(3)}
    found = list(places_in([{"uri": "file:///a", "range": at(1, 2)}, link]))
    assert found == [Place(Path("/a"), 1, 2), Place(Path("/b"), 3, 3)]
    assert list(places_in({"uri": "file:///a", "range": at(1)})) == [Place(Path("/a"), 1, 1)]


def test_symbols_within_others_are_found_only_so_deep() -> None:
    deep: dict[str, Any] = {"name": "x", "kind": 5, "range": at(0)}
    for _ in range(1000):
        deep = {**deep, "children": [deep]}
    assert len(symbols_in([deep], Path("/a"))) == 21


@pytest.mark.parametrize("step", [{"kind": "create", "uri": "file:///a"}, {"edits": []}, None])
def test_a_renaming_is_read_whole_or_not_at_all(step: Any) -> None:
    edit = {"textDocument": {"uri": "file:///a"}, "edits": [{"range": at(0), "newText": "b"}]}
    read = renaming_in({"documentChanges": [edit]}, PositionEncoding.UTF_8)
    assert list(read.edits) == [Path("/a")]
    with pytest.raises(ToolRefusedError, match="Nothing was changed"):
        renaming_in({"documentChanges": [edit, step]}, PositionEncoding.UTF_8)
