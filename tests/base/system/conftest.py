"""Another system, simulated: its name, and what Python and the disk do differently there.

Nothing of this is that system. docs/platforms.md says what was only seen here.
"""

from __future__ import annotations

import errno
import fcntl
import importlib.util
import itertools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TypeAlias

import pytest

from claude_agent_lsp.base import system

Load: TypeAlias = Callable[[str], ModuleType]
_copies = itertools.count()


class Msvcrt(ModuleType):
    """Locks of Windows: a byte of a file belongs to one handle, and a second lock is refused."""

    LK_NBLCK = 2

    def locking(self, handle: int, mode: int, count: int) -> None:
        assert mode == self.LK_NBLCK
        at = os.lseek(handle, 0, os.SEEK_CUR)
        try:
            # A lock of the open file, as LockFile's is; lockf's is one of the whole process.
            fcntl.fcntl(handle, fcntl.F_OFD_SETLK, _flock(fcntl.F_WRLCK, at, count))
        except BlockingIOError:
            raise PermissionError(errno.EACCES, "Permission denied") from None


def _flock(kind: int, start: int, length: int) -> bytes:
    import struct

    return struct.pack("hhqqi", kind, os.SEEK_SET, start, length, 0)


def _is_open(path: Path) -> bool:
    """Whether this process has a file open, as Windows counts."""
    try:
        wanted = path.stat()
    except OSError:
        return False
    for link in Path("/proc/self/fd").iterdir():
        try:
            if os.path.samestat(os.fstat(int(link.name)), wanted):
                return True
        except OSError:
            continue
    return False


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Load]:
    """Gives what loads a module of base/system as it is on another system."""

    def choose(name: str) -> Load:
        def load(module: str) -> ModuleType:
            path = Path(system.__path__[0]) / f"{module}.py"
            spec = importlib.util.spec_from_file_location(f"{module}_{next(_copies)}", path)
            assert spec is not None
            assert spec.loader is not None
            copy = importlib.util.module_from_spec(spec)
            with monkeypatch.context() as only:
                only.setattr(sys, "platform", name)
                only.setitem(sys.modules, "msvcrt", Msvcrt("msvcrt"))
                spec.loader.exec_module(copy)
            # Asked again in its functions.
            monkeypatch.setattr(
                copy,
                "sys",
                SimpleNamespace(platform=name, version_info=sys.version_info),
                raising=False,
            )
            return copy

        return load

    return choose


@pytest.fixture
def windows(on: Callable[[str], Load], monkeypatch: pytest.MonkeyPatch) -> Load:
    """Gives what loads a module as on Windows, where no open file is removed or replaced."""
    unlink, replace = Path.unlink, Path.replace

    def refuse(path: Path) -> None:
        if _is_open(path):
            raise PermissionError(errno.EACCES, "it is open", os.fspath(path))

    def remove(path: Path, missing_ok: bool = False) -> None:
        refuse(path)
        unlink(path, missing_ok)

    def rename(path: Path, target: Path) -> Path:
        refuse(path)
        refuse(Path(target))
        return replace(path, target)

    monkeypatch.setattr(Path, "unlink", remove)
    monkeypatch.setattr(Path, "replace", rename)
    return on("win32")
