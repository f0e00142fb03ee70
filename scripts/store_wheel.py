"""Writes a wheel anew, uncompressed: store_wheel.py WHEEL.

For what is packed once more: a package that holds it compresses all of its files together, and that
takes a sixth of the whole less room than files that are each compressed by themselves.
"""

# ruff: noqa: INP001 - a script, which nobody imports

from __future__ import annotations

import sys
import zipfile
from pathlib import Path


def store(wheel: Path) -> None:
    """Write a wheel's files anew as they are, in their order."""
    with zipfile.ZipFile(wheel) as archive:
        files = [(info, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_STORED) as archive:
        for info, content in files:
            info.compress_type = zipfile.ZIP_STORED
            archive.writestr(info, content)


if __name__ == "__main__":
    store(Path(sys.argv[1]))
