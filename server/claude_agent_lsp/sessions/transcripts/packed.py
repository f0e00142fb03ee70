"""A transcript that is packed, as kept copies are, or not: opened so that both read alike.

Packed is gzip, which any tool unpacks: `zcat < FILE`. No line of JSON begins as it does.
"""

from __future__ import annotations

import errno
import gzip
import io
import os
import zlib
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from claude_agent_lsp.base.disk.reading import open_regular

if TYPE_CHECKING:
    from pathlib import Path

    from _typeshed import WriteableBuffer

_MAGIC: Final = b"\x1f\x8b"
_PIECE_BYTES: Final = 2**18
# A session of 15 MB takes 0.1 s so; the last tenth of the size would take thrice as long.
_LEVEL: Final = 3
# A packed file ends with the length of what is in it, modulo this.
_LENGTHS: Final = 2**32


def open_transcript(path: Path) -> BinaryIO:
    """Open a transcript, or a copy of one, to be read as the CLI wrote it.

    Raises:
        OSError: It can't be opened. Reading raises it, too, where what is packed is damaged.
    """
    file = open_regular(path)
    try:
        packed = file.read(len(_MAGIC)) == _MAGIC
        file.seek(0)
    except BaseException:
        file.close()
        raise
    if not packed:
        return file
    return cast("BinaryIO", io.BufferedReader(_Unpacked(file, path), _PIECE_BYTES))


def pack(source: BinaryIO, target: BinaryIO) -> None:
    """Write what is left of a file, packed, without holding it in memory."""
    with gzip.GzipFile("", "wb", _LEVEL, target, mtime=0) as packing:
        while piece := source.read(_PIECE_BYTES):
            packing.write(piece)


def has_length(path: Path, length: int) -> bool:
    """Return whether as many bytes are in a file, packed or not, as far as it says so itself.

    Raises:
        OSError: It can't be read.
    """
    with open_regular(path) as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            return file.seek(0, os.SEEK_END) == length
        file.seek(-4, os.SEEK_END)
        return int.from_bytes(file.read(4), "little") == length % _LENGTHS


class _Unpacked(io.RawIOBase):
    """What is in a packed file, in whose place this stands."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._path = path
        self._file = file
        self._content = gzip.GzipFile(fileobj=file, mode="rb")

    def readinto(self, buffer: WriteableBuffer) -> int:
        try:
            return self._content.readinto(buffer)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise self._damage(error) from error

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        try:
            return self._content.seek(offset, whence)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise self._damage(error) from error

    def _damage(self, error: Exception) -> OSError:
        return OSError(errno.EIO, f"the packed copy is damaged ({error})", os.fspath(self._path))

    def tell(self) -> int:
        return self._content.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        if not self.closed:
            self._content.close()
            self._file.close()
        super().close()
