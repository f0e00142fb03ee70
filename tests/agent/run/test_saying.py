"""What the CLI says beside the answer, as the user is told of it: words, hooks, MCP servers."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.agent.events import Event, Hook, HookStatus, Level, Notice, Retracted, Text
from claude_agent_lsp.agent.saying import mcp_servers
from claude_agent_lsp.agent.saying.answer import Answer
from claude_agent_lsp.agent.saying.hooks import Hooks
from claude_agent_lsp.agent.saying.mcp_servers import McpWatch
from claude_agent_lsp.agent.saying.notices import Notices, is_for_user

if TYPE_CHECKING:
    from collections.abc import Callable

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OF_NOTICES = ("content", "text", "level", "key", "priority", "retry_delay_ms", "status", "error")
OF_HOOKS = ("hook_id", "hook_name", "hook_event", "stdout", "stderr", "outcome", "exit_code")
FIELDS = st.sampled_from([*OF_NOTICES, *OF_HOOKS])
SUBTYPES = st.sampled_from(["informational", "notification", "api_retry", "plugin_install", "new"])


class Told:
    """All that is told, with the parts that tell it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.notices = Notices(self.events.append)
        self.hooks = Hooks(self.events.append, self.notices)

    @property
    def words(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Notice)]


@pytest.fixture
def told() -> Told:
    return Told()


def ended(event: str = "PreToolUse:Bash", **more: Any) -> dict[str, Any]:
    """A hook's end, as the CLI reports it."""
    fields = {"hook_id": "h", "hook_name": event, "hook_event": event.partition(":")[0]}
    return {**fields, "outcome": "success", "exit_code": 0, "stdout": "", **more}


@pytest.mark.parametrize(
    ("data", "notice"),
    [
        ({"content": "Mind this.", "level": "warning"}, Notice(Level.WARNING, "Mind this.")),
        ({"content": "By the way.", "level": "notice"}, Notice(Level.INFO, "By the way.")),
        ({"text": "Now!", "priority": "immediate"}, Notice(Level.WARNING, "Now!")),
        ({"text": "Later.", "priority": "low"}, Notice(Level.INFO, "Later.")),
        ({"text": "odd · ctrl+o to see", "priority": "low"}, Notice(Level.INFO, "odd")),
        ({"error": "It is broken."}, Notice(Level.INFO, "It is broken.")),
        ({"content": "a\x1b[31mb\nc"}, Notice(Level.INFO, "a\\x1b[31mb\nc")),
    ],
)
def test_words_of_whatever_kind_are_told(told: Told, data: dict[str, Any], notice: Notice) -> None:
    told.notices.read("of_a_later_version", data)
    assert told.events == [notice]


@pytest.mark.parametrize(
    ("subtype", "data"),
    [
        ("of_a_later_version", {"count": 3, "content": ["no words"]}),
        ("of_a_later_version", {"content": "  \n"}),
        ("task_summary", {"content": "of the machinery"}),
        ("ui_log", {"text": "for another client"}),
        ("notification", {"key": "stop-hook-error", "text": "stop hook problem"}),
        ("plugin_install", {"status": "installed", "name": "good"}),
    ],
)
def test_what_says_nothing_to_the_user_is_left_out(
    told: Told, subtype: str, data: dict[str, Any]
) -> None:
    told.notices.read(subtype, data)
    assert told.events == []
    assert not is_for_user(subtype, data)


def test_what_the_cli_says_twice_is_told_once(told: Told) -> None:
    told.notices.read("informational", {"content": "The hook was overridden.", "level": "warning"})
    told.notices.read("notification", {"text": "The hook was overridden.", "priority": "high"})
    told.hooks.read("hook_response", ended("Stop", stdout='{"systemMessage": "Hear."}'))
    told.notices.read("informational", {"content": "Stop says: Hear.", "level": "notice"})
    assert told.words == ["The hook was overridden.", "Stop says: Hear."]
    told.notices.read("informational", {"content": "Stop says: Hear.", "level": "notice"})
    assert told.words[2:] == ["Stop says: Hear."]


@given(SUBTYPES, st.dictionaries(FIELDS, JSON))
def test_no_message_is_too_odd(subtype: str, data: dict[str, Any]) -> None:
    told = Told()
    told.notices.read(subtype, data)
    for stage in ("hook_started", "hook_response"):
        told.hooks.read(stage, data)
    told.hooks.take_denial("Bash", "PreToolUse:Bash hook error: no")


@pytest.mark.parametrize(
    ("more", "status", "text"),
    [
        ({}, HookStatus.COMPLETED, None),
        ({"stdout": "{no JSON"}, HookStatus.COMPLETED, None),
        ({"outcome": "cancelled", "exit_code": 1}, HookStatus.CANCELLED, None),
        ({"outcome": "error", "exit_code": 1, "stderr": "Oh.\n"}, HookStatus.FAILED, "Oh."),
        ({"outcome": "error", "exit_code": 2, "stderr": "No."}, HookStatus.BLOCKED, "No."),
        ({"stdout": json.dumps({"decision": "block", "reason": "N"})}, HookStatus.BLOCKED, "N"),
        ({"stdout": json.dumps({"decision": "approve"})}, HookStatus.COMPLETED, None),
        ({"stdout": json.dumps({"continue": False})}, HookStatus.BLOCKED, None),
    ],
)
def test_a_hook_ends_in_one_of_these_ways(
    told: Told, more: dict[str, Any], status: HookStatus, text: str | None
) -> None:
    told.hooks.read("hook_response", ended(**more))
    assert told.events[0] == Hook("h", "PreToolUse:Bash", "PreToolUse", status, text)
    assert len(told.words) == (status is not HookStatus.COMPLETED)


