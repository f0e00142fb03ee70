"""Where the sessions of a folder and of its worktrees are."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from claude_agent_sdk import list_sessions

from claude_agent_lsp.sessions.catalogue.index import SessionFilter
from claude_agent_lsp.sessions.transcripts.projects import canonical, projects_of, worktrees_of

from .lines import Disk, Talk

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
    assert sorted(worktrees_of(canonical(here))) == told_by_git(here)


def test_worktrees_of_a_bare_repository_are_those_that_git_tells(
    repository: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(repository), str(bare))
    tree = tmp_path / "of-bare"
    git(bare, "worktree", "add", "--quiet", str(tree))
    assert sorted(worktrees_of(canonical(tree))) == told_by_git(tree)


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
    assert os.path.realpath(folder) == canonical(tmp_path / "link")
