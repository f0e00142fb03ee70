"""What the editor sends: from bytes on a file descriptor to JSON objects, whatever the bytes are.

    thread: os.read ──▶ loop: Frames (header, body) ──▶ JSON ──┬─▶ deliver(message)
                                                               └─▶ reject(code, text)

pygls 2.1.1's own reader (`pygls.io_.run_async`) knows one spelling of the header only, and holds
its buffered stdin's lock in a thread, so that an interpreter that exits while it waits may abort.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import select
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600

MAX_BODY: Final = 256 * 2**20
MAX_HEADER: Final = 64 * 2**10
_CHUNK: Final = 2**16
_CHUNKS_AHEAD: Final = 64

_END_OF_HEADER = re.compile(rb"\n\r?\n")
# Not bound to the start of a line: after a body with a wrong length, its rest stands there.
_LENGTH = re.compile(rb"(?im)(?<!-)content-length[ \t]*:[ \t]*0*(\d{1,18})[ \t]*\r?$")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Garbled:
    """Bytes that are no message: what is wrong with them, one sentence."""

    text: str


class Frames:
    """Cuts a stream of bytes into the bodies of messages (the specification's "base protocol").

    Header names may be in any case and order, and lines may end with LF alone. After bytes that
    make no sense it goes on at the next header that does, and says so once.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._length: int | None = None
        self._lost = False

    def feed(self, data: bytes) -> Iterator[bytearray | Garbled]:
        """Take more bytes; what they complete is the same however they are cut."""
        self._buffer += data
        while True:
            if self._length is None:
                yield from self._header()
            if self._length is None or len(self._buffer) < self._length:
                return
            body = self._buffer[: self._length]
            del self._buffer[: self._length]
            self._length = None
            yield body

    def _header(self) -> Iterator[Garbled]:
        """Search for a header with a length; set it, or leave it None if bytes are missing."""
        while self._length is None:
            end = _END_OF_HEADER.search(self._buffer, self._searched)
            if end is None:
                if len(self._buffer) > MAX_HEADER + 2:  # 2: a blank line that may be cut
                    yield from self._report_garbled(f"A header is longer than {MAX_HEADER} bytes.")
                    del self._buffer[: len(self._buffer) - MAX_HEADER - 2]
                self._searched = max(0, len(self._buffer) - 2)
                return
            if end.start() > MAX_HEADER:
                yield from self._report_garbled(f"A header is longer than {MAX_HEADER} bytes.")
            header = bytes(self._buffer[max(0, end.start() - MAX_HEADER) : end.start() + 1])
            del self._buffer[: end.end()]
            self._searched = 0
            yield from self._read(header)

    def _read(self, header: bytes) -> Iterator[Garbled]:
        lengths = _LENGTH.findall(header)
        if not lengths:
            if header.strip():
                yield from self._report_garbled("A header has no valid Content-Length.")
        elif int(lengths[-1]) > MAX_BODY:
            yield from self._report_garbled(f"A message is longer than {MAX_BODY} bytes.")
        else:
            self._length = int(lengths[-1])
            self._lost = False

    def _report_garbled(self, text: str) -> Iterator[Garbled]:
        if not self._lost:
            self._lost = True
            yield Garbled(text)


class MessageReader:
    """Reads the editor's messages until it is gone.

    Args:
        fd: Where the messages come from; it stays open.
        deliver: Called on the loop with each JSON object, in order. What it raises is logged.
        reject: Called on the loop, in the same order, with a JSON-RPC error code and a sentence
            for what was no JSON object; the answer's id is null.
    """

    def __init__(
        self,
        fd: int,
        deliver: Callable[[dict[str, Any]], None],
        reject: Callable[[int, str], None],
    ) -> None:
        self._fd = fd
        self._deliver = deliver
        self._reject = reject
        self._frames = Frames()
        self._ahead = threading.Semaphore(_CHUNKS_AHEAD)
        self._stopped = False

    async def run(self) -> None:
        """Read until the end of input, or until reading fails. Nothing malformed ends it."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        # A daemon that reads the descriptor itself: neither it nor a lock of a file object can
        # hold up the interpreter's exit.
        threading.Thread(target=self._read, args=(loop, ended), name="reader", daemon=True).start()
        try:
            await ended
        finally:
            self._stopped = True

    def _read(self, loop: asyncio.AbstractEventLoop, ended: asyncio.Future[None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            while data := self._next():
                self._ahead.acquire()
                loop.call_soon_threadsafe(self._accept, data)
            loop.call_soon_threadsafe(_finish, ended)

    def _next(self) -> bytes:
        while True:
            try:
                return os.read(self._fd, _CHUNK)
            except BlockingIOError:  # somebody who shares the descriptor has set O_NONBLOCK
                select.select([self._fd], [], [])
            except OSError as error:
                _log.warning("The editor cannot be read: %s", error)
                return b""

    def _accept(self, data: bytes) -> None:
        self._ahead.release()
        for frame in self._frames.feed(data):
            if self._stopped:
                return
            try:
                if isinstance(frame, Garbled):
                    self._reject(PARSE_ERROR, frame.text)
                else:
                    self._parse(frame)
            except Exception:  # noqa: BLE001 - whatever one message does, the next is read
                _log.exception("A message could not be handled")

    def _parse(self, body: bytearray) -> None:
        try:
            message = json.loads(body.decode(), parse_constant=_no_constant)
        except UnicodeDecodeError:
            self._reject(PARSE_ERROR, "A message is not UTF-8.")
        except RecursionError:
            self._reject(PARSE_ERROR, "A message is nested too deeply.")
        except ValueError as error:
            self._reject(PARSE_ERROR, f"A message is not JSON: {error}.")
        else:
            if isinstance(message, dict):
                self._deliver(message)
            elif isinstance(message, list):
                self._reject(
                    INVALID_REQUEST, "LSP does not allow batches: send one message at a time."
                )
            else:
                self._reject(INVALID_REQUEST, "A message must be a JSON object.")


def _finish(ended: asyncio.Future[None]) -> None:
    if not ended.done():  # run() may have been cancelled
        ended.set_result(None)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
