"""What the CLI deletes next, and what is kept all the same."""

from __future__ import annotations

import json
import stat
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.base.disk import files
from claude_agent_lsp.errors import StoreUnavailable
from claude_agent_lsp.sessions.catalogue import kept_copies as module
from claude_agent_lsp.sessions.catalogue.catalogue import Catalogue
from claude_agent_lsp.sessions.catalogue.kept_copies import KeptCopies, is_tagged
from claude_agent_lsp.sessions.catalogue.retention import retention, retention_days
from claude_agent_lsp.sessions.edit_session import delete
from claude_agent_lsp.sessions.reading.reading import read_messages
from claude_agent_lsp.sessions.transcripts.packed import open_transcript
from claude_agent_lsp.sessions.transcripts.projects import projects_of
from claude_agent_lsp.sessions.transcripts.transcript import find_transcript
from claude_agent_lsp.workspace.state import State
from tests.sessions.lines import Disk, Talk, text

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.sessions.catalogue.index import Index

DAY = 86_400
SECONDS = 10.0  # only catches hangs
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
KEEP = {"type": "tag", "tag": "keep"}


def put(folder: Path, disk: Disk, **files: str) -> None:
    """Write settings files: `user`, `project`, `local`."""
    places = {
        "user": disk.projects.parent / "settings.json",
        "project": folder / ".claude" / "settings.json",
        "local": folder / ".claude" / "settings.local.json",
    }
    for name, content in files.items():
        places[name].parent.mkdir(parents=True, exist_ok=True)
        places[name].write_text(content)


def days(count: object) -> str:
    return json.dumps({"cleanupPeriodDays": count})


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 30),
        ({"user": "{}"}, 30),
        ({"user": ""}, 30),
        ({"user": days(10)}, 10),
        ({"user": days(10), "project": days(1)}, 1),
        ({"user": days(10), "project": days(1), "local": days(5)}, 5),
        ({"user": days(0)}, None),
        ({"user": days("10")}, None),
        ({"user": days(1.5)}, None),
        ({"user": days(True)}, None),
        ({"user": days("x"), "project": days(5)}, None),
        ({"user": "{"}, None),
        ({"local": "[]"}, None),
    ],
)
def test_days_are_those_that_the_cli_goes_by(
    disk: Disk, folder: Path, files: dict[str, str], expected: int | None
) -> None:
    put(folder, disk, **files)
    assert retention_days(folder) == expected


def test_what_the_organisation_sets_counts_over_all_others(
    disk: Disk, folder: Path, managed: Path
) -> None:
    managed.write_text(days(7))
    put(folder, disk, user=days(10), local=days(5))
    assert retention_days(folder) == 7


def test_files_that_the_cli_does_not_read_count_for_nothing(disk: Disk, folder: Path) -> None:
    put(folder, disk, user=days(10), project=days(5), local="{")
    assert retention_days(folder, ("user", "project")) == 5
    assert retention_days(folder, ("user",)) == 10
    assert retention_days(folder, ()) is None


def test_next_deletions_are_the_soonest_of_a_week(disk: Disk, folder: Path, index: Index) -> None:
    at = {
        name: int(NOW.timestamp()) - age * DAY
        for name, age in (("old", 40), ("today", 30), ("week", 24), ("later", 22), ("new", 0))
    }
    ids = {name: disk.write(folder, Talk().user(name), at=when) for name, when in at.items()}
    disk.write(folder, {"type": "mode"}, at=0)
    kept = disk.write(folder, Talk().user("kept"), KEEP, at=at["today"] + 1)
    found = retention(projects_of(folder), 30, index, now=NOW)
    assert found.days == 30
    told = [(one.session_id, one.title, one.kept) for one in found.next_deletions]
    assert told == [
        (ids["old"], "old", False),
        (ids["today"], "today", False),
        (kept, "kept", True),
        (ids["week"], "week", False),
    ]
    assert found.next_deletions[1].at == NOW
    assert len(retention(projects_of(folder), 30, index, now=NOW, limit=2).next_deletions) == 2
    assert retention(projects_of(folder), None, index, now=NOW).next_deletions == ()
    assert retention(projects_of(folder), 10**9, index, now=NOW).due == 0


@pytest.fixture
def kept(index: Index) -> KeptCopies:
    return KeptCopies(index.directory)


@pytest.fixture
def session(disk: Disk, folder: Path) -> str:
    """A session that is tagged."""
    talk = Talk()
    answer = talk.agent(text("I will."), message_id="m1")
    return disk.write(folder, talk.user("Remember"), answer, KEEP, at=5000)


def test_kept_session_is_listed_and_read_when_the_cli_has_deleted_it(
    disk: Disk, folder: Path, index: Index, kept: KeptCopies, session: str
) -> None:
    catalogue = Catalogue(index)
    kept.keep(disk.path(session, folder))
    copy = kept.find(session)
    assert copy is not None
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    before = catalogue.page(folder), read_messages(session, index.directory)
    assert len(before[0].sessions) == 1
    disk.path(session, folder).unlink()
    assert (catalogue.page(folder), read_messages(session, index.directory)) == before
    assert catalogue.page(None) == before[0]
    assert catalogue.session(session) == before[0].sessions[0]
    assert catalogue.belongs(session, folder)


def test_what_some_other_program_has_tagged_is_kept(
    disk: Disk, folder: Path, kept: KeptCopies, session: str
) -> None:
    other = disk.write(folder, Talk().user("Not this one"))
    for each in (session, other, "unknown"):
        kept.update(each, untagged=False)
    copy = kept.find(session)
    assert copy is not None
    assert content_of(copy) == disk.path(session, folder).read_bytes()
    assert len(kept.all()) == 1


