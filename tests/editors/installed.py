"""The real editors: those that `make editors` sets up, else the machine's own if new enough."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OLDEST = {"nvim": (0, 11), "emacs": (29, 1), "hx": (25, 7)}


def executable(name: str) -> Path:
    """Returns an editor's executable; skips the test where it, or tmux, cannot be had."""
    found = find(name)
    if found is None:
        oldest = ".".join(map(str, OLDEST[name]))
        pytest.skip(f"no {name} of {oldest} or newer; on Debian, `make editors` installs it")
    if shutil.which("tmux") is None:
        pytest.skip("no tmux, in which the real editors run")
    return found


@cache
def find(name: str) -> Path | None:
    """Returns an editor's executable, or None."""
    ours = directory() / "bin"
    if (ours / name).exists() and (directory() / "ready").exists():
        return ours / name
    own = shutil.which(name)
    return Path(own) if own and version(own) >= OLDEST[name] else None


@cache
def directory() -> Path:
    """Returns where `make editors` puts them."""
    script = ["sh", str(ROOT / "scripts" / "editors.sh"), "--where"]
    said = subprocess.run(script, check=True, capture_output=True, text=True)
    return Path(said.stdout.strip())


def version(name: str) -> tuple[int, int]:
    """Returns major and minor number of a program, (0, 0) if it does not tell."""
    environment = {**os.environ, "TERM": "dumb"}
    said = subprocess.run(
        [name, "--version"], check=False, capture_output=True, text=True, env=environment
    )
    found = re.search(r"(\d+)\.(\d+)", said.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)
