"""A run's record: the disk alone is timed, and what was not told is told next time."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.agent.events import Notice, Run, RunStatus, Text
from claude_agent_lsp.agent.process.launch import SessionStart
from claude_agent_lsp.agent.run import run_journal as module
from claude_agent_lsp.agent.run.run_journal import RunJournal
from claude_agent_lsp.base.lanes import Lanes
from claude_agent_lsp.sessions.journal import transcript_facts
from claude_agent_lsp.sessions.journal.journal import Journal, JournaledTurn
from claude_agent_lsp.sessions.journal.recovery import recover
from claude_agent_lsp.sessions.journal.steps import Called, Said

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from claude_agent_lsp.agent.events import Event
    from claude_agent_lsp.base.lanes import SessionLane

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SESSION, OTHER = "6f1d3b9e-0000-4000-8000-000000000000", "6f1d3b9e-0000-4000-8000-000000000001"
MESSAGE = {"uuid": "p2", "message": {"role": "user", "content": "go on"}}
LOST = "I will do what was lost."


class Disk(Journal):
    """A journal whose disk hangs for one session, before a write or in its middle."""

    def __init__(self, directory: Path) -> None:
        super().__init__(lambda: directory)
        self.hung: str | None = None
        self.freed = threading.Event()
        self.written = threading.Event()

    def _append(self, session_id: str, *arguments: Any, **named: Any) -> bool:
        if session_id == self.hung:
            self.freed.wait()
        return super()._append(session_id, *arguments, **named)


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.2)
    disk = Disk(tmp_path / "state")
    yield disk
    disk.freed.set()


@pytest.fixture
def lanes() -> Lanes:
    return Lanes()


def transcript_of(home: Path, session_id: str = SESSION) -> Path:
    path = home / ".claude" / "projects" / "-project" / f"{session_id}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def write(path: Path, *entries: dict[str, Any]) -> None:
    lines = (json.dumps(entry, separators=(",", ":")) + "\n" for entry in entries)
    path.write_text("".join(lines))


def user(line_id: str, text: str = "do it") -> dict[str, Any]:
    return {"type": "user", "uuid": line_id, "message": {"role": "user", "content": text}}


def assistant(*blocks: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "id": "m1", "content": list(blocks)}
    return {"type": "assistant", "uuid": "a1", "message": message}


def turn_of(home: Path, message_id: str, prompt: str = "do it") -> JournaledTurn:
    return JournaledTurn(message_id, prompt, home, AT)


def cut_off(journal: Journal, home: Path, session_id: str = SESSION) -> None:
    """A run was killed in the middle of its answer."""
    journal.begin(session_id, turn_of(home, "p1"))
    journal.append(session_id, [Said("m1", LOST, AT)])


class Going:
    """A record as a run has it, with what the user was told."""

    def __init__(self, journal: Journal, lane: SessionLane, home: Path, session: str) -> None:
        self.told: list[Event] = []
        turn = turn_of(home, "p2", "go on")
        self.record = RunJournal(journal, SessionStart(session, source=session), turn, lane)

    async def begin(self) -> RunJournal:
        await self.record.begin()
        self.record.report_to(self.told.append)
        return self.record

    @property
    def warnings(self) -> list[str]:
        return [event.text for event in self.told if isinstance(event, Notice)]


async def test_a_long_transcript_takes_the_time_it_takes(
    journal: Disk, lanes: Lanes, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off(journal, home)
    write(transcript_of(home), *(user(f"u{number}") for number in range(200)))
    monkeypatch.setattr(transcript_facts, "PIECE_BYTES", 1000)
    read = transcript_facts.TranscriptFacts.read

    def slow(known: transcript_facts.TranscriptFacts, lines: bytes) -> None:
        time.sleep(0.02)
        read(known, lines)

    monkeypatch.setattr(transcript_facts.TranscriptFacts, "read", slow)
    going = Going(journal, lanes.session(SESSION), home, SESSION)
    record = await going.begin()
    began = time.monotonic()
    sent = await record.prepend_untold(MESSAGE)
    assert time.monotonic() - began > module.PATIENCE_SECONDS
    assert LOST in json.dumps(sent)
    assert going.warnings == []


async def test_what_was_not_told_for_want_of_a_disk_is_told_with_the_next_prompt(
    journal: Disk, lanes: Lanes, home: Path
) -> None:
    cut_off(journal, home)
    write(transcript_of(home), user("p1"))
    lane = lanes.session(SESSION)
    going = Going(journal, lane, home, SESSION)
    record = await going.begin()
    journal.hung = SESSION
    assert await record.prepend_untold(MESSAGE) is MESSAGE
    (warning,) = going.warnings
    assert "did not answer" in warning
    # The disk is back: what hung is written after all, and the prompt stands in the transcript.
    journal.freed.set()
    await lane.run(lambda: None)
    write(transcript_of(home), user("p1"), user("p2", "go on"))
    assert [turn.message_id for turn in recover(journal, SESSION).untold] == ["p1"]
    again = await Going(journal, lane, home, SESSION).begin()
    assert LOST in json.dumps(await again.prepend_untold({**MESSAGE, "uuid": "p3"}))


async def test_a_disk_that_hangs_for_one_session_is_no_other_sessions_business(
    journal: Disk, lanes: Lanes, home: Path
) -> None:
    journal.hung = SESSION
    hung = Going(journal, lanes.session(SESSION), home, SESSION)
    other = Going(journal, lanes.session(OTHER), home, OTHER)
    first, second = asyncio.create_task(hung.begin()), await other.begin()
    for number in range(20):
        await second.write_down([Text("m1", f"{number} ")])
    assert other.warnings == []
    said = [step.text for step in journal.read(OTHER).turns[0].steps if isinstance(step, Said)]
    assert said == [f"{number} " for number in range(20)]
    await (await first).write_down([Text("m1", "not written")])
    assert len(hung.warnings) == 1


async def test_a_record_that_is_given_up_costs_no_more_time(
    journal: Disk, lanes: Lanes, home: Path
) -> None:
    journal.hung = SESSION
    record = await Going(journal, lanes.session(SESSION), home, SESSION).begin()
    began = time.monotonic()
    for number in range(20):
        await record.write_down([Text("m1", f"{number} ")])
    await record.end(completed=True, cut_off=False)
    assert time.monotonic() - began < module.PATIENCE_SECONDS


async def end(
    journal: Journal, home: Path, *, completed: bool, alone: bool = True, since: int = 0
) -> None:
    """The end of a run whose prompt is p1."""
    lane = Lanes().session(SESSION)
    record = RunJournal(journal, SessionStart(SESSION), turn_of(home, "p1"), lane)
    record.sent, record._held_before, record._since = True, not alone, since
    await record.end(completed=completed, cut_off=False)


async def test_how_a_run_has_ended_is_written_down_also_where_its_journal_can_not_be(
    journal: Disk, lanes: Lanes, home: Path
) -> None:
    going = Going(journal, lanes.session(SESSION), home, SESSION)
    record = await going.begin()
    path = journal.directory / f"{SESSION}.jsonl"
    path.unlink()
    path.mkdir()
    await record.write_down([Text("m1", "So far.")])
    assert len(going.warnings) == 1
    await record.close(Run("", SESSION, home, RunStatus.COMPLETED), "default")
    (known,) = journal.runs.each(SESSION)
    assert known.outcome().status == "completed"


async def test_after_a_run_only_what_is_lacking_stays(journal: Disk, home: Path) -> None:
    journal.begin(SESSION, turn_of(home, "p1"))
    called = Called("c1", "Bash", {"command": "ls"}, AT)
    journal.append(SESSION, [Said("m1", "I will do it. ", AT), called])
    answer = assistant({"type": "text", "text": "I will do it."})
    write(transcript_of(home), user("p1"), answer)
    await end(journal, home, completed=False)
    (left,) = recover(journal, SESSION).untold
    assert (left.steps, left.lacks_prompt) == ((called,), False)
    call = assistant({"type": "tool_use", "id": "c1", "name": "Bash", "input": {}})
    write(transcript_of(home), user("p1"), answer, call)
    await end(journal, home, completed=False)
    assert journal.sessions() == ()


@pytest.mark.parametrize("alone", [True, False])
async def test_after_a_run_that_ended_well_nothing_stays_but_a_prompt_that_is_lost(
    journal: Disk, home: Path, alone: bool
) -> None:
    journal.begin(SESSION, turn_of(home, "p1"))
    journal.append(SESSION, [Said("m1", "Done.", AT)])
    write(transcript_of(home), {**user("p2", "more"), "parentUuid": "p1"})
    await end(journal, home, completed=True, alone=alone)
    (left,) = recover(journal, SESSION).turns
    assert (left.message_id, left.completed, left.lacks_prompt) == ("p1", True, True)
    write(transcript_of(home), user("p1"))
    await end(journal, home, completed=True, alone=alone)
    assert journal.sessions() == ()


async def test_after_a_run_the_transcript_is_read_from_where_the_run_began(
    journal: Disk, home: Path
) -> None:
    transcript = transcript_of(home)
    write(transcript, user("p1"), assistant({"type": "text", "text": "Done."}))
    journal.begin(SESSION, turn_of(home, "p1"))
    await end(journal, home, completed=False, since=transcript.stat().st_size)
    # The prompt stands before that place, as if it were another's.
    assert recover(journal, SESSION).turns == ()
    assert [turn.message_id for turn in journal.read(SESSION).turns] == ["p1"]
