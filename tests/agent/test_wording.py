"""How a question is worded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from claude_agent_sdk.types import PermissionRuleValue, PermissionUpdate

from claude_agent_lsp.agent.choices import choices_in
from claude_agent_lsp.agent.wording import detail_of, kept_in, told

FOLDER = Path("/project")


def detail(tool: str, diff: str | None = None, reason: str | None = None, **given: Any) -> str:
    return detail_of(tool, given, FOLDER, diff=diff, reason=reason)


def test_a_command_stands_there_in_full_up_to_500_characters() -> None:
    assert detail("Bash", command="a" * 500) == "a" * 500
    assert detail("Bash", command="a" * 512) == "a" * 500 + "\n… (12 more characters)"


@pytest.mark.parametrize(
    ("path", "shown"),
    [("/project/src/a.py", "src/a.py"), ("a.py", "a.py"), ("/etc/passwd", "/etc/passwd")],
)
def test_a_path_is_shown_as_it_is_in_the_folder(path: str, shown: str) -> None:
    assert detail("Edit", diff="-x\n+y", file_path=path) == f"{shown}\n-x\n+y"


def test_other_tools_are_shown_with_all_of_their_input() -> None:
    assert detail("mcp__a__b", x=1, y="two\nlines") == "x: 1\ny: two\nlines"
    assert detail("NotebookEdit", notebook_path="/project/n", new_source="z") == "n\nnew_source: z"


def test_nothing_is_hidden_and_the_reason_stands_last() -> None:
    shown = detail("Bash", command="ls\n\x1b[2K", reason="Outside\r the folder")
    assert shown == "ls\n\\x1b[2K\nOutside\\r the folder"


def test_permissions_are_told_in_a_few_words() -> None:
    rules = [
        PermissionRuleValue("Bash", "npm run *"),
        PermissionRuleValue("WebFetch", "domain:a.b"),
        PermissionRuleValue("Read", None),
    ]
    updates = [
        PermissionUpdate("addRules", rules=rules, behavior="allow", destination="localSettings"),
        PermissionUpdate("setMode", mode="acceptEdits"),
        PermissionUpdate("addDirectories", directories=["/a\n"]),
    ]
    assert told(updates) == "`npm run *`, WebFetch(domain:a.b), Read, edits, files in /a\\n"
    assert kept_in(updates[:1]) == ".claude/settings.local.json"


@pytest.mark.parametrize("rubbish", [{}, {"questions": 1}, {"questions": [1, None]}])
def test_rubbish_is_no_choice(rubbish: dict[str, Any]) -> None:
    assert list(choices_in(rubbish)) == []


def test_a_choice_called_deny_can_be_chosen() -> None:
    given = {"questions": [{"question": "?", "options": [{"label": "deny"}]}]}
    (choice,) = choices_in(given)
    assert [option.value for option in choice.options] == ["deny", '"deny"']
