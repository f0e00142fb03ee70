from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.lsp.wire.writer import HIGH_WATER, LOW_WATER, MessageWriter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@dataclass
class Pipe:
    source: int
    sink: int
    writer: MessageWriter

    def read(self, count: int) -> bytes:
        found = bytearray()
        while len(found) < count and (data := os.read(self.source, count - len(found))):
            found += data
        return bytes(found)

    def close_source(self) -> None:
        if self.source >= 0:
            os.close(self.source)
        self.source = -1


def writers() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "writer"}


@pytest.fixture
async def pipe() -> AsyncIterator[Pipe]:
    others = writers()
    source, sink = os.pipe()
    one = Pipe(source, sink, MessageWriter(sink))
    yield one
    one.writer.close()
    one.close_source()  # frees a thread that is stuck in writing
    for thread in writers() - others:
        await asyncio.to_thread(thread.join, 10)
        assert not thread.is_alive()
    os.close(sink)


async def test_everything_arrives_in_order(pipe: Pipe) -> None:
    writer = pipe.writer
    messages = [b"%d," % n * (n % 50) for n in range(5000)]
    for message in messages:
        writer.write(message)
    wanted = b"".join(messages)
    assert await asyncio.to_thread(pipe.read, len(wanted)) == wanted
    assert await writer.flush(10)
    assert writer.waiting == 0


async def test_what_fits_into_the_pipe_is_there_at_once(pipe: Pipe) -> None:
    os.set_blocking(pipe.source, False)
    for message in (b"x", b"y" * 20_000):
        pipe.writer.write(message)
        assert os.read(pipe.source, 65536) == message  # the loop has not been left meanwhile
    assert pipe.writer.waiting == 0


async def test_a_short_message_does_not_overtake_a_long_one(pipe: Pipe) -> None:
    found = b""
    os.set_blocking(pipe.sink, False)  # the thread waits for room in Python, not in the system
    for _ in range(50):
        pipe.writer.write(b"a" * 200_000)
        found += pipe.read(100_000)  # now there is room, while the thread has more to write
        pipe.writer.write(b"b")
        found += pipe.read(100_001)
    assert found == (b"a" * 200_000 + b"b") * 50


async def test_one_message_larger_than_the_pipe_arrives_whole(pipe: Pipe) -> None:
    writer = pipe.writer
    message = os.urandom(10_000_000)
    writer.write(message)
    assert await asyncio.to_thread(pipe.read, len(message)) == message


async def test_a_non_blocking_descriptor_is_written_as_well(pipe: Pipe) -> None:
    os.set_blocking(pipe.sink, False)
    writer = pipe.writer
    writer.write(b"x" * 1_000_000)
    assert await asyncio.to_thread(pipe.read, 1_000_000) == b"x" * 1_000_000
    assert not writer.lost.is_set()


async def test_an_editor_that_does_not_read_holds_nobody_up(pipe: Pipe) -> None:
    writer = pipe.writer
    started = time.perf_counter()
    for _ in range(100):
        writer.write(b"x" * 100_000)
    assert not await writer.flush(0.05)
    assert time.perf_counter() - started < 5
    assert writer.waiting > 9_000_000


async def test_it_is_congested_until_it_is_drained(pipe: Pipe) -> None:
    writer = pipe.writer
    await asyncio.wait_for(writer.drained(), 10)
    writer.write(b"x" * HIGH_WATER)
    before = writer.congested
    writer.write(b"x" * HIGH_WATER)
    drained = [writer.drained() for _ in range(3)]
    assert (before, writer.congested) == (False, True)
    assert not any(future.done() for future in drained)
    await asyncio.to_thread(pipe.read, HIGH_WATER * 2 - LOW_WATER + 1)
    await asyncio.wait_for(asyncio.gather(*drained), 10)
    assert writer.waiting < LOW_WATER
    assert not writer.congested


async def test_a_waiter_that_gave_up_harms_no_other(pipe: Pipe) -> None:
    writer = pipe.writer
    writer.write(b"x" * HIGH_WATER * 2)
    gone, stays = writer.drained(), writer.drained()
    gone.cancel()
    await asyncio.to_thread(pipe.read, HIGH_WATER * 2)
    await asyncio.wait_for(stays, 10)


async def test_no_wake_up_is_lost_between_loop_and_thread(pipe: Pipe) -> None:
    writer = pipe.writer

    rounds = 300
    reading = asyncio.create_task(asyncio.to_thread(pipe.read, rounds * LOW_WATER))
    for _ in range(rounds):
        writer.write(b"x" * LOW_WATER)
        await asyncio.wait_for(writer.drained(), 10)
        assert await writer.flush(10)
    assert len(await reading) == rounds * LOW_WATER


async def test_the_loss_of_the_editor_is_told_and_frees_who_waits(pipe: Pipe) -> None:
    writer = pipe.writer
    writer.write(b"x" * HIGH_WATER * 2)
    drained = writer.drained()
    flushing = asyncio.create_task(writer.flush(60))
    pipe.close_source()
    await asyncio.wait_for(writer.lost.wait(), 10)
    await asyncio.wait_for(drained, 10)
    assert not await flushing
    assert not writer.congested
    writer.write(b"x" * HIGH_WATER * 2)
    assert writer.waiting == 0
    await asyncio.wait_for(writer.drained(), 10)
    assert not await writer.flush(0)
    writer.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not tell of it")
async def test_the_loss_is_noticed_by_a_writer_that_has_nothing_to_say(pipe: Pipe) -> None:
    pipe.close_source()
    await asyncio.wait_for(pipe.writer.lost.wait(), 10)
    assert not await pipe.writer.flush(0)


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not tell of it")
async def test_an_editor_at_a_socket_is_lost_once_it_reads_no_more() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        writer = MessageWriter(ours.fileno())
        theirs.shutdown(socket.SHUT_WR)  # which nobody reads from
        writer.write(b"x")
        assert await asyncio.to_thread(theirs.recv, 1) == b"x"
        assert not writer.lost.is_set()
        theirs.close()
        await asyncio.wait_for(writer.lost.wait(), 10)
        writer.close()


async def test_what_goes_to_a_file_has_no_reader_to_lose(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        writer = MessageWriter(out.fileno())
        writer.write(b"x" * 1_000_000)
        assert await writer.flush(10)
        writer.close()
    assert (tmp_path / "out").stat().st_size == 1_000_000


async def test_a_closed_descriptor_is_a_loss(pipe: Pipe) -> None:
    closed = os.dup(pipe.sink)
    writer = MessageWriter(closed)
    os.close(closed)
    writer.write(b"x")
    await asyncio.wait_for(writer.lost.wait(), 10)


async def test_close_still_writes_what_is_queued_and_takes_no_more(pipe: Pipe) -> None:
    writer = pipe.writer
    writer.write(b"x" * 1_000_000)
    writer.close()
    writer.close()
    writer.write(b"y")
    assert await asyncio.to_thread(pipe.read, 1_000_000) == b"x" * 1_000_000
    assert await writer.flush(10)
    os.write(pipe.sink, b"z")  # still open
    assert os.read(pipe.source, 2) == b"z"


def test_a_stuck_editor_does_not_hold_up_the_exit() -> None:
    code = (
        "import asyncio\n"
        "from claude_agent_lsp.lsp.wire.writer import MessageWriter\n"
        "async def main():\n"
        "    writer = MessageWriter(1)\n"
        "    writer.write(b'x' * 10_000_000)\n"
        "    writer.close()\n"
        "    assert not await writer.flush(0.1)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
