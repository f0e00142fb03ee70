"""A folder as a run finds it, and what has become of it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.agent.changes import folder_watch
from claude_agent_lsp.agent.changes.folder_watch import FolderWatch
from claude_agent_lsp.sessions.changes.copies import Copies, Version
from claude_agent_lsp.sessions.changes.folder_scan import look_at
from tests.conftest import TOLD
from tests.e2e.conversations.test_changes import git

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from claude_agent_lsp.agent.changes.folder_watch import Difference


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"one\n")
    (folder / "b.txt").write_bytes(b"two\n")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    return folder


@pytest.fixture
def copies(tmp_path: Path) -> Copies:
    return Copies(tmp_path / "copies")


async def changed_by(watch: FolderWatch, work: Callable[[], object]) -> dict[str, Difference]:
    await watch.settle()
    work()
    return {each.path: each for each in await watch.take()}


def content(copies: Copies, version: Version | None) -> bytes | str | None:
    if version is None:
        return None
    return version.lost or "" if version.digest is None else copies.read(version.digest)


async def test_what_was_there_before_comes_from_git_whatever_git_does_meanwhile(
    folder: Path, copies: Copies
) -> None:
    def work() -> None:
        git(folder, "checkout", "-q", "-b", "other")
        (folder / "a.txt").write_bytes(b"1\n")
        git(folder, "commit", "-q", "-a", "-m", "second")
        git(folder, "rm", "-q", "b.txt")

    found = await changed_by(FolderWatch(folder, copies), work)
    before = {path: content(copies, each.before) for path, each in found.items()}
    after = {path: content(copies, each.after) for path, each in found.items()}
    assert before == {"a.txt": b"one\n", "b.txt": b"two\n"}
    assert after == {"a.txt": b"1\n", "b.txt": None}


async def test_what_git_has_in_another_form_is_known_or_named(folder: Path, copies: Copies) -> None:
    git(folder, "config", "core.autocrlf", "true")
    (folder / "b.txt").unlink()
    git(folder, "checkout", "--", "b.txt")
    assert (folder / "b.txt").read_bytes() == b"two\r\n"
    (folder / ".gitattributes").write_text("a.txt ident\n")
    (folder / "a.txt").write_bytes(b"$Id$ one\n")
    git(folder, "add", "-A")
    (folder / "a.txt").unlink()
    git(folder, "checkout", "--", "a.txt")

    def work() -> None:
        (folder / "a.txt").write_bytes(b"1\n")
        (folder / "b.txt").write_bytes(b"2\n")

    found = await changed_by(FolderWatch(folder, copies), work)
    assert content(copies, found["b.txt"].before) == b"two\r\n"
    assert content(copies, found["a.txt"].before) == folder_watch.IN_ANOTHER_FORM


async def test_what_is_touched_and_not_changed_is_no_change(folder: Path, copies: Copies) -> None:
    (folder / "dirty").write_bytes(b"x\n")

    def work() -> None:
        for name in ("a.txt", "dirty"):
            os.utime(folder / name, (1, 1))

    assert not await changed_by(FolderWatch(folder, copies), work)


async def test_a_mode_is_part_of_a_file(folder: Path, copies: Copies) -> None:
    found = await changed_by(FolderWatch(folder, copies), lambda: (folder / "a.txt").chmod(0o755))
    assert [each.after and each.after.mode for each in found.values()] == [0o755]


async def test_more_than_the_bound_is_named_and_not_copied(
    folder: Path, copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_watch, "MOST_COPIED", 1)
    for number, name in enumerate(("old", "new")):
        (folder / name).write_bytes(b"x\n")
        os.utime(folder / name, (number, number))

    def work() -> None:
        (folder / "old").write_bytes(b"1\n")
        (folder / "new").write_bytes(b"2\n")

    found = await changed_by(FolderWatch(folder, copies), work)
    assert content(copies, found["new"].before) == b"x\n"
    assert content(copies, found["old"].before) == folder_watch.NOT_COPIED


async def test_a_folder_that_git_ignores_is_looked_at_all_the_same(
    folder: Path, copies: Copies
) -> None:
    (folder / ".gitignore").write_text("out/\n")
    out = folder / "out"
    out.mkdir()
    found = await changed_by(FolderWatch(out, copies), lambda: (out / "x").write_bytes(b"1"))
    assert list(found) == ["x"]


def test_a_look_at_20000_files_takes_little(
    tmp_path: Path, record_property: Callable[[str, Any], None]
) -> None:
    names = [f"{number // 100}/{number}" for number in range(20_000)]
    for number in range(200):
        (tmp_path / str(number)).mkdir()
    for name in names:
        (tmp_path / name).touch()
    took = []
    for _ in range(3):
        began = time.process_time()
        assert len(look_at(tmp_path, names)) == len(names)
        took.append(time.process_time() - began)
    record_property(TOLD, f"{min(took) * 1000:.0f} ms of processor time")
    # What it takes is 45 ms; a look that read the files would take seconds.
    assert min(took) < 0.5
