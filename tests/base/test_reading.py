"""What others put where a file is looked for is read, or refused, and never waited for."""

from __future__ import annotations

import ast
import fcntl
import os
import signal
import socket
import sys
import threading
from pathlib import Path

import pytest

import claude_agent_lsp
from claude_agent_lsp.base.disk.reading import (
    first_line,
    open_regular,
    read_own,
    read_regular,
    read_text,
)

PACKAGE = Path(claude_agent_lsp.__file__).parent
# Where a file is opened otherwise, and why.
OTHERWISE = {
    "base/disk/reading.py": "the door itself",
    "base/disk/files.py": "locks, and what it writes",
    "base/disk/log_file.py": "the log, which it writes",
    "terminal/audit.py": "the place where output goes to nowhere",
    "terminal/questions.py": "the place where output goes to nowhere",
    "terminal/sessions.py": "the place where output goes to nowhere",
    "agent/os_processes/tree.py": "a process in /proc",
    "sessions/changes/folder_scan.py": "a directory, below which it looks",
    "sessions/rewind/applying.py": "what it writes back",
}


def made(kind: str, path: Path) -> None:
    """Puts something there that is no regular file, or that has no end."""
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "socket":
            made_socket = socket.socket(socket.AF_UNIX)
            made_socket.bind(os.path.relpath(path))
            made_socket.close()
        case "directory":
            path.mkdir()
        case "loop":
            path.symlink_to(path)
        case _:
            path.symlink_to(kind)


NO_FILES = (
    "fifo",
    "socket",
    "directory",
    "loop",
    "/dev/stdin",
    "/dev/zero",
    "/dev/tty",
    "/nowhere",
)


@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_regular_file_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    made(kind, tmp_path / "file")
    done = threading.Event()
    refused = []

    def look() -> None:
        for read in (open_regular, read_regular, read_text):
            try:
                read(tmp_path / "file")
            except OSError:
                refused.append(read)
        done.set()

    threading.Thread(target=look, daemon=True).start()
    assert done.wait(10), "it waits for somebody to write"
    assert len(refused) == 3
    assert first_line(tmp_path / "file") is None


def test_what_has_no_end_is_read_to_the_bound(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 1000)
    assert read_regular(file, 1000) == b"x" * 1000
    with pytest.raises(OSError, match="larger than"):
        read_regular(file, 999)
    os.truncate(file, 2**40)  # takes no room
    with pytest.raises(OSError, match="larger than"):
        read_regular(file)
    assert len(first_line(file) or "") < 100_000
    file.unlink()


def test_what_is_ones_own_is_no_link_and_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(b"mine")
    link.symlink_to(file)
    assert read_own(file, 4) == b"mine"
    with pytest.raises(OSError, match="larger than 3 bytes"):
        read_own(file, 3)
    with pytest.raises(OSError, match="link"):
        read_own(link, 4)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(OSError, match="another user"):
        read_own(file, 4)


def test_text_ends_its_lines_with_lf(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes("a\r\nb\rc\nGröße".encode())
    assert read_text(tmp_path / "file") == "a\nb\nc\nGröße"
    assert first_line(tmp_path / "file") == "a"
    (tmp_path / "file").write_bytes(b"\xff")
    with pytest.raises(ValueError, match="utf-8"):
        read_text(tmp_path / "file")
    assert read_text(tmp_path / "file", "replace") == "\ufffd"


@pytest.mark.parametrize("name", ["a\0b", "\udfff"])
def test_a_name_that_no_file_can_have_is_a_value_error(name: str) -> None:
    with pytest.raises(ValueError, match=r"null|surrogates"):
        open_regular(name)
    assert first_line(name) is None


def opens_in(module: Path) -> list[int]:
    """The lines in which a module opens a file."""
    tree = ast.parse(module.read_text())
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr in {"read_text", "read_bytes"}:
            found.append(node.lineno)
        elif isinstance(called, ast.Attribute) and called.attr == "open":
            owner = called.value
            # A method of our own that has this name takes no mode.
            if (isinstance(owner, ast.Name) and owner.id in {"os", "io"}) or any(
                isinstance(each, ast.Constant) and str(each.value)[:1] in "rwaxb+"
                for each in node.args[:1]
            ):
                found.append(node.lineno)
        elif isinstance(called, ast.Name) and called.id == "open":
            found.append(node.lineno)
    return found


def test_no_module_opens_files_by_another_door() -> None:
    opening = {
        module.relative_to(PACKAGE).as_posix(): lines
        for module in PACKAGE.rglob("*.py")
        if "loopback" not in module.parts
        and "demo" not in module.parts
        and (lines := opens_in(module))
    }
    assert {name: lines for name, lines in opening.items() if name not in OTHERWISE} == {}
    assert sorted(OTHERWISE.keys() - opening.keys()) == [], "they no longer do"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has leases")
def test_a_file_that_somebody_has_a_lease_on_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"content")
    handle = os.open(file, os.O_WRONLY)
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    read: list[bytes] = []
    try:
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        reading = threading.Thread(target=lambda: read.append(read_regular(file)), daemon=True)
        reading.start()
        reading.join(0.2)
        assert read == [], "there is no lease here"
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        reading.join(20)
        assert read == [b"content"]
    finally:
        os.close(handle)
        signal.signal(signal.SIGIO, before)
