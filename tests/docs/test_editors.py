"""The editors' own words for commands, events and settings are those of the server's tables."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from claude_agent_lsp.agent.accounts.limits import AccountLimit
from claude_agent_lsp.agent.background import Task
from claude_agent_lsp.agent.events import Event, PermissionDenial, Run, TokenUsage
from claude_agent_lsp.agent.question import Question, QuestionOption
from claude_agent_lsp.lsp.commands.commands import COMMANDS
from claude_agent_lsp.sessions.catalogue.session import Session
from claude_agent_lsp.sessions.reading.messages import Message, RecordedCall
from claude_agent_lsp.workspace.setting import Scope
from claude_agent_lsp.workspace.settings import Settings, camel

EDITORS = Path(__file__).parents[2] / "editors"
SHARED = EDITORS / "vscode" / "shared"
PROTOCOL = "\n".join(
    (SHARED / f"{name}.ts").read_text("utf-8")
    for name in ("protocol", "commands", "code", "control", "rewind")
)
# Each group has what the extension alone knows.
OWN = re.compile(r"claudeAgent\.(server|trace|notifications|context)\b")
OPEN, CLOSE = "{[(<", "}])>"


def sources(folder: str, ending: str) -> str:
    """The text of an editor's package."""
    files = sorted((EDITORS / folder).rglob(f"*{ending}"))
    return "\n".join(
        file.read_text(encoding="utf-8")
        for file in files
        if not {"node_modules", "dist", "out", "test"} & set(file.relative_to(EDITORS).parts)
    )


def block(text: str, start: int) -> str:
    """What stands between the bracket at or behind a place and the one that closes it."""
    first = next(i for i in range(start, len(text)) if text[i] in OPEN)
    depth = 0
    for i in range(first, len(text)):
        arrow = text[i - 1 : i + 1] == "=>"
        depth += (text[i] in OPEN) - (text[i] in CLOSE and not arrow)
        if depth == 0:
            return text[first + 1 : i]
    raise AssertionError(text[start:])


def parts(text: str, separators: str) -> list[str]:
    """A text cut where one of the separators stands outside all brackets."""
    found, depth = [""], 0
    for character in text:
        depth += (character in OPEN) - (character in CLOSE)
        if depth == 0 and character in separators:
            found.append("")
        else:
            found[-1] += character
    return [part.strip() for part in found if part.strip()]


def fields(body: str) -> dict[str, bool]:
    """The names of an object type's fields, and whether each may be left out."""
    without_comments = re.sub(r"/\*.*?\*/", "", body, flags=re.DOTALL)
    matches = [
        re.match(r"(?:readonly\s+)?(\w+)(\?)?:", part) for part in parts(without_comments, ";")
    ]
    return {match[1]: match[2] is not None for match in matches if match}


def interface(name: str) -> str:
    return block(PROTOCOL, PROTOCOL.index(f"export interface {name} "))


def names_of(cls: Any) -> set[str]:
    return {camel(field.name) for field in dataclasses.fields(cls)}


def arguments() -> dict[str, str]:
    """The type of each command's argument in protocol.ts."""
    entries = [re.match(r"'([\w.]+)': \[", part) for part in parts(interface("Commands"), ";")]
    found = {}
    for part, entry in zip(parts(interface("Commands"), ";"), entries, strict=True):
        assert entry, part
        found[entry[1]] = parts(block(part, entry.end() - 1), ",")[0]
    return found


def test_every_command_stands_in_the_extension() -> None:
    assert sorted(arguments()) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_argument_of_each_command_is_that_of_the_extension(name: str) -> None:
    type_ = arguments()[name]
    body = interface(type_) if type_[0].isupper() else block(type_, 0) if type_[0] == "{" else ""
    wanted = {
        camel(field.name): not field.metadata["field"].required
        for field in dataclasses.fields(COMMANDS[name].argument)
    }
    assert fields(body) == wanted


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("Run", Run),
        ("Session", Session),
        ("Message", Message),
        ("MessageToolCall", RecordedCall),
        ("Question", Question),
        ("QuestionOption", QuestionOption),
        ("Task", Task),
        ("AccountLimit", AccountLimit),
    ],
)
def test_type_of_the_extension_has_the_fields_of_the_servers(name: str, cls: type) -> None:
    assert set(fields(interface(name))) == names_of(cls)


