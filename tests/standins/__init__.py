"""Executables that stand in for the Claude CLI, with faults that the real one hasn't got."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def stand_in(behaviour: str, directory: Path) -> Path:
    """Writes an executable that behaves like one of `behaviours`; returns it."""
    script = directory / f"claude-{behaviour}"
    command = shlex.join([f"PYTHONPATH={ROOT}", sys.executable, "-m", __name__, behaviour])
    script.write_text(f'#!/bin/sh\nexec env {command} "$@"\n')
    script.chmod(0o755)
    return script
