"""Sessions of other machines brought here: what is taken, under which id, and what never is."""

from __future__ import annotations

import gzip
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.sessions.catalogue.catalogue import Catalogue
from claude_agent_lsp.sessions.catalogue.index import Index
from claude_agent_lsp.sessions.catalogue.kept_copies import KeptCopies
from claude_agent_lsp.sessions.moving import importing
from claude_agent_lsp.sessions.moving.importing import Imported, Outcome, import_sessions
from claude_agent_lsp.sessions.reading.reading import read_messages
from tests.sessions.lines import Disk, Talk, append, text

if TYPE_CHECKING:
    from pathlib import Path

ID = "aaaaaaaa-2222-4333-8444-555555555555"
THERE = "/home/other/cart"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def lines_of(session_id: str = ID, folder: str = THERE, **more: Any) -> list[dict[str, Any]]:
    talk = Talk()
    said = [talk.user("hello"), talk.agent(text("Hi."), message_id="m1"), talk.user("more")]
    return [line | {"sessionId": session_id, "cwd": folder} | more for line in said]


def write(path: Path, *lines: dict[str, Any] | str) -> Path:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts) + "\n")
    return path


def bring(source: Path, folder: Path, state: Path) -> Imported:
    (done,) = import_sessions(source, folder, state)
    return done


def entries(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_imported_session_is_one_of_the_folder(
    disk: Disk, folder: Path, state: Path, tmp_path: Path
) -> None:
    source = write(tmp_path / "from.jsonl", *lines_of())
    before = source.read_bytes()
    assert bring(source, folder, state) == Imported(source, Outcome.IMPORTED, ID)
    catalogue = Catalogue(Index(state))
    (session,) = catalogue.page(folder).sessions
    assert (session.session_id, session.workspace, session.title) == (ID, folder, "hello")
    assert [message.text for message in read_messages(ID)] == ["hello", "Hi.", "more"]
    path = disk.path(ID, folder)
    assert {entry["cwd"] for entry in entries(path)} == {os.path.realpath(folder)}
    assert path.stat().st_mode & 0o777 == 0o600
    assert source.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("there", "cwd", "below"),
    [
        (THERE, THERE + "/src/a", "src/a"),
        (THERE, "/etc", ""),
        (THERE, THERE + "/../../..", ""),
        (THERE, "../..", ""),
        (THERE, THERE + "y", ""),
        (r"C:\work\cart", r"C:\work\cart\src", "src"),
        (r"C:\work\cart", r"D:\other", ""),
        (THERE, 7, ""),
    ],
)
def test_folders_in_it_become_the_folder_here(
    disk: Disk, folder: Path, state: Path, tmp_path: Path, there: str, cwd: Any, below: str
) -> None:
    there, cwd = (
        there.replace("\\\\", "\\"),
        cwd.replace("\\\\", "\\") if isinstance(cwd, str) else cwd,
    )
    first, *others = lines_of(folder=there)
    write(tmp_path / "from.jsonl", first, *(line | {"cwd": cwd} for line in others))
    bring(tmp_path / "from.jsonl", folder, state)
    real = os.path.realpath(folder)
    told = [entry["cwd"] for entry in entries(disk.path(ID, folder))]
    expected = os.path.join(real, below) if below else real  # noqa: PTH118
    assert told == [real, expected, expected]


def test_what_is_here_already_is_told_and_left(
    disk: Disk, folder: Path, state: Path, tmp_path: Path
) -> None:
    source = write(tmp_path / "from.jsonl", *lines_of())
    bring(source, folder, state)
    path = disk.path(ID, folder)
    append(path, json.dumps({"type": "tag", "tag": "x", "sessionId": ID}).encode() + b"\n")
    before = path.read_bytes()
    assert bring(source, folder, state) == Imported(source, Outcome.KNOWN, ID)
    exported = tmp_path / "exported.jsonl"
    exported.write_bytes(before)
    other = tmp_path / "other"
    other.mkdir()
    assert bring(exported, other, state).outcome is Outcome.KNOWN
    assert path.read_bytes() == before
    assert len(list(disk.projects.glob("*/*.jsonl"))) == 1


def test_another_content_under_the_same_id_gets_an_id_of_its_own_each_time_the_same(
    disk: Disk, folder: Path, state: Path, tmp_path: Path
) -> None:
    disk.write(folder, *lines_of(), session_id=ID)
    before = disk.path(ID, folder).read_bytes()
    source = write(tmp_path / "from.jsonl", *lines_of(), lines_of()[0])
    done = bring(source, folder, state)
    assert done.outcome is Outcome.IMPORTED
    assert done.session_id not in (None, ID)
    assert bring(source, folder, state) == Imported(source, Outcome.KNOWN, done.session_id)
    assert disk.path(ID, folder).read_bytes() == before
    own = entries(disk.path(str(done.session_id), folder))
    assert {entry["sessionId"] for entry in own} == {done.session_id}


