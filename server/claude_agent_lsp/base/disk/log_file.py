"""The log in a file, written by a thread of its own: a disk that hangs holds up nobody.

Lines wait for the disk, as many as there is room for; how many were left out is told with the next
one. At the end the disk is waited for only so long. Other users may not read the file: it names
folders and sessions.
"""

from __future__ import annotations

import logging
import os
import threading
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.system.file_io import BINARY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# How long a start waits to hear that the file can't be opened.
OPEN_SECONDS: Final = 1.0
FLUSH_SECONDS: Final = 0.3
MOST_LINES: Final = 4096


class LogFile(logging.Handler):
    """Appends to a file, which is made with mode 0600 if it is not there.

    Args:
        path: The file.

    Raises:
        OSError: It can't be opened; a disk that takes its time may still do so later.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        # Whoever logs may be anywhere, in a destructor too: nothing but its `put` is safe there.
        self._waiting: SimpleQueue[bytes | Callable[[], None]] = SimpleQueue()
        self._left_out = 0
        self._opened: Future[int] = Future()
        threading.Thread(target=self._write_all, name="log", daemon=True).start()
        wait([self._opened], timeout=OPEN_SECONDS)
        if self._opened.done():
            self._opened.result()

    @property
    def descriptor(self) -> int | None:
        """The open file, for what has to be written without this process's help."""
        opened = self._opened
        return opened.result() if opened.done() and opened.exception() is None else None

    def emit(self, record: logging.LogRecord) -> None:
        """Have a line written, if there is room for it."""
        try:
            lines = f"{self.format(record)}\n"
        except Exception:  # noqa: BLE001 - as all handlers of logging do
            self.handleError(record)
            return
        if self._waiting.qsize() >= MOST_LINES:
            self._left_out += 1
            return
        if self._left_out:
            lines = f"({self._left_out} lines of the log were left out)\n{lines}"
            self._left_out = 0
        self._waiting.put(lines.encode(errors="replace"))

    def flush(self) -> None:
        """Wait until all is written, but not for a disk that hangs."""
        written = threading.Event()
        self._waiting.put(written.set)
        written.wait(FLUSH_SECONDS)

    def _write_all(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | BINARY
        try:
            handle = os.open(self._path, flags, 0o600)
        except OSError as error:
            self._opened.set_exception(error)
            return
        self._opened.set_result(handle)
        while True:
            work = self._waiting.get()
            if not isinstance(work, bytes):
                work()
                continue
            try:
                # Not buffered: a buffer has a lock, for which the interpreter's end would wait.
                while work:
                    work = work[os.write(handle, work) :]
            except OSError:  # a full disk
                self._left_out += 1
