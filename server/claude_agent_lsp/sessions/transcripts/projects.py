"""Where the CLI keeps the sessions of a folder and of its repository's other worktrees.

The directory's name is the folder's path with a hyphen for whatever is no letter or digit (CLI
2.1.330). Which worktrees there are stands in git's own files, so that no git has to be started
(gitrepository-layout(5), git-worktree(1)).
"""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.disk.reading import first_line
from claude_agent_lsp.sessions.transcripts.transcript import config_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

# A longer name is cut there, and ends with a hash that the CLI and the SDK make differently.
LONGEST: Final = 200
_OTHER = re.compile(r"[^a-zA-Z0-9]")
_GITDIR: Final = "gitdir:"


@dataclass(frozen=True, slots=True)
class Project:
    """A directory of transcripts.

    Attributes:
        directory: The directory.
        folder: Whose sessions they are, links followed; None where only the transcripts say it.
    """

    directory: Path
    folder: Path | None


def projects_of(folder: Path) -> tuple[Project, ...]:
    """Return the directories for a folder, which come first, and for the other worktrees."""
    here = canonical(folder)
    trees = [tree for tree in worktrees_of(here) if tree != here]
    return tuple(
        Project(directory, Path(path))
        for path in (here, *trees)
        for directory in _directories(config_directory() / "projects", path)
    )


def all_projects() -> tuple[Project, ...]:
    """Return the directories for all folders."""
    try:
        with os.scandir(config_directory() / "projects") as found:
            return tuple(Project(Path(entry), None) for entry in found if entry.is_dir())
    except OSError:
        return ()


def canonical(folder: Path) -> str:
    """Return a folder's path as the CLI spells it: links followed, characters composed."""
    return unicodedata.normalize("NFC", os.path.realpath(folder))


def worktrees_of(folder: str) -> tuple[str, ...]:
    """Return the worktrees of the repository that a folder is in, itself included.

    Returns:
        Their paths, as `git worktree list` prints them; none outside of a repository.
    """
    common = _common_directory(Path(folder))
    if common is None:
        return ()
    main = common.parent if common.name == ".git" else common
    trees = [os.fspath(main)]
    try:
        linked = sorted((common / "worktrees").iterdir())
    except OSError:
        linked = []
    for directory in linked:
        link = first_line(directory / "gitdir")
        if link:
            path = os.path.normpath(directory / link)
            trees.append(path.removesuffix(os.sep + ".git"))
    return tuple(unicodedata.normalize("NFC", tree) for tree in trees)


def _common_directory(folder: Path) -> Path | None:
    """Return the directory that all worktrees of a repository share."""
    for above in (folder, *folder.parents):
        git = above / ".git"
        if git.is_dir():
            return git
        line = first_line(git)
        if line is not None and line.startswith(_GITDIR):
            own = Path(os.path.normpath(above / line.removeprefix(_GITDIR).strip()))
            shared = first_line(own / "commondir")
            return own if shared is None else Path(os.path.normpath(own / shared))
    return None


def _directories(projects: Path, path: str) -> Iterator[Path]:
    """Return the directories with the name that the CLI makes of a path."""
    name = _OTHER.sub("-", path)
    if len(name) <= LONGEST:
        yield projects / name
        return
    begin = f"{name[:LONGEST]}-"
    try:
        yield from sorted(entry for entry in projects.iterdir() if entry.name.startswith(begin))
    except OSError:
        return
