"""A folder's name in a shared store."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.sessions.transcripts.repository import (
    normalized,
    project_key,
    worktrees_of,
)

if TYPE_CHECKING:
    from pathlib import Path


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def repository(folder: Path, remote: str | None = None, name: str = "origin") -> Path:
    folder.mkdir(parents=True)
    git(folder, "init", "-q")
    if remote is not None:
        git(folder, "remote", "add", name, remote)
    return folder


@pytest.mark.parametrize(
    "remote",
    [
        "git@example.org:team/project.git",
        "ssh://git@example.org/team/project.git",
        "ssh://git@example.org:22/team/project",
        "https://example.org/team/project.git/",
        "https://user:s3cret@EXAMPLE.org:443/team/project.git",
        "example.org:team/project",
    ],
)
def test_spellings_of_a_remote_are_one(remote: str) -> None:
    assert normalized(remote) == "example.org/team/project"


def test_other_remotes_are_others() -> None:
    remotes = (
        "https://example.org/team/other",
        "https://example.com/team/project",
        "https://example.org:8443/team/project",
        "/srv/git/project.git",
        "file:///srv/git/other.git",
        "../project",
    )
    assert len({normalized(remote) for remote in remotes}) == len(remotes)
    assert normalized("/srv/git/project.git") == normalized("file:///srv/git/project.git")


def test_clones_have_one_name_wherever_they_are(tmp_path: Path) -> None:
    one = repository(tmp_path / "anna" / "project", "git@example.org:team/project.git")
    other = repository(tmp_path / "bert" / "deep" / "work", "https://b@example.org/team/project")
    assert project_key(one) == project_key(other) == "example.org/team/project//"
    for clone in (one, other):
        (clone / "src" / "part").mkdir(parents=True)
    assert project_key(one / "src" / "part") == "example.org/team/project//src/part"
    assert project_key(other / "src" / "part") == project_key(one / "src" / "part")


def test_worktree_has_its_repositorys_name(tmp_path: Path) -> None:
    main = repository(tmp_path / "main", "git@example.org:team/project.git")
    git(main, "commit", "-q", "--allow-empty", "-m", "first")
    git(main, "worktree", "add", "-q", str(tmp_path / "tree"))
    assert project_key(tmp_path / "tree") == "example.org/team/project//"


def test_first_remote_counts_where_none_is_called_origin(tmp_path: Path) -> None:
    clone = repository(tmp_path / "clone", "git@example.org:team/project", "upstream")
    assert project_key(clone) == "example.org/team/project//"


def test_folder_without_a_remote_is_known_by_its_path(tmp_path: Path) -> None:
    plain, bare = tmp_path / "plain", repository(tmp_path / "repository")
    plain.mkdir()
    link = tmp_path / "link"
    link.symlink_to(plain)
    assert project_key(plain) == project_key(link)
    assert project_key(plain).startswith("path:")
    assert len({project_key(plain), project_key(bare), project_key(tmp_path)}) == 3


def test_damaged_repository_is_like_none(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /nowhere/at/all\n")
    assert project_key(tmp_path).startswith("path:")
    (tmp_path / ".git").write_bytes(b"\0\xff")
    assert project_key(tmp_path).startswith("path:")


@pytest.mark.parametrize(
    "url",
    [
        "https://user:s3cret@[half/project",
        "https://user:s3cret@example.org:99999/project",
        "https://user:s3cret@example.org:port/project",
        "https://user:s3cret@example\u2100.org/project",
    ],
)
def test_remote_that_is_no_url_is_like_none(tmp_path: Path, url: str) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text(f'[remote "origin"]\nurl = {url}\n')
    assert project_key(tmp_path).startswith("path:")


@pytest.mark.parametrize("name", [".git", "git/commondir", "git/worktrees/a/gitdir"])
def test_name_that_no_file_can_have_leads_nowhere(tmp_path: Path, name: str) -> None:
    git = tmp_path / "git"
    (git / "worktrees" / "a").mkdir(parents=True)
    (tmp_path / ".git").write_text("gitdir: git\n")
    told = (tmp_path / name).read_text() if (tmp_path / name).exists() else "gitdir: "
    (tmp_path / name).write_text(f"{told.strip()}/no\0where\n")
    assert project_key(tmp_path).startswith("path:")
    assert not any("\0" in tree for tree in worktrees_of(str(tmp_path)))
