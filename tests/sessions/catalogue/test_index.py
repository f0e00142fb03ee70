"""What is known of the transcripts, and what becomes of it when they or the file change."""

from __future__ import annotations

import gc
import json
import logging
import os
import sqlite3
import stat
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from claude_agent_sdk import list_sessions

from claude_agent_lsp.sessions.catalogue import summary
from claude_agent_lsp.sessions.catalogue.database import Database
from claude_agent_lsp.sessions.catalogue.index import FILE, Index
from claude_agent_lsp.sessions.catalogue.selection import SessionFilter
from claude_agent_lsp.sessions.catalogue.summary import summarize
from claude_agent_lsp.sessions.transcripts.projects import projects_of
from tests.sessions.lines import Disk, Talk, append, overwrite, replace, result, text, use

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.sessions.catalogue.selection import Entry

ALL = SessionFilter()


def titles(index: Index, folder: Path, wanted: SessionFilter = ALL) -> list[str]:
    return [entry.title for entry in index.sessions(projects_of(folder), wanted)]


class Reads:
    """Which transcripts are read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: list[str] = []

        def noted(transcript: Path, *more: Any) -> Any:
            self.names.append(transcript.stem)
            return summarize(transcript, *more)

        monkeypatch.setattr("claude_agent_lsp.sessions.catalogue.index.summarize", noted)

    def since(self) -> list[str]:
        names, self.names = self.names, []
        return sorted(names)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    return Reads(monkeypatch)


def varied(disk: Disk, folder: Path) -> None:
    """Transcripts of many kinds, each of a time of its own."""
    talk = Talk()
    kinds: list[list[dict[str, Any] | str]] = [
        [talk.user("A plain prompt", gitBranch="main"), talk.agent(text("OK."), message_id="m")],
        [Talk().user("Titled"), {"type": "custom-title", "customTitle": "By the user"}],
        [Talk().user("Titled"), {"type": "ai-title", "aiTitle": "By the CLI"}],
        [
            Talk().user("Both"),
            {"type": "custom-title", "customTitle": "First"},
            {"type": "custom-title", "customTitle": "Second"},
            {"type": "ai-title", "aiTitle": "By the CLI"},
        ],
        [Talk().user("Begun so"), {"type": "last-prompt", "lastPrompt": "Lately so"}],
        [Talk().user("x"), {"type": "summary", "summary": "In short", "leafUuid": "l"}],
        [Talk().user("A long prompt " * 50)],
        [Talk().user([text("Blocks\nof two lines"), text("and more")])],
        [Talk().user("<command-name>/compact</command-name>"), Talk().user("And a prompt")],
        [Talk().user("<command-name>/compact</command-name>")],
        [Talk().user("Meta", isMeta=True), Talk().user("Not meta")],
        [Talk().user("Meta", isMeta=True)],
        [Talk().user("Aside", isSidechain=True)],
        [{"type": "mode"}],
        ["{", "[" * 2000, "null"],
        [""],
        [{"type": "mode"}, Talk().user("x" * 100_000), Talk().user("later")],
        [Talk().user('Umlauts äöü \u2028 and \\ " quotes'), "{broken"],
        [Talk().user([result("c", "of a tool")]), Talk().user("After it")],
        [Talk().user('{"customTitle": "pasted"}')],
        [Talk("cli").user("Where"), Talk("cli").user("else", cwd="/somewhere/else")],
        [{"type": "custom-title", "customTitle": "Only a title"}],
    ]
    for at, kind in enumerate(kinds):
        disk.write(folder, *kind, at=1000 + at)
    disk.path("11111111-2222-4333-8444-555555555555", folder).write_bytes(b"")
    disk.path("no-uuid", folder).write_text("{}\n")


@pytest.mark.parametrize("name", ["project", "under_score.and dot", "d" * 120 + "/" + "e" * 120])
def test_list_is_the_one_of_the_sdk(disk: Disk, tmp_path: Path, index: Index, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir(parents=True)
    varied(disk, folder)
    told = {
        info.session_id: (
            info.custom_title or info.summary,
            info.first_prompt,
            info.tag,
            info.cwd,
            info.git_branch,
            info.created_at,
            info.last_modified,
        )
        for info in list_sessions(str(folder))
    }
    assert len(told) > 12
    for _ in range(2):  # read, and as the index has it
        found = index.sessions(projects_of(folder), ALL)
        assert {entry.session_id: _told(entry) for entry in found} == told


def _told(entry: Entry) -> tuple[Any, ...]:
    return (
        entry.title,
        entry.first_prompt,
        entry.tag,
        entry.cwd,
        entry.git_branch,
        entry.created_at,
        entry.last_modified,
    )


def test_only_what_has_changed_is_read_again(
    disk: Disk, folder: Path, index: Index, reads: Reads
) -> None:
    ids = sorted(disk.write(folder, Talk().user(f"{n}")) for n in range(5))
    assert titles(index, folder)
    assert reads.since() == ids
    assert len(titles(Index(index.directory), folder)) == 5
    assert reads.since() == []
    with disk.path(ids[1], folder).open("a") as file:
        file.write(json.dumps({"type": "custom-title", "customTitle": "New"}) + "\n")
    disk.touch(ids[1], folder, 1000)  # of another size, at the same time
    disk.touch(ids[2], folder, 2000)
    disk.path(ids[3], folder).unlink()
    assert "New" not in titles(index, folder, SessionFilter(words=["nothing"]))
    assert reads.since() == [ids[1], ids[2]]
    found = index.sessions(projects_of(folder), ALL)
    assert {entry.session_id for entry in found} == {*ids} - {ids[3]}
    assert found[0].session_id == ids[2]


def test_file_that_is_no_session_is_not_read_again(
    disk: Disk, folder: Path, index: Index, reads: Reads
) -> None:
    one = disk.write(folder, {"type": "mode"})
    assert titles(index, folder) == []
    assert reads.since() == [one]
    assert titles(index, folder) == []
    assert reads.since() == []


def lines(*entries: Any) -> bytes:
    """Lines as they are appended to a transcript."""
    return "".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in entries).encode()


MORE = lines(
    Talk().user("And a CANOE"),
    {"type": "custom-title", "customTitle": "Boats"},
    {"type": "tag", "tag": "water"},
    Talk().user("[Request interrupted by user]"),
)
HALF = MORE.index(b"CANOE")


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How long the lines are that were read."""
    lengths: list[int] = []
    take = summary._Lines.take

    def noted(found: summary._Lines, line: bytes) -> None:
        lengths.append(len(line))
        take(found, line)

    monkeypatch.setattr(summary._Lines, "take", noted)
    return lengths


