"""What is allowed for a session holds for what the question said, and for nothing else."""

from __future__ import annotations

import pytest
from claude_agent_sdk.types import PermissionRuleValue, PermissionUpdate
from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.agent.permissions.session_grants import SessionGrants

SENSITIVE = "Claude requested permissions to edit .mcp.json which is a sensitive file."
RULE = PermissionUpdate("addRules", rules=[PermissionRuleValue("Bash", "echo *")], behavior="allow")
FOLDER = PermissionUpdate("addDirectories", directories=["/work"])


def test_rules_and_folders_are_for_the_next_process() -> None:
    grants = SessionGrants()
    assert not grants
    whole = PermissionUpdate("addRules", rules=[PermissionRuleValue("WebFetch")], behavior="allow")
    denied = PermissionUpdate("addRules", rules=[PermissionRuleValue("Read")], behavior="deny")
    grants.add("Bash", {"command": "echo x > y"}, None, [RULE, FOLDER, whole, denied])
    assert grants
    assert grants.rules == {"Bash(echo *)", "WebFetch"}
    assert grants.directories == {"/work"}


def test_the_very_same_call_is_allowed_whatever_it_is_said_to_be_for() -> None:
    grants = SessionGrants()
    grants.add("Bash", {"command": "echo x > y", "description": "Try"}, None, [RULE, FOLDER])
    assert grants.hold("Bash", {"description": "Again", "command": "echo x > y"}, None)
    assert not grants.hold("Bash", {"command": "echo x > y", "timeout": 1}, None)


@pytest.mark.parametrize("other", ["echo x > .mcp.json", "echo x > y ", "echo x > y; rm y", ""])
def test_no_other_call_is(other: str) -> None:
    grants = SessionGrants()
    grants.add("Bash", {"command": "echo x > y"}, None, [RULE, FOLDER])
    assert not grants.hold("Bash", {"command": other}, None)
    assert not grants.hold("Monitor", {"command": "echo x > y"}, None)


def test_a_reason_of_the_clis_is_seen_each_time() -> None:
    grants = SessionGrants()
    grants.add("Write", {"file_path": ".mcp.json"}, SENSITIVE, [])
    assert not grants.hold("Write", {"file_path": ".mcp.json"}, SENSITIVE)
    assert not grants.hold("Write", {"file_path": ".mcp.json"}, None)
    grants.add("Write", {"file_path": "a"}, None, [])
    assert grants.hold("Write", {"file_path": "a"}, None)
    # It has become a link to such a file, say.
    assert not grants.hold("Write", {"file_path": "a"}, SENSITIVE)


def test_what_the_question_could_not_show_is_asked_again() -> None:
    grants = SessionGrants()
    long = {"command": "echo " + "x" * 600}
    grants.add("Bash", long, None, [RULE])
    assert not grants.hold("Bash", long, None)


def test_a_mode_is_no_grant() -> None:
    grants = SessionGrants()
    mode = PermissionUpdate("setMode", mode="acceptEdits")
    grants.add("Write", {"file_path": "a"}, None, [mode])
    assert not grants
    assert not grants.hold("Write", {"file_path": "a"}, None)


CALLS = st.tuples(
    st.sampled_from(["Bash", "Write"]),
    st.dictionaries(st.sampled_from(["command", "file_path", "timeout"]), st.text(max_size=3)),
    st.sampled_from([None, "This command requires approval", SENSITIVE]),
)


@given(st.lists(CALLS), CALLS)
def test_nothing_is_held_that_no_question_has_named(
    asked: list[tuple[str, dict[str, str], str | None]],
    later: tuple[str, dict[str, str], str | None],
) -> None:
    grants = SessionGrants()
    for tool, tool_input, reason in asked:
        grants.add(tool, tool_input, reason, [RULE, FOLDER])
    if grants.hold(*later):
        assert any(call[:2] == later[:2] for call in asked)
        assert later[2] != SENSITIVE
