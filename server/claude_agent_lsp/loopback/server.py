"""The model: a server on loopback, its script, and the record of what it was asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

import uvicorn

from claude_agent_lsp.loopback import wire
from claude_agent_lsp.loopback.answer import Answer
from claude_agent_lsp.loopback.body import send_json
from claude_agent_lsp.loopback.conversation import read
from claude_agent_lsp.loopback.environment import environment
from claude_agent_lsp.loopback.request import Changes, Request
from claude_agent_lsp.loopback.script import DEFAULT, Fail, Rule, Script, Step, Turn, matches

if TYPE_CHECKING:
    import re
    from types import TracebackType

    from claude_agent_lsp.loopback.asgi import Receive, Scope, Send
    from claude_agent_lsp.loopback.conversation import Conversation, Json


class Loopback:
    """The Anthropic Messages API on 127.0.0.1, with scripted answers.

    It serves from a thread of its own between `start` and `stop`, or in a `with` block. What no
    rule matches is answered "OK.".

    Args:
        rules: What answers which prompt; later ones win.
        port: Where to listen; 0 is any free port.
    """

    def __init__(self, *rules: Rule, port: int = 0) -> None:
        self.requests: list[Request] = []
        self._script = Script(*rules)
        self._port = port
        self._changes = Changes()
        self._failures: dict[Fail, int] = {}
        self._serving: tuple[_Server, threading.Thread] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where it listens, once started: "http://127.0.0.1:PORT"."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Begin to serve.

        Raises:
            OSError: The port is taken.
            RuntimeError: It is already serving.
        """
        if self._serving is not None:
            raise RuntimeError("the model is already serving")
        listener = socket.create_server(("127.0.0.1", self._port), backlog=128)
        self._port = listener.getsockname()[1]
        server = _Server(self)
        thread = threading.Thread(
            target=server.run, args=([listener],), name="loopback model", daemon=True
        )
        self._serving = server, thread
        thread.start()

    def stop(self) -> None:
        """Drop all connections and end; do nothing where it is not serving."""
        if self._serving is None:
            return
        server, thread = self._serving
        self._serving = None
        server.stop()
        thread.join()

    def add(self, *rules: Rule) -> None:
        """Add rules, which win over those that are there."""
        self._script.add(*rules)

    def environment(self, home: Path | str) -> dict[str, str]:
        """Return a complete environment for a process that talks to this model alone.

        Args:
            home: Its home directory.
        """
        return environment(self.url, Path(home))

    def wait_for_request(
        self, prompt: str | re.Pattern[str], timeout: float, *, after: int = 0
    ) -> Request:
        """Block until a request with such a prompt has arrived, and return it.

        Args:
            prompt: What the current prompt contains, as in a rule.
            timeout: In seconds.
            after: The index in `requests` from which on to look.

        Raises:
            TimeoutError: There was none; the message tells the prompts that there were.
        """
        found = self._changes.wait(lambda: self._find(prompt, after), timeout)
        return found or self._missed(prompt, timeout, after)

    async def request(
        self, prompt: str | re.Pattern[str], timeout: float, *, after: int = 0
    ) -> Request:
        """Do what `wait_for_request` does, for a task of any event loop.

        Raises:
            TimeoutError: There was none; the message tells the prompts that there were.
        """
        found = await self._changes.until(lambda: self._find(prompt, after), timeout)
        return found or self._missed(prompt, timeout, after)

    def _find(self, prompt: str | re.Pattern[str], after: int) -> Request | None:
        for each in self.requests[after:]:
            if not each.own and matches(prompt, each.prompt):
                return each
        return None

    def _missed(self, prompt: str | re.Pattern[str], timeout: float, after: int) -> Request:
        seen = [request.prompt for request in self.requests[after:]]
        raise TimeoutError(f"no request {prompt!r} within {timeout} s, but {seen!r}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as the ASGI application."""
        match scope["method"], scope["path"]:
            case "POST", "/v1/messages" | "/v1/messages/count_tokens" as path:
                try:
                    body = json.loads(await _body(receive))
                    conversation = read(body)
                except (ValueError, KeyError, TypeError, AttributeError):
                    await send_json(send, 400, wire.error(400))
                    return
                if path == "/v1/messages":
                    await self._answer(body, conversation, receive, send)
                else:
                    await send_json(send, 200, {"input_tokens": wire.input_tokens(conversation)})
            case "GET", "/log":
                await send_json(send, 200, [request.log() for request in self.requests])
            case _:
                await send_json(send, 404, wire.error(404))

    async def _answer(
        self, body: Json, conversation: Conversation, receive: Receive, send: Send
    ) -> None:
        request = Request(body, conversation, self._changes)
        self.requests.append(request)
        self._changes.tell()
        turn, failure = self._next(self._script.turn(conversation))
        if failure is None:
            await Answer(turn, request, conversation).send(receive, send)
            return
        after = failure.retry_after
        headers = {} if after is None else {"retry-after": f"{after:g}"}
        request.mark_finished()
        await send_json(send, failure.status, wire.error(failure.status), headers)

    def _next(self, turn: Turn) -> tuple[Turn, Fail | None]:
        """Take the failures off a turn that have had their times; return one that has not."""
        rest: list[Step] = []
        for step in turn:
            if isinstance(step, Fail):
                done = self._failures.get(step, 0)
                if step.times is not None and done >= step.times:
                    continue
                self._failures[step] = done + 1
                if not rest:
                    return (), step
            rest.append(step)
        return tuple(rest) or DEFAULT, None


class _Server(uvicorn.Server):
    """Serves an application from a thread that is not the main one."""

    def __init__(self, app: Loopback) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                # A cut connection is an error to uvicorn.
                log_level="critical",
                access_log=False,
                server_header=False,
                date_header=False,
                # Longer than any client keeps a connection: none ends under a request.
                timeout_keep_alive=3600,
            )
        )

        self._waiting: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def stop(self) -> None:
        """Have it end, from any thread."""
        self.should_exit = True
        if self._waiting is not None:
            loop, stopped = self._waiting
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                loop.call_soon_threadsafe(stopped.set)

    async def main_loop(self) -> None:
        """Wait until it is stopped; uvicorn would look ten times a second."""
        stopped = asyncio.Event()
        self._waiting = asyncio.get_running_loop(), stopped
        if not await self.on_tick(0):  # which makes the headers that all answers have
            await stopped.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drop all connections; uvicorn would wait for the answers under way."""
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        for connection in self.server_state.connections:
            connection.transport.abort()
        await asyncio.gather(*self.server_state.tasks, return_exceptions=True)
        await asyncio.gather(*(server.wait_closed() for server in self.servers))


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)
