from __future__ import annotations

import errno
import fcntl
import logging
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.base.disk.files import locked, replace_file

if TYPE_CHECKING:
    from pathlib import Path


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
