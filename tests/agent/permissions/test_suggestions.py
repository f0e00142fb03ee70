"""A rule that the user is offered means what its text says."""

from __future__ import annotations

from typing import Any

import pytest
from claude_agent_sdk.types import PermissionRuleValue, PermissionUpdate

from claude_agent_lsp.agent.permissions.suggestions import offered, rule_text

FOLDER = PermissionUpdate("addDirectories", directories=["/out/a*"], destination="session")
EDITS = PermissionUpdate("setMode", mode="acceptEdits", destination="session")


def allow(*rules: tuple[str, str | None]) -> PermissionUpdate:
    values = [PermissionRuleValue(*rule) for rule in rules]
    return PermissionUpdate("addRules", rules=values, behavior="allow")


# Made of what the CLI (2.1.330) suggests: the call itself, its first words, its folder, its host.
@pytest.mark.parametrize(
    ("tool_input", "rule"),
    [
        ({"command": "npm run build"}, ("Bash", "npm run *")),
        ({"command": "mkfifo a"}, ("Bash", "mkfifo a *")),
        ({"command": "npm run build"}, ("Bash", "npm run:*")),
        ({"command": "python3 -c 'print(2+3)'"}, ("Bash", "python3 -c 'print(2+3)'")),
        ({"command": "mkfifo '(a)\\\\'"}, ("Bash", "mkfifo '(a)\\\\'")),
        ({"command": "ls x?[a]{b}"}, ("Bash", "ls x?[a]{b}")),
        ({"skill": "review"}, ("Skill", "review:*")),
        ({"skill": "review"}, ("Skill", "review")),
        ({"query": "a*"}, ("WebSearch", None)),
        ({}, ("mcp__docs__search.all", None)),
        ({"url": "https://a.example/x*"}, ("WebFetch", "domain:a.example")),
        ({"file_path": "/out/a/s"}, ("Read", "//out/a/**")),
        ({"file_path": "/out/p(q)[r]/s"}, ("Read", "//out/p\\(q\\)\\[r\\]/**")),
        ({"file_path": "/out/b\\c/s"}, ("Read", "//out/b\\\\c/**")),
        ({"file_path": "/p/.claude/x"}, ("Edit", "/.claude/**")),
    ],
)
def test_what_it_means_as_it_reads_is_offered(
    tool_input: dict[str, Any], rule: tuple[str, str | None]
) -> None:
    suggested = [allow(rule), FOLDER, EDITS]
    assert offered(suggested, tool_input) == suggested


@pytest.mark.parametrize(
    ("tool_input", "rule"),
    [
        ({"command": "python3 -c 'print(2*3)'"}, ("Bash", "python3 -c 'print(2*3)'")),
        ({"command": "rm build/*"}, ("Bash", "rm build/*")),
        ({"command": "node *"}, ("Bash", "node *")),
        ({"command": "*"}, ("Bash", "*")),
        ({"command": "echo a:*"}, ("Bash", "echo a:*")),
        ({"command": "find . -name \\*.x"}, ("Bash", "find . -name \\*.x")),
        ({"command": "find . -name '\\\\*'"}, ("Bash", "find . -name '\\\\*'")),
        ({"command": "npm run a* && mkfifo b"}, ("Bash", "npm run *")),
        ({"command": "bash -c 'x\ny'"}, ("Bash", "bash -c 'x *")),
        ({"command": "a\\b c"}, ("Bash", "a\\b *")),
        ({"command": "x", "options": [{"a": "*"}]}, ("Bash", "x *")),
        ({"command": "mkfifo b"}, ("Bash", "mk* b")),
        ({"command": "mkfifo b"}, ("Bash", f"mkfifo {'b' * 5000} *")),
        ({"skill": "*"}, ("Skill", "*")),
        ({"skill": "a*"}, ("Skill", "a*:*")),
        ({"url": "https://*/"}, ("WebFetch", "domain:*")),
        ({"url": "https://*.example/"}, ("WebFetch", "domain:*.example")),
        ({"url": "https://%2A/"}, ("WebFetch", "domain:*")),
        ({"url": "https://\uff0a.example/"}, ("WebFetch", "domain:*.example")),
        ({"file_path": "/out/a?c/s"}, ("Read", "//out/a?c/**")),
        ({"file_path": "/out/a*/s"}, ("Read", "//out/a*/**")),
        # The CLI lets a `\\*` in a path stand for anything, too.
        ({"file_path": "/out/a*/s"}, ("Read", "//out/a\\*/**")),
        ({"file_path": "/out/[a]/s"}, ("Edit", "//out/[a]/**")),
        ({"file_path": "/s"}, ("Read", "/**")),
        ({"file_path": "/s"}, ("Read", "**")),
        ({}, ("mcp__docs__*", None)),
    ],
)
def test_what_is_a_pattern_by_accident_is_not_and_nothing_with_it(
    tool_input: dict[str, Any], rule: tuple[str, str | None]
) -> None:
    assert offered([allow(rule)], tool_input) == []
    assert offered([EDITS, allow(("Bash", "ls"), rule), FOLDER], tool_input) == []


def test_only_what_allows_something_is_offered() -> None:
    rules = [PermissionRuleValue("Read")]
    for kind, behavior in (
        ("addRules", "deny"),
        ("removeRules", "deny"),
        ("replaceRules", "allow"),
    ):
        update = PermissionUpdate(kind, rules=rules, behavior=behavior)  # type: ignore[arg-type]
        assert offered([update], {}) == []


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "Bash"),
        ("", "Bash"),
        ("npm run *", "Bash(npm run *)"),
        ("echo '(a)'", "Bash(echo '\\(a\\)')"),
        ("a \\\\\\* b\\", "Bash(a \\\\\\\\\\\\* b\\\\)"),
    ],
)
def test_a_rule_is_written_so_that_the_cli_reads_the_same_again(
    content: str | None, text: str
) -> None:
    assert rule_text(PermissionRuleValue("Bash", content)) == text
