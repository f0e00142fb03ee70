"""The lock that the system frees, also as Windows has it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.base.disk import files
from claude_agent_lsp.base.system.locks import try_lock_handle
from claude_agent_lsp.sessions.lock import SessionLocks

if TYPE_CHECKING:
    from pathlib import Path

    from tests.base.system.conftest import Load


def opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT)


@pytest.fixture
def on_windows(windows: Load, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Has the server's files lock, and be removed, as on Windows."""
    monkeypatch.setattr(files, "try_lock_handle", windows("locks").try_lock_handle)
    file_io = windows("file_io")
    for name in ("close_and_remove", "patiently", "replace"):
        monkeypatch.setattr(files, name, getattr(file_io, name))
    return windows


@pytest.mark.parametrize("here", ["this system", "win32"])
def test_one_handle_has_it_until_it_is_closed(here: str, windows: Load, tmp_path: Path) -> None:
    lock = try_lock_handle if here == "this system" else windows("locks").try_lock_handle
    first, second = opened(tmp_path / "lock"), opened(tmp_path / "lock")
    assert lock(first)
    assert not lock(second)
    os.close(first)
    assert lock(second)
    os.close(second)


def test_windows_lets_the_holders_name_be_read_while_it_is_locked(
    windows: Load, tmp_path: Path
) -> None:
    locks = windows("locks")
    handle = opened(tmp_path / "lock")
    os.write(handle, b"somebody")
    assert locks.try_lock_handle(handle)
    # What is locked can't be read there: it is no byte of the text.
    assert locks.LOCKED_BYTE > 2**20
    assert (tmp_path / "lock").stat().st_size == len("somebody")
    os.close(handle)


def test_another_fault_than_somebody_elses_lock_is_told(
    windows: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locks = windows("locks")

    def refuse(*_: int) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(locks.msvcrt, "locking", refuse)
    handle = opened(tmp_path / "lock")
    with pytest.raises(OSError, match="Bad file descriptor"):
        locks.try_lock_handle(handle)
    os.close(handle)


def test_a_killed_process_holds_no_lock(tmp_path: Path) -> None:
    program = (
        "import os, sys\n"
        "from claude_agent_lsp.base.system.locks import try_lock_handle\n"
        "handle = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)\n"
        "print(try_lock_handle(handle), flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, tmp_path / "lock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        handle = opened(tmp_path / "lock")
        assert not try_lock_handle(handle)
        holder.kill()
        holder.wait()
    assert try_lock_handle(handle)
    os.close(handle)


@pytest.mark.usefixtures("on_windows")
def test_windows_excludes_other_holders_as_others_do(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        files.locked(path),
        pytest.raises(TimeoutError),
        files.locked(path, patience_seconds=0),
    ):
        pytest.fail("held twice")
    handle = files.try_lock(path)
    assert handle is not None
    assert files.try_lock(path) is None
    files.unlock_and_remove(handle, path)
    assert not path.exists()


@pytest.mark.usefixtures("on_windows")
def test_windows_keeps_the_file_that_somebody_has_opened_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    handle = files.try_lock(path)
    assert handle is not None
    reader = files.open_to_read(path)
    files.unlock_and_remove(handle, path)
    assert path.exists()
    assert path.read_bytes() == b""
    os.close(reader)
    again = files.try_lock(path)
    assert again is not None
    files.unlock_and_remove(again, path)
    assert not path.exists()


@pytest.mark.usefixtures("on_windows")
def test_windows_gives_a_session_to_one_server_at_a_time(tmp_path: Path) -> None:
    one, other = SessionLocks(lambda: tmp_path, "one"), SessionLocks(lambda: tmp_path, "other")
    assert not one.claim("s", "run 1")
    with pytest.raises(Exception, match=r"One .* has an active run in the session s"):
        other.claim("s", "run 2")
    assert one.release("s", "run 1")
    assert not other.claim("s", "run 2")
    assert other.release("s", "run 2")


@pytest.mark.usefixtures("on_windows")
def test_windows_waits_for_who_has_a_file_open_just_now(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(b"old")
    reader = os.open(path, os.O_RDONLY)
    threading.Timer(0.1, os.close, [reader]).start()
    files.replace_file(path, b"new")
    assert path.read_bytes() == b"new"


def test_windows_gives_up_in_the_end(
    windows: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_io = windows("file_io")
    monkeypatch.setattr(file_io, "HELD_SECONDS", 0.05)
    source, target = tmp_path / "new", tmp_path / "old"
    source.write_bytes(b"new")
    target.write_bytes(b"old")
    with target.open("rb"), pytest.raises(PermissionError):
        file_io.replace(source, target)
    assert (source.read_bytes(), target.read_bytes()) == (b"new", b"old")


@pytest.mark.parametrize("name", ["linux", "darwin"])
def test_elsewhere_a_refusal_is_not_waited_for(name: str, on: object) -> None:
    assert callable(on)
    file_io = on(name)("file_io")
    tries = []

    def refuse() -> None:
        tries.append(1)
        raise PermissionError

    with pytest.raises(PermissionError):
        file_io.patiently(refuse)
    assert len(tries) == 1
