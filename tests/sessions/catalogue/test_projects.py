"""Where the sessions of a folder and of its worktrees are."""

from __future__ import annotations

import os
import subprocess
import unicodedata
from typing import TYPE_CHECKING

import pytest
from claude_agent_sdk import list_sessions

from claude_agent_lsp.sessions.catalogue.selection import SessionFilter
from claude_agent_lsp.sessions.transcripts.projects import project_directory, projects_of
from claude_agent_lsp.sessions.transcripts.repository import worktrees_of
from tests.sessions.lines import Disk, Talk

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.sessions.catalogue.index import Index

WHO = ("-c", "user.name=t", "-c", "user.email=t@example.org")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *WHO, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


def told_by_git(folder: Path) -> list[str]:
    lines = git(folder, "worktree", "list", "--porcelain").splitlines()
    return sorted(line.removeprefix("worktree ") for line in lines if line.startswith("worktree "))


@pytest.fixture
def repository(folder: Path, tmp_path: Path) -> Path:
    """A repository with two more worktrees, one of which has been removed by hand."""
    git(folder, "init", "--quiet")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=x")
    git(folder, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    git(folder, "worktree", "add", "--quiet", str(tmp_path / "gone"))
    (tmp_path / "gone" / ".git").unlink()
    (tmp_path / "gone").rmdir()
    (folder / "below").mkdir()
    return folder


@pytest.mark.parametrize("inside", ["project", "project/below", "tree"])
def test_worktrees_are_those_that_git_tells(repository: Path, tmp_path: Path, inside: str) -> None:
    here = tmp_path / inside
    assert sorted(worktrees_of(os.path.realpath(here))) == told_by_git(here)


def test_worktrees_of_a_bare_repository_are_those_that_git_tells(
    repository: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(repository), str(bare))
    tree = tmp_path / "of-bare"
    git(bare, "worktree", "add", "--quiet", str(tree))
    assert sorted(worktrees_of(os.path.realpath(tree))) == told_by_git(tree)


@pytest.mark.parametrize("content", ["", "gitdir: /nowhere\n", "something", "gitdir:"])
def test_folder_that_is_no_repository_has_no_worktrees_but_perhaps_itself(
    folder: Path, content: str
) -> None:
    assert worktrees_of(str(folder)) == ()
    (folder / ".git").write_text(content)
    assert len(worktrees_of(str(folder))) <= 1


@pytest.mark.parametrize("inside", ["project", "project/below", "tree"])
def test_sessions_of_all_worktrees_are_those_of_the_sdk(
    disk: Disk, repository: Path, tmp_path: Path, index: Index, inside: str
) -> None:
    places = [repository, tmp_path / "tree", tmp_path / "gone", repository / "below"]
    for at, place in enumerate(places):
        disk.write(place, Talk().user("Hi"), at=at)
    disk.write(tmp_path / "other", Talk().user("Hi"))
    here = tmp_path / inside
    told = [info.session_id for info in list_sessions(str(here))]
    assert len(told) >= 3
    found = index.sessions(projects_of(here), SessionFilter())
    assert [entry.session_id for entry in found] == told


def test_folder_behind_a_link_has_its_sessions(disk: Disk, folder: Path, tmp_path: Path) -> None:
    one = disk.write(folder, Talk().user("Hi"))
    (tmp_path / "link").symlink_to(folder)
    (project,) = projects_of(tmp_path / "link")
    assert project.folder == folder.resolve()
    assert [path.stem for path in project.directory.iterdir()] == [one]


ODD_NAMES = [
    "emoji \U0001f600",
    "family \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "flag \U0001f1e9\U0001f1ea",
    "e\u0301te\u0301",
    "\u00e9t\u00e9",
    "\u1112\u1161\u11ab",
    "\ud55c\uae00",
    "\u65e5\u672c\u8a9e",
    "\U00020000 rare",
    "\u212b and \u00c5",
    "\ufb01ligature",
    "\u00a0 nbsp",
    "\u200b",
    "tab\there",
    "line\nbreak",
    "dots..",
    "...",
    "-leading",
    "trailing ",
    "a.b",
    "a_b",
    "100%",
    "%20",
    "#fragment?",
    "[brackets]*",
    "{braces}",
    "$HOME",
    "`ticks`",
    "quote's \"",
    "back\\slash",
    "UPPER lower",
    "\u0130stanbul",
    "\udcff not UTF-8",
    "long " + "x" * 190,
    "\U0001f600" * 50,
]


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_sessions_of_a_folder_are_found_whatever_it_is_called(
    disk: Disk, index: Index, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    one = disk.write(folder, Talk().user("Hi"))
    (found,) = index.sessions(projects_of(folder), SessionFilter())
    assert found.session_id == one


@pytest.mark.parametrize("name", ["e\u0301t\u00e9", "\u1112\u1161\u11ab"], ids=ascii)
def test_sessions_that_an_older_cli_has_begun_are_found(
    disk: Disk, index: Index, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    one = disk.write(tmp_path / unicodedata.normalize("NFC", name), Talk().user("Hi"))
    (found,) = index.sessions(projects_of(folder), SessionFilter())
    assert found.session_id == one


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("my-app", "my_app"),
        ("my app", "my.app"),
        ("a\U0001f600", "a--"),
        ("caf\u00e9", "caf\u00e8"),
        ("e\u0301", "e-"),
    ],
    ids=ascii,
)
def test_folders_whose_directory_is_the_same_have_their_own_sessions(
    disk: Disk, index: Index, tmp_path: Path, one: str, other: str
) -> None:
    folders = [tmp_path / one, tmp_path / other]
    sessions = []
    for folder in folders:
        folder.mkdir()
        sessions.append(disk.write(folder, Talk().user(folder.name)))
    assert disk.path("x", folders[0]) == disk.path("x", folders[1])
    for folder, session_id in zip(folders, sessions, strict=True):
        (found,) = index.sessions(projects_of(folder), SessionFilter(limit=1))
        assert found.session_id == session_id


def test_sessions_whose_directory_was_moved_by_hand_are_listed(
    disk: Disk, index: Index, folder: Path, tmp_path: Path
) -> None:
    one = disk.write(folder, Talk().user("Hi"))
    moved = folder.rename(tmp_path / "renamed")
    disk.path(one, folder).parent.rename(disk.path(one, moved).parent)
    (found,) = index.sessions(projects_of(moved), SessionFilter())
    assert found.session_id == one


def test_session_that_is_brought_here_lies_where_the_cli_would_put_it(
    disk: Disk, tmp_path: Path
) -> None:
    for name in ("plain", "\U0001f600", "e\u0301"):
        folder = tmp_path / name
        assert project_directory(folder) == disk.path("x", folder).parent
