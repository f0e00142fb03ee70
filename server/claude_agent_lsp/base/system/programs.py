"""Where a program is that the user has installed."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def find_program(name: str) -> Path | None:
    """Return the program that has this name on the user's PATH; None if there is none.

    Only absolute entries count: what a folder brings along must not run because the server, or an
    editor, was started there. Windows would look there first. There a native program is meant, no
    script: a shell would read its arguments anew.

    Args:
        name: Without an ending.
    """
    return program_in(os.environ.get("PATH", os.defpath).split(os.pathsep), name)


def program_in(directories: list[str], name: str) -> Path | None:
    """Return the first program of this name in some directories; relative ones don't count."""
    for directory in directories:
        if not os.path.isabs(directory):  # noqa: PTH117 - as the system has it, which tests choose
            continue
        found = Path(directory, program_file(name))
        try:
            if found.is_file() and os.access(found, os.X_OK):
                return found
        except OSError:  # a directory that can't be looked into
            continue
    return None


def program_file(name: str) -> str:
    """Return what the file of a native program is called."""
    return f"{name}.exe" if sys.platform == "win32" else name
