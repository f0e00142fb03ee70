"""What is kept, which copies make room, and when a session goes for good."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.sessions.catalogue.catalogue import Catalogue
from claude_agent_lsp.sessions.catalogue.keeping import (
    MEGABYTE,
    Plan,
    Waiting,
    make_room,
    plan_of,
    room_of,
)
from claude_agent_lsp.sessions.catalogue.kept_copies import Copy, KeptCopies
from claude_agent_lsp.sessions.catalogue.selection import SessionFilter
from claude_agent_lsp.sessions.reading.reading import read_messages
from claude_agent_lsp.sessions.transcripts.packed import has_length, open_transcript
from claude_agent_lsp.sessions.transcripts.projects import projects_of
from claude_agent_lsp.workspace.settings import Settings
from tests.sessions.lines import Disk, Talk

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.sessions.catalogue.index import Index

NOW = datetime.now(UTC)
DAY = 86_400
KEEP = {"type": "tag", "tag": "keep"}


def ago(days: float) -> int:
    return int(NOW.timestamp() - days * DAY)


@pytest.fixture
def kept(index: Index) -> KeptCopies:
    return KeptCopies(index.directory)


def long_talk(*lines: Any) -> list[Any]:
    talk = Talk()
    return [*(talk.user("again and again " * 50) for _ in range(200)), *lines]


def test_copy_is_packed_and_private_and_reads_like_the_transcript(
    disk: Disk, folder: Path, index: Index, kept: KeptCopies
) -> None:
    session = disk.write(folder, *long_talk(), at=ago(1))
    path = disk.path(session, folder)
    content = path.read_bytes()
    before = read_messages(session, index.directory), Catalogue(index).page(folder)
    kept.keep(path)
    copy = kept.find(session)
    assert copy is not None
    assert copy.stat().st_size < len(content) / 10
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700
    assert has_length(copy, len(content))
    path.unlink()
    assert (read_messages(session, index.directory), Catalogue(index).page(folder)) == before
    with open_transcript(copy) as file:
        assert file.read() == content
        file.seek(-100, os.SEEK_END)
        assert file.read() == content[-100:]
        file.seek(10)
        assert file.readline() == content[10:].split(b"\n")[0] + b"\n"
    assert kept.restore(session) == path
    assert path.read_bytes() == content


def test_copy_of_an_older_server_is_read_and_put_back(
    disk: Disk, folder: Path, index: Index, kept: KeptCopies
) -> None:
    session = disk.write(folder, Talk().user("Remember"), KEEP, at=5000)
    path = disk.path(session, folder)
    content = path.read_bytes()
    copy = index.directory / "kept" / path.parent.name / path.name
    copy.parent.mkdir(parents=True)
    path.rename(copy)
    assert [m.text for m in read_messages(session, index.directory)] == ["Remember"]
    assert len(Catalogue(index).page(folder).sessions) == 1
    assert kept.restore(session) == path
    assert path.read_bytes() == content


def test_damaged_copy_says_so_and_is_not_put_back(
    disk: Disk, folder: Path, kept: KeptCopies
) -> None:
    session = disk.write(folder, *long_talk())
    path = disk.path(session, folder)
    kept.keep(path)
    copy = kept.find(session)
    assert copy is not None
    path.unlink()
    for content in (copy.read_bytes()[:-50], copy.read_bytes()[:40] + b"x" * 100):
        copy.write_bytes(content)
        with open_transcript(copy) as file, pytest.raises(OSError, match="copy is damaged"):
            file.read()
        with pytest.raises(Exception, match="can't be restored: the packed copy is damaged"):
            kept.restore(session)
        assert not path.exists()


def test_copy_whose_transcript_is_there_is_not_read_into_the_index(
    disk: Disk, folder: Path, index: Index, kept: KeptCopies
) -> None:
    session = disk.write(folder, Talk().user("Once"), at=ago(3))
    kept.keep(disk.path(session, folder))
    projects = kept.beside(projects_of(folder))
    (entry,) = index.sessions(projects, SessionFilter())
    assert entry.path == disk.path(session, folder)
    rows = index._database.run(lambda db: db.execute("SELECT 1 FROM transcripts").fetchall())
    assert len(rows) == 1
    disk.path(session, folder).unlink()
    (entry,) = index.sessions(projects, SessionFilter())
    assert entry.path == kept.find(session)


def planned(kept: KeptCopies, index: Index, **settings: Any) -> Plan:
    return plan_of(kept, Settings(**settings), index, NOW)


def ids(some: Any) -> list[str]:
    return [one.session_id for one in some]


def test_what_is_unchanged_for_half_a_day_is_copied_whatever_its_folder(
    disk: Disk, folder: Path, tmp_path: Path, index: Index, kept: KeptCopies
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    old = disk.write(folder, Talk().user("old"), at=ago(25))
    there = disk.write(other, Talk().user("there"), at=ago(2))
    disk.write(folder, Talk().user("new"), at=ago(0.2))
    assert ids(planned(kept, index).copied) == [old, there]
    for session in (old, there):
        kept.update(session, untagged=True)
    assert ids(planned(kept, index).copied) == []
    disk.write(folder, Talk().user("old"), Talk().user("more"), session_id=old, at=ago(1))
    assert ids(planned(kept, index).copied) == [old]
    for which in ("tagged", "none"):
        assert ids(planned(kept, index, keep_sessions=which).copied) == []


def test_nothing_is_copied_where_the_cli_deletes_nothing(
    disk: Disk, folder: Path, index: Index, kept: KeptCopies
) -> None:
    disk.write(folder, Talk().user("old"), at=ago(25))
    (disk.projects.parent / "settings.json").write_text('{"cleanupPeriodDays": 0}')
    assert planned(kept, index).copied == ()


def copy_of(tmp_path: Path, name: str, days: float, size: int, leaves: float | None = None) -> Copy:
    at = None if leaves is None else NOW + timedelta(days=leaves)
    return Copy(tmp_path / f"{name}.jsonl", size, ago(days), at)


def waiting_of(tmp_path: Path, name: str, days: float, size: int) -> Waiting:
    return Waiting(tmp_path / f"{name}.jsonl", ago(days), size)


@pytest.mark.parametrize(
    ("copies", "waiting", "copied", "leaving", "staying", "gone"),
    [
        # There is room.
        ([("a", 50, 40)], [("n", 1, 60)], "n", "", "", ""),
        # There is none: the oldest leave, as many as are needed, and the new one waits.
        ([("a", 50, 40), ("b", 40, 40), ("c", 30, 20)], [("n", 1, 30)], "", "a", "", ""),
        ([("a", 50, 40), ("b", 40, 40), ("c", 30, 20)], [("n", 1, 50)], "", "ab", "", ""),
        # One that is smaller still fits.
        ([("a", 50, 90)], [("m", 1, 20), ("n", 2, 10)], "n", "a", "", ""),
        # Nothing leaves for what is older.
        ([("a", 3, 100)], [("n", 5, 30)], "", "", "", ""),
        # A tagged one stays, and is copied.
        ([("Ta", 50, 60), ("b", 40, 40)], [("n", 1, 20)], "", "b", "", ""),
        ([("a", 50, 100)], [("Tn", 1, 20)], "Tn", "a", "", ""),
        # Less room than before.
        ([("a", 50, 90), ("b", 40, 90)], [], "", "a", "", ""),
        # A week later.
        ([("a", 50, 100, -1)], [("n", 1, 30)], "", "", "", "a"),
        ([("a", 50, 60, 3), ("b", 40, 40)], [("n", 1, 30)], "", "a", "", ""),
        ([("a", 50, 60, 3)], [("n", 1, 30)], "n", "", "a", ""),
    ],
)
def test_oldest_without_the_tag_make_room_a_week_after_that_was_told(
    tmp_path: Path,
    copies: list[tuple[Any, ...]],
    waiting: list[tuple[Any, ...]],
    copied: str,
    leaving: str,
    staying: str,
    gone: str,
) -> None:
    plan = make_room(
        [copy_of(tmp_path, *one) for one in copies],
        [waiting_of(tmp_path, *one) for one in waiting],
        most_bytes=100,
        which="all",
        is_tagged=lambda path: path.name.startswith("T"),
        now=NOW,
    )
    assert "".join(ids(plan.copied)) == copied
    assert "".join(copy.session_id for copy, _ in plan.leaving) == leaving
    assert "".join(ids(plan.staying)) == staying
    assert "".join(ids(plan.gone)) == gone
    known = {name: NOW + timedelta(days=left[0]) for name, _, _, *left in copies if left}
    for copy, at in plan.leaving:
        assert at == known.get(copy.session_id, NOW + timedelta(days=7))


@pytest.mark.parametrize(("which", "leaving"), [("all", ""), ("tagged", "ab"), ("none", "abT")])
def test_copies_that_are_not_wanted_any_more_leave_likewise(
    tmp_path: Path, which: Any, leaving: str
) -> None:
    copies = [copy_of(tmp_path, name, days, 1) for name, days in (("a", 50), ("b", 40), ("T", 30))]
    plan = make_room(
        copies,
        [],
        most_bytes=100,
        which=which,
        is_tagged=lambda path: path.stem == "T",
        now=NOW,
    )
    assert "".join(copy.session_id for copy, _ in plan.leaving) == leaving


def test_list_tells_a_week_ahead_what_goes_for_good(
    disk: Disk, folder: Path, index: Index, kept: KeptCopies
) -> None:
    due, copied, leaving, deleted, new = (
        disk.write(folder, Talk().user(name), at=ago(days))
        for name, days in {"due": 25, "copied": 25, "leaving": 26, "deleted": 60, "new": 1}.items()
    )
    for session in (copied, leaving, deleted):
        kept.update(session, untagged=True)
    disk.path(deleted, folder).unlink()
    at = (NOW + timedelta(days=6)).replace(microsecond=0)
    kept.let_leave(leaving, at)
    kept.let_leave(deleted, at)
    told = {one.session_id: one.goes_at for one in Catalogue(index).page(folder).sessions}
    assert told == {
        due: datetime.fromtimestamp(ago(25), UTC) + timedelta(days=30),
        copied: None,
        leaving: at,  # later than the CLI deletes its own
        deleted: at,
        new: None,
    }
    assert Catalogue(index).session(deleted).goes_at == at
    assert (room_of(kept).sessions, room_of(kept).leaving) == (3, 2)
    kept.let_leave(deleted, None)
    assert Catalogue(index).session(deleted).goes_at is None
    assert kept.forget(leaving)
    assert [path.suffix for path in (index.directory / "kept").glob("*/*")] == [".jsonl"] * 2


def test_room_is_what_the_setting_says(
    disk: Disk, folder: Path, index: Index, kept: KeptCopies
) -> None:
    session = disk.write(folder, Talk().user("x" * 5 * MEGABYTE), at=ago(2))
    assert ids(planned(kept, index, keep_max_megabytes=1).copied) == []
    assert ids(planned(kept, index, keep_max_megabytes=2).copied) == [session]
