"""Where the CLI keeps the sessions of a folder and of its repository's other worktrees.

The directory's name is the folder's path with a hyphen for each UTF-16 unit that is no letter or
digit: two for an emoji, and for an accent that stands by itself one of its own (CLI 2.1.330; others
have composed it first). Several folders may have the same directory: whose a session is, its
transcript says.
"""

from __future__ import annotations

import contextlib
import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.disk.real_paths import is_gone, is_same_path
from claude_agent_lsp.errors import SessionMoved, SessionNotFound
from claude_agent_lsp.sessions.transcripts.repository import worktrees_of
from claude_agent_lsp.sessions.transcripts.transcript import config_directory, folder_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# A longer name is cut there, and ends with a hash that the CLI and the SDK make differently.
LONGEST: Final = 200
_OTHER = re.compile(r"[^a-zA-Z0-9]")
_LAST_IN_ONE_UNIT: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Project:
    """A directory of transcripts.

    Attributes:
        directory: The directory.
        folder: Whose sessions they are, links followed; None where only the transcripts say it.
        copies: Whether they are copies, which count only where the transcript is gone.
    """

    directory: Path
    folder: Path | None
    copies: bool = False


def projects_of(folder: Path, former: Iterable[Path] = ()) -> tuple[Project, ...]:
    """Return the directories for a folder, which come first, and for the other worktrees.

    Args:
        folder: The folder.
        former: Folders that are gone, whose sessions are looked for likewise.
    """
    here = os.path.realpath(folder)
    trees = [tree for tree in worktrees_of(here) if tree != here]
    trees += [gone for gone in map(os.fspath, former) if gone not in trees]
    return tuple(
        Project(directory, Path(path))
        for path in (here, *trees)
        for directory in _directories(config_directory() / "projects", path)
    )


def project_directory(folder: Path) -> Path:
    """Return the directory in which the CLI begins the sessions of a folder."""
    name = directory_names(os.path.realpath(folder))[0]
    if len(name) > LONGEST:
        from claude_agent_sdk import project_key_for_directory

        name = project_key_for_directory(folder)
    return config_directory() / "projects" / name


def directory_names(path: str) -> tuple[str, ...]:
    """Return the names that CLIs make of a folder's path, that of today's first."""
    spellings = (path, _composed(path))
    return tuple(dict.fromkeys(_OTHER.sub(_hyphens, spelling) for spelling in spellings))


def all_projects() -> tuple[Project, ...]:
    """Return the directories for all folders."""
    try:
        with os.scandir(config_directory() / "projects") as found:
            return tuple(Project(Path(entry), None) for entry in found if entry.is_dir())
    except OSError:
        return ()


def belongs_to(transcript: Path, folder: Path) -> bool:
    """Return whether a session is one of a folder's: begun there, or moved to there since.

    Raises:
        OSError: It can't be read.
    """
    begun_in = folder_of(transcript)
    if begun_in is None or is_same_path(begun_in, folder):
        return True
    here = os.path.realpath(folder)
    is_moved = not is_named_after(transcript.parent.name, os.fspath(begun_in))
    return is_moved and is_named_after(transcript.parent.name, here)


def elsewhere(session_id: str, begun_in: Path | None, folder: Path) -> SessionNotFound:
    """Return why a session is not gone on with in a folder."""
    if begun_in is not None and is_gone(begun_in):
        # Nobody can open that one.
        text = f"The session {session_id} is from {begun_in}, which is gone."
        return SessionMoved(text, session_id, begun_in)
    return SessionNotFound(
        f"The session {session_id} belongs to {begun_in}, not to {folder}.",
        hint="Open that folder, or pass it as `workspace`.",
    )


def move_to(transcript: Path, folder: Path) -> Path:
    """Let a session be another folder's: put its files where the CLI keeps that one's.

    Nobody may be at work in it.

    Returns:
        Its transcript.

    Raises:
        OSError: It can't be moved; it is where it was.
    """
    directory = project_directory(folder)
    make_directory(directory)
    there = directory / transcript.name
    # Its subagents' and its tools' first: it is found by its transcript.
    beside = transcript.with_suffix("")
    if beside.is_dir():
        beside.rename(there.with_suffix(""))
    transcript.rename(there)
    return there


def is_named_after(directory: str, path: str) -> bool:
    """Return whether a directory has the name that the CLI makes of a folder's path."""
    return any(
        directory == name if len(name) <= LONGEST else directory.startswith(f"{name[:LONGEST]}-")
        for name in directory_names(path)
    )


def is_others(cwd: str, folders: Iterable[Path]) -> bool:
    """Return whether a session is another folder's, whose directory has the same name.

    One whose transcript was moved by hand, as after a folder was renamed, is not.

    Args:
        cwd: The folder that it was begun in, as its transcript says.
        folders: Those that its directory is looked through for.
    """
    names = directory_names(cwd)
    for folder in folders:
        path = os.fspath(folder)
        same_name = names[0] in directory_names(path)
        if not same_name or _as_told(path) == _as_told(cwd) or is_same_path(folder, Path(cwd)):
            return False
    return True


def _directories(projects: Path, path: str) -> Iterator[Path]:
    """Return the directories with the name that the CLI makes of a path."""
    for name in directory_names(path):
        if len(name) <= LONGEST:
            yield projects / name
            continue
        begin = f"{name[:LONGEST]}-"
        with contextlib.suppress(OSError):
            yield from sorted(entry for entry in projects.iterdir() if entry.name.startswith(begin))


def _composed(path: str) -> str:
    return unicodedata.normalize("NFC", path)


def _as_told(path: str) -> str:
    """Return a path without what differs by who has written it down."""
    return _composed(path.replace("\ufffd", "?").encode(errors="replace").decode())


def _hyphens(character: re.Match[str]) -> str:
    return "--" if ord(character[0]) > _LAST_IN_ONE_UNIT else "-"
