"""What is damaged in the state directory: the server does without it, and `doctor` tells of it."""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.sessions.journal.journal import entry_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES: Final = (
    *("index.sqlite", "index.sqlite-shm", "index.sqlite-wal", "index.sqlite.lock"),
    *("known-folders.json", "lock", "spending.json", "spending.lock", "trust.json"),
)
DIRECTORIES: Final = (
    *("audit", "branches", "changes", "folders", "journal", "kept", "locks"),
    *("plans", "rewinds", "shared", "transcripts"),
)


def damage_in(directory: Path) -> Iterator[str]:
    """Return what is damaged, in a few words each."""
    for path in (*(directory / name for name in FILES), *_below(directory)):
        with suppress(FileNotFoundError):  # as most are, or a server at work has just removed it
            if (wrong := _wrong_with(path)) is not None:
                yield f"{path} {wrong}"
    for name in DIRECTORIES:
        if os.path.lexists(directory / name) and not (directory / name).is_dir():
            yield f"{directory / name} is not a directory"


def _below(directory: Path) -> Iterator[Path]:
    """Return the files in the directories of the state, and what may be in their places."""
    for name in DIRECTORIES:
        yield from sorted((directory / name).glob("*/*" if name in ("changes", "kept") else "*"))


def _wrong_with(path: Path) -> str | None:
    if not stat.S_ISREG(path.lstat().st_mode):
        return "is not a regular file"
    try:
        return _wrong_inside(path)
    except OSError as error:
        return f"can't be read: {error.strerror or error}"


def _wrong_inside(path: Path) -> str | None:
    if path.suffix == ".json" and not isinstance(_parsed(read_regular(path)), dict):
        return "is damaged"
    if path.parent.name == "journal" and entry_of(read_regular(path, None)).damaged:
        return "is damaged"
    return None


def _parsed(content: bytes) -> Any:
    with suppress(ValueError, RecursionError):
        return json.loads(content)
    return None
