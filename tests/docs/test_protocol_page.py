"""docs/protocol.md and the code tell the same."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest

from claude_agent_lsp import errors
from claude_agent_lsp.agent.events import Change, Event, Level, Run, RunStatus, ToolStatus
from claude_agent_lsp.agent.permissions.queue import AnsweredBy
from claude_agent_lsp.agent.question import (
    Action,
    Grant,
    Grants,
    Question,
    QuestionKind,
    QuestionOption,
)
from claude_agent_lsp.lsp.commands.commands import COMMANDS
from claude_agent_lsp.workspace.modes import MODES
from claude_agent_lsp.workspace.settings import Effort, camel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from claude_agent_lsp.lsp.commands.registry import Command

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()


def section(title: str) -> str:
    """The text below a heading, up to the next one of any level."""
    _, _, rest = PAGE.partition(f"\n{title}\n")
    assert rest, f"there is no heading {title!r}"
    return re.split(r"\n#+ ", rest, maxsplit=1)[0]


def first_cells(text: str) -> list[str]:
    """The names in the first column of the tables in a text."""
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])]


def names_of(cls: type) -> set[str]:
    return {camel(field.name) for field in dataclasses.fields(cls)}


def test_every_command_has_a_heading_and_every_heading_a_command() -> None:
    headings = re.findall(r"^### `(claudeAgent\.[\w.]+)`$", PAGE, re.MULTILINE)
    assert sorted(headings) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: command.name)
def test_fields_of_argument_stand_in_its_table(command: Command) -> None:
    text = section(f"### `{command.name}`").partition("The answer is")[0]
    assert set(first_cells(text)) == names_of(command.argument)


def test_fields_of_run_stand_in_its_table() -> None:
    table = section("### `claudeAgent.query`").partition("The answer is a **Run**")[2]
    assert set(first_cells(table)) == names_of(Run)
    assert all(f"`{status.value}`" in table for status in RunStatus)


def test_events_stand_in_their_table_with_their_fields() -> None:
    rows = {
        name: row
        for row in section("### What is streamed").splitlines()
        if row.startswith("| `")
        for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert set(rows) - {"kind"} == {event.kind for event in get_args(Event)}
    for event in get_args(Event):
        missing = [name for name in names_of(event) if f"`{name}" not in rows[event.kind]]
        assert not missing, f"{event.kind}: {missing}"


@pytest.mark.parametrize("cls", [Question, QuestionOption, Action, Grants, Grant])
def test_fields_of_question_stand_in_its_section(cls: type) -> None:
    text = section("## Questions")
    objects = " ".join(re.findall(r"\{[^`]*\}", text))
    missing = [name for name in names_of(cls) if not re.search(rf"\b{name}\b", objects)]
    assert not missing


def test_reasons_stand_in_their_table() -> None:
    raised = {
        cls.reason
        for cls in vars(errors).values()
        if isinstance(cls, type) and issubclass(cls, errors.RequestFailed)
    }
    assert set(first_cells(section("## Rules for all commands"))) == raised


def rows_of(text: str) -> dict[str, str]:
    """The rest of each row of a command's table, by the names in its first column."""
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    return {name: "|".join(row[2:]) for row in rows for name in re.findall(r"`([^`]+)`", row[1])}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: command.name)
def test_required_fields_of_argument_are_told_and_defaults(command: Command) -> None:
    rows = rows_of(section(f"### `{command.name}`").partition("The answer is")[0])
    for field in dataclasses.fields(command.argument):
        row = rows[camel(field.name)]
        assert ("required" in row) == field.metadata["field"].required, field.name
        if isinstance(field.default, str | int) and field.default is not False:
            assert json.dumps(field.default) in row, field.name


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("### `claudeAgent.query`", get_args(Effort)),
        ("### `claudeAgent.mode`", MODES),
        ("### What is streamed", [by.value for by in AnsweredBy]),
        ("### What is streamed", [status.value for status in ToolStatus]),
        ("### What is streamed", [change.value for change in Change]),
        ("### What is streamed", [level.value for level in Level]),
    ],
)
def test_every_word_with_a_meaning_is_told(heading: str, words: Iterable[str]) -> None:
    text = section(heading)
    assert [word for word in words if f"`{word}`" not in text] == []


def test_kinds_of_questions_are_told() -> None:
    kinds = " | ".join(f'"{kind}"' for kind in get_args(QuestionKind))
    assert f"kind: {kinds}," in section("## Questions")