def everything(index: Index, folder: Path) -> list[Any]:
    words = ("kayak", "canoe", "boats", "quay")
    filters = [ALL, *(SessionFilter(words=[word]) for word in words), SessionFilter(tag="water")]
    return [index.sessions(projects_of(folder), wanted) for wanted in filters]


def test_of_a_transcript_that_has_grown_only_what_is_new_is_read(
    disk: Disk, folder: Path, index: Index, taken: list[int]
) -> None:
    path = disk.path(disk.write(folder, *[Talk().user("A kayak " * 100)] * 100), folder)
    assert everything(index, folder)[1]
    half, rest = MORE[:HALF], MORE[HALF:] + MORE
    # What is half written is another line afterwards.
    for more, anew in (MORE, False), (half, False), (rest, True), (MORE, False):
        taken.clear()
        append(path, more)
        found = everything(Index(index.directory), folder)
        assert sum(taken) == (path.stat().st_size if anew else len(more))
        assert found == everything(Index(folder / f"fresh{path.stat().st_size}"), folder)
    assert [len(hits) for hits in found] == [1, 1, 1, 1, 0, 1]


@pytest.mark.parametrize(
    "change",
    [
        lambda path, was: replace(path, was.replace(b"kayak", b"canoe") + MORE),
        lambda path, was: overwrite(path, was.replace(b"kayak", b"canoe")),
        lambda path, was: overwrite(path, was.replace(b"kayak", b"canoe") + MORE),
        lambda path, was: overwrite(path, was[: len(was) // 2]),
        lambda path, was: overwrite(path, was[: len(was) // 2] + 3 * MORE + was),
        lambda path, was: overwrite(path, MORE),
        replace,
    ],
    ids=["replaced", "same size", "rewritten", "cut", "cut and grown", "shorter", "copied"],
)
def test_of_a_transcript_that_is_another_now_all_is_read(
    disk: Disk, folder: Path, index: Index, taken: list[int], change: Any
) -> None:
    entries = [Talk().user("A kayak " * 100)] * 100
    path = disk.path(disk.write(folder, *entries, Talk().user("At the quay")), folder)
    assert everything(index, folder)[1]
    taken.clear()
    change(path, path.read_bytes())
    found = everything(index, folder)
    assert sum(taken) == path.stat().st_size
    assert found == everything(Index(folder / "fresh"), folder)


def test_prompts_are_searched_and_nothing_else(disk: Disk, folder: Path, index: Index) -> None:
    talk = Talk()
    disk.write(
        folder,
        talk.user("Paint the shed"),
        talk.agent(text("The window is open."), use("c", "Read", path="door"), message_id="m"),
        talk.user([result("c", "a roof")]),
        talk.user("Now the FENCE; größe<system-reminder>the cellar</system-reminder>"),
        talk.user("not the user's words", isMeta=True),
        {"type": "custom-title", "customTitle": "Title"},
    )
    for word, found in (
        ("shed", True),
        ("fence", True),
        ("grösse", True),  # casefolded
        ("title", True),
        ("window", False),
        ("door", False),
        ("roof", False),
        ("cellar", False),
        ("words", False),
    ):
        hits = titles(index, folder, SessionFilter(words=[word.casefold()]))
        assert bool(hits) is found, word


def test_title_and_tag_are_not_lost_in_a_long_transcript(
    disk: Disk, folder: Path, index: Index
) -> None:
    long = [Talk().user("x" * 100_000), Talk().user("y" * 100_000)]
    marks = [{"type": "custom-title", "customTitle": "Mine"}, {"type": "tag", "tag": "keep"}]
    disk.write(folder, Talk().user("Begin"), long[0], *marks, long[1])
    (entry,) = index.sessions(projects_of(folder), SessionFilter(tag="keep"))
    assert entry.title == "Mine"


def test_session_with_files_in_two_folders_is_listed_once(
    disk: Disk, folder: Path, tmp_path: Path, index: Index
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    one = disk.write(folder, Talk().user("Old"), at=1000)
    disk.write(other, Talk().user("New"), at=2000, session_id=one)
    both = (*projects_of(folder), *projects_of(other))
    assert [entry.title for entry in index.sessions(both, ALL)] == ["New"]
    assert titles(index, folder) == ["Old"]


def test_file_is_private(disk: Disk, folder: Path, index: Index) -> None:
    disk.write(folder, Talk().user("Hi"))
    assert titles(index, folder) == ["Hi"]
    assert stat.S_IMODE((index.directory / FILE).stat().st_mode) == 0o600


def damaged(content: bytes) -> dict[str, bytes]:
    middle = len(content) // 2
    return {
        "no database": b"something else " * 1000,
        "cut": content[:middle],
        "short": content[:50],
        "overwritten": content[:5000] + os.urandom(len(content) - 5000),
    }


@pytest.mark.parametrize("how", ["no database", "cut", "short", "overwritten"])
def test_damaged_index_is_made_anew(
    disk: Disk, folder: Path, index: Index, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    for n in range(40):
        disk.write(folder, Talk().user(f"Prompt {n} " * 50), at=n)
    whole = titles(index, folder)
    file = index.directory / FILE
    content = file.read_bytes()
    file.write_bytes(damaged(content)[how])
    with caplog.at_level(logging.WARNING):
        assert titles(index, folder) == whole
        assert titles(Index(index.directory), folder) == whole
    assert "Recreating" in caplog.text
    with sqlite3.connect(file) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "PRAGMA user_version = 0",
        "DROP TABLE searched",
        "UPDATE transcripts SET title = 7",
        "UPDATE transcripts SET session_id = 'x'",
        "UPDATE transcripts SET last_modified = 'yesterday'",
    ],
)
def test_index_that_holds_something_else_is_made_anew(
    disk: Disk, folder: Path, index: Index, statement: str
) -> None:
    disk.write(folder, Talk().user("Hi"))
    assert titles(index, folder) == ["Hi"]
    with sqlite3.connect(index.directory / FILE) as db:
        db.execute(statement)
    db.close()
    assert titles(index, folder, SessionFilter(words=["hi"])) == ["Hi"]
    assert titles(index, folder) == ["Hi"]


def test_index_of_a_newer_server_is_left_alone(
    disk: Disk, folder: Path, index: Index, caplog: pytest.LogCaptureFixture
) -> None:
    disk.write(folder, Talk().user("Hi"))
    assert titles(index, folder) == ["Hi"]
    with sqlite3.connect(index.directory / FILE) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    content = (index.directory / FILE).read_bytes()
    with caplog.at_level(logging.WARNING):
        assert titles(index, folder) == ["Hi"]
        assert titles(index, folder) == ["Hi"]
    assert len(caplog.records) == 1
    assert (index.directory / FILE).read_bytes() == content


@pytest.mark.parametrize("what", ["a folder in its place", "a file for the directory"])
def test_place_that_can_not_be_used_is_done_without(
    disk: Disk,
    folder: Path,
    index: Index,
    reads: Reads,
    what: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if what == "a folder in its place":
        (index.directory / FILE).mkdir(parents=True)
    else:
        index.directory.write_text("")
    one = disk.write(folder, Talk().user("Hi"))
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert titles(index, folder) == ["Hi"]
    assert reads.since() == [one]  # it is remembered all the same
    assert len(caplog.records) == 1
    assert "using memory instead" in caplog.text


def test_several_servers_share_an_index(disk: Disk, folder: Path, index: Index) -> None:
    ids = {disk.write(folder, Talk().user(f"{n}"), at=n) for n in range(60)}
    found: list[set[str]] = []

    def serve() -> None:
        server = Index(index.directory)
        for turn in range(5):
            disk.write(folder, Talk().user("More"), session_id=more, at=2000 + turn)
            entries = server.sessions(projects_of(folder), ALL)
            found.append({entry.session_id for entry in entries} - {more})

    more = disk.write(folder, Talk().user("More"))
    threads = [threading.Thread(target=serve) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [ids] * 20


@pytest.mark.long
def test_unchanged_list_is_many_times_as_fast_as_the_sdk(
    disk: Disk, folder: Path, index: Index
) -> None:
    talk = Talk()
    tool = talk.user([result("c", "x" * 3000)])
    lines = [line for n in range(8) for line in (talk.user(f"Prompt {n}"), tool)]
    for at in range(600):
        disk.write(folder, *lines, at=at)
    projects, page = projects_of(folder), SessionFilter(limit=51)
    index.sessions(projects, page)
    ours = min(_seconds(lambda: index.sessions(projects, page)) for _ in range(7))
    sdk = min(_seconds(lambda: list_sessions(str(folder), limit=50)) for _ in range(3))
    # 60 times and more, with thousands on a quiet machine: see docs/benchmarks.md.
    assert sdk / ours > 5


def _seconds(work: Any) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def test_nothing_of_a_forgotten_session_stands_in_the_file(
    disk: Disk, folder: Path, index: Index
) -> None:
    gone = disk.write(folder, Talk().user("the first HOOPOE " * 2000))
    other = disk.write(folder, Talk().user("a wren"), at=900)
    assert len(titles(index, folder)) == 2
    # Its words stood there once; what it has now takes less room.
    disk.write(folder, Talk().user("the second HOOPOE"), session_id=gone, at=2000)
    assert titles(index, folder) == ["the second HOOPOE", "a wren"]
    disk.path(gone, folder).unlink()
    index.forget(gone)
    files = [file.read_bytes() for file in index.directory.glob(f"{FILE}*")]
    assert not any(b"HOOPOE" in content or b"hoopoe" in content for content in files)
    assert not any(gone.encode() in content for content in files)
    assert any(other.encode() in content for content in files)
    assert titles(index, folder) == ["a wren"]
    index.forget(gone)


def test_what_is_kept_in_memory_is_closed_with_its_index(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    database = Database(tmp_path / FILE, (), 1)
    connection = database.run(lambda db: db)
    connection.execute("SELECT 1")
    del database
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")