def test_only_the_conversation_is_taken(
    disk: Disk, folder: Path, state: Path, tmp_path: Path
) -> None:
    obeyed: list[dict[str, Any]] = [
        {"type": "cost-state", "sessionId": ID, "totalCostUSD": 99},
        {"type": "file-history-snapshot", "snapshot": {}, "messageId": "x"},
        {"type": "worktree-state", "path": "/etc"},
        {"type": "permission-mode", "permissionMode": "bypassPermissions"},
        {"no": "type"},
    ]
    title = {"type": "custom-title", "customTitle": "T", "sessionId": ID}
    source = write(tmp_path / "from.jsonl", *obeyed, *lines_of(), title, "no JSON", "[1]", "")
    done = bring(source, folder, state)
    assert (done.outcome, done.unreadable) == (Outcome.IMPORTED, 2)
    kinds = [entry["type"] for entry in entries(disk.path(ID, folder))]
    assert kinds == ["user", "assistant", "user", "custom-title"]


@pytest.mark.parametrize(
    "content",
    ["", "no JSON", "[]", '{"type":"summary","summary":"x"}', "\0" * 100, '{"type": "user"'],
)
def test_what_holds_no_conversation_is_refused(
    folder: Path, disk: Disk, state: Path, tmp_path: Path, content: str
) -> None:
    source = tmp_path / "from.jsonl"
    source.write_text(content)
    with pytest.raises(InvalidArgument, match="holds no conversation"):
        import_sessions(source, folder, state)
    assert not disk.projects.exists()


def test_sizes_are_bounded(
    folder: Path, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "from.jsonl", *lines_of())
    monkeypatch.setattr(importing, "LINE_BYTES", 100)
    with pytest.raises(InvalidArgument, match="a line of"):
        import_sessions(source, folder, state)
    monkeypatch.setattr(importing, "MOST_BYTES", 100)
    with pytest.raises(InvalidArgument, match="longer than"):
        import_sessions(source, folder, state)


def test_id_is_that_of_the_lines_else_the_files_else_made_of_the_content(
    disk: Disk, folder: Path, state: Path, tmp_path: Path
) -> None:
    other = ID.replace("a", "b")
    source = write(tmp_path / f"{other}.jsonl", *lines_of())
    assert bring(source, folder, state).session_id == ID
    evil = [line | {"sessionId": "../../../evil"} for line in lines_of()]
    source = write(tmp_path / f"{other}.jsonl", evil[0])
    assert bring(source, folder, state).session_id == other
    source = write(tmp_path / "some words.jsonl", *evil)
    made = bring(source, folder, state)
    assert made.outcome is Outcome.IMPORTED
    assert made == Imported(source, Outcome.IMPORTED, made.session_id)
    assert bring(source, folder, state).outcome is Outcome.KNOWN


def test_all_of_a_directory_are_brought_and_told(
    disk: Disk, folder: Path, state: Path, tmp_path: Path
) -> None:
    directory = tmp_path / "many"
    directory.mkdir()
    write(directory / "a.jsonl", *lines_of())
    write(directory / "b.jsonl", *lines_of(ID.replace("a", "b")))
    write(directory / "c.jsonl", "nothing")
    write(directory / "d.md", "# Not looked at")
    os.mkfifo(directory / "e.jsonl")
    done = import_sessions(directory, folder, state)
    expected = [Outcome.IMPORTED, Outcome.IMPORTED, Outcome.REFUSED, Outcome.REFUSED]
    assert [each.outcome for each in done] == expected
    assert len(Catalogue(Index(state)).page(folder).sessions) == 2
    with pytest.raises(InvalidArgument, match="has none"):
        import_sessions(folder, folder, state)
    with pytest.raises(InvalidArgument, match="can't be read"):
        import_sessions(tmp_path / "nowhere", folder, state)


def test_nothing_is_left_where_it_can_not_be_written(
    disk: Disk, folder: Path, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "from.jsonl", *lines_of())

    def there_by_now(*_: Any) -> None:
        raise FileExistsError

    monkeypatch.setattr(os, "link", there_by_now)
    assert bring(source, folder, state) == Imported(source, Outcome.KNOWN, ID)
    assert list(disk.path(ID, folder).parent.iterdir()) == []


def test_what_is_kept_of_a_session_that_the_cli_has_deleted_is_here(
    disk: Disk, folder: Path, state: Path, tmp_path: Path
) -> None:
    source = write(tmp_path / "from.jsonl", *lines_of())
    bring(source, folder, state)
    KeptCopies(state).keep(disk.path(ID, folder))
    disk.path(ID, folder).unlink()
    assert bring(source, folder, state) == Imported(source, Outcome.KNOWN, ID)
    assert list(disk.projects.glob("*/*.jsonl")) == []
    # And a copy of another machine is brought as it is.
    copy = KeptCopies(state).find(ID)
    assert copy is not None
    assert bring(copy, folder, tmp_path / "other state").outcome is Outcome.IMPORTED
    assert [message.text for message in read_messages(ID)] == ["hello", "Hi.", "more"]


@pytest.mark.parametrize("lines", ["blank", "short", "one"])
def test_what_is_packed_is_unpacked_to_the_bound(
    folder: Path, state: Path, tmp_path: Path, lines: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "MOST_BYTES", 1 << 20)
    monkeypatch.setattr(importing, "LINE_BYTES", 2 << 20)
    said = "\n".join(map(json.dumps, lines_of())) + "\n"
    more = {"blank": "\n" * (1 << 20), "short": "{}\n" * (1 << 19), "one": " " * (3 << 20)}
    source = tmp_path / "bomb.jsonl"
    source.write_bytes(gzip.compress((said + more[lines]).encode()))
    assert source.stat().st_size < 10_000
    with pytest.raises(InvalidArgument, match=r"longer than \d MiB"):
        bring(source, folder, state)
