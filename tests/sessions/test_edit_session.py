"""What is left of a session that was deleted, beside the files that tests/e2e looks for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.errors import InvalidArgument, StoreUnavailable
from claude_agent_lsp.sessions.edit_session import delete, fork
from claude_agent_lsp.sessions.journal import transcript_facts
from claude_agent_lsp.sessions.journal.transcript_facts import TranscriptFacts
from claude_agent_lsp.sessions.reading.prose import prose
from claude_agent_lsp.sessions.sharing.sync_state import Mirrored, SyncState
from claude_agent_lsp.sessions.transcripts.growth import ReadSoFar
from claude_agent_lsp.workspace.state import State

from .lines import Disk, Talk, text, use

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from claude_agent_lsp.sessions.catalogue.index import Index


@pytest.fixture
def session(disk: Disk, folder: Path) -> str:
    talk = Talk()
    return disk.write(
        folder, talk.user("Remember"), talk.agent(text("I will."), message_id="m1"), at=5000
    )


def held() -> list[str]:
    """Whose words are kept in memory."""
    return [path.rpartition("/")[2].partition(".")[0] for path in transcript_facts._kept]


def test_nothing_of_it_is_held_in_memory(
    disk: Disk, folder: Path, index: Index, session: str
) -> None:
    other = disk.write(folder, Talk().user("Stay"))
    for each in (session, other):
        TranscriptFacts.scan(disk.path(each, folder))
    prose("I will.")
    assert {session, other} <= {*held()}
    delete(session, State(index.directory), index)
    assert session not in held()
    assert other in held()
    assert prose.cache_info().currsize == 0


def test_what_was_being_read_meanwhile_is_not_held_either(
    disk: Disk, folder: Path, index: Index, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = ReadSoFar.take

    def take_and_delete(file: BinaryIO, offset: int) -> ReadSoFar:
        taken = take(file, offset)
        delete(session, State(index.directory), index)
        return taken

    monkeypatch.setattr(ReadSoFar, "take", take_and_delete)
    assert "m1" in TranscriptFacts.scan(disk.path(session, folder)).texts
    assert session not in held()


def test_what_knows_it_forgets_it_whatever_becomes_of_the_rest(
    folder: Path, index: Index, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = State(index.directory)
    state.select(folder, session)

    def forget(_: str) -> None:
        raise OSError("the index is broken")

    monkeypatch.setattr(index, "forget", forget)
    with pytest.raises(StoreUnavailable, match="the index is broken"):
        delete(session, state, index)
    assert state.current(folder) is None


def test_session_that_a_store_has_is_not_deleted_here_alone(
    disk: Disk, folder: Path, index: Index, session: str
) -> None:
    shared = SyncState(lambda: index.directory)
    shared.write(Mirrored(session, "store", "key", str(folder)))
    with pytest.raises(StoreUnavailable, match="also in a shared store") as refused:
        delete(session, State(index.directory), index)
    assert str(index.directory / "shared" / f"{session}.json") in refused.value.hint
    assert disk.path(session, folder).exists()
    shared.forget(session)
    delete(session, State(index.directory), index)
    assert not disk.path(session, folder).exists()


def test_what_the_sdk_can_not_read_is_not_copied_and_says_so(disk: Disk, folder: Path) -> None:
    talk = Talk()
    line = json.dumps(talk.agent(use("c", "Bash", x="DEEP"), message_id="m"))
    deep = line.replace('"DEEP"', "[" * 50_000 + "]" * 50_000)
    session_id = disk.write(folder, talk.user("Go deep"), deep)
    with pytest.raises(InvalidArgument, match="nested too deep"):
        fork(session_id, folder)
