"""Whether a transcript has only grown since it was read: then only what is new must be read.

The CLI appends to a transcript and never changes what stands there. But it may be cut, replaced by
another file or written anew by others; then it must be read from its beginning.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from typing import Self

# Some lines at the beginning and some before the end, each with ids that stand nowhere else.
PROOF_BYTES: Final = 4_096
_LATEST_NS: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ReadSoFar:
    """How much of a transcript was read, and by what it is known again.

    Attributes:
        inode: The file's.
        mtime_ns: When it was last changed, in nanoseconds since 1970.
        offset: How many bytes were read; a line ends there.
        proof: A digest of the first of these bytes and of the last ones.
    """

    inode: int
    mtime_ns: int
    offset: int
    proof: bytes

    @classmethod
    def take(cls, file: BinaryIO, offset: int) -> Self:
        """Describe a file that was read up to `offset`.

        Raises:
            OSError: It can't be read.
        """
        status = os.fstat(file.fileno())
        return cls(status.st_ino, changed_at(status), offset, _proof(file, offset))

    def holds(self, file: BinaryIO) -> bool:
        """Return whether a file is the one that was read, and has at most grown since.

        Raises:
            OSError: It can't be read.
        """
        status = os.fstat(file.fileno())
        if status.st_ino != self.inode or status.st_size < self.offset:
            return False
        if status.st_size == self.offset:
            return changed_at(status) == self.mtime_ns
        return _proof(file, self.offset) == self.proof


def changed_at(status: os.stat_result) -> int:
    """Return when a file was changed, in nanoseconds since 1970; SQLite knows none behind 2262."""
    return min(status.st_mtime_ns, _LATEST_NS)


def _proof(file: BinaryIO, offset: int) -> bytes:
    digest = hashlib.sha256()
    for begin in (0, max(0, offset - PROOF_BYTES)):
        file.seek(begin)
        digest.update(file.read(min(PROOF_BYTES, offset)))
    return digest.digest()
