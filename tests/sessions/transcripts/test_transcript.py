"""Transcripts, with lines as CLI 2.1.330 writes them."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from claude_agent_lsp.errors import SessionNotFound
from claude_agent_lsp.sessions.catalogue.catalogue import Catalogue
from claude_agent_lsp.sessions.catalogue.index import Index
from claude_agent_lsp.sessions.catalogue.kept_copies import KeptCopies
from claude_agent_lsp.sessions.transcripts.transcript import (
    Transcript,
    config_directory,
    cost_of,
    find_transcript,
    folder_of,
    last_line,
)

SESSION = "6f1c7f6e-0000-4000-8000-000000000000"


class File:
    """A transcript's file, and who writes to it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, *entries: dict[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            for entry in entries:
                # The CLI writes no blanks.
                file.write(json.dumps(entry, separators=(",", ":")) + "\n")


def turn(role: str = "user", **more: Any) -> dict[str, Any]:
    message = {"role": role, "content": "words"}
    return {"type": role, "uuid": str(uuid.uuid4()), "message": message, **more}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> File:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path))
    return File(tmp_path / "projects" / "-project" / f"{SESSION}.jsonl")


@pytest.fixture
def transcript(file: File) -> Transcript:
    """Of a process that resumed a session with one turn."""
    file.write(turn(), turn("assistant"))
    transcript = Transcript(SESSION)
    transcript.catch_up()
    return transcript


@pytest.mark.parametrize(
    "word",
    [
        *("", "*", f"{SESSION[:-1]}?", f"[6]{SESSION[1:]}", "..", "/", f"../-project/{SESSION}"),
        *("\0", f"{SESSION}\n", "a" * 5_000),
    ],
)
def test_what_is_no_session_id_finds_nothing(file: File, tmp_path: Path, word: str) -> None:
    file.write(turn())
    assert find_transcript(SESSION) == file.path
    assert find_transcript(word) is None
    kept = KeptCopies(tmp_path)
    kept.keep(file.path)
    assert kept.find(SESSION) is not None
    assert kept.find(word) is None
    assert not kept.forget(word)
    with pytest.raises(SessionNotFound):
        Catalogue(Index(tmp_path / "state")).session(word)


@pytest.mark.parametrize("block", [1, 2, 5, 7, 1000])
@pytest.mark.parametrize(
    ("content", "found"),
    [
        *[("", None), ("b1", None), ("a1", "a1"), ("a1\n", "a1"), ("a1\na2\nb", "a2")],
        *[("b\na1", "a1"), ("ba1\nbba2\n", None), ("\n\na1\n\nb\n", "a1"), ("aa\nb a\n", "aa")],
    ],
)
def test_the_last_line_that_starts_so_is_found_from_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, content: str, found: str | None
) -> None:
    monkeypatch.setattr("claude_agent_lsp.sessions.transcripts.transcript._BLOCK_BYTES", block)
    file = tmp_path / "file"
    file.write_text(content)
    assert last_line(file, b"a") == (None if found is None else found.encode())


def test_the_directory_is_the_users_unless_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    assert config_directory() == Path.home() / ".claude"
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", "")
    assert config_directory() == Path.home() / ".claude"
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", "/elsewhere")
    assert config_directory() == Path("/elsewhere")


def test_a_transcript_is_found_whatever_its_folder(file: File) -> None:
    assert find_transcript(SESSION) is None
    file.write(turn())
    assert find_transcript(SESSION) == file.path


def test_the_folder_is_that_of_the_first_line_that_names_one(file: File) -> None:
    file.write({"type": "mode"}, turn(cwd="/project"), turn(cwd="/project/below"))
    assert folder_of(file.path) == Path("/project")


def test_a_garbled_transcript_has_no_folder(file: File) -> None:
    file.write({"type": "mode"})
    with file.path.open("a") as garbled:
        garbled.write('{"cwd":\n{"cwd":1}\n')
    assert folder_of(file.path) is None


def cost_state(cost: object, session: str = SESSION) -> dict[str, object]:
    return {"type": "cost-state", "sessionId": session, "totalCostUSD": cost}


@pytest.mark.parametrize("cost", [float("nan"), float("inf"), -1, "1e999", None, 10**400, []])
def test_what_is_no_cost_counts_for_nothing(file: File, cost: object) -> None:
    file.write(turn(), cost_state(cost))
    assert cost_of(file.path) == 0.0


def test_the_cost_of_another_session_counts_for_nothing(file: File) -> None:
    file.write(cost_state(0.5), cost_state(50, "00000000-0000-4000-8000-000000000000"))
    assert cost_of(file.path) == 0.0


