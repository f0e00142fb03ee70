"""What runs knew is kept beside the journal, and read between what was said."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.sessions.journal.run_records import (
    Begun,
    End,
    Given,
    GivenContext,
    Note,
    Outcome,
    Progress,
    RunRecord,
    RunRecords,
    runs_in,
)
from claude_agent_lsp.sessions.reading.messages import Message
from claude_agent_lsp.sessions.reading.run_entries import with_runs

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SESSION = "11111111-2222-4333-8444-555555555555"
NOTES = Path("/project/notes.txt")


@pytest.fixture
def records(tmp_path: Path) -> RunRecords:
    return RunRecords(lambda: tmp_path)


def test_what_was_written_is_read(records: RunRecords, tmp_path: Path) -> None:
    selected = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}}
    context = Given(GivenContext(NOTES, selected, 2), (NOTES,))
    begun = Begun("r1", "p1", AT, permission_mode="plan", given=context)
    note = Note("notice", AT, "m1", {"level": "info", "text": "Hear."})
    error = {"reason": "modelError", "message": "No.", "hint": "Wait."}
    outcome = Outcome("r1", "failed", 12, cost_usd=0.5, files_changed=(NOTES,), error=error)
    records.append(SESSION, "r1", [begun])
    records.append(SESSION, "r1", [note, Progress(file=NOTES)])
    records.append(SESSION, "r1", [End(AT, "m1", outcome)])
    (run,) = records.each(SESSION)
    assert (run.begun, run.notes, run.outcome()) == (begun, [note], outcome)
    file = tmp_path / "runs" / f"{SESSION}.jsonl"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert list(records.each("22222222-2222-4333-8444-555555555555")) == []


def test_run_that_was_cut_off_has_what_is_known_of_it(records: RunRecords) -> None:
    records.append(SESSION, "r1", [Begun("r1", "p1", AT)])
    records.append(SESSION, "r1", [Progress(file=NOTES), Progress(None, 0.25, 10, 100)])
    (run,) = records.each(SESSION)
    outcome = run.outcome()
    assert (outcome.status, outcome.cost_usd, outcome.files_changed) == ("failed", 0.25, (NOTES,))
    assert outcome.error is not None
    assert outcome.error["reason"] == "processDied"
    assert (outcome.context_tokens, outcome.context_window) == (10, 100)


@given(st.binary(max_size=200), st.integers(0, 400))
def test_damage_costs_what_stood_there(damage: bytes, at: int) -> None:
    head = b'{"kind":"begun","at":"2026-01-02T03:04:05+00:00","origin":"user",'
    lines = head + b'"run":"r1","message":"p1"}'
    good = head + b'"run":"r2","message":"p2"}'
    runs = list(runs_in(lines[:at] + damage.replace(b"\n", b"") + b"\n" + good + b"\n"))
    assert runs[-1].begun.run_id == "r2"


def message(name: str, second: int, role: str = "assistant") -> Message:
    return Message(name, role, name, None, (), AT + timedelta(seconds=second))


def run_of(number: int, begin: int, end: int | None, *notes: tuple[str, int, str]) -> RunRecord:
    """A run with notices, each told at some second after some message."""
    run = RunRecord(Begun(f"r{number}", f"p{number}", AT + timedelta(seconds=begin)))
    for text, second, after in notes:
        about = {"level": "info", "text": text}
        run.notes.append(Note("notice", AT + timedelta(seconds=second), after, about))
    if end is not None:
        outcome = Outcome(f"r{number}", "completed")
        run.end = End(AT + timedelta(seconds=end), None, outcome)
    return run


def told(items: list[Message], runs: list[RunRecord], *, at_work: bool = False) -> list[str]:
    entries = with_runs(items, iter(runs), at_work=at_work)
    return [entry.text for entry in entries if isinstance(entry, Message)]


def test_notice_stands_behind_what_it_was_told_after_and_an_outcome_at_its_runs_end() -> None:
    items = [message("p1", 1, "user"), message("m1", 2), message("m2", 4), message("p2", 9, "user")]
    # The next message was noted before the notice was heard.
    first = run_of(1, 0, 5, ("told", 5, "m1"), ("last", 5, "m2"))
    second = run_of(2, 8, None)
    assert told(items, [first, second], at_work=True) == [
        *("p1", "m1", "told", "m2", "last", "Done", "p2")
    ]
    assert told(items, [first, second])[-1].startswith("Failed")


def test_notice_that_was_told_in_the_middle_of_a_message_stands_behind_it() -> None:
    # An answer that was stopped is noted when it ends, long after its first words were told.
    items = [message("p1", 1, "user"), message("m1", 6)]
    first = run_of(1, 0, 10, ("told", 3, "m1"))
    assert told(items, [first]) == ["p1", "m1", "told", "Done"]


def test_what_has_no_place_stands_by_its_time() -> None:
    items = [message("p1", 1, "user"), message("m1", 6), message("p9", 20, "user")]
    first = run_of(1, 0, 10, ("told", 3, "nothing"))
    assert told(items, [first]) == ["p1", "told", "m1", "Done", "p9"]


def test_only_runs_that_an_entry_may_be_of_are_looked_into() -> None:
    taken: list[int] = []

    def runs() -> object:
        for number in range(100):
            taken.append(number)
            yield run_of(number, 10 * number, 10 * number + 5)

    entries = with_runs([message("p0", 1, "user")], runs(), at_work=False)  # type: ignore[arg-type]
    next(entries)
    assert len(taken) <= 2
