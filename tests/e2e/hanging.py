"""A disk that hangs, as a network disk does that is gone: whoever looks below a folder waits."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from . import editor as editor_module

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

# The server as it is installed, but for the system's calls: those below the folder wait while the
# flag is there. As of a real one that hangs, nothing takes back the thread that waits.
SERVER = """#!{python}
import genericpath, io, builtins, os, posixpath, stat, sys, time

below, flag = {below}, {flag}
access, status = os.access, os.stat

def wait(path):
    try:
        name = os.fsdecode(path)
    except TypeError:
        return
    while (name == below or name.startswith(below + os.sep)) and access(flag, os.F_OK):
        time.sleep(0.02)

def patient(call):
    def waits(path=".", *arguments, **named):
        wait(path)
        return call(path, *arguments, **named)
    return waits

for name in ("stat", "lstat", "readlink", "open", "listdir", "scandir", "mkdir", "unlink"):
    setattr(os, name, patient(getattr(os, name)))
io.open = builtins.open = patient(io.open)

def is_directory(path):
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False

os.path.isdir = genericpath.isdir = posixpath.isdir = is_directory
from claude_agent_lsp.terminal.cli import main
sys.exit(main())
"""


class HangingDisk:
    """A folder on a disk of its own.

    Args:
        folder: The folder.
        place: Where the server's program and the flag are put.
        monkeypatch: Makes it the program of all editors of the test.
    """

    def __init__(self, folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._flag = place / "hangs"
        program = place / "server-of-a-hanging-disk"
        below, flag = json.dumps(str(folder)), json.dumps(str(self._flag))
        program.write_text(SERVER.format(python=sys.executable, below=below, flag=flag))
        program.chmod(0o755)
        monkeypatch.setattr(editor_module, "EXECUTABLE", program)

    def hang(self) -> None:
        """From now on it hangs."""
        self._flag.touch()

    def answer(self) -> None:
        """From now on it answers again."""
        self._flag.unlink(missing_ok=True)
