"""A wire between a machine and its store, which can be cut, or watched for a moment to act."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from .servers import Server


class Proxy:
    """Forwards to a server.

    Attributes:
        url: The server's, by this way.
    """

    def __init__(self, server: Server) -> None:
        self.url = ""
        self._server = server
        self._whole = asyncio.Event()
        self._whole.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._far: set[asyncio.StreamWriter] = set()
        self._near: set[asyncio.StreamWriter] = set()
        self._left = 0
        self._action: Callable[[], object] | None = None

    def after(self, count: int, action: Callable[[], object]) -> None:
        """Do something once so many bytes more have been forwarded to the server."""
        self._left, self._action = count, action

    @property
    def acted(self) -> bool:
        """Whether that is done."""
        return self._action is None

    def cut(self) -> None:
        """Nothing goes through. The server sees its connections end; the machine sees nothing."""
        self._whole.clear()
        for writer in self._far:
            writer.transport.abort()

    def mend(self) -> None:
        """It is whole again; what was open in the machine turns out to have ended."""
        for writer in self._near:
            writer.transport.abort()
        self._whole.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._near.add(writer)
        far: asyncio.StreamWriter | None = None
        try:
            await self._whole.wait()
            back, far = await asyncio.open_connection("127.0.0.1", self._server.port)
            self._far.add(far)
            there = asyncio.ensure_future(self._forward(reader, far, counted=True))
            here = asyncio.ensure_future(self._forward(back, writer, counted=False))
            await asyncio.wait({there, here}, return_when=asyncio.FIRST_COMPLETED)
            for each in (there, here):
                each.cancel()
            await asyncio.wait({there, here})
            await self._whole.wait()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._near.discard(writer)
            if far is not None:
                far.transport.abort()
                self._far.discard(far)
            self._tasks.discard(task)

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while part := await reader.read(1 << 16):
                await self._whole.wait()
                if counted and self._action is not None:
                    now, part = part[: self._left], part[self._left :]
                    self._left -= len(now)
                    writer.write(now)
                    await writer.drain()
                    if part or not self._left:
                        action, self._action = self._action, None
                        action()
                writer.write(part)
                await writer.drain()

    async def close(self) -> None:
        """End all connections."""
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


@contextlib.asynccontextmanager
async def proxy_of(server: Server) -> AsyncIterator[Proxy]:
    """A way to a server that is whole at first."""
    proxy = Proxy(server)
    listener = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    proxy.url = server.url.replace(f":{server.port}/", f":{port}/")
    try:
        yield proxy
    finally:
        listener.close()
        await proxy.close()
        await listener.wait_closed()
