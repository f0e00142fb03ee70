"""What a transcript lacks of what was shown."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.sessions.journal.journal import Called, Journal, JournaledTurn, Said
from claude_agent_lsp.sessions.journal.recovery import lacking_of, recover, retold
from claude_agent_lsp.sessions.journal.transcript_facts import TranscriptFacts

if TYPE_CHECKING:
    from claude_agent_lsp.sessions.journal.journal import Step

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SESSION = "6f1d3b9e-0000-4000-8000-000000000000"
SAID = Said("m1", "I will do it. ", AT)
CALLED = Called("c1", "Bash", {"command": "ls"}, AT)


def turn(*steps: Step, **fields: Any) -> JournaledTurn:
    return JournaledTurn("p1", "do it", Path("/project"), AT, steps, **fields)


def user(line_id: str, text: str) -> dict[str, Any]:
    return {"type": "user", "uuid": line_id, "message": {"role": "user", "content": text}}


def assistant(line_id: str, message_id: str, *blocks: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "id": message_id, "content": list(blocks)}
    return {"type": "assistant", "uuid": line_id, "message": message}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


PROMPT = user("p1", "do it")
ANSWER = assistant("a1", "m1", text("I will do it."))
CALL = assistant("a2", "m1", {"type": "tool_use", "id": "c1", "name": "Bash", "input": {}})


@pytest.fixture
def transcript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    path = tmp_path / "claude" / "projects" / "-project" / f"{SESSION}.jsonl"
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(lambda: tmp_path / "state")


def write(path: Path, *entries: dict[str, Any]) -> None:
    path.write_text("".join(json.dumps(e, separators=(",", ":")) + "\n" for e in entries))


def known(tmp_path: Path, *entries: dict[str, Any]) -> TranscriptFacts:
    write(tmp_path / "t.jsonl", *entries)
    return TranscriptFacts.scan(tmp_path / "t.jsonl")


def test_a_turn_that_stands_in_the_transcript_lacks_nothing(tmp_path: Path) -> None:
    assert lacking_of(turn(SAID, CALLED), known(tmp_path, PROMPT, ANSWER, CALL)) is None


def test_a_session_that_the_cli_has_lost_lacks_all_of_it() -> None:
    assert lacking_of(turn(SAID, CALLED), TranscriptFacts.scan(None)) == turn(SAID, CALLED)


def test_a_half_said_answer_is_lacking_without_its_prompt(tmp_path: Path) -> None:
    lacking = lacking_of(turn(SAID, CALLED), known(tmp_path, PROMPT))
    assert lacking == turn(SAID, CALLED, lacks_prompt=False)


def test_only_the_rest_of_a_message_is_lacking(tmp_path: Path) -> None:
    more = Said("m1", "Now  then", AT)
    lacking = lacking_of(turn(SAID, more), known(tmp_path, PROMPT, ANSWER))
    assert lacking == turn(more, lacks_prompt=False)
    half = assistant("a1", "m1", text("I will do it. Now"))
    lacking = lacking_of(turn(SAID, more), known(tmp_path, PROMPT, half))
    assert lacking == turn(Said("m1", "  then", AT), lacks_prompt=False)


def test_of_a_run_that_ended_well_the_transcripts_word_stands(tmp_path: Path) -> None:
    # Words of a connection that broke, which the model has said anew.
    again = Said("m0", "I wi", AT)
    assert lacking_of(turn(again, SAID, completed=True), known(tmp_path, PROMPT, ANSWER)) is None
    lost = turn(SAID, completed=True)
    assert lacking_of(lost, known(tmp_path)) == lost


def test_a_slash_command_that_ended_well_is_not_looked_for(tmp_path: Path) -> None:
    cleared = replace(turn(completed=True), prompt="/cost")
    assert lacking_of(cleared, known(tmp_path)) is None


def test_told_is_only_what_the_transcript_has_told(tmp_path: Path) -> None:
    lost = turn(SAID, told_by="p2")
    assert lacking_of(lost, known(tmp_path, user("p2", "go on"))) == lost
    assert lacking_of(lost, known(tmp_path)) == turn(SAID)


def test_a_prompt_that_was_never_sent_is_kept_and_not_told(
    journal: Journal, transcript: Path
) -> None:
    journal.begin(SESSION, turn())
    journal.mark_unsent(SESSION, "p1")
    write(transcript, user("p0", "before"))
    recovery = recover(journal, SESSION)
    assert recovery.turns == (turn(unsent=True),)
    assert recovery.untold == ()


def test_the_agent_is_told_who_said_and_did_what() -> None:
    done = replace(CALLED, status="completed", text="a.txt")
    open_call = Called("c2", "Write", {"file_path": "b"}, AT)
    words = retold([turn(SAID, done, open_call, Said("m2", "And th", AT))])
    assert words.split("\n\n")[1:] == [
        "The user said:\ndo it",
        "You said:\nI will do it. ",
        'You used the tool Bash with {"command": "ls"}\nIt completed: a.txt',
        'You used the tool Write with {"file_path": "b"}\nThere is no result.',
        "You said, when you were cut off:\nAnd th",
    ]
    assert "The user said" not in retold([turn(SAID, lacks_prompt=False)])


def test_long_inputs_and_results_are_shortened_in_the_telling() -> None:
    call = Called("c1", "Write", {"content": "x" * 10_000}, AT, "completed", "y" * 10_000)
    words = retold([turn(call)])
    assert len(words) < 5_000
    assert "more characters" in words
