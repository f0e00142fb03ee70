"""What is told of a run that others write down, however it is looked at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.agent.events import (
    Compacted,
    Ended,
    Notice,
    Retracted,
    Started,
    Steered,
    Text,
    ToolCall,
    ToolResult,
    UsageReport,
)
from claude_agent_lsp.agent.following.glance import SeenRun
from claude_agent_lsp.agent.following.retelling import Retelling
from claude_agent_lsp.errors import Internal, RateLimited
from claude_agent_lsp.sessions.journal.run_records import (
    Begun,
    End,
    Note,
    Outcome,
    Progress,
    RunRecord,
)
from claude_agent_lsp.sessions.reading.messages import Message, RecordedCall
from claude_agent_lsp.sessions.reading.outline import Kind

if TYPE_CHECKING:
    from claude_agent_lsp.agent.events import Event

AT = datetime(2026, 1, 1, tzinfo=UTC)
BEGUN = Begun("run", "prompt", AT)
PROMPT = Message("prompt", "user", "do it", None, (), AT)


def answer(text: str, *calls: RecordedCall, message_id: str = "m") -> Message:
    return Message(message_id, "assistant", text, None, calls, AT)


def entry(kind: Kind, text: str, entry_id: str = "e", **fields: Any) -> Message:
    return replace(Message(entry_id, "system", text, None, (), AT, kind=kind), **fields)


def retelling(record: RunRecord | None = None) -> Retelling:
    return Retelling(record or RunRecord(BEGUN), "session", Path("/folder"), "an editor")


def told(retold: Retelling, *entries: Message, record: RunRecord | None = None) -> list[Event]:
    return list(retold.take(SeenRun(record or RunRecord(BEGUN), (PROMPT, *entries))))


def words(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Text))


@given(st.text(st.sampled_from("ab \n\t"), max_size=60), st.lists(st.integers(0, 60)), st.data())
def test_words_are_told_once_in_whatever_pieces_they_come(
    text: str, cuts: list[int], data: st.DataObject
) -> None:
    """Also where a look finds less than the one before, or other white space."""
    retold = retelling()
    events: list[Event] = []
    for end in [*cuts, len(text)]:
        found = text[:end]
        if data.draw(st.booleans()):
            found = " ".join(found.split())
        events += told(retold, answer(found))
    assert "".join(words(events).split()) == "".join(text.split())


@given(st.text(st.sampled_from("ab \n"), max_size=60), st.lists(st.integers(0, 60)))
def test_words_that_only_grow_are_told_as_they_stand(text: str, cuts: list[int]) -> None:
    retold = retelling()
    events = [event for end in sorted(cuts) for event in told(retold, answer(text[:end]))]
    events += told(retold, answer(text))
    assert words(events).rstrip() == text.rstrip()


@pytest.mark.parametrize("first", ["All of it. ", "All  of\tit."])
def test_words_that_nothing_has_come_to_are_not_gone_through_again(
    monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    """Also where their white space is another one by now."""
    retold = retelling()
    told(retold, answer(first))
    told(retold, answer("All of it."))
    with monkeypatch.context() as patched:
        for name in ("squeezed", "behind"):
            patched.setattr(f"claude_agent_lsp.agent.following.retelling.{name}", pytest.fail)
        assert told(retold, answer("All of it.")) == []
    assert words(told(retold, answer("All of it. And more."))).strip() == "And more."


def test_words_that_were_taken_back_and_are_said_again_are_told_again() -> None:
    """Also where nothing else of them has changed, nor was seen in between."""
    retold = retelling()
    told(retold, answer("Half \t an"))
    told(retold, answer("Half an"))
    gone = entry(Kind.RETRACTED, "an", retracts="m")
    assert told(retold, gone) == [Retracted("m", "an")]
    assert words(told(retold, answer("Half an"), gone)).split() == ["an"]


def test_it_begins_with_its_prompt_and_each_thing_is_told_once() -> None:
    retold = retelling()
    pending = RecordedCall("c", "Bash", {"command": "ls"})
    done = replace(pending, status="failed", text="no", truncated=True)
    started, text, call = told(retold, answer("I look.", pending))
    assert isinstance(started, Started)
    assert (started.run.prompt, started.run.held_by) == ("do it", "an editor")
    assert text == Text("m", "I look.")
    assert isinstance(call, ToolCall)
    assert call.title == "Running `ls`"
    (result,) = told(retold, answer("I look.", done))
    assert isinstance(result, ToolResult)
    assert (result.tool_call_id, result.text, result.truncated) == ("c", "no", True)
    assert told(retold, answer("I look.", done)) == []


def test_words_that_were_given_up_are_taken_back_once() -> None:
    retold = retelling()
    told(retold, answer("Half an"))
    gone = entry(Kind.RETRACTED, " an", retracts="m")
    assert told(retold, answer("Half"), gone) == [Retracted("m", " an")]
    assert told(retold, answer("Half way"), gone) == [Text("m", " way")]
    # Of those that came and went between two looks both is told.
    unseen = entry(Kind.RETRACTED, "Never", "f", retracts="n")
    assert told(retold, unseen) == [Text("n", "Never"), Retracted("n", "Never")]


@pytest.mark.parametrize(
    ("found", "event"),
    [
        (entry(Kind.NOTICE, "Late.", "notice:run:0", level="info"), (Notice, "Late.", None)),
        (entry(Kind.NOTICE, "Bad.", "u", level="error"), (Notice, "Bad.", "u")),
        (entry(Kind.GAP, "Gone.", "g"), (Notice, "Gone.", "g")),
        (Message("steered", "user", "and this", None, (), AT), (Steered, "and this", "steered")),
    ],
)
def test_what_else_is_told_there_is_told(
    found: Message, event: tuple[type[Notice | Steered], str, str | None]
) -> None:
    retold = retelling()
    (_, first), second = told(retold, found), told(retold, found)
    assert isinstance(first, event[0])
    assert (first.text, first.message_id) == event[1:]
    assert second == []


def test_a_compaction_is_told_with_what_began_it() -> None:
    note = Note("compacted", AT, None, {"trigger": "manual"})
    record = RunRecord(BEGUN, notes=[note])
    found = entry(Kind.COMPACTION, "All of it.", tokens_before=9, tokens_after=2)
    *_, compacted = told(retelling(record), found, record=record)
    assert compacted == Compacted("manual", 9, 2)


def test_costs_are_told_as_they_change() -> None:
    retold = retelling()
    record = RunRecord(BEGUN, progress=Progress(None, 0.5, 10, 100))
    assert told(retold, record=record)[1:] == [UsageReport(10, 100, 0.5)]
    assert told(retold, record=record) == []


def test_it_ends_as_its_record_says_and_without_one_as_interrupted() -> None:
    error = {"reason": "rateLimited", "message": "Too much.", "hint": "Wait."}
    outcome = Outcome("run", "failed", error=error, usage={"outputTokens": 3})
    record = RunRecord(BEGUN, end=End(AT, None, outcome))
    retold = retelling(record)
    told(retold, answer("So far"), record=record)
    run = retold.end().run
    assert isinstance(run.error, RateLimited)
    assert (str(run.error), run.error.hint, run.text) == ("Too much.", "Wait.", "So far")
    assert run.usage.output_tokens == 3
    cut_off = retelling().end()
    assert isinstance(cut_off, Ended)
    assert cut_off.run.error is not None
    assert cut_off.run.error.reason == "processDied"


def test_an_end_of_another_version_is_an_end() -> None:
    outcome = Outcome("run", "evaporated", error={"reason": "new", "message": "What?"})
    run = retelling(RunRecord(BEGUN, end=End(AT, None, outcome))).end().run
    assert run.status.value == "failed"
    assert isinstance(run.error, Internal)


@pytest.mark.parametrize(
    "fields",
    [
        {"usage": ["outputTokens"]},
        {"error": "Too much."},
        {"blocked": ["hook"]},
        {"permission_denials": ("Bash",)},
        {"status": ["completed"]},
    ],
)
def test_an_end_that_makes_no_sense_is_an_end(fields: dict[str, Any]) -> None:
    outcome = Outcome(**{"run_id": "run", "status": "completed", **fields})
    ended = retelling(RunRecord(BEGUN, end=End(AT, None, outcome))).end()
    assert ended.run.run_id == "run"
    assert ended.run.status.value == ("failed" if "status" in fields else "completed")
