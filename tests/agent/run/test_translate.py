"""From messages, as CLI 2.1.330 sends them and the SDK parses them, to events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
from claude_agent_sdk import (
    AssistantMessage,
    RateLimitEvent,
    RateLimitInfo,
    ResultMessage,
    StreamEvent,
    SystemMessage,
    TextBlock,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
    UserMessage,
)

from claude_agent_lsp.agent.events import (
    Change,
    Compacted,
    Event,
    FileChanged,
    Level,
    Location,
    Notice,
    PermissionDenial,
    Text,
    Thinking,
    TokenUsage,
    ToolCall,
    ToolResult,
    ToolStatus,
    UsageReport,
)
from claude_agent_lsp.agent.run.translate import Translator
from claude_agent_lsp.base.texts.json_bounds import bounded, is_bounded
from claude_agent_lsp.base.texts.results import RESULT_LENGTH
from claude_agent_lsp.lsp.convert.to_json import jsonable

FOLDER = Path("/project")


class Told(Translator):
    """A translator that keeps what it tells."""

    def __init__(self, cost_before: float = 0.0) -> None:
        self.events: list[Event] = []
        super().__init__(FOLDER, self.events.append, cost_before)


@pytest.fixture
def told() -> Told:
    return Told()


def stream(event: dict[str, Any], parent: str | None = None) -> StreamEvent:
    return StreamEvent(uuid="u", session_id="s", event=event, parent_tool_use_id=parent)


def begin(message_id: str, parent: str | None = None) -> StreamEvent:
    return stream({"type": "message_start", "message": {"id": message_id}}, parent)


def delta(text: str, parent: str | None = None) -> StreamEvent:
    return stream(
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        parent,
    )


def said(message_id: str, *blocks: Any, parent: str | None = None, **more: Any) -> AssistantMessage:
    return AssistantMessage(
        content=list(blocks),
        model="m",
        message_id=message_id,
        uuid=f"line of {message_id}",
        parent_tool_use_id=parent,
        **more,
    )


def result(**more: Any) -> ResultMessage:
    fields: dict[str, Any] = {
        "subtype": "success",
        "duration_ms": 10,
        "duration_api_ms": 5,
        "is_error": False,
        "num_turns": 1,
        "session_id": "s",
    }
    return ResultMessage(**fields | more)


def answered(call_id: str, content: Any, *, error: bool = False, **more: Any) -> UserMessage:
    block = ToolResultBlock(tool_use_id=call_id, content=content, is_error=error)
    return UserMessage(content=[block], uuid="u", **more)


def test_text_is_told_as_it_comes_and_once(told: Told) -> None:
    told.read(begin("msg_1"))
    told.read(delta("Hello"))
    told.read(delta(" there"))
    told.read(said("msg_1", TextBlock("Hello there")))
    told.read(result(result="Hello there"))
    assert told.events == [Text("msg_1", "Hello"), Text("msg_1", " there")]
    assert told.text == "Hello there"


def test_the_text_of_a_run_is_its_last_message(told: Told) -> None:
    for message_id, word in (("msg_1", "First"), ("msg_2", "Last")):
        told.read(begin(message_id))
        told.read(delta(word))
    assert told.text == "Last"


def test_thinking_is_told_apart(told: Told) -> None:
    told.read(begin("msg_1"))
    thought = {"type": "thinking_delta", "thinking": "Hm"}
    told.read(stream({"type": "content_block_delta", "index": 0, "delta": thought}))
    signed = {"type": "signature_delta", "signature": "x"}
    told.read(stream({"type": "content_block_delta", "index": 0, "delta": signed}))
    told.read(said("msg_1", ThinkingBlock("Hm", "x")))
    assert told.events == [Thinking("msg_1", "Hm")]
    assert told.text == ""


def test_what_a_subagent_says_is_told_apart(told: Told) -> None:
    told.read(begin("msg_1"))
    told.read(delta("Mine"))
    told.read(begin("msg_2", parent="toolu_1"))
    told.read(delta("Not mine", parent="toolu_1"))
    told.read(said("msg_2", TextBlock("Not mine"), parent="toolu_1"))
    told.read(delta("."))
    assert told.text == "Mine."
    assert told.events == [
        Text("msg_1", "Mine"),
        Text("msg_2", "Not mine", "toolu_1"),
        Text("msg_1", "."),
    ]


def test_what_the_cli_says_by_itself_is_told_whole(told: Told) -> None:
    told.read(said("msg_1", ThinkingBlock("Hm", "x"), TextBlock("API Error: 529")))
    assert told.events == [Thinking("msg_1", "Hm"), Text("msg_1", "API Error: 529")]
    assert told.text == "API Error: 529"


def test_a_slash_commands_answer_stands_in_the_result_alone(told: Told) -> None:
    told.read(result(result="Total cost: $0.05", uuid="line"))
    assert told.events == [Text("line", "Total cost: $0.05")]
    assert told.text == "Total cost: $0.05"


def test_the_words_of_an_error_are_not_the_agents(told: Told) -> None:
    told.read(result(result="Prompt is too long", is_error=True))
    assert told.events == []
    assert told.text == ""


def test_a_tool_call_and_its_result(told: Told) -> None:
    given = {"command": "make test"}
    told.read(said("msg_1", ToolUseBlock("toolu_1", "Bash", given)))
    assert told.open_calls == {"toolu_1"}
    told.read(answered("toolu_1", "3 passed"))
    assert told.open_calls == set()
    assert told.events == [
        ToolCall("toolu_1", "Bash", "Running `make test`", given),
        ToolResult("toolu_1", ToolStatus.COMPLETED, "3 passed"),
    ]


def test_a_subagents_tool_call_names_its_parent(told: Told) -> None:
    told.read(said("msg_1", ToolUseBlock("toolu_1", "Bash", {}), parent="toolu_0"))
    (call,) = told.events
    assert isinstance(call, ToolCall)
    assert call.parent_tool_call_id == "toolu_0"


def test_a_tool_call_names_the_lines_it_reads(told: Told) -> None:
    given = {"file_path": "src/a.py", "offset": 10, "limit": 5}
    told.read(said("msg_1", ToolUseBlock("toolu_1", "Read", given)))
    (call,) = told.events
    assert isinstance(call, ToolCall)
    assert call.locations == (Location(FOLDER / "src/a.py", 9, 14),)


def test_a_long_result_is_shortened_and_says_so(told: Told) -> None:
    told.read(said("msg_1", ToolUseBlock("toolu_1", "Bash", {})))
    told.read(answered("toolu_1", [{"type": "text", "text": "x" * (RESULT_LENGTH + 1)}]))
    assert told.events[-1] == ToolResult(
        "toolu_1", ToolStatus.COMPLETED, "x" * RESULT_LENGTH, truncated=True
    )


def test_a_result_may_hold_more_than_text_or_nothing(told: Told) -> None:
    told.read(
        said("msg_1", ToolUseBlock("toolu_1", "Read", {}), ToolUseBlock("toolu_2", "Read", {}))
    )
    image = {"type": "image", "source": {}}
    told.read(answered("toolu_1", [image, {"type": "text", "text": "a cat"}]))
    told.read(answered("toolu_2", None))
    assert [event.text for event in told.events if isinstance(event, ToolResult)] == ["a cat", ""]


def test_a_failed_tool(told: Told) -> None:
    told.read(said("msg_1", ToolUseBlock("toolu_1", "Write", {"file_path": "a.py"})))
    told.read(answered("toolu_1", "no space", error=True))
    assert told.events[1:] == [ToolResult("toolu_1", ToolStatus.FAILED, "no space")]
    assert not told.files_changed


def test_a_refused_tool_is_denied_with_the_users_reason(told: Told) -> None:
    told.read(said("msg_1", ToolUseBlock("toolu_1", "Write", {"file_path": "a.py"})))
    told.deny("toolu_1", "Not in this folder.")
    told.read(answered("toolu_1", "The user doesn't want this.", error=True))
    denials = [
        {"tool_name": "Write", "tool_use_id": "toolu_1", "tool_input": {}},
        {"tool_name": "Bash", "tool_use_id": "toolu_2", "tool_input": {}},
    ]
    told.read(result(permission_denials=denials))
    assert isinstance(told.events[1], ToolResult)
    assert told.events[1].status is ToolStatus.DENIED
    assert not told.files_changed
    assert told.permission_denials == [
        PermissionDenial("Write", "Not in this folder."),
        PermissionDenial("Bash", "It is not allowed by the permission rules."),
    ]


def test_a_result_for_an_unknown_call_is_ignored(told: Told) -> None:
    told.read(answered("toolu_9", "what?"))
    told.read(UserMessage(content="[Request interrupted by user]"))
    told.read(UserMessage(content=[TextBlock("[Request interrupted by user]")]))
    assert told.events == []


@pytest.mark.parametrize(
    ("outcome", "change"),
    [
        ({"type": "create"}, Change.CREATED),
        ({"type": "update"}, Change.EDITED),
        (None, Change.EDITED),
    ],
)
def test_a_changed_file_is_told(told: Told, outcome: dict[str, Any] | None, change: Change) -> None:
    told.read(said("msg_1", ToolUseBlock("toolu_1", "Write", {"file_path": "/project/a.py"})))
    told.read(answered("toolu_1", "ok", tool_use_result=outcome))
    assert told.events[-1] == FileChanged(FOLDER / "a.py", change)
    assert list(told.files_changed) == [FOLDER / "a.py"]


def test_a_file_changed_twice_is_listed_once_in_the_order_of_the_first(told: Told) -> None:
    for number, name in enumerate(["b.py", "a.py", "b.py"]):
        told.read(said("m", ToolUseBlock(f"t{number}", "Edit", {"file_path": name})))
        told.read(answered(f"t{number}", "ok"))
    assert list(told.files_changed) == [FOLDER / "b.py", FOLDER / "a.py"]


def test_a_read_file_is_not_a_changed_one(told: Told) -> None:
    told.read(said("msg_1", ToolUseBlock("toolu_1", "Read", {"file_path": "a.py"})))
    told.read(answered("toolu_1", "text"))
    assert not told.files_changed


def test_the_figures_of_several_results_are_added() -> None:
    told = Told(cost_before=0.5)
    told.read(
        result(
            num_turns=2,
            total_cost_usd=0.6,
            stop_reason="end_turn",
            usage={
                "input_tokens": 10,
                "output_tokens": 2,
                "cache_read_input_tokens": 3,
                "cache_creation_input_tokens": 4,
            },
        )
    )
    told.read(result(num_turns=1, total_cost_usd=0.75, usage={"input_tokens": 5}))
    assert told.turns == 3
    assert told.usage == TokenUsage(15, 2, 3, 4)
    assert told.cost.told == pytest.approx(0.25)
    assert told.stop_reason == "end_turn"


def test_structured_output_is_kept(told: Told) -> None:
    told.read(result(structured_output={"answer": 42}))
    assert told.structured_output == {"answer": 42}


def test_the_context_is_reported_with_its_window(told: Told) -> None:
    told.read(begin("msg_1"))
    usage = {"input_tokens": 100, "cache_read_input_tokens": 20, "output_tokens": 3}
    told.read(said("msg_1", TextBlock("Hi"), usage=usage))
    models: Any = {"small": {"contextWindow": 1000}, "large": {"contextWindow": 200_000}}
    told.read(result(total_cost_usd=0.25, model_usage=models))
    assert told.events == [UsageReport(123, 200_000, 0.25)]


def test_a_retry_is_a_warning(told: Told) -> None:
    data = {
        "type": "system",
        "subtype": "api_retry",
        "attempt": 2,
        "max_retries": 10,
        "retry_delay_ms": 2160,
        "error_status": 529,
        "error": "overloaded_error",
    }
    told.read(SystemMessage("api_retry", data))
    told.read(SystemMessage("api_retry", {"attempt": 1, "error": None, "error_status": None}))
    assert told.events == [
        Notice(Level.WARNING, "The model could not answer (529); trying again in 2 s (2 of 10)."),
        Notice(
            Level.WARNING,
            "The model could not answer (no connection); trying again in 0 s (1 of ?).",
        ),
    ]


def test_a_compaction_is_told(told: Told) -> None:
    about = {"trigger": "auto", "pre_tokens": 90_000, "post_tokens": 2_000}
    told.read(SystemMessage("compact_boundary", {"compact_metadata": about}))
    told.read(SystemMessage("compact_boundary", {"subtype": "compact_boundary"}))
    assert told.events == [Compacted("auto", 90_000, 2_000), Compacted("manual", 0)]


@pytest.mark.parametrize("subtype", ["init", "status", "session_state_changed", "task_started"])
def test_what_the_cli_tells_of_itself_is_no_event(told: Told, subtype: str) -> None:
    told.read(SystemMessage(subtype, {"subtype": subtype}))
    assert told.events == []


@pytest.mark.parametrize(
    ("status", "level", "words"),
    [
        ("allowed_warning", Level.WARNING, "The rate limit is close."),
        ("rejected", Level.ERROR, "The rate limit is reached."),
    ],
)
def test_a_rate_limit_is_told(told: Told, status: Any, level: Level, words: str) -> None:
    told.read(RateLimitEvent(RateLimitInfo(status), "u", "s"))
    assert told.events == [Notice(level, words)]


def test_a_rate_limit_says_when_it_is_reset(told: Told) -> None:
    told.read(RateLimitEvent(RateLimitInfo("rejected", resets_at=1_800_000_000), "u", "s"))
    (notice,) = told.events
    assert isinstance(notice, Notice)
    assert "it is reset at 2027-01-1" in notice.text


def test_a_rate_limit_that_allows_is_no_news(told: Told) -> None:
    told.read(RateLimitEvent(RateLimitInfo("allowed"), "u", "s"))
    assert told.events == []


def deep(levels: int = 900) -> Any:
    value: Any = "innermost"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("much", [deep(), [[]] * 330_000, {str(n): n for n in range(100_000)}])
def test_whatever_a_message_holds_its_events_are_small(told: Told, much: Any) -> None:
    given = {"file_path": "a.py", "command": much, "extra": much}
    told.read(said("msg_1", ToolUseBlock("c1", "Bash", given)))
    told.read(answered("c1", [{"type": "text", "text": much}, "no part"]))
    told.read(result(structured_output={"found": much}))
    call = next(event for event in told.events if isinstance(event, ToolCall))
    assert call.locations == (Location(FOLDER / "a.py"),)
    assert len(call.title) < 200
    for value in (call.input, told.structured_output):
        assert is_bounded(bounded(value)) or "left out" in json.dumps(value)
        assert len(json.dumps(jsonable(value))) < 500_000
        assert "left out" in json.dumps(value)
    ended = next(event for event in told.events if isinstance(event, ToolResult))
    assert len(ended.text) <= RESULT_LENGTH


def test_an_input_that_is_no_object_is_a_call_all_the_same(told: Told) -> None:
    told.read(said("msg_1", ToolUseBlock("c1", "Bash", cast("Any", ["pwd"]))))
    (call,) = told.events
    assert isinstance(call, ToolCall)
    assert (call.tool, call.input) == ("Bash", {"input": ["pwd"]})


def test_calls_of_one_id_are_told_apart(told: Told) -> None:
    for name in ("Write", "Bash"):
        told.read(said("msg_1", ToolUseBlock("c", name, {"file_path": "a.py"})))
    told.deny("c", "No.")
    told.read(answered("c", "written"))
    told.read(answered("c", "No.", error=True))
    told.read(said("msg_2", ToolUseBlock("c~2", "Read", {})))
    told.read(answered("c~2", "read"))
    calls = [event for event in told.events if isinstance(event, ToolCall)]
    assert [(call.tool_call_id, call.shares_id_of) for call in calls] == [
        ("c", None),
        ("c~2", "c"),
        ("c~2~2", "c~2"),
    ]
    ends = [event for event in told.events if isinstance(event, ToolResult)]
    assert [(end.tool_call_id, end.status) for end in ends] == [
        ("c", ToolStatus.COMPLETED),
        ("c~2", ToolStatus.DENIED),
        ("c~2~2", ToolStatus.COMPLETED),
    ]
    assert list(told.files_changed) == [FOLDER / "a.py"]
    assert told.open_calls == set()
