"""A file that is written piece by piece, and is there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.disk.reading import open_regular
from claude_agent_lsp.base.system.file_io import replace
from claude_agent_lsp.errors import StoreUnavailable

_PART_BYTES: Final = 1 << 20


class Replacement:
    """What is to be a file's content. Its calls touch the disk: make them in a thread.

    Args:
        path: The file; its directory is made if it is missing.

    Raises:
        StoreUnavailable: It can't be written; this holds for its methods too.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            make_directory(path.parent)
            handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        except OSError as error:
            raise _unwritable(path, error) from error
        self._temporary = Path(name)
        self._file: BinaryIO = os.fdopen(handle, "w+b")

    @property
    def file(self) -> BinaryIO:
        """What has been written so far; it is read and written."""
        return self._file

    def copy(self, size: int) -> None:
        """Begin with the first `size` bytes of the file that is there now."""
        with open_regular(self._path) as file:
            while size > 0 and (part := file.read(min(size, _PART_BYTES))):
                self.write(part)
                size -= len(part)

    def write(self, content: bytes) -> None:
        """Add to it."""
        try:
            self._file.write(content)
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def commit(self) -> None:
        """Make it the file."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            replace(self._temporary, self._path)
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def close(self) -> None:
        """Close it; what was not committed is gone."""
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self._temporary.unlink()


def _unwritable(path: Path, error: OSError) -> StoreUnavailable:
    return StoreUnavailable(
        f"{path} cannot be written: {error.strerror}.",
        hint="Check the free space on the disk and the permissions of the directory.",
    )
