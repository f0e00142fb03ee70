"""The peer that is no adapter at all: `claude -p`, a process for each turn."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import time

from benchmarks.peers import CANCEL_AFTER_SECONDS, HEADLESS, Place, Session, Turn
from benchmarks.processes import Weight

END_SECONDS = 10.0


class HeadlessPeer:
    """`claude -p` with its events as lines of JSON.

    Args:
        place: Where it works.
    """

    name = HEADLESS
    pid = None

    def __init__(self, place: Place) -> None:
        self._place = place
        self._processes: set[asyncio.subprocess.Process] = set()

    async def turn(
        self,
        session: Session,
        prompt: str,
        *,
        cancel: bool = False,
        weigh: bool = False,
        streamed: bool = True,  # noqa: ARG002 - it has no choice
    ) -> Turn:
        """See `Peer.turn`; a cancel is a SIGINT, and its end is that of the process."""
        sent = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            self._place.cli,
            "-p",
            *("--input-format", "stream-json", "--output-format", "stream-json"),
            *("--verbose", "--include-partial-messages"),
            f"--{'resume' if session.begun else 'session-id'}={session.id}",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._place.log,
            env=self._place.environment,
            cwd=self._place.folder,
            limit=2**24,
            start_new_session=True,
        )
        self._processes.add(process)
        assert process.stdin is not None
        message = {"type": "user", "message": {"role": "user", "content": prompt}}
        process.stdin.write(json.dumps(message).encode() + b"\n")
        session.begun = True
        try:
            reading = _Reading(process, sent, weigh=weigh)
            work = asyncio.create_task(reading.read())
            cancelled = None
            if cancel:
                await reading.begun.wait()
                await asyncio.sleep(CANCEL_AFTER_SECONDS)
                cancelled = time.monotonic()
                process.send_signal(signal.SIGINT)
            await work
            process.stdin.close()
            await asyncio.wait_for(process.wait(), END_SECONDS)
            return reading.turn(cancelled)
        finally:
            await self._end(process)

    async def rest(self) -> None:
        """There is nothing to do: each process has exited with its turn."""

    async def close(self) -> None:
        """See `Peer.close`."""
        for process in tuple(self._processes):
            await self._end(process)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), END_SECONDS)
            except TimeoutError:
                process.kill()
                await process.wait()
        self._processes.discard(process)


class _Reading:
    """Takes the times of what a process prints; looks into its lines only afterwards."""

    def __init__(self, process: asyncio.subprocess.Process, sent: float, *, weigh: bool) -> None:
        self._process = process
        self._sent = sent
        self._weigh = weigh
        self.begun = asyncio.Event()
        self._first: float | None = None
        self._last: float | None = None
        self._ended: float | None = None
        self._lines: list[bytes] = []
        self._cli: Weight | None = None

    async def read(self) -> None:
        """Read to the result, or to the end."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            if b'"text_delta"' in line:
                self._last = time.monotonic()
                self._lines.append(line)
                if self._first is None:
                    self._first = self._last
                    self.begun.set()
            elif b'"type":"result"' in line:
                self._ended = time.monotonic()
                if self._weigh:
                    self._cli = Weight.of(self._process.pid)
                return

    def turn(self, cancelled: float | None) -> Turn:
        """Return what was seen; after the process has ended."""
        ended = time.monotonic() if cancelled or self._ended is None else self._ended
        events = (json.loads(line) for line in self._lines)
        return Turn(
            sent=self._sent,
            ended=ended,
            first=self._first,
            last=self._last,
            cancelled=cancelled,
            text="".join(event["event"]["delta"]["text"] for event in events),
            cli=self._cli,
        )
