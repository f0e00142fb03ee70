"""What a transcript lacks of what was shown."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.sessions.journal.journal import Journal, JournaledTurn
from claude_agent_lsp.sessions.journal.recovery import lacking_of, recover, retold
from claude_agent_lsp.sessions.journal.steps import Called, Said, Thought
from claude_agent_lsp.sessions.journal.transcript_facts import TranscriptFacts
from claude_agent_lsp.sessions.reading.messages import recovered

if TYPE_CHECKING:
    from claude_agent_lsp.sessions.journal.steps import Step

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


def test_thoughts_are_read_again_and_told_to_nobody(tmp_path: Path) -> None:
    thought = Thought("m1", "Let me see. First", AT)
    half = assistant("a0", "m1", {"type": "thinking", "thinking": "Let me see."})
    lacking = lacking_of(turn(thought), known(tmp_path, PROMPT, half))
    assert lacking is not None
    assert lacking.steps == (Thought("m1", " First", AT),)
    assert not lacking.may_be_told
    assert [each.thinking for each in recovered(lacking)] == [" First"]
    both = lacking_of(turn(thought, SAID), known(tmp_path, PROMPT, half))
    assert both is not None
    assert both.may_be_told
    assert "First" not in retold([both])
    assert lacking_of(turn(thought), known(tmp_path)).may_be_told  # type: ignore[union-attr]


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
    journal.mark(SESSION, "unsent", "p1")
    write(transcript, user("p0", "before"))
    recovery = recover(journal, SESSION)
    assert recovery.turns == (turn(unsent=True),)
    assert recovery.untold == ()


def test_a_prompt_that_was_blocked_is_kept_and_not_told(journal: Journal, transcript: Path) -> None:
    journal.begin(SESSION, turn())
    journal.mark(SESSION, "blocked", "p1")
    journal.append(SESSION, [SAID])  # the CLI's words, which repeat the prompt
    write(transcript, user("p0", "before"))
    recovery = recover(journal, SESSION)
    assert recovery.turns == (turn(SAID, blocked=True),)
    assert (recovery.untold, recovery.cut_off) == ((), False)


def test_a_prompt_that_may_have_been_blocked_is_not_told(
    journal: Journal, transcript: Path
) -> None:
    write(transcript, user("p0", "before"))
    journal.begin(SESSION, turn())
    assert recover(journal, SESSION).untold == (turn(),)  # hooks see it with who tells of it
    journal.mark(SESSION, "hooked", "p1")
    recovery = recover(journal, SESSION)
    assert (recovery.untold, recovery.cut_off) == ((), True)
    journal.mark(SESSION, "passed", "p1")
    assert recover(journal, SESSION).untold == (turn(hooked=True, passed=True),)
    write(transcript, user("p1", "do it"))
    journal.replace(SESSION, [turn(SAID)])
    assert recover(journal, SESSION).untold == (turn(SAID, lacks_prompt=False),)


def test_what_is_told_in_vain_twice_is_told_no_more(journal: Journal) -> None:
    journal.begin(SESSION, turn())
    journal.append(SESSION, [SAID])
    for vain in (1, 2):
        assert recover(journal, SESSION).untold
        journal.mark(SESSION, "vain", "p1")
        journal.replace(SESSION, journal.read(SESSION).turns)
        assert journal.read(SESSION).turns == (turn(SAID, vain=vain),)
    assert not recover(journal, SESSION).untold


def test_what_the_cli_has_in_its_own_way_lacks_nothing(journal: Journal) -> None:
    journal.begin(SESSION, turn())
    journal.mark(SESSION, "settled", "p1")
    assert recover(journal, SESSION).turns == ()


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
