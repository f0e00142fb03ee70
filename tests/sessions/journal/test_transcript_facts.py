"""What a transcript holds of a journal's turns is read once, as long as the file only grows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.sessions.journal import transcript_facts
from claude_agent_lsp.sessions.journal.transcript_facts import FactsReading, TranscriptFacts
from tests.sessions.lines import Talk, append, overwrite, replace, text, use

if TYPE_CHECKING:
    from pathlib import Path

NUMBER = 200


def lines(word: str, count: int = NUMBER) -> bytes:
    """Some turns with ids of their own."""
    talk = Talk()
    entries = [
        entry
        for n in range(count)
        for entry in (
            talk.user(f"prompt {word}"),
            talk.agent(text(f"{word} {n}"), message_id=f"{word}{n}"),
            talk.agent(use(f"{word}-call{n}", "Bash", command="ls"), message_id=f"{word}{n}"),
        )
    ]
    return "".join(json.dumps(e, separators=(",", ":")) + "\n" for e in entries).encode()


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How long the pieces are that were parsed."""
    lengths: list[int] = []
    read = TranscriptFacts.read

    def noted(facts: TranscriptFacts, piece: bytes) -> None:
        lengths.append(len(piece))
        read(facts, piece)

    monkeypatch.setattr(TranscriptFacts, "read", noted)
    monkeypatch.setattr(transcript_facts, "PIECE_BYTES", 10_000)
    return lengths


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    path = tmp_path / "t.jsonl"
    path.write_bytes(lines("shed"))
    return path


def of_all(path: Path) -> TranscriptFacts:
    """What is found by a look that knows nothing of earlier ones."""
    facts = TranscriptFacts()
    TranscriptFacts.read(facts, path.read_bytes())
    return facts


def test_only_what_is_new_is_read(transcript: Path, taken: list[int]) -> None:
    assert len(TranscriptFacts.scan(transcript).calls) == NUMBER
    assert sum(taken) == transcript.stat().st_size
    more = lines("barn", 3)
    half = more.index(b"barn") + 2
    for new, read in (b"", 0), (more, len(more)), (more[:half], half):
        append(transcript, new)
        taken.clear()
        found = TranscriptFacts.scan(transcript)
        assert sum(taken) == read
        assert found == of_all(transcript)
    # What was half written is another line now.
    append(transcript, more[half:])
    taken.clear()
    found = TranscriptFacts.scan(transcript)
    assert sum(taken) == transcript.stat().st_size
    assert found == of_all(transcript)


@pytest.mark.parametrize(
    "change",
    [
        lambda path, was: replace(path, was + lines("barn")),
        lambda path, was: overwrite(path, was.replace(b"shed", b"barn")),
        lambda path, was: overwrite(path, was[: len(was) // 2]),
        lambda path, was: overwrite(path, was[: len(was) // 2] + lines("barn")),
        lambda path, _: overwrite(path, lines("barn", 1)),
    ],
    ids=["replaced", "same size", "cut", "cut and grown", "shorter"],
)
def test_of_another_file_all_is_read(transcript: Path, taken: list[int], change: Any) -> None:
    assert TranscriptFacts.scan(transcript).lines
    taken.clear()
    change(transcript, transcript.read_bytes())
    found = TranscriptFacts.scan(transcript)
    assert sum(taken) == transcript.stat().st_size
    assert found == of_all(transcript)


def test_a_file_that_is_gone_holds_nothing(transcript: Path) -> None:
    assert TranscriptFacts.scan(transcript).lines
    transcript.unlink()
    assert TranscriptFacts.scan(transcript) == TranscriptFacts()
    assert TranscriptFacts.scan(None) == TranscriptFacts()


def test_looks_side_by_side_share_nothing(transcript: Path) -> None:
    assert TranscriptFacts.scan(transcript).lines
    append(transcript, lines("barn", 3))
    one, other = FactsReading(transcript), FactsReading(transcript)
    for reading in (one, other):
        while piece := reading.next_piece():
            reading.facts.read(piece)
        reading.keep()
    assert one.facts == other.facts == of_all(transcript)
    assert one.facts is not other.facts


def test_a_look_at_the_end_alone_is_not_kept(transcript: Path) -> None:
    reading = FactsReading(transcript, transcript.stat().st_size)
    append(transcript, lines("barn", 3))
    while piece := reading.next_piece():
        reading.facts.read(piece)
    reading.keep()
    assert len(reading.facts.calls) == 3
    assert len(TranscriptFacts.scan(transcript).calls) == NUMBER + 3


def test_what_is_kept_has_a_bound(
    transcript: Path, taken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcript_facts, "MOST_BYTES", 100)
    for _ in range(2):
        taken.clear()
        assert TranscriptFacts.scan(transcript).lines
        assert sum(taken) == transcript.stat().st_size
    assert not transcript_facts._kept


def test_calls_of_one_id_are_known_as_the_journal_has_them(tmp_path: Path) -> None:
    talk = Talk()
    calls = [talk.agent(use("c", name), message_id="m") for name in ("Write", "Bash")]
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(call, separators=(",", ":")) + "\n" for call in calls))
    assert TranscriptFacts.scan(path).calls == {"c", "c~2"}
