from __future__ import annotations

import dataclasses
import json
import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from claude_agent_lsp.agent.events import (
    Change,
    Ended,
    FileChanged,
    Level,
    Location,
    Notice,
    PermissionDenial,
    QuestionAnswered,
    QuestionAsked,
    Run,
    RunStatus,
    Started,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    ToolStatus,
    UsageReport,
)
from claude_agent_lsp.agent.question import Question, QuestionOption
from claude_agent_lsp.errors import ProcessDied, SessionBusy
from claude_agent_lsp.lsp.convert.to_json import error_data, jsonable
from claude_agent_lsp.workspace.settings import camel

RUN = Run("r1", "s1", Path("/work/a b"), RunStatus.RUNNING)
RUN_JSON = {
    "runId": "r1",
    "sessionId": "s1",
    "workspace": "file:///work/a%20b",
    "status": "running",
    "text": "",
    "turns": 0,
    "durationMs": 0,
    "usage": {"inputTokens": 0, "outputTokens": 0, "cacheReadTokens": 0, "cacheWriteTokens": 0},
    "costUsd": 0.0,
    "filesChanged": [],
    "permissionDenials": [],
    "origin": "user",
}
DEADLINE = datetime(2026, 1, 2, 3, 4, 5, 678_901, UTC)
QUESTION = Question(
    "q1", "r1", "s1", "permission", "Run it?", "rm x", (QuestionOption("deny", "Deny"),), DEADLINE
)
QUESTION_JSON = {
    "questionId": "q1",
    "runId": "r1",
    "sessionId": "s1",
    "kind": "permission",
    "title": "Run it?",
    "detail": "rm x",
    "options": [{"value": "deny", "label": "Deny"}],
    "deadline": "2026-01-02T03:04:05.678Z",
    "notes": [],
    "grants": {"session": [], "always": []},
}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (Started(RUN), {"kind": "started", "run": RUN_JSON}),
        (Text("m1", "Hi"), {"kind": "text", "messageId": "m1", "text": "Hi"}),
        (Thinking("m1", "Hm"), {"kind": "thinking", "messageId": "m1", "text": "Hm"}),
        (
            ToolCall("t1", "Edit", "Editing a.py", {"file_path": "a", "old": None}),
            {
                "kind": "toolCall",
                "toolCallId": "t1",
                "tool": "Edit",
                "title": "Editing a.py",
                "input": {"file_path": "a", "old": None},
                "locations": [],
            },
        ),
        (
            ToolResult("t1", ToolStatus.DENIED, "no"),
            {"kind": "toolResult", "toolCallId": "t1", "status": "denied", "text": "no"},
        ),
        (QuestionAsked(QUESTION), {"kind": "question", "question": QUESTION_JSON}),
        (
            QuestionAnswered("q1", "deny", "editor"),
            {"kind": "questionAnswered", "questionId": "q1", "answer": "deny", "by": "editor"},
        ),
        (
            FileChanged(Path("/a.py"), Change.EDITED),
            {"kind": "fileChanged", "uri": "file:///a.py", "change": "edited"},
        ),
        (
            UsageReport(1, 2, 0.5),
            {"kind": "usage", "contextTokens": 1, "contextWindow": 2, "costUsd": 0.5},
        ),
        (Notice(Level.WARNING, "slow"), {"kind": "notice", "level": "warning", "text": "slow"}),
        (Ended(RUN), {"kind": "ended", "run": RUN_JSON}),
    ],
)
def test_every_event_is_that_of_the_protocol(event: object, expected: dict[str, Any]) -> None:
    found = jsonable(event)
    assert found == expected
    assert next(iter(found)) == "kind"
    json.dumps(found, allow_nan=False)


def test_a_run_tells_everything() -> None:
    run = Run(
        "r1",
        "s1",
        Path("/w"),
        RunStatus.TIMED_OUT,
        structured_output={"snake_case": None},
        stop_reason="end_turn",
        files_changed=(Path("/w/ä.py"),),
        permission_denials=(PermissionDenial("Bash", "no"),),
        error=ProcessDied("It died."),
    )
    found = jsonable(run)
    assert found["status"] == "timedOut"
    assert found["structuredOutput"] == {"snake_case": None}
    assert found["stopReason"] == "end_turn"
    assert found["filesChanged"] == ["file:///w/%C3%A4.py"]
    assert found["permissionDenials"] == [{"tool": "Bash", "reason": "no"}]
    assert found["error"] == {
        "reason": "processDied",
        "message": "It died.",
        "hint": ProcessDied.default_hint,
    }


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        (Location(Path("/a")), None),
        (Location(Path("/a"), 0, 3), (0, 3)),
        (Location(Path("/a"), 4), (4, 5)),
    ],
)
def test_a_location_has_the_range_of_its_lines(
    location: Location, expected: tuple[int, int] | None
) -> None:
    found = jsonable(location)
    assert found.pop("uri") == "file:///a"
    if expected is None:
        assert found == {}
    else:
        start, end = ({"line": line, "character": 0} for line in expected)
        assert found == {"range": {"start": start, "end": end}}


class Word(StrEnum):
    ONE = "one"


@dataclass
class Inner:
    some_path: Path | None
    all_of_it: object = None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (Word.ONE, "one"),
        ({"b", "a"}, ["a", "b"]),
        (frozenset({2, 1}), [1, 2]),
        ((1, [2, (3,)]), [1, [2, [3]]]),
        (math.nan, None),
        ([math.inf, -math.inf], [None, None]),
        (Inner(Path("/p"), math.nan), {"somePath": "file:///p"}),
        (Inner(None, {"in_side": Path("/q")}), {"allOfIt": {"in_side": "file:///q"}}),
        (
            datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))),
            "2025-12-31T23:00:00.000Z",
        ),
    ],
)
def test_other_values_become_json(value: object, expected: object) -> None:
    found = jsonable(value)
    assert found == expected
    assert type(found) is type(expected)
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("value", [object(), b"x", Inner])
def test_what_has_no_json_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="no JSON for"):
        jsonable(value)


def test_the_data_of_an_error_has_a_hint_and_its_run() -> None:
    error = SessionBusy("Busy.", hint="Wait.")
    assert error_data(error, None) == {"reason": "sessionBusy", "hint": "Wait."}
    assert error_data(error, RUN) == {"reason": "sessionBusy", "hint": "Wait.", "run": RUN_JSON}


@pytest.mark.parametrize(
    ("snake", "expected"), [("run", "run"), ("max_budget_usd", "maxBudgetUsd"), ("a_b_c", "aBC")]
)
def test_names_become_camel_case(snake: str, expected: str) -> None:
    assert camel(snake) == expected


def test_text_is_fast() -> None:
    event = Text("m1", "word ")
    start = time.perf_counter()
    for _ in range(100_000):
        jsonable(event)
    assert time.perf_counter() - start < 2


def test_what_is_json_already_is_passed_on_as_it_is() -> None:
    given: dict[str, Any] = {"a": [{}] * 3}
    call = jsonable(ToolCall("t1", "Edit", "Editing", given))
    assert call["input"] is given
    run = dataclasses.replace(RUN, structured_output=given)
    assert jsonable(run)["structuredOutput"] is given
    assert "structuredOutput" not in jsonable(RUN)
