"""The journal: what is written down is there, whatever becomes of the file."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_agent_lsp.sessions.journal.journal import Journal, JournaledTurn
from claude_agent_lsp.sessions.journal.steps import Called, Resulted, Said, TakenBack

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SESSION = "6f1d3b9e-0000-4000-8000-000000000000"
TURN = JournaledTurn("p1", "remember\nthis \ud83d", Path("/project"), AT)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(lambda: tmp_path / "state")


def file_of(journal: Journal) -> Path:
    return journal.directory / f"{SESSION}.jsonl"


def turns(journal: Journal) -> tuple[JournaledTurn, ...]:
    return journal.read(SESSION).turns


def test_prompt_words_calls_and_results_are_read_back_in_order(journal: Journal) -> None:
    later = AT + timedelta(seconds=1)
    journal.begin(SESSION, TURN)
    journal.append(SESSION, [Said("m1", "I ", AT), Said("m1", "will.", later)])
    journal.append(SESSION, [Called("c1", "Bash", {"command": "ls"}, later)])
    journal.append(SESSION, [Resulted("c1", "completed", "a.txt"), Said("m2", "Done.", later)])
    assert turns(journal) == (
        replace(
            TURN,
            steps=(
                Said("m1", "I ", AT),
                Said("m1", "will.", later),
                Called("c1", "Bash", {"command": "ls"}, later, "completed", "a.txt"),
                Said("m2", "Done.", later),
            ),
        ),
    )
    assert journal.sessions() == (SESSION,)


def test_words_that_were_taken_back_are_not_read(journal: Journal) -> None:
    journal.begin(SESSION, TURN)
    journal.append(SESSION, [Said("m1", "Whole. ", AT), Said("m1", "Ha", AT), Said("m1", "lf", AT)])
    journal.append(SESSION, [TakenBack("m1", "alf"), TakenBack("m2", "never said")])
    journal.append(SESSION, [Said("m2", "Anew.", AT)])
    kept = (Said("m1", "Whole. ", AT), Said("m1", "H", AT), Said("m2", "Anew.", AT))
    assert turns(journal) == (replace(TURN, steps=kept),)
    journal.append(SESSION, [TakenBack("m1", "Whole. H")])
    assert turns(journal) == (replace(TURN, steps=kept[2:]),)


def test_only_the_user_can_read_it(journal: Journal) -> None:
    journal.begin(SESSION, TURN)
    assert stat.S_IMODE(file_of(journal).stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.directory.stat().st_mode) == 0o700


def test_a_session_that_nobody_wrote_about_has_nothing(journal: Journal) -> None:
    assert turns(journal) == ()
    assert journal.sessions() == ()
    journal.forget(SESSION)


@pytest.mark.parametrize(
    "rest", [b'{"kind":"text","mess', b"\0" * 100, b"\xff\xfe", b"[]\n", b"{}"]
)
def test_what_a_crash_has_left_at_its_end_is_left_out(journal: Journal, rest: bytes) -> None:
    journal.begin(SESSION, TURN)
    journal.append(SESSION, [Said("m1", "word", AT)])
    with file_of(journal).open("ab") as file:
        file.write(rest)
    entry = journal.read(SESSION)
    assert entry.damaged
    assert entry.turns == (replace(TURN, steps=(Said("m1", "word", AT),)),)
    # The next turn is not joined to the torn line.
    second = replace(TURN, message_id="p2")
    journal.begin(SESSION, second)
    assert turns(journal)[1] == second


@given(st.data())
def test_cut_anywhere_it_still_has_every_whole_line(data: st.DataObject) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        journal = Journal(lambda: Path(directory))
        journal.begin(SESSION, TURN)
        words = data.draw(st.lists(st.text(min_size=1, max_size=5), max_size=5))
        for word in words:
            journal.append(SESSION, [Said("m1", word, AT)])
        content = file_of(journal).read_bytes()
        cut = data.draw(st.integers(0, len(content)))
        file_of(journal).write_bytes(content[:cut])
        whole = content[:cut].count(b"\n")
        found = turns(journal)
        if whole:
            said = [step.text for step in found[0].steps if isinstance(step, Said)]
            assert said[: whole - 1] == words[: whole - 1]


def test_what_is_kept_is_kept_with_all_that_is_known_of_it(journal: Journal) -> None:
    kept = (
        replace(
            TURN,
            steps=(Said("m1", "half", AT), Called("c1", "Bash", {}, AT, "failed", "no")),
            completed=True,
            told_by="p2",
            lacks_prompt=False,
        ),
        replace(TURN, message_id="p3", unsent=True),
    )
    journal.begin(SESSION, TURN)
    journal.replace(SESSION, kept)
    assert turns(journal) == kept
    journal.replace(SESSION, ())
    assert not file_of(journal).exists()


def test_what_a_later_version_writes_is_no_damage(journal: Journal) -> None:
    journal.begin(SESSION, TURN)
    with file_of(journal).open("ab") as file:
        file.write(b'{"kind":"mood","text":"fine"}\n')
    assert journal.read(SESSION).damaged is False


def test_a_journal_that_can_not_be_written_says_so(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file in its place")
    with pytest.raises(OSError, match=r"."):
        journal.begin(SESSION, TURN)
    assert turns(journal) == ()


def test_a_write_is_with_the_system_when_it_returns(journal: Journal) -> None:
    journal.begin(SESSION, TURN)
    child = os.fork()
    if child == 0:
        journal.append(SESSION, [Said("m1", "last word", AT)])
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    assert turns(journal)[0].steps == (Said("m1", "last word", AT),)
