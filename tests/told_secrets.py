"""Secrets that every server of the suite is given, and the search for them in what it tells.

The values look like no key of a known kind: nothing hides them but that they are known as secrets.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

# In each of them, in every spelling that an address may have.
NEEDLE: Final = "plover"
KEY: Final = f"{NEEDLE}-of-the-environment"
ENV: Final = f"{NEEDLE}-of-the-settings"
PASSWORD: Final = f"{NEEDLE}-of-the-store"
ENVIRONMENT: Final = {"ANTHROPIC_API_KEY": KEY, "DEPLOY_TOKEN": f"{NEEDLE}-token"}
# What an editor was told goes here, below the home directory, and so does the server's log.
TOLD: Final = "told.jsonl"
LOG: Final = "server.log"
# Kept by the CLI, not by the server.
_OF_THE_CLI: Final = ".claude"


def files_with_secrets(directory: Path) -> list[Path]:
    """All files below a directory that hold one, but for the CLI's own."""
    needle = NEEDLE.encode()
    return [file for file in _files(directory) if needle in _content(file)]


def _files(directory: Path) -> Iterator[Path]:
    for parent, directories, names in os.walk(directory):
        if _OF_THE_CLI in directories:
            directories.remove(_OF_THE_CLI)
        yield from (Path(parent, name) for name in names)


def _content(file: Path) -> bytes:
    """A regular file's content; of a pipe, or of what has gone meanwhile, nothing."""
    try:
        return file.read_bytes() if stat.S_ISREG(file.lstat().st_mode) else b""
    except OSError:
        return b""