def test_what_is_inside_a_run_has_the_fields_of_the_servers() -> None:
    run = interface("Run")
    assert set(fields(block(run, run.index("usage")))) == names_of(TokenUsage)
    assert set(fields(block(run, run.index("permissionDenials")))) == names_of(PermissionDenial)


def test_events_of_the_extension_are_those_of_the_server() -> None:
    text = PROTOCOL.partition("export type RunEvent =")[2].partition("\n\n")[0]
    found: dict[str, set[str]] = {}
    for part in parts(text, "|;"):
        body = block(part, 0)
        kinds = re.findall(r"'(\w+)'", parts(body, ";")[0])
        found |= {kind: set(fields(body)) - {"kind"} for kind in kinds}
    assert found == {event.kind: names_of(event) for event in get_args(Event)}


CALLS = {
    "vscode": (".ts", r"execute\(\s*'claudeAgent\.([\w.]+)'|command: 'claudeAgent\.([\w.]+)'"),
    "neovim": (".lua", r"client\.command\(\s*\w+(?:\.\w+)?,\s*'([\w.]+)'"),
    "emacs": (".el", r'claude-agent-server-call\s+"([\w.]+)"'),
}


@pytest.mark.parametrize("editor", CALLS)
def test_every_command_that_an_editor_calls_is_there(editor: str) -> None:
    ending, pattern = CALLS[editor]
    called = {"".join(match) for match in re.findall(pattern, sources(editor, ending))}
    assert len(called) > 5
    assert {f"claudeAgent.{name}" for name in called} <= set(COMMANDS)


@pytest.mark.parametrize(
    ("editor", "ending", "pattern"),
    [
        ("neovim", ".lua", r"function M\.(\w+)\((?:talk|_), event\b"),
        ("emacs", ".el", r"\(pcase (?:kind|\(plist-get event :kind\))((?:\s|.)*?\n)\n"),
    ],
)
def test_every_event_that_an_editor_takes_is_there(editor: str, ending: str, pattern: str) -> None:
    found = re.findall(pattern, sources(editor, ending))
    handled = (
        set(found)
        if editor == "neovim"
        else {kind for body in found for kind in re.findall(r'\(\(?(?:or )?"(\w+)"', body)}
    )
    assert len(handled) > 5
    assert handled <= {event.kind for event in get_args(Event)}


def test_the_extension_knows_all_settings_and_no_others() -> None:
    package = json.loads((EDITORS / "vscode" / "package.json").read_text(encoding="utf-8"))
    groups = package["contributes"]["configuration"]
    named = {name for group in groups for name in group["properties"]}
    servers = {f"claudeAgent.{row.name}" for row in Settings.fields()}
    assert {name for name in named if not OWN.match(name)} == servers


def test_the_readme_of_the_extension_names_what_no_folder_sets() -> None:
    page = (EDITORS / "vscode" / "README.md").read_text(encoding="utf-8")
    _, _, rest = page.partition("- No folder can set")
    told = set(re.findall(r"`([\w.]+)`", rest.partition("\n- ")[0])) - {"machine"}
    users = {row.name for row in Settings.fields() if row.scope is Scope.USER}
    assert told == users | {"server.path", "server.python"}


@pytest.mark.parametrize(
    "page", [f"{editor}README.md" for editor in ("", "vscode/", "emacs/", "helix/")]
)
def test_settings_and_commands_that_a_page_names_are_there(page: str) -> None:
    text = (EDITORS / page).read_text(encoding="utf-8")
    named = set(re.findall(r"claudeAgent\.([a-z]\w*(?:\.\w+)*)", text))
    known = {row.name for row in Settings.fields()}
    known |= {name.removeprefix("claudeAgent.") for name in COMMANDS}
    assert named <= known