def test_a_denial_needs_a_hook_that_has_said_no_to_that_tool(told: Told) -> None:
    denial = "PreToolUse:Bash hook error: No."
    assert told.hooks.take_denial("Bash", denial) is None
    told.hooks.read("hook_response", ended(outcome="error", exit_code=2, stderr="No."))
    assert told.hooks.take_denial("Bash", "Exit code 1") is None
    assert told.hooks.take_denial("Read", denial.replace("Bash", "Read")) is None
    assert told.hooks.take_denial("Bash", denial) == "No."
    assert told.hooks.take_denial("Bash", denial) is None


def test_a_hook_may_answer_the_question_about_a_call(told: Told) -> None:
    decision = {"behavior": "deny", "message": "Not that one."}
    stdout = json.dumps({"hookSpecificOutput": {"decision": decision}})
    told.hooks.read("hook_response", ended("PermissionRequest:Bash", stdout=stdout))
    assert told.hooks.take_denial("Bash", "Not this one.") is None
    assert told.hooks.take_denial("Bash", "Not that one.") == "Not that one."


def begin(message_id: str) -> dict[str, Any]:
    return {"type": "message_start", "message": {"id": message_id}}


def words(text: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "delta": {"type": "text_delta", "text": text}}


END, STOP = {"type": "message_delta"}, {"type": "message_stop"}


def test_what_the_cli_does_not_have_when_an_answer_breaks_off_is_given_up() -> None:
    answer = Answer()
    for event in (begin("m"), words("One "), words("whole. ")):
        answer.stream(event)
    answer.stand("m")
    assert answer.stream(words("And a ")) == Text("m", "And a ")
    answer.stream(words("half"))
    assert answer.stream(STOP) == Retracted("m", "And a half")
    assert answer.text == "One whole. "


def test_an_answer_that_ends_stands_whatever_comes_late() -> None:
    answer = Answer()
    for event in (begin("m"), words("Said."), END, STOP):
        assert not isinstance(answer.stream(event), Retracted)
    assert answer.text == "Said."


def test_an_answer_that_is_begun_anew_without_an_end_is_given_up() -> None:
    answer = Answer()
    answer.stream(begin("m"))
    answer.stream(words("Half"))
    assert answer.stream(begin("n")) == Retracted("m", "Half")
    assert answer.stream(begin("o")) is None


class Servers:
    """MCP servers whose states change."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(mcp_servers, "LOOK_SECONDS", 0.01)
        self.states: list[dict[str, str]] = []
        self.told = Told()
        self.known: dict[str, str] = {}
        self.watch = self.of_a_turn()

    def of_a_turn(self) -> McpWatch:
        return McpWatch(self._ask, self.known, self.told.notices)

    def are(self, **states: str) -> list[dict[str, str]]:
        self.states = [{"name": name, "status": state} for name, state in states.items()]
        return self.states

    async def _ask(self) -> dict[str, Any]:
        return {"mcpServers": [{**each, "error": "Why."} for each in self.states]}


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Servers:
    return Servers(monkeypatch)


async def until(look: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not look():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.001)


async def test_a_server_is_followed_until_it_is_there(servers: Servers) -> None:
    servers.are(slow="pending", fast="connected")
    servers.watch.expect()
    await until(lambda: servers.told.words)
    servers.watch.begin(servers.states)
    await until(lambda: len(servers.told.words) == 2)
    servers.are(slow="connected", fast="connected")
    await until(lambda: len(servers.told.words) == 3)
    servers.watch.stop()
    assert servers.told.words == [
        "Waiting for the MCP server “slow” to connect.",
        "The MCP server “slow” has not connected yet (Why): its tools are missing until it has.",
        "The MCP server “slow” has connected: its tools are there now.",
    ]
    assert servers.known == {}


async def test_a_state_is_told_in_one_turn_alone(servers: Servers) -> None:
    states = servers.are(locked="needs-auth", gone="failed", off="disabled")
    servers.watch.begin(states)
    await until(lambda: len(servers.told.words) == 2)
    assert "needs you to log in (Why)" in servers.told.words[0]
    assert "could not be connected to (Why)" in servers.told.words[1]
    servers.watch.stop()
    watch = servers.of_a_turn()
    watch.begin(states)
    watch.stop()
    assert len(servers.told.words) == 2


async def test_an_odd_list_of_servers_is_none(servers: Servers) -> None:
    for odd in (None, "many", [None, {}, {"name": 1}, {"name": "x"}]):
        servers.watch.begin(odd)
    servers.watch.stop()
    assert servers.told.words == []
