"""This server, as an editor has it: LSP over stdio, read with as little effort as can be."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.peers import CANCEL_AFTER_SECONDS, SERVER, Place, Session, Turn
from benchmarks.processes import Weight, below, cli_of, without_clis

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

EXECUTABLE = Path(sys.executable).with_name("claude-agent-lsp")
BARE = (sys.executable, str(Path(__file__).with_name("bare.py")))
START_SECONDS = 30.0
END_SECONDS = 10.0
TYPING_SECONDS = 1.0
REQUEST_CANCELLED = -32800
_LOOK_SECONDS = 0.05


class Connection:
    """A language server's process, and what it says.

    Attributes:
        settings: The answer to `workspace/configuration`.
        texts: Of each token that is listened to, when a text event came and what it said.
        answers: What is answered to the server's requests, by method, beside its settings.
        experimental: What the editor says of itself that is this server's own.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.settings: dict[str, Any] = {}
        self.texts: dict[str, list[tuple[float, str]]] = {}
        self.answers: dict[str, Callable[[Any], Any]] = {}
        self.experimental: dict[str, Any] = {}
        self._process = process
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[tuple[float, dict[str, Any]]]] = {}
        self._heard: dict[str, asyncio.Event] = {}
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, command: Sequence[str], place: Place) -> Connection:
        """Start a server."""
        return cls(
            await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=place.log,
                env=place.environment,
                limit=2**24,
                start_new_session=True,
            )
        )

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._process.pid

    async def initialize(self, folder: Path) -> float:
        """Begins the conversation as VS Code does; returns when `initialize` was answered."""
        capabilities = {
            "workspace": {
                "configuration": True,
                "workspaceFolders": True,
                "applyEdit": "workspace/applyEdit" in self.answers,
                "workspaceEdit": {"documentChanges": True},
            },
            "textDocument": {"synchronization": {"didSave": True}} if self.answers else {},
            "experimental": {"claudeAgent": self.experimental},
            "window": {"workDoneProgress": True, "showDocument": {"support": True}},
        }
        _, answer = self.request(
            "initialize",
            {
                "processId": os.getpid(),
                "clientInfo": {"name": "benchmark"},
                "capabilities": capabilities,
                "workspaceFolders": [{"uri": folder.as_uri(), "name": folder.name}],
            },
        )
        at, message = await answer
        if "result" not in message:
            raise RuntimeError(f"the server did not initialize: {message}")
        self.notify("initialized", {})
        return at

    def request(
        self, method: str, params: Any
    ) -> tuple[int, asyncio.Future[tuple[float, dict[str, Any]]]]:
        """Send a request; the answer comes with its time."""
        request_id = next(self._ids)
        answer = self._answers[request_id] = asyncio.get_running_loop().create_future()
        self._send({"id": request_id, "method": method, "params": params})
        return request_id, answer

    def notify(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    def listen(self, token: str) -> asyncio.Event:
        """Keep the text events of a token; return what is set at the first."""
        self.texts[token] = []
        heard = self._heard[token] = asyncio.Event()
        return heard

    async def close(self) -> None:
        """`shutdown` and `exit`; by force if that does not help."""
        if self._process.returncode is None:
            try:
                async with asyncio.timeout(END_SECONDS):
                    await self.request("shutdown", None)[1]
                    self.notify("exit", None)
                    await self._process.wait()
            except (TimeoutError, RuntimeError):
                with contextlib.suppress(ProcessLookupError):
                    self._process.terminate()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._process.wait(), END_SECONDS)
            if self._process.returncode is None:
                self._process.kill()
                await self._process.wait()
        await self._reading

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    async def _read(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                head = await self._process.stdout.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                body = await self._process.stdout.readexactly(length)
                self._take(time.monotonic(), json.loads(body))
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(RuntimeError("the server has ended"))

    def _take(self, at: float, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method is None:
            answer = self._answers.pop(message["id"])
            if not answer.done():
                answer.set_result((at, message))
        elif method == "$/progress":
            token, value = message["params"]["token"], message["params"]["value"]
            if token in self.texts and value["kind"] == "text":
                self.texts[token].append((at, value["text"]))
                self._heard[token].set()
        elif "id" in message:
            self._send({"id": message["id"], "result": self._answer(method, message.get("params"))})

    def _answer(self, method: str, params: Any) -> Any:
        if method == "workspace/configuration":
            return [self.settings for _ in params["items"]]
        return self.answers[method](params) if method in self.answers else None


class ServerPeer:
    """This server with one folder open."""

    def __init__(self, connection: Connection, name: str = SERVER) -> None:
        self.name = name
        self._connection = connection
        self._tokens = itertools.count()

    @classmethod
    async def open(
        cls, place: Place, settings: Mapping[str, Any], *, name: str = SERVER
    ) -> ServerPeer:
        """Start one with these settings."""
        connection = await Connection.open([str(EXECUTABLE)], place)
        connection.settings = dict(settings)
        await connection.initialize(place.folder)
        return cls(connection, name)

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._connection.pid

    async def turn(
        self,
        session: Session,
        prompt: str,
        *,
        cancel: bool = False,
        weigh: bool = False,
        streamed: bool = True,
    ) -> Turn:
        """See `Peer.turn`; a cancel is `$/cancelRequest`."""
        token = f"t{next(self._tokens)}"
        heard = self._connection.listen(token)
        argument = {"prompt": prompt, "session": session.id if session.begun else "new"}
        if streamed:
            argument["partialResultToken"] = token
        cancelled = None
        sent = time.monotonic()
        request_id, answer = self._connection.request(
            "workspace/executeCommand",
            {"command": "claudeAgent.query", "arguments": [argument]},
        )
        if cancel:
            await heard.wait()
            await asyncio.sleep(CANCEL_AFTER_SECONDS)
            cancelled = time.monotonic()
            self._connection.notify("$/cancelRequest", {"id": request_id})
        ended, message = await answer
        if "error" in message and not (cancel and message["error"]["code"] == REQUEST_CANCELLED):
            raise RuntimeError(f"{self.name}: {message['error']}")
        run = message["result"] if "result" in message else message["error"]["data"]["run"]
        session.id, session.begun = run["sessionId"], True
        texts = self._connection.texts.pop(token)
        return Turn(
            sent=sent,
            ended=ended,
            first=texts[0][0] if texts else None,
            last=texts[-1][0] if texts else None,
            cancelled=cancelled,
            text="".join(text for _, text in texts) if streamed else run["text"],
            cli=Weight.of(cli_of(session.id, self.pid)) if weigh else None,
        )

    async def ready(self) -> None:
        """Wait until the process that the server starts ahead can take a prompt."""
        async with asyncio.timeout(START_SECONDS):
            while not below(self.pid)[0]:  # noqa: ASYNC110 - nobody tells that it is there
                await asyncio.sleep(_LOOK_SECONDS)
            _, answer = self._connection.request(
                "workspace/executeCommand", {"command": "claudeAgent.capabilities"}
            )
            await answer
            # A user takes longer to type a prompt than the CLI to prepare for it.
            await asyncio.sleep(TYPING_SECONDS)

    async def standing(self) -> None:
        """Wait until a process stands ready for a new session."""
        async with asyncio.timeout(START_SECONDS):
            while not await self._has_spare():  # noqa: ASYNC110 - nobody tells that it is there
                await asyncio.sleep(_LOOK_SECONDS)
        await asyncio.sleep(TYPING_SECONDS)

    async def _has_spare(self) -> bool:
        _, answer = self._connection.request(
            "workspace/executeCommand", {"command": "claudeAgent.status"}
        )
        _, message = await answer
        processes = message["result"]["processes"]
        return any(each["spare"] and each["state"] == "idle" for each in processes)

    async def rest(self) -> None:
        """See `Peer.rest`; `idleProcessSeconds` does it."""
        await without_clis(self.pid, END_SECONDS)

    async def close(self) -> None:
        """See `Peer.close`."""
        await self._connection.close()