def content_of(copy: Path) -> bytes:
    with open_transcript(copy) as file:
        return file.read()


def test_copy_follows_its_session_and_stays_as_it_was_when_the_tag_goes(
    disk: Disk, folder: Path, kept: KeptCopies, session: str
) -> None:
    path = disk.path(session, folder)
    kept.keep(path)
    disk.write(folder, Talk().user("More"), KEEP, session_id=session, at=6000)
    kept.update(session, untagged=False)
    copy = kept.find(session)
    assert copy is not None
    content = path.read_bytes()
    assert content_of(copy) == content
    path.unlink()
    kept.update(session, untagged=False)
    assert [one.session_id for one in kept.all_copies()] == [session]
    disk.write(folder, Talk().user("More"), KEEP, {"type": "tag", "tag": ""}, session_id=session)
    kept.update(session, untagged=False)
    assert content_of(copy) == content


def test_session_is_put_back_where_it_was_and_is_not_old(
    disk: Disk, folder: Path, kept: KeptCopies, session: str
) -> None:
    path = disk.path(session, folder)
    content = path.read_bytes()
    kept.keep(path)
    assert kept.restore(session) == path
    assert path.stat().st_mtime == 5000  # it was there
    path.unlink()
    assert kept.restore(session) == path == find_transcript(session)
    assert path.read_bytes() == content
    assert path.stat().st_mtime > 1e9  # the CLI would delete it again
    assert kept.restore("unknown") is None


def test_session_that_can_not_be_kept_says_so(
    disk: Disk, folder: Path, index: Index, session: str
) -> None:
    index.directory.write_text("")
    with pytest.raises(StoreUnavailable, match=f"The session {session} can't be kept"):
        KeptCopies(index.directory).keep(disk.path(session, folder))
    KeptCopies(index.directory).update(session, untagged=False)  # it is told to the log
    assert len(Catalogue(index).page(folder).sessions) == 1


def in_the_locks_place(index: Index, session: str) -> Path:
    path = index.directory / "locks" / f"{session}.kept.lock"
    path.mkdir(parents=True)
    return path


def test_what_is_no_lock_lets_nothing_be_copied_or_deleted(
    disk: Disk, folder: Path, index: Index, kept: KeptCopies, session: str
) -> None:
    path = disk.path(session, folder)
    lock = in_the_locks_place(index, session)
    with pytest.raises(StoreUnavailable, match=r"can't be locked: .*\.kept\.lock") as refused:
        kept.keep(path)
    assert f"remove {lock}" in refused.value.hint
    with pytest.raises(StoreUnavailable, match="can't be locked"):
        delete(session, State(index.directory), index)
    kept.update(session, untagged=False)  # it is told to the log
    assert path.exists()
    assert kept.find(session) is None
    lock.rmdir()
    kept.keep(path)
    path.unlink()
    lock.mkdir()
    with pytest.raises(StoreUnavailable, match="can't be locked"):
        kept.restore(session)


def test_long_session_is_kept_and_put_back_without_being_held_in_memory(
    disk: Disk, folder: Path, kept: KeptCopies
) -> None:
    line = json.dumps({"type": "x", "text": "x" * 10_000}, separators=(",", ":"))
    session = disk.write(folder, *[line] * 2_000, KEEP)
    path = disk.path(session, folder)
    content = path.read_bytes()
    peaks = []
    tracemalloc.start()
    try:
        kept.keep(path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        path.unlink()
        tracemalloc.reset_peak()
        assert kept.restore(session) == path
        peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    assert max(peaks) < len(content) / 4
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("lines", "tagged"),
    [
        ([], False),
        ([KEEP], True),
        ([KEEP, {"type": "tag", "tag": "other"}], False),
        ([{"type": "tag", "tag": "x"}, KEEP], True),
        (['{"type":"tag"'], False),
    ],
)
def test_last_tag_is_the_one_that_counts(
    disk: Disk, folder: Path, lines: list[dict[str, str] | str], tagged: bool
) -> None:
    one = disk.write(folder, Talk().user('{"type":"tag","tag":"keep"}'), *lines)
    assert is_tagged(disk.path(one, folder)) is tagged


@pytest.mark.parametrize("step", ["keep", "update", "restore"])
def test_what_another_server_writes_back_does_not_outlive_a_deletion(
    disk: Disk,
    folder: Path,
    kept: KeptCopies,
    index: Index,
    session: str,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    path = disk.path(session, folder)
    if step == "restore":
        kept.keep(path)
        path.unlink()
    writing, go_on = threading.Event(), threading.Event()
    write = files.replace_file

    def write_late(file: Path, content: bytes) -> None:
        writing.set()
        assert go_on.wait(SECONDS)
        write(file, content)

    monkeypatch.setattr(module, "replace_file", write_late)
    with ThreadPoolExecutor(2) as servers:
        argument = path if step == "keep" else session
        given = {"untagged": False} if step == "update" else {}
        other = servers.submit(getattr(kept, step), argument, **given)
        assert writing.wait(SECONDS)
        deleting = servers.submit(delete, session, State(index.directory), index)
        wait([deleting], timeout=0.5)  # it may be quicker, which it must not be
        go_on.set()
        other.result(SECONDS)
        deleting.result(SECONDS)
    assert find_transcript(session) is None
    assert kept.find(session) is None
    assert [*index.directory.glob("locks/*")] == []
