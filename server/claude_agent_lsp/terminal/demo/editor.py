"""The smallest editor: it starts a server process and speaks LSP with it, over stdio."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any, Final, Self

from claude_agent_lsp import __version__
from claude_agent_lsp.agent.os_processes.tree import ProcessTree, kill, wait_gone
from claude_agent_lsp.base.lanes import processes
from claude_agent_lsp.base.uris import uri_of
from claude_agent_lsp.lsp.wire.reader import Frames, Garbled

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

Json = dict[str, Any]

# A server that is asked to end is gone within 10 s, whatever hangs.
GONE_SECONDS: Final = 12.0
LAST_WORDS_SECONDS: Final = 1.0
METHOD_NOT_FOUND: Final = -32601
_STDERR_BYTES: Final = 4000


class ServerError(Exception):
    """The server answered a request with an error.

    Attributes:
        code: JSON-RPC's, as -32800 for a request that was cancelled.
        data: What the server sends beside the message, such as a hint.
    """

    def __init__(self, error: Json) -> None:
        super().__init__(str(error.get("message")))
        self.code = error.get("code")
        self.data: Json = error.get("data") or {}


class ServerGoneError(Exception):
    """The server ended, or said something that is no LSP, while it was needed."""


class Asked:
    """A request on its way; await it for its result.

    Attributes:
        id: The request's.
        answered_at: When the response had arrived (`time.monotonic()`); 0 before that.
    """

    def __init__(self, request_id: int) -> None:
        self.id = request_id
        self.answered_at = 0.0
        self._answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        # Nobody has to await it: an editor may go before its server answers.
        self._answer.add_done_callback(lambda done: done.cancelled() or done.exception())

    def __await__(self) -> Generator[Any, None, Any]:
        return asyncio.shield(self._answer).__await__()

    @property
    def done(self) -> bool:
        """Whether the response is there."""
        return self._answer.done()

    def settle(self, answer: Any, at: float) -> None:
        """Settle it with its result, or with the exception that it raises."""
        self.answered_at = at
        if isinstance(answer, Exception):
            self._answer.set_exception(answer)
        else:
            self._answer.set_result(answer)


class Editor:
    """An editor with one folder open, and its server; `async with` starts and ends both.

    It announces nothing beyond plain LSP, and answers each question of the server with the first
    of its actions, which is "Deny".

    Args:
        folder: The folder that is open.
        environment: Of the server, complete.
        hear: Called with each message, and whether it was sent or received.
    """

    def __init__(
        self, folder: Path, environment: Mapping[str, str], hear: Callable[[Json, bool], None]
    ) -> None:
        self._folder = folder
        self._environment = environment
        self._hear = hear
        self._ids = itertools.count(1)
        self._open: dict[int, Asked] = {}
        self._stderr = b""
        self._fault = ""

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "claude_agent_lsp",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self._folder,
            env=dict(self._environment),
            # Ctrl-C is for the editor, which then ends its server in order.
            start_new_session=True,
        )
        self._noise = asyncio.create_task(self._read_stderr())
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        tree = await processes.run(ProcessTree.scan, self.pid)
        self._input.close()
        try:
            async with asyncio.timeout(GONE_SECONDS):
                await self._process.wait()
        except TimeoutError:
            tree.kill()
        kill(tree.descendants)
        await self._process.wait()
        await asyncio.gather(self._reading, self._noise)

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._process.pid

    async def initialize(self) -> Json:
        """Open the folder; return the server's answer."""
        result: Json = await self.ask(
            "initialize",
            {
                "processId": os.getpid(),
                "clientInfo": {"name": "claude-agent-lsp demo", "version": __version__},
                "capabilities": {},
                "rootUri": uri_of(self._folder),
                "workspaceFolders": [{"uri": uri_of(self._folder), "name": self._folder.name}],
            },
        )
        self.notify("initialized", {})
        return result

    def execute(self, command: str, argument: Json) -> Asked:
        """Send `workspace/executeCommand`."""
        return self.ask("workspace/executeCommand", {"command": command, "arguments": [argument]})

    def cancel(self, asked: Asked) -> float:
        """Send `$/cancelRequest`; return when (`time.monotonic()`)."""
        at = time.monotonic()
        self.notify("$/cancelRequest", {"id": asked.id})
        return at

    def ask(self, method: str, params: Json | None = None) -> Asked:
        """Send a request."""
        asked = Asked(next(self._ids))
        if self._fault:
            asked.settle(self._gone(), time.monotonic())
            return asked
        self._open[asked.id] = asked
        self._send({"id": asked.id, "method": method, **_given(params)})
        return asked

    def notify(self, method: str, params: Json | None = None) -> None:
        """Send a notification."""
        self._send({"method": method, **_given(params)})

    async def quit(self) -> int:
        """Send `shutdown` and `exit`, and wait until the server and all below it are gone.

        Returns:
            The server's exit status.

        Raises:
            ServerGoneError: Something of it is still there after some time.
        """
        tree = await processes.run(ProcessTree.scan, self.pid)
        await self.ask("shutdown")
        self.notify("exit")
        left = await processes.run(wait_gone, tree.descendants, GONE_SECONDS)
        try:
            async with asyncio.timeout(GONE_SECONDS):
                status = await self._process.wait()
        except TimeoutError:
            raise ServerGoneError(f"The server {self.pid} did not end.") from None
        if left:
            kill(left)
            raise ServerGoneError(f"{len(left)} processes outlived the server {self.pid}.")
        return status

    @property
    def _input(self) -> asyncio.StreamWriter:
        assert self._process.stdin is not None
        return self._process.stdin

    def _send(self, message: Json) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._hear(message, True)
        self._input.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    async def _read(self) -> None:
        assert self._process.stdout is not None
        frames = Frames()
        while data := await self._process.stdout.read(2**16):
            at = time.monotonic()
            for frame in frames.feed(data):
                if isinstance(frame, Garbled):
                    self._fail(f"it wrote something that is not LSP: {frame.text}")
                else:
                    self._handle(json.loads(frame), at)
        await asyncio.wait((self._noise,), timeout=LAST_WORDS_SECONDS)
        self._fail("it has ended")

    async def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(2**16):
            self._stderr = (self._stderr + data)[-_STDERR_BYTES:]

    def _handle(self, message: Json, at: float) -> None:
        asked = self._open.pop(message["id"], None) if "method" not in message else None
        if asked is not None:
            error = message.get("error")
            asked.settle(ServerError(error) if error else message.get("result"), at)
        self._hear(message, False)
        if "method" in message and "id" in message:
            self._reply(message)

    def _reply(self, request: Json) -> None:
        if request["method"] == "window/showMessageRequest":
            actions = request["params"].get("actions") or [None]
            self._send({"id": request["id"], "result": actions[0]})
        else:
            error = {"code": METHOD_NOT_FOUND, "message": "This editor does not do that."}
            self._send({"id": request["id"], "error": error})

    def _fail(self, fault: str) -> None:
        self._fault = self._fault or fault
        waiting, self._open = self._open, {}
        for asked in waiting.values():
            asked.settle(self._gone(), time.monotonic())

    def _gone(self) -> ServerGoneError:
        lines = self._stderr.decode(errors="replace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), "")
        words = f" Its last output: {last}" if last else ""
        return ServerGoneError(f"The server failed: {self._fault}.{words}")


def _given(params: Json | None) -> Json:
    """Return JSON-RPC's `params`, which are left out rather than null."""
    return {} if params is None else {"params": params}
