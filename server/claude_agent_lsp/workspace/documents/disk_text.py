"""The text of a file on the disk, with what its bytes are: encoding, byte order mark, line ends.

    bytes ──▶ DiskText ──▶ another text ──▶ bytes, which are the same outside of what has changed

What is neither UTF-8 nor begins with a byte order mark is taken for Latin-1, in which every byte is
a character and none gets lost.
"""

from __future__ import annotations

import codecs
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.disk.reading import read_regular

if TYPE_CHECKING:
    from pathlib import Path

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
UNKNOWN: Final = "latin-1"


@dataclass(frozen=True, slots=True)
class DiskText:
    """What a file holds.

    Attributes:
        text: Its text, without the byte order mark, its line ends as they are.
        encoding: How its bytes are made of it.
        mark: The byte order mark, if it begins with one.
    """

    text: str
    encoding: str = "utf-8"
    mark: bytes = b""

    @classmethod
    def decode(cls, content: bytes) -> DiskText:
        """Return what these bytes are."""
        for mark, encoding in _MARKS:
            if content.startswith(mark):
                try:
                    return cls(content[len(mark) :].decode(encoding), encoding, mark)
                except UnicodeDecodeError:
                    break
        try:
            return cls(content.decode())
        except UnicodeDecodeError:
            return cls(content.decode(UNKNOWN), UNKNOWN)

    @classmethod
    def read(cls, path: Path) -> DiskText | None:
        """Return what a file holds; None if there is none. It touches the disk.

        Raises:
            OSError: It can't be read, or is something else.
            ValueError: No file can have this name.
        """
        try:
            return cls.decode(read_regular(path))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def encode(self, text: str) -> bytes:
        """Return the bytes of another text, in the same encoding.

        Raises:
            UnicodeEncodeError: It holds characters that the encoding lacks.
        """
        return self.mark + text.encode(self.encoding)


def digest_of(text: str) -> bytes:
    """Return a digest of a text whose line ends don't count: editors show them as they like."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    return hashlib.blake2b(plain.encode(errors="surrogatepass"), digest_size=16).digest()
