"""Copies of files, each content once, as the runs of one session have found and left them.

    <state>/changes/<session id>/<digest>      what one file or several held

Everything here touches the disk: call it in a thread.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.disk.files import replace_file
from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.disk.reading import open_regular, read_regular

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

# Of one file; a source is never as large.
MOST_BYTES: Final = 4 * 2**20
# Of all copies of a session.
MOST_TOGETHER: Final = 256 * 2**20

LARGE: Final = f"it is larger than {MOST_BYTES // 2**20} MiB"
FULL: Final = f"the session's copies take {MOST_TOGETHER // 2**20} MiB already"
NO_FILE: Final = "it is no regular file"


@dataclass(frozen=True, slots=True)
class Version:
    """A file as it was at one time.

    Attributes:
        digest: That of its content, of which there is a copy; None if there is none.
        mode: Its permissions.
        lost: Why there is no copy.
    """

    digest: str | None
    mode: int = 0o644
    lost: str | None = None


class Copies:
    """The copies of one session.

    Args:
        directory: Where they are; it is made when it is needed.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._size: int | None = None
        self._added: set[str] = set()

    def keep_file(self, path: Path) -> Version | None:
        """Copy a file as it is now; None if there is none. A link is not followed.

        Raises:
            OSError: The copy can't be written.
        """
        try:
            status = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        mode = stat.S_IMODE(status.st_mode)
        if not stat.S_ISREG(status.st_mode):
            return Version(None, mode, NO_FILE)
        try:
            with open_regular(path, follow=False) as file:
                content = file.read(MOST_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            return Version(None, mode, f"it can't be read: {error.strerror or error}")
        return self.keep(content, mode)

    def keep(self, content: bytes, mode: int) -> Version:
        """Copy what a file holds.

        Raises:
            OSError: The copy can't be written.
        """
        if len(content) > MOST_BYTES:
            return Version(None, mode, LARGE)
        digest = hashlib.sha256(content).hexdigest()
        copy = self._directory / digest
        if copy.exists():
            return Version(digest, mode)
        if self._size is None:
            make_directory(self._directory)
            self._size = sum(each.stat().st_size for each in os.scandir(self._directory))
        if self._size + len(content) > MOST_TOGETHER:
            return Version(None, mode, FULL)
        replace_file(copy, content)
        self._size += len(content)
        self._added.add(digest)
        return Version(digest, mode)

    def read(self, digest: str) -> bytes:
        """Return the content of a copy.

        Raises:
            OSError: It is gone, or is not what it was.
        """
        content = read_regular(self._directory / digest)
        if hashlib.sha256(content).hexdigest() != digest:
            raise OSError(f"the copy {digest} is damaged")
        return content

    def drop_unused(self, used: Collection[str]) -> None:
        """Remove what was copied by this object and is not needed."""
        for digest in self._added - set(used):
            (self._directory / digest).unlink(missing_ok=True)
        self._added.clear()
        self._size = None
