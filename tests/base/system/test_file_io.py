"""Files that are opened, read at a place and written at one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from claude_agent_lsp.base.disk import files, log_file, reading
from claude_agent_lsp.base.system import file_io

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from tests.base.system.conftest import Load

O_BINARY = 0x8000


def test_a_place_is_read_and_written_whatever_the_handle_stands_at(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    handle = os.open(tmp_path / "file", os.O_RDWR)
    assert file_io.read_at(handle, 3, 4) == b"456"
    file_io.write_at(handle, b"ab", 8)
    assert file_io.read_at(handle, 100, 6) == b"67ab"
    assert file_io.read_at(handle, 1, 10) == b""
    os.close(handle)


def test_what_is_written_to_a_full_disk_in_pieces_is_written_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, content: write(handle, bytes(content)[:2]))
    handle = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    file_io.write_at(handle, b"abcde", 1)
    assert file_io.read_at(handle, 10, 0) == b"\0abcde"
    os.close(handle)


def test_windows_opens_files_in_binary(
    windows: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "O_BINARY", O_BINARY, raising=False)
    assert windows("file_io").BINARY == O_BINARY
    monkeypatch.delattr(os, "O_BINARY")
    # Whoever opens a file to write or to read bytes says so: Linux ignores no flag silently here,
    # so what is asked for is looked at instead.
    asked: list[int] = []
    opening = os.open

    def look(path: Path, flags: int, mode: int = 0o777) -> int:
        asked.append(flags)
        return opening(path, flags & ~O_BINARY, mode)

    monkeypatch.setattr(os, "open", look)
    monkeypatch.setattr(files, "_ALWAYS", files._ALWAYS | O_BINARY)
    monkeypatch.setattr(files, "BINARY", O_BINARY)
    monkeypatch.setattr(reading, "_FLAGS", reading._FLAGS | O_BINARY)
    monkeypatch.setattr(log_file, "BINARY", O_BINARY)
    files.append_lines(tmp_path / "lines", b"one\n")
    os.close(files.open_to_read(tmp_path / "lines"))
    assert reading.read_regular(tmp_path / "lines") == b"one\n"
    log_file.LogFile(tmp_path / "log").flush()
    assert len(asked) == 4
    assert all(flags & O_BINARY for flags in asked)
