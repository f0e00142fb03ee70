"""docs/schema is what the server takes and sends; the drift is test_generated.py's."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.lsp.commands.arguments import parse
from claude_agent_lsp.lsp.commands.commands import COMMANDS
from claude_agent_lsp.workspace.settings import Settings, camel

DOCS = Path(__file__).parents[2] / "docs"
SCHEMAS: dict[str, Any] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in (DOCS / "schema").glob("*.json")
}
COMMAND = Draft202012Validator(SCHEMAS["commands"])
SETTINGS = Draft202012Validator(SCHEMAS["settings"])
EVENT = Draft202012Validator(SCHEMAS["events"])
# Values of each kind that some rule takes, and some that none does.
VALUES = [
    None,
    True,
    0,
    1,
    4.0,
    0.5,
    -1,
    "",
    "word",
    "last",
    "high",
    "plan",
    "file:///a",
    "2026-03-31",
    "1f0f6b3a-8a6c-4b57-9d57-0a2f5d1d3c11",
    [],
    ["a"],
    ["file:///a"],
    {},
    {"a": 1},
    {"textDocument": {"uri": "file:///a"}, "text": None},
]


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_each_is_a_schema(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", sorted(COMMANDS))
@given(data=st.data())
def test_what_a_command_takes_fits_its_schema(name: str, data: st.DataObject) -> None:
    fields = [camel(field.name) for field in dataclasses.fields(COMMANDS[name].argument)]
    argument = data.draw(
        st.dictionaries(st.sampled_from([*fields, "other"]), st.sampled_from(VALUES))
    )
    try:
        parse(COMMANDS[name].argument, [argument])
    except InvalidArgument:
        return
    assert COMMAND.is_valid({name: argument}), argument


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_what_is_missing_or_unknown_fits_no_schema(name: str) -> None:
    required = [
        camel(field.name)
        for field in dataclasses.fields(COMMANDS[name].argument)
        if field.metadata["field"].required
    ]
    assert COMMAND.is_valid({name: {}}) == (required == [])
    assert not COMMAND.is_valid({name: {"noSuchField": 1}})


def test_defaults_fit_the_schema_of_settings_and_nonsense_does_not() -> None:
    SETTINGS.validate({row.name: row.default for row in Settings.fields()})
    assert not SETTINGS.is_valid({"maxTurns": "many"})
    assert not SETTINGS.is_valid({"permissionMode": "always"})


def test_an_event_that_lacks_something_is_none() -> None:
    assert EVENT.is_valid({"kind": "text", "messageId": "1", "text": "a"})
    assert not EVENT.is_valid({"kind": "text", "text": "a"})
    assert not EVENT.is_valid({"kind": "unheardOf"})


def test_the_page_links_them_all() -> None:
    page = (DOCS / "protocol.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\(schema/(\w+)\.json\)", page)) == set(SCHEMAS)
