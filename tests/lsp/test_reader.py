from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from claude_agent_lsp.lsp.wire.reader import (
    INVALID_REQUEST,
    MAX_BODY,
    MAX_HEADER,
    PARSE_ERROR,
    Frames,
    Garbled,
    MessageReader,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HELLO = {"jsonrpc": "2.0", "id": 1, "method": "hello"}


def framed(message: object, header: str = "Content-Length: {}\r\n\r\n") -> bytes:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return header.format(len(body)).encode() + body


def frames_of(*chunks: bytes) -> list[bytes | str]:
    frames = Frames()
    return [
        frame.text if isinstance(frame, Garbled) else bytes(frame)
        for chunk in chunks
        for frame in frames.feed(chunk)
    ]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


class Reader:
    """An MessageReader on a pipe, and all that came of it."""

    def __init__(self) -> None:
        source, self.fd = os.pipe()
        self.source = source
        self.seen: list[Any] = []
        self.arrived = asyncio.Event()
        self.inbox = MessageReader(source, self.deliver, lambda *error: self.seen.append(error))

    def deliver(self, message: dict[str, Any]) -> None:
        self.seen.append(message)
        self.arrived.set()
        if message.get("evil"):
            raise KeyError("evil")

    async def send(self, data: bytes) -> None:
        def write() -> None:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self.fd, rest) :]

        await asyncio.to_thread(write)

    def end(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1


@asynccontextmanager
async def reader() -> AsyncIterator[Reader]:
    one = Reader()
    running = asyncio.create_task(one.inbox.run())
    try:
        yield one
        one.end()
        await running
    finally:
        one.end()
        running.cancel()
        os.close(one.source)


async def result_of(data: bytes) -> list[Any]:
    async with reader() as one:
        await one.send(data)
    return one.seen


@pytest.mark.parametrize(
    "header",
    [
        "Content-Length: {}\r\n\r\n",
        "content-length:{}\r\n\r\n",
        "CONTENT-LENGTH : {} \r\n\r\n",
        "Content-Length: {}\n\n",
        "Content-Length: {}\r\n\n",
        "Content-Length: {}\n\r\n",
        "Content-Type: application/vscode-jsonrpc; charset=utf8\r\nContent-Length: {}\r\n\r\n",
        "Content-Length: {}\r\nContent-Type: nonsense\r\n\r\n",
        "Content-Length: {}\r\nX-Content-Length: 3\r\n\r\n",
        "Content-Length: 000{}\r\n\r\n",
        "\r\n\r\nContent-Length: {}\r\n\r\n",
    ],
)
def test_headers_come_in_many_forms(header: str) -> None:
    assert frames_of(framed(b"{}", header) * 2) == [b"{}", b"{}"]


@pytest.mark.parametrize("length", ["", "-2", "+2", "2.0", "0x2", "two", "9" * 19, "9" * 60_000])
def test_a_header_without_a_valid_length_is_skipped(length: str) -> None:
    found = frames_of(f"Content-Length: {length}\r\n\r\n{{}}".encode() + framed(b"[]"))
    assert found == ["A header has no valid Content-Length.", b"[]"]


def test_a_wrong_length_costs_only_the_messages_it_runs_into() -> None:
    short = b'Content-Length: 3\r\n\r\n{"a": 1}'
    assert frames_of(short + framed(b"{}")) == [b'{"a', b"{}"]
    long = b'Content-Length: 40\r\n\r\n{"a": 1}'
    assert frames_of(long + framed({"b": 2}) * 2 + framed({"c": 3}))[-1] == b'{"c": 3}'


def test_an_absurd_length_is_skipped_without_being_buffered() -> None:
    frames = Frames()
    header = f"Content-Length: {MAX_BODY + 1}\r\n\r\n".encode()
    assert list(frames.feed(header)) == [Garbled(f"A message is longer than {MAX_BODY} bytes.")]
    for _ in range(64):
        assert list(frames.feed(b"x" * 2**20)) == []
        assert len(frames._buffer) <= MAX_HEADER + 2
    assert list(frames.feed(framed(b"{}"))) == [bytearray(b"{}")]


def test_a_header_that_does_not_end_is_skipped_without_being_buffered() -> None:
    frames = Frames()
    wrong = [Garbled(f"A header is longer than {MAX_HEADER} bytes.")]
    assert list(frames.feed(b"x" * (MAX_HEADER + 3))) == wrong
    for _ in range(64):
        assert list(frames.feed(b"x" * 2**20)) == []
        assert len(frames._buffer) <= MAX_HEADER + 2
    assert list(frames.feed(b"\r\n\r\n" + framed(b"{}"))) == [bytearray(b"{}")]


def test_a_header_may_be_as_long_as_allowed() -> None:
    header = b"Content-Length: 2\r\nX: "
    padded = header + b"x" * (MAX_HEADER - len(header) - 1) + b"\r\n\r\n{}"
    assert frames_of(padded) == [b"{}"]
    assert frames_of(padded[:-2], b"{}") == [b"{}"]


MESSAGES = st.lists(
    st.dictionaries(st.text(), st.text() | st.integers() | st.none(), max_size=4), max_size=5
)
CUTS = st.lists(st.integers(0, 10_000), max_size=20)


@given(MESSAGES, CUTS)
def test_messages_survive_any_chunking(messages: list[dict[str, Any]], cuts: list[int]) -> None:
    data = b"".join(framed(message) for message in messages)
    frames = frames_of(*cut(data, cuts))
    assert [json.loads(frame) for frame in frames] == messages


@given(MESSAGES, st.lists(st.binary(max_size=60), max_size=5), CUTS)
@example([{}, {}], [b"Content-Length: x\r\n\r\n", b"\r\nContent-Length: "], [])
@example([{}], [b"ntent-Length: 7\r\n\r\n{}", b"\n"], [3])
def test_messages_are_found_between_garbage(
    messages: list[dict[str, Any]], garbage: list[bytes], cuts: list[int]
) -> None:
    data = b"".join(
        (junk + b"\r\n\r\n" if junk else b"") + framed(message)
        for message, junk in zip(messages, garbage, strict=False)
    )
    found = frames_of(*cut(data, cuts))
    wanted = [json.dumps(message).encode() for message, _ in zip(messages, garbage, strict=False)]
    assert [frame for frame in found if frame in wanted] == wanted


@given(
    st.lists(st.sampled_from([b"Content-Length: ", b"3", b"99", b"\r\n", b"\n", b"x", b"{}"])),
    CUTS,
)
def test_any_bytes_are_cut_the_same_whatever_the_chunking(
    pieces: list[bytes], cuts: list[int]
) -> None:
    data = b"".join(pieces)
    assert frames_of(*cut(data, cuts)) == frames_of(data)


@given(st.integers(-8, 8), st.lists(st.integers(-16, 16), max_size=6))
def test_long_headers_are_judged_the_same_whatever_the_chunking(over: int, near: list[int]) -> None:
    data = b"x" * (MAX_HEADER + over) + b"\r\n\r\n" + framed(b"{}")
    assert frames_of(*cut(data, [MAX_HEADER + place for place in near])) == frames_of(data)
    assert frames_of(data)[-1] == b"{}"


async def test_messages_are_delivered_in_order_until_the_end_of_input() -> None:
    messages = [{"n": n} for n in range(1000)]
    assert await result_of(b"".join(framed(message) for message in messages)) == messages


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{nonsense", PARSE_ERROR),
        (b"", PARSE_ERROR),
        (b"\xff\xfe{}", PARSE_ERROR),
        ('"\u00e9"'.encode("latin-1"), PARSE_ERROR),
        (json.dumps({"a": 1}).encode("utf-16"), PARSE_ERROR),
        (b'{"a": NaN}', PARSE_ERROR),
        (b'{"a": ' + b"9" * 5000 + b"}", PARSE_ERROR),
        (b"[" * 200_000, PARSE_ERROR),
        (b'{"a":' * 200_000, PARSE_ERROR),
        (b"[]", INVALID_REQUEST),
        (json.dumps([HELLO]).encode(), INVALID_REQUEST),
        (b'"words"', INVALID_REQUEST),
        (b"null", INVALID_REQUEST),
    ],
)
async def test_what_is_no_json_object_is_rejected_and_the_next_one_read(
    body: bytes, code: int
) -> None:
    (found, text), after = await result_of(framed(body) + framed(HELLO))
    assert (found, after) == (code, HELLO)
    assert text.endswith(".")


