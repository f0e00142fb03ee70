"""Folders that are known again after they were renamed, moved, removed or cloned anew."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.base.disk.places import place_of
from claude_agent_lsp.sessions.catalogue import former_folders
from claude_agent_lsp.sessions.catalogue.catalogue import Catalogue
from claude_agent_lsp.sessions.catalogue.former_folders import FILE, MOST_FOLDERS, FormerFolders
from claude_agent_lsp.sessions.catalogue.session import Elsewhere
from tests.sessions.lines import Disk, Talk

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.sessions.catalogue.index import Index

USER = ("-c", "user.name=t", "-c", "user.email=t@example.org")


@pytest.fixture
def known(tmp_path: Path) -> FormerFolders:
    return FormerFolders(tmp_path / "state")


def git(folder: Path, *command: str) -> None:
    subprocess.run(["git", *USER, *command], cwd=folder, check=True, capture_output=True)


def repository(folder: Path, remote: str | None = None) -> Path:
    folder.mkdir()
    git(folder, "init", "--quiet")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=x")
    if remote is not None:
        git(folder, "remote", "add", "origin", remote)
    return folder


def test_renamed_folder_is_known_again_without_any_repository(
    tmp_path: Path, known: FormerFolders
) -> None:
    old, other = tmp_path / "old", tmp_path / "other"
    old.mkdir()
    other.mkdir()
    for folder in (old, other):
        known.note(folder)
    new = old.rename(tmp_path / "new")
    assert known.of(new) == (old,)
    assert known.of(other) == ()
    known.note(new)
    newest = new.rename(tmp_path / "newest")
    assert known.of(newest) == (old, new)
    old.mkdir()  # it is another one, and there
    assert known.of(newest) == (new,)
    assert known.of(old) == ()
    assert known.of(tmp_path / "missing") == ()


def test_only_the_same_folder_is_beyond_doubt(
    tmp_path: Path, known: FormerFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    known.note(old)
    new = old.rename(tmp_path / "new")
    if (place := place_of(new)) is None or place.born is None:
        pytest.skip("this file system tells no time of birth")
    assert known.is_renamed(old, new)
    assert not known.is_renamed(tmp_path / "other", new)
    assert not known.is_renamed(old, tmp_path)
    assert not known.is_renamed(old, tmp_path / "missing")
    shutil.copytree(new, tmp_path / "copy")
    assert not known.is_renamed(old, tmp_path / "copy")
    # The next folder may have the number of one that was deleted.
    again = dataclasses.replace(place, born=place.born + 1)
    monkeypatch.setattr(former_folders, "place_of", lambda _: again)
    assert not known.is_renamed(old, new)
    untold = dataclasses.replace(place, born=None)
    monkeypatch.setattr(former_folders, "place_of", lambda _: untold)
    known.note(tmp_path / "there")
    assert not known.is_renamed(tmp_path / "there", new)


def test_removed_worktree_is_known_in_the_others(tmp_path: Path, known: FormerFolders) -> None:
    main, tree = repository(tmp_path / "main"), tmp_path / "tree"
    git(main, "worktree", "add", "--quiet", str(tree))
    (tree / "sub").mkdir()
    for folder in (main, tree, tree / "sub"):
        known.note(folder)
    assert known.of(main) == ()
    git(main, "worktree", "remove", "--force", str(tree))
    assert known.of(main) == (tree,)
    (main / "sub").mkdir()
    assert known.of(main / "sub") == (tree / "sub",)


def test_clone_is_known_by_its_remote_once_the_other_is_gone(
    tmp_path: Path, known: FormerFolders
) -> None:
    first = repository(tmp_path / "first", "git@example.org:a/b.git")
    second = repository(tmp_path / "second", "https://example.org/a/b")
    third = repository(tmp_path / "third", "https://example.org/a/c")
    for folder in (first, second, third):
        known.note(folder)
    assert known.of(second) == ()
    shutil.rmtree(first)
    assert known.of(second) == (first,)
    assert known.of(third) == ()


def test_what_is_noted_is_bounded_private_and_may_be_damaged(
    tmp_path: Path, known: FormerFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{FormerFolders.__module__}.MOST_FOLDERS", 3)
    assert MOST_FOLDERS > 3
    folders = [tmp_path / str(number) for number in range(5)]
    for folder in folders:
        folder.mkdir()
        known.note(folder)
    file = tmp_path / "state" / FILE
    assert file.stat().st_mode & 0o777 == 0o600
    found = [folder.rename(tmp_path / f"new{folder.name}") for folder in folders]
    assert [known.of(folder) for folder in found] == [(), (), *((old,) for old in folders[2:])]
    for content in ("[", "[]", '{"/a": {"folder": 1}, "/b": 2}'):
        file.write_text(content)
        assert known.of(found[4]) == ()
    known.note(found[4])
    assert found[4].name in file.read_text()


def test_sessions_of_a_folder_that_is_gone_are_listed_and_marked(
    disk: Disk, tmp_path: Path, index: Index
) -> None:
    main, tree, removed = repository(tmp_path / "main"), tmp_path / "tree", tmp_path / "removed"
    for each in (tree, removed):
        git(main, "worktree", "add", "--quiet", str(each))
    catalogue = Catalogue(index)
    ids = {each: disk.write(each, Talk().user(each.name)) for each in (main, tree, removed)}
    for each in ids:
        assert catalogue.page(each).sessions
    git(main, "worktree", "remove", "--force", str(removed))
    new = main.rename(tmp_path / "new")
    git(new, "worktree", "repair", str(tree))
    told = {one.session_id: one for one in catalogue.page(new).sessions}
    assert {one: told[one].elsewhere for one in told} == {
        ids[main]: Elsewhere.GONE,
        ids[removed]: Elsewhere.GONE,
        ids[tree]: Elsewhere.WORKTREE,
    }
    assert {each: told[ids[each]].workspace for each in ids} == {each: each for each in ids}
    assert catalogue.session(ids[main]).elsewhere is None