def test_the_cost_is_the_last_that_was_written(file: File) -> None:
    file.write(turn())
    assert cost_of(file.path) == 0.0
    for cost in (0.25, 0.5):
        file.write(cost_state(cost), turn())
    assert cost_of(file.path) == 0.5
    with file.path.open("a") as cut:
        cut.write('{"type":"cost-state","total')
    assert cost_of(file.path) == 0.0


def test_nothing_new_is_no_change(transcript: Transcript) -> None:
    assert not transcript.changed_by_others()
    assert not transcript.changed_by_others()


def test_what_the_process_told_is_its_own(transcript: Transcript, file: File) -> None:
    lines = [turn(), turn("assistant")]
    for line in lines:
        transcript.expect(line["uuid"])
    file.write(*lines)
    assert not transcript.changed_by_others()


def test_a_turn_of_somebody_else_is_a_change_however_often_one_looks(
    transcript: Transcript, file: File
) -> None:
    file.write(turn(), turn("assistant"))
    assert transcript.changed_by_others()
    assert transcript.changed_by_others()


def test_a_turn_of_somebody_else_between_own_ones_is_a_change(
    transcript: Transcript, file: File
) -> None:
    own = [turn(), turn()]
    for line in own:
        transcript.expect(line["uuid"])
    file.write(own[0], turn(), own[1])
    assert transcript.changed_by_others()


def test_a_process_that_starts_anew_knows_all_that_is_there(
    transcript: Transcript, file: File
) -> None:
    file.write(turn())
    afresh = Transcript(SESSION)
    afresh.catch_up()
    assert transcript.changed_by_others()
    assert not afresh.changed_by_others()


@pytest.mark.parametrize(
    "line",
    [
        {"type": "queue-operation", "operation": "enqueue"},
        {"type": "attachment", "uuid": "a"},
        {"type": "system", "subtype": "local_command", "uuid": "b"},
        {"type": "api-request-blob", "message": {"role": "user", "content": '"type":"user"'}},
        turn(isMeta=True),
        turn(isSidechain=True),
        turn(isCompactSummary=True),
        turn(origin={"kind": "task-notification"}),
        {**turn("assistant"), "message": {"role": "assistant", "model": "<synthetic>"}},
        {**turn(), "message": {"content": "<command-name>/model</command-name>"}},
        {**turn(), "message": {"content": "<local-command-stdout>Set model to x"}},
    ],
)
def test_what_the_cli_adds_untold_is_no_change(
    transcript: Transcript, file: File, line: dict[str, Any]
) -> None:
    file.write(line)
    assert not transcript.changed_by_others()


def test_what_a_human_added_elsewhere_is_a_change(transcript: Transcript, file: File) -> None:
    file.write(turn(origin={"kind": "human"}))
    assert transcript.changed_by_others()


def test_a_line_that_is_still_being_written_is_looked_at_later(
    transcript: Transcript, file: File
) -> None:
    whole = json.dumps(turn(), separators=(",", ":"))
    with file.path.open("a") as cut:
        cut.write(whole[:20])
        cut.flush()
        assert not transcript.changed_by_others()
        cut.write(whole[20:] + "\n")
    assert transcript.changed_by_others()


def test_a_garbled_line_is_no_turn(transcript: Transcript, file: File) -> None:
    with file.path.open("a") as garbled:
        garbled.write('{"type":"user",\n["type":"user"]\n"\\"type\\":\\"user\\""\n')
    assert not transcript.changed_by_others()


def test_a_transcript_cut_or_removed_is_changed(transcript: Transcript, file: File) -> None:
    content = file.path.read_bytes()
    file.path.write_bytes(content[:-10])
    assert transcript.changed_by_others()
    file.path.unlink()
    assert transcript.changed_by_others()


def test_a_new_session_has_no_transcript_yet(file: File) -> None:
    transcript = Transcript(SESSION)
    assert transcript.catch_up() == 0.0
    assert not transcript.changed_by_others()


def test_a_file_that_the_process_made_is_its_own_at_the_first_look(file: File) -> None:
    transcript = Transcript(SESSION)
    transcript.catch_up()
    file.write(turn(), turn("assistant"))  # a fork's copies, of which nothing is told
    assert not transcript.changed_by_others()
    file.write(turn())
    assert transcript.changed_by_others()


def test_a_resumed_session_tells_what_it_has_cost(file: File) -> None:
    file.write(turn(), cost_state(0.5))
    assert Transcript(SESSION).catch_up() == 0.5


def test_what_is_known_of_a_long_conversation_has_bounds(
    transcript: Transcript, file: File
) -> None:
    for _ in range(100):
        own = turn()
        transcript.expect(own["uuid"])
        file.write(own)
        assert not transcript.changed_by_others()
    assert transcript._own == set()
    file.write(turn())
    assert transcript.changed_by_others()
