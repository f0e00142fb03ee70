from __future__ import annotations

import errno
import fcntl
import logging
import os
import socket
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.base.disk.files import locked, open_own, replace_file, try_lock

if TYPE_CHECKING:
    from pathlib import Path


def put(kind: str, path: Path) -> Path:
    """Puts something in a file's place; what a link leads to holds a word."""
    target = path.with_name("target")
    if kind == "directory":
        path.mkdir()
    elif kind == "named pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(os.fspath(path))
    else:
        path.symlink_to(target)
    if kind != "link to nothing":
        target.write_text("word")
    return target


@pytest.mark.parametrize("kind", ["directory", "named pipe", "socket", "link", "link to nothing"])
@pytest.mark.parametrize("flags", [os.O_RDWR, os.O_WRONLY | os.O_APPEND])
def test_what_is_no_file_of_ours_is_not_opened_and_not_waited_for(
    tmp_path: Path, kind: str, flags: int
) -> None:
    target = put(kind, tmp_path / "file")
    for use in (
        lambda path: open_own(path, flags),
        lambda path: locked(path).__enter__(),
        try_lock,
    ):
        with pytest.raises(OSError, match=r"not a regular file|directory"):
            use(tmp_path / "file")
    assert target.exists() == (kind != "link to nothing")
    assert not target.exists() or target.read_text() == "word"


def test_a_second_holder_waits_no_longer_than_its_patience(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "lock"),
        pytest.raises(TimeoutError, match="lock"),
        locked(tmp_path / "lock", patience_seconds=0),
    ):
        pytest.fail("held twice")
    with locked(tmp_path / "lock", patience_seconds=0):
        pass


def test_a_file_system_without_locks_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def flock(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with caplog.at_level(logging.WARNING), locked(tmp_path / "lock"):
        pass
    assert "No locks available" in caplog.text


def test_a_file_is_replaced_privately_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old and longer")
    file.chmod(0o644)
    replace_file(file, b"new")
    assert file.read_bytes() == b"new"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_cannot_be_replaced_leaves_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "directory"
    target.mkdir()
    with pytest.raises(IsADirectoryError):
        replace_file(target, b"new")
    assert list(tmp_path.iterdir()) == [target]