async def test_garbage_is_rejected_in_its_place() -> None:
    found = await result_of(framed(HELLO) + b"garbage\r\n\r\n" + framed(HELLO))
    assert found == [HELLO, (PARSE_ERROR, "A header has no valid Content-Length."), HELLO]


async def test_an_unfinished_message_is_dropped() -> None:
    assert await result_of(framed(HELLO) + framed(HELLO)[:-1]) == [HELLO]


async def test_what_deliver_raises_does_not_stop_the_reading(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with reader() as one:
        await one.send(framed({"evil": True}) + framed(HELLO))
    assert one.seen == [{"evil": True}, HELLO]
    assert "could not be handled" in caplog.text


async def test_a_read_error_ends_it() -> None:
    source, sink = os.pipe()
    try:
        inbox = MessageReader(sink, lambda _: None, lambda *_: None)  # cannot be read from
        await asyncio.wait_for(inbox.run(), 10)
    finally:
        os.close(source)
        os.close(sink)


async def test_a_non_blocking_descriptor_is_read_as_well() -> None:
    async with reader() as one:
        os.set_blocking(one.source, False)
        await one.send(framed(HELLO))
    assert one.seen == [HELLO]


async def test_nothing_is_delivered_after_a_cancel() -> None:
    one = Reader()
    running = asyncio.create_task(one.inbox.run())
    await one.send(framed(HELLO))
    await one.arrived.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    one.inbox._accept(framed(HELLO))
    assert one.seen == [HELLO]
    one.end()


async def test_large_messages_take_time_in_proportion() -> None:
    def seconds(size: int) -> float:
        data = framed({"text": "x" * size})
        chunks = [data[start : start + 2**12] for start in range(0, len(data), 2**12)]
        start = time.process_time()
        assert len(frames_of(*chunks)) == 1
        return time.process_time() - start

    seconds(10_000)
    # In proportion it is 10 times as long, searched anew with each chunk it would be 100 times.
    assert seconds(10_000_000) < 50 * max(seconds(1_000_000), 0.001)
    big = {"text": "x" * 10_000_000}
    assert await result_of(framed(big) * 2) == [big, big]


def test_a_reader_that_waits_does_not_hold_up_the_exit() -> None:
    code = (
        "import asyncio\n"
        "from claude_agent_lsp.lsp.wire.reader import MessageReader\n"
        "async def main():\n"
        "    done = asyncio.Event()\n"
        "    inbox = MessageReader(0, lambda _: done.set(), lambda *_: None)\n"
        "    running = asyncio.create_task(inbox.run())\n"
        "    await done.wait()\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(framed(HELLO))
        process.stdin.flush()
        assert process.wait(30) == 0
        assert process.stderr.read() == b""
