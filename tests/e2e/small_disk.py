"""A disk that is soon full."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def small_disk(place: Path, kibibytes: int) -> Iterator[None]:
    """Mount it at `place`; skip the test where the system lets nobody do that."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", str(place)]
    allowed = sys.platform == "linux" and os.geteuid() == 0
    if not allowed or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small disk, to be filled, can be mounted by root on Linux alone")
    try:
        yield
    finally:
        # Whatever a test that failed has left open there goes with its process.
        subprocess.run(["umount", "-l", str(place)], check=True)
