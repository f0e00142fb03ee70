"""What nobody needs any more in the state directory, removed once at a server's start.

    transcripts/, plans/, reviews/, prompts/
                            documents: written anew whenever they are shown; after `DOCUMENT_DAYS`
    rewinds/, shared/, costs/, runs/, changes/, branches/
                            memories of a session: `DOCUMENT_DAYS` after it was last heard of
    locks/, questions/      what servers that were killed have left, wanted or asked: after a day
    dismissed/              findings that nobody wants to see: `DISMISSED_DAYS` after the last one
    tmp/                    what the CLI has for a session meanwhile: after `TEMPORARY_DAYS`
    everywhere              what a server that was killed has half written: after a day

Nothing is touched that belongs to a session in which anybody is at work, nor what is the only copy
of something: the journal, the kept copies, what waits. Everything here touches the disk: call it in
a thread.
"""

from __future__ import annotations

import json
import logging
import re
import shutil
import time
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.disk.files import try_lock, unlock_and_remove
from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.sessions.transcripts.transcript import config_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

logger = logging.getLogger(__name__)

DAY: Final = 86_400.0
DOCUMENT_DAYS: Final = 30
DISMISSED_DAYS: Final = 365
# As long as systems keep such files.
TEMPORARY_DAYS: Final = 10
# Of one server's start: the rest is the next one's.
MOST_REMOVED: Final = 1000
_ID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# As `replace_file` names what it has not replaced yet.
_HALF_WRITTEN: Final = re.compile(r"\..+\.\d+-\d+")
_DIRECTORIES: Final = (
    *("folders", "journal", "queue", "transcripts", "plans", "rewinds", "shared", "costs", "runs"),
    *("pinned", "archived", "kept/*", "questions", "changes", "branches", "reviews", "dismissed"),
    "prompts",
)

# What is of use as long as a server lives, and its runs.
_OF_SERVERS: Final = ("locks/*.lock", "locks/*.wanted", "locks/*.reply", "questions/*")


def clean_up(
    state_directory: Path, busy: Callable[[str], bool], *, now: float | None = None
) -> int:
    """Remove what is not needed.

    Args:
        state_directory: Where.
        busy: Whether anybody is at work in a session.
        now: Instead of the clock's time, in seconds since 1970.

    Returns:
        How many files were removed.
    """
    now = time.time() if now is None else now
    known = _known_sessions(state_directory)
    removed = 0
    for path, days in _candidates(state_directory, known):
        if removed == MOST_REMOVED:
            break
        session = _session_of(path)
        try:
            old = _last_changed(path) < now - days * DAY
            if old and not (session is not None and busy(session)):
                removed += _remove_lock(path) if path.suffix == ".lock" else _remove(path)
        except OSError as error:
            logger.debug("%s could not be removed: %s", path, error)
    return removed


def _known_sessions(state_directory: Path) -> frozenset[str]:
    """Return the sessions that the CLI has, that are kept, or that the journal has."""
    found = (
        *(config_directory() / "projects").glob("*/*.jsonl"),
        *state_directory.glob("kept/*/*.jsonl"),
        *state_directory.glob("journal/*.jsonl"),
    )
    return frozenset(path.stem for path in found)


def _candidates(state_directory: Path, known: frozenset[str]) -> Iterator[tuple[Path, float]]:
    """Return what may be removed, and after how many days."""
    for name in _DIRECTORIES:
        for path in state_directory.glob(f"{name}/.*"):
            if _HALF_WRITTEN.fullmatch(path.name):
                yield path, 1
    for name in ("transcripts/*.md", "plans/*.md", "reviews/*.diff", "prompts/*.claude.md"):
        for path in state_directory.glob(name):
            yield path, DOCUMENT_DAYS
    for name in ("rewinds", "shared", "costs", "runs", "changes", "branches", "pinned", "archived"):
        for path in state_directory.glob(f"{name}/*"):
            if _session_of(path) not in known and not _is_pending(path):
                # It may be one of another CLAUDE_CONFIG_DIR, or of a home that is not there now.
                yield path, DOCUMENT_DAYS
    yield from ((path, DISMISSED_DAYS) for path in state_directory.glob("dismissed/*.txt"))
    yield from _temporary(state_directory)
    for name in _OF_SERVERS:
        yield from ((path, 1) for path in state_directory.glob(name))


def _temporary(state_directory: Path) -> Iterator[tuple[Path, float]]:
    """Return what the CLI has for each session, and its directories that have none."""
    for path in state_directory.glob("tmp/claude*/*"):
        sessions = [below for below in path.glob("*") if _session_of(below) is not None]
        yield from ((each, TEMPORARY_DAYS) for each in sessions or (path,))


def _is_pending(path: Path) -> bool:
    """Return whether a store may lack something of a session."""
    try:
        content = json.loads(read_regular(path))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("pending") is True


def _session_of(path: Path) -> str | None:
    """Return the session whose id a file's name begins with."""
    match = _ID.match(path.name.removeprefix("."))
    return match[0] if match is not None else None


def _last_changed(path: Path) -> float:
    """Return when a file, or the newest one in a directory, was changed last."""
    paths = [path]
    if path.is_dir() and not path.is_symlink():
        paths.extend(path.rglob("*"))
    return max(each.lstat().st_mtime for each in paths)


def _remove(path: Path) -> int:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
    return 1


def _remove_lock(path: Path) -> int:
    """Remove a lock that nobody has."""
    handle = try_lock(path)
    if handle is None:
        return 0
    unlock_and_remove(handle, path)
    return 1
