"""What of an agent's findings the user wants to see no more, in each folder.

    <state>/dismissed/<folder>.txt      a line for each, the newest last

A finding is known by the text that it is about: what is dismissed stays so wherever the text goes.
Everything here touches the disk: call it in a thread.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.disk.files import locked, replace_file
from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

MOST_KEPT: Final = 5000


class Dismissed:
    """Those of all folders.

    Args:
        state_directory: Returns where they are kept.
    """

    def __init__(self, state_directory: Callable[[], Path]) -> None:
        self._state_directory = state_directory

    def of(self, folder: Path) -> frozenset[str]:
        """Return what is dismissed in a folder; none of it if that can't be read."""
        return frozenset(self._read(self._file(folder)))

    def add(self, folder: Path, mark: str) -> None:
        """Dismiss what has this mark.

        Raises:
            StoreUnavailable: It could not be written.
        """
        file = self._file(folder)
        try:
            make_directory(file.parent)
            with locked(file.parent / "dismissed.lock"):
                marks = [*(each for each in self._read(file) if each != mark), mark]
                replace_file(file, "\n".join(marks[-MOST_KEPT:]).encode())
        except OSError as error:
            raise StoreUnavailable(f"{file} can't be written: {error.strerror}.") from error

    def _file(self, folder: Path) -> Path:
        name = hashlib.sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:16]
        return self._state_directory() / "dismissed" / f"{name}.txt"

    @staticmethod
    def _read(file: Path) -> list[str]:
        try:
            return read_regular(file).decode("ascii", "replace").split()
        except (OSError, ValueError):
            return []


def mark_of(path: str, code: str, text: Sequence[str]) -> str:
    """Return what a finding is known by.

    Args:
        path: Its file, relative to the folder.
        code: What kind of finding it is.
        text: The lines that it is about; how far they are indented does not count.
    """
    content = "\0".join([path, code, *(line.strip() for line in text)])
    return hashlib.sha256(content.encode(errors="surrogatepass")).hexdigest()[:32]
