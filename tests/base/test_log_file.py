"""A log whose disk hangs holds up nobody, and loses nothing that there was room for."""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.base.disk import log_file as module
from claude_agent_lsp.base.disk.log_file import LogFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")

SECONDS = 10.0  # only catches hangs


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Path]:
    """Whoever opens it waits for a reader, and whoever writes to it, for one that reads."""
    path = tmp_path / "server.log"
    os.mkfifo(path)
    yield path
    os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))


def log_of(handler: LogFile) -> logging.Logger:
    logger = logging.Logger("test")  # noqa: LOG001 - one that nobody else has
    logger.addHandler(handler)
    return logger


def lines_of(path: Path, last: str) -> list[str]:
    """All lines up to this one."""
    lines: list[str] = []
    with path.open() as file:
        while last not in lines:
            lines.append(file.readline().rstrip())
    return lines


def within(seconds: float, work: threading.Thread) -> None:
    work.start()
    work.join(seconds)
    assert not work.is_alive()


def test_one_that_can_not_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in its place")
    with pytest.raises(NotADirectoryError):
        LogFile(tmp_path / "file" / "log")


def test_it_is_private_and_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("of yesterday\n")
    for word in ("one", "tw\udc80o"):
        handler = LogFile(path)
        log_of(handler).error("%s", word)
        handler.flush()
    assert path.read_text() == "of yesterday\none\ntw?o\n"
    LogFile(tmp_path / "new").flush()
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600


def test_one_whose_disk_hangs_from_the_start_is_written_later(
    pipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OPEN_SECONDS", 0.01)
    monkeypatch.setattr(module, "FLUSH_SECONDS", 0.01)
    handlers: list[LogFile] = []

    def work() -> None:
        handlers.append(LogFile(pipe))
        assert handlers[0].descriptor is None
        for number in range(module.MOST_LINES + 10):
            log_of(handlers[0]).error("%s", number)
        handlers[0].flush()

    within(SECONDS, threading.Thread(target=work, daemon=True))
    lines = lines_of(pipe, str(module.MOST_LINES - 1))
    assert lines == [str(number) for number in range(module.MOST_LINES)]
    # The reader has gone: what comes now is lost, but for how much it was.
    log_of(handlers[0]).error("lost")


def test_one_whose_disk_hangs_in_a_write_holds_nobody_up(
    pipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FLUSH_SECONDS", 0.01)
    monkeypatch.setattr(module, "MOST_LINES", 100)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    handler = LogFile(pipe)
    logger = log_of(handler)
    text = "x" * 10_000

    def work() -> None:
        for _ in range(200):
            logger.error(text)
        handler.flush()

    within(SECONDS, threading.Thread(target=work, daemon=True))
    os.set_blocking(reader, True)
    said = b""
    with open(reader, "rb") as file:  # noqa: PTH123 - it is open already
        while said.count(b"\n") < 100:
            said += file.readline()
        logger.error("the last")
        while b"the last" not in said:
            said += file.readline()
    assert b"lines of the log were left out)\nthe last\n" in said
