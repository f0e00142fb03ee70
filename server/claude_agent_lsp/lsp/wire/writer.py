"""What goes to the editor: written at once where that can't block, else by a thread.

An editor that stops reading fills the pipe and blocks `os.write`. Here that blocks a daemon
thread only: the loop goes on, and so does the interpreter's exit. An editor that reads gets a
short message from the loop itself: a thread has to be woken and waits for the interpreter's lock,
for 5 ms while a long answer streams in.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import queue
import select
import threading
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.system.descriptors import PIPE_BYTES, Room, watch_for_hang_up

if TYPE_CHECKING:
    from collections.abc import Callable

HIGH_WATER: Final = 2**20
LOW_WATER: Final = 256 * 2**10
_CHUNK: Final = 64 * 2**10  # bytes of one os.write: a pipe holds no more, and each is counted

_log = logging.getLogger(__name__)


class MessageWriter:
    """The writer of messages; made, and used, on the running loop.

    Args:
        fd: Where the messages go. It stays open: it is whoever opened it who closes it.

    Attributes:
        lost: Set once the editor is gone: writing has failed, or on Linux, nobody can read any
            more. What is written from then on is dropped.
    """

    def __init__(self, fd: int) -> None:
        self.lost = asyncio.Event()
        self._fd = fd
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._room = Room(fd)
        self._hang_up = self._watch()
        self._closed = False
        self._broken = False
        # Each is counted up by one side only, so that neither ever waits for a lock.
        self._accepted = 0
        self._written = 0
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        threading.Thread(target=self._run, name="writer", daemon=True).start()

    @property
    def waiting(self) -> int:
        """How many bytes wait to be written."""
        return 0 if self._broken else self._accepted - self._written

    @property
    def congested(self) -> bool:
        """Whether the editor reads so slowly that one should not send it more than necessary."""
        return self.waiting > HIGH_WATER

    def write(self, data: bytes) -> None:
        """Send bytes, or queue them; return at once."""
        if self._closed or self._broken or not data:
            return
        if self.waiting == 0:
            data = data[self._write_nonblocking(data) :]
        if data:
            self._accepted += len(data)
            self._queue.put(data)

    def close(self) -> None:
        """Take nothing more; what is queued is still written."""
        if not self._closed:
            self._closed = True
            self._unwatch()
            self._queue.put(None)

    def drained(self) -> asyncio.Future[None]:
        """Return a future that is done once less than LOW_WATER waits, or the editor is gone."""
        return self._below(LOW_WATER)

    async def flush(self, seconds: float) -> bool:
        """Wait until everything is written, but no longer than this.

        Returns:
            Whether everything is written. False also if the editor is gone.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._below(1)
        return not self._broken and not self.waiting

    def _write_nonblocking(self, data: bytes) -> int:
        """Write what certainly does not block; return how much that was.

        Whatever is wrong is left to the thread to find.
        """
        done = 0
        if len(data) > _CHUNK:
            return done
        with contextlib.suppress(OSError):
            while done < len(data) and self._room:
                done += os.write(self._fd, data[done : done + PIPE_BYTES])
        return done

    def _below(self, limit: int) -> asyncio.Future[None]:
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiters.append((limit, future))
        self._wake()  # after the append: the thread looks for waiters after it has counted
        return future

    def _wake(self) -> None:
        for limit, future in self._waiters:
            if not future.done() and self.waiting < limit:
                future.set_result(None)
        # Replaced, never emptied in between: the thread may be looking.
        self._waiters = [waiter for waiter in self._waiters if not waiter[1].done()]

    def _watch(self) -> int | None:
        """Have Linux tell when nobody reads any more: a run that says nothing never finds out."""
        watched = watch_for_hang_up(self._fd)
        if watched is not None:
            self._loop.add_reader(watched, self._hung_up)
        return watched

    def _hung_up(self) -> None:
        _log.warning("The editor reads no more")
        self._broken = True
        self._mark_lost()

    def _unwatch(self) -> None:
        if self._hang_up is not None:
            self._loop.remove_reader(self._hang_up)
            os.close(self._hang_up)
            self._hang_up = None

    def _mark_lost(self) -> None:
        self._unwatch()
        self.lost.set()
        self._wake()

    def _run(self) -> None:
        try:
            while (data := self._next()) is not None:
                self._write(data)
        except OSError as error:
            _log.warning("The editor cannot be written to: %s", error)
            self._broken = True
            self._call_on_loop(self._mark_lost)

    def _next(self) -> bytes | None:
        """Wait for something to write, and join to it what waits behind it."""
        first = self._queue.get()
        if first is None:
            return None
        pieces = [first]
        size = len(first)
        with contextlib.suppress(queue.Empty):
            while size < _CHUNK:
                piece = self._queue.get_nowait()
                if piece is None:
                    self._queue.put(None)  # close() is the last to queue: nothing stands behind
                    break
                pieces.append(piece)
                size += len(piece)
        return b"".join(pieces)

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                count = os.write(self._fd, rest[:_CHUNK])
            except BlockingIOError:  # somebody who shares the descriptor has set O_NONBLOCK
                select.select([], [self._fd], [])
                continue
            rest = rest[count:]
            self._written += count
            if self._waiters:
                self._call_on_loop(self._wake)

    def _call_on_loop(self, what: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(what)
