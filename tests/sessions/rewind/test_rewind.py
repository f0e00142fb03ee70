"""Putting files back: what stops it, and that then nothing is touched."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.errors import Conflict, InvalidArgument, SessionNotFound, StoreUnavailable
from claude_agent_lsp.sessions.rewind import applying
from claude_agent_lsp.sessions.rewind.putting_back import Rewind, Wanted
from claude_agent_lsp.sessions.rewind.rewind import rewind
from tests.sessions.lines import Disk, Talk

if TYPE_CHECKING:
    from pathlib import Path

PROMPT, NEXT = "11111111-2222-4333-8444-555555555555", "22222222-2222-4333-8444-555555555555"
LATER = datetime.now(UTC) + timedelta(days=1)
EARLIER = datetime(2026, 1, 1, tzinfo=UTC)


class Work:
    """A session in which the agent has changed files."""

    def __init__(self, disk: Disk, folder: Path) -> None:
        self.folder = folder
        self._disk = disk
        self._lines: list[dict[str, Any] | str] = [Talk().user("Change it")]
        self._files: dict[str, dict[str, Any]] = {}
        self._copies: dict[str, str] = {}

    def change(
        self,
        name: str,
        before: str | None,
        after: str,
        *,
        at: datetime = EARLIER,
        parent: str | None = None,
    ) -> None:
        """The agent writes a file, which held something else before."""
        copy = None if before is None else f"{len(self._files):016x}@v1"
        self._files[name] = self.backup(copy, parent)
        if copy is not None and before is not None:
            self._copies[copy] = before
        path = self.folder / name
        path.write_text(after)
        result = {"filePath": str(path), "content": after, "structuredPatch": []}
        line = {"type": "user", "toolUseResult": result, "at": at.isoformat()}
        self._lines.append(line)

    def tell(self, name: str, at: datetime) -> None:
        """Say that the agent has changed a file, and not to what."""
        result = {"filePath": str(self.folder / name), "structuredPatch": []}
        self._lines.append({"type": "user", "toolUseResult": result, "at": at.isoformat()})

    def backup(self, copy: str | None, parent: str | None = None) -> dict[str, Any]:
        parent = parent or os.path.realpath(self.folder)
        return {"backupFileName": copy, "version": 1, "realParentDir": parent}

    def line(self, entry: dict[str, Any]) -> None:
        self._lines.append(entry)

    def write(self) -> str:
        """Put all of it on disk; returns the session."""
        snapshot = {"messageId": PROMPT, "trackedFileBackups": self._files}
        entry = {"type": "file-history-snapshot", "messageId": PROMPT, "snapshot": snapshot}
        session = self._disk.write(self.folder, *self._lines, entry)
        path = self._disk.path(session, self.folder)
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        stamped = [line | {"timestamp": line["at"]} if "at" in line else line for line in lines]
        path.write_text("\n".join(json.dumps(line) for line in stamped) + "\n")
        copies = self._disk.projects.parent / "file-history" / session
        copies.mkdir(parents=True)
        for name, content in self._copies.items():
            (copies / name).write_text(content)
        return session


@pytest.fixture
def work(disk: Disk, folder: Path) -> Work:
    return Work(disk, folder)


def back(work: Work, tmp_path: Path, **more: Any) -> Rewind:
    return rewind(work.write(), PROMPT, tmp_path / "state", Wanted(**more))


def test_edited_file_gets_its_old_content_and_created_one_goes(
    work: Work, folder: Path, tmp_path: Path
) -> None:
    work.change("a", "one\ntwo\n", "one\n2\nthree\n")
    work.change("b", None, "new\n")
    assert back(work, tmp_path) == Rewind((folder / "a", folder / "b"), 1, 3)
    assert (folder / "a").read_text() == "one\ntwo\n"
    assert [path.name for path in folder.iterdir()] == ["a"]


def test_line_ends_are_put_back_as_they_were(work: Work, folder: Path, tmp_path: Path) -> None:
    work.change("a", "one\n", "two\n")
    (folder / "a").write_bytes(b"\xef\xbb\xbftwo\r\n")  # as the CLI wrote it, as it is told
    back(work, tmp_path)
    assert (folder / "a").read_bytes() == b"one\n"


def test_what_a_hook_did_before_the_tool_was_over_is_the_agents(
    work: Work, folder: Path, tmp_path: Path
) -> None:
    work.change("a", "one\n", "two\n", at=EARLIER)
    (folder / "a").write_text("TWO, formatted\n")
    work.tell("a", at=just_after(folder / "a"))
    back(work, tmp_path)
    assert (folder / "a").read_text() == "one\n"


def test_a_time_to_come_proves_nothing(work: Work, folder: Path, tmp_path: Path) -> None:
    work.change("a", "one\n", "two\n", at=EARLIER)
    (folder / "a").write_text("mine\n")
    work.tell("a", at=LATER)
    with pytest.raises(Conflict):
        back(work, tmp_path)
    assert (folder / "a").read_text() == "mine\n"


@pytest.mark.parametrize("name", ["../key", "link/key", "whole"])
def test_no_time_proves_anything_outside_of_the_folder(
    work: Work, folder: Path, tmp_path: Path, name: str
) -> None:
    key = tmp_path / "key"
    (folder / "link").symlink_to(tmp_path)
    name = str(key) if name == "whole" else name
    work.change(name, None, "two\n", at=EARLIER, parent=str(tmp_path))
    key.write_text("mine\n")
    work.tell(name, at=just_after(key))
    with pytest.raises(Conflict, match="has changed since"):
        back(work, tmp_path)
    assert key.read_text() == "mine\n"


def test_a_large_file_is_put_back_and_its_lines_counted_as_a_whole(
    work: Work, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.change("a", "one\n" * 3, "one\n" * 3 + "two\n" * 4)
    assert back(work, tmp_path, dry_run=True) == Rewind((folder / "a",), 0, 4)
    monkeypatch.setattr(applying, "MOST_COMPARED", 20)
    work.change("b", None, "b\n")
    told = back(work, tmp_path)
    assert (told.insertions, told.deletions) == (3, 7 + 1)
    assert (folder / "a").read_text() == "one\n" * 3


def just_after(path: Path) -> datetime:
    """A time that is over, at which a file was as it is."""
    return datetime.fromtimestamp(path.stat().st_ctime + 1e-5, UTC)


def mine(path: Path) -> None:
    path.write_text("mine\n")


def old_and_mine(path: Path) -> None:
    other = path.with_name("other")
    other.write_text("mine\n")
    os.utime(other, (1, 1))
    other.replace(path)  # keeps its time


def link(path: Path) -> None:
    path.rename(path.with_name("other"))
    path.symlink_to(path.with_name("other"))


def hard_link(path: Path) -> None:
    path.with_name("other").hardlink_to(path)


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("somebody", [mine, old_and_mine, link, hard_link, directory])
def test_change_by_somebody_else_stops_it_before_anything_is_touched(
    work: Work, folder: Path, tmp_path: Path, somebody: Any
) -> None:
    work.change("a", "one\n", "two\n")
    work.change("z", "one\n", "two\n")
    somebody(folder / "z")
    for dry_run in (True, False):
        with pytest.raises(Conflict, match=str(folder / "z")):
            rewind(work.write(), PROMPT, tmp_path / "state", Wanted(dry_run=dry_run))
    assert (folder / "a").read_text() == "two\n"


def test_users_change_is_theirs_also_after_another_prompt(
    work: Work, folder: Path, tmp_path: Path
) -> None:
    work.change("a", "one\n", "two\n")
    (folder / "a").write_text("mine\n")
    # The next prompt takes a copy of it as it is.
    files = {"a": {**work.backup("00000000000000ff@v2"), "version": 2}}
    snapshot = {"messageId": NEXT, "trackedFileBackups": files}
    work.line({"type": "file-history-snapshot", "messageId": NEXT, "snapshot": snapshot})
    with pytest.raises(Conflict):
        back(work, tmp_path)
    assert (folder / "a").read_text() == "mine\n"


def test_folder_that_is_another_one_stops_it(work: Work, folder: Path, tmp_path: Path) -> None:
    work.change("a", "one\n", "two\n")
    session = work.write()
    folder.rename(tmp_path / "moved")
    folder.symlink_to(tmp_path / "moved")
    with pytest.raises(Conflict, match="has been replaced by another folder"):
        rewind(session, PROMPT, tmp_path / "state", Wanted())


def test_copy_that_is_gone_stops_it(work: Work, folder: Path, tmp_path: Path, disk: Disk) -> None:
    work.change("a", "one\n", "two\n")
    session = work.write()
    for copy in (disk.projects.parent / "file-history" / session).iterdir():
        copy.unlink()
    with pytest.raises(StoreUnavailable, match=r"copy of .*/a can't be read"):
        rewind(session, PROMPT, tmp_path / "state", Wanted())
    assert (folder / "a").read_text() == "two\n"


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", 7, "a\0b", "\ud800"])
def test_copy_with_a_path_for_a_name_is_none(
    work: Work, folder: Path, tmp_path: Path, name: object
) -> None:
    work.change("a", "one\n", "two\n")
    work._files["a"]["backupFileName"] = name
    assert back(work, tmp_path) == Rewind((), 0, 0)
    assert (folder / "a").read_text() == "two\n"


@pytest.mark.parametrize("at", [1, 2])
def test_failure_in_the_middle_leaves_everything_as_it_was(
    work: Work, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    work.change("a", "one\n", "two\n")
    work.change("b", "one\n", "two\n")
    session, sync, calls = work.write(), os.fsync, []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) == at:
            raise OSError(28, "No space left on device")
        sync(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreUnavailable, match="No space left"):
        rewind(session, PROMPT, tmp_path / "state", Wanted())
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "a": "two\n",
        "b": "two\n",
    }


def test_unknown_session_and_message_are_told(work: Work, tmp_path: Path) -> None:
    work.change("a", "one\n", "two\n")
    with pytest.raises(SessionNotFound):
        rewind(NEXT, PROMPT, tmp_path / "state", Wanted(dry_run=True))
    with pytest.raises(InvalidArgument, match=r"^messageId: expected a prompt"):
        rewind(work.write(), NEXT, tmp_path / "state", Wanted(dry_run=True))
