"""A server and the bytes that go to it and come from it, for what no client library says."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from .editor import EXECUTABLE, SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path


class Wire:
    """A server, and the bytes that go to it and come from it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    def send(self, message: object) -> None:
        """Send a message, or bytes as the body of one."""
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.raw(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def raw(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def request(self, message_id: object, method: str, params: object = None) -> None:
        self.send({"jsonrpc": "2.0", "id": message_id, "method": method, "params": params})

    def notify(self, method: str, params: object = None) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def initialize(self, **params: Any) -> None:
        """Send `initialize` as 0, of a client that can do nothing."""
        self.request(0, "initialize", {"processId": None, "capabilities": {}, **params})

    async def read(self) -> Any:
        """The next message of the server."""
        assert self.process.stdout is not None
        async with asyncio.timeout(SECONDS):
            header = await self.process.stdout.readuntil(b"\r\n\r\n")
            length = int(header.split(b"Content-Length:")[1].split(b"\r\n")[0])
            return json.loads(await self.process.stdout.readexactly(length))

    async def answers(self, *message_ids: object) -> list[Any]:
        """The answers to these requests, which must be the next messages, in any order."""
        found = [await self.read() for _ in message_ids]
        return [next(one for one in found if one.get("id") == each) for each in message_ids]

    async def status(self) -> int:
        """Wait until the server has ended by itself."""
        async with asyncio.timeout(SECONDS):
            return await self.process.wait()


@contextlib.asynccontextmanager
async def open_wire(
    environment: Mapping[str, str],
    directory: Path,
    *arguments: str,
    stderr: int = asyncio.subprocess.DEVNULL,
) -> AsyncIterator[Wire]:
    """Start a server that nobody has said anything to; at the end, its input ends."""
    process = await asyncio.create_subprocess_exec(
        EXECUTABLE,
        *arguments,
        env=environment,
        cwd=directory,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
    )
    assert process.stdin is not None
    try:
        yield Wire(process)
    finally:
        process.stdin.close()
        async with asyncio.timeout(SECONDS):
            await process.wait()
