"""The ACP adapter of the Claude agent, a process of Node's: one CLI for each of its sessions.

Its protocol is JSON-RPC in lines over stdio (Agent Client Protocol 1).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.peers import ACP, CANCEL_AFTER_SECONDS, Place, Session, Turn
from benchmarks.processes import Weight, below

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGE: Final = "@agentclientprotocol/claude-agent-acp"
# What this was written for; a later one may speak otherwise.
VERSION: Final = "0.101"
END_SECONDS: Final = 20.0
INSTALL_SECONDS: Final = 300.0
LONGEST_LINE: Final = 2**24
# It starts its CLIs so that a session may be set to ask nothing, which a CLI of root refuses.
_OF_ROOT: Final = {"IS_SANDBOX": "1"}


class NoAdapter(Exception):
    """There is no adapter here, and why."""


def adapter() -> Path:
    """Return the adapter's program, installed into a cache outside the tree if it isn't yet.

    Raises:
        NoAdapter: It can't be had here.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NoAdapter(f"there is no {'node' if node is None else 'npm'}")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    where = cache / "claude-agent-lsp" / "acp" / VERSION
    program = where / "node_modules" / ".bin" / "claude-agent-acp"
    if not program.exists():
        where.mkdir(parents=True, exist_ok=True)
        # Without the CLI that it would bring along: all peers have the same one.
        words = ("install", "--omit=optional", "--no-audit", "--no-fund", f"{PACKAGE}@{VERSION}")
        try:
            subprocess.run(
                [npm, *words],
                cwd=where,
                check=True,
                capture_output=True,
                timeout=INSTALL_SECONDS,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise NoAdapter(f"npm could not install {PACKAGE}: {error}") from error
    return program


@dataclass
class _Hearing:
    """What comes of one session while it has a turn."""

    texts: list[tuple[float, str]] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)


class AcpPeer:
    """The adapter with its sessions."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self.name = ACP
        self._process = process
        self._folder = folder
        self._ids = itertools.count()
        self._answers: dict[int, asyncio.Future[tuple[float, dict[str, Any]]]] = {}
        self._heard: dict[str, _Hearing] = {}
        # Those that have a CLI.
        self._open: dict[str, str] = {}
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, place: Place) -> AcpPeer:
        """Start one; it is ready for sessions when this returns.

        Raises:
            NoAdapter: There is none here.
        """
        program = await asyncio.get_running_loop().run_in_executor(None, adapter)
        process = await asyncio.create_subprocess_exec(
            program,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=place.log,
            env={**place.environment, "CLAUDE_CODE_EXECUTABLE": str(place.cli), **_OF_ROOT},
            cwd=place.folder,
            limit=LONGEST_LINE,
            start_new_session=True,
        )
        peer = cls(process, place.folder)
        try:
            await peer._ask("initialize", {"protocolVersion": 1, "clientCapabilities": {}})
        except BaseException:
            await peer.close()
            raise
        return peer

    @property
    def pid(self) -> int:
        """The adapter's process."""
        return self._process.pid

    async def turn(
        self,
        session: Session,
        prompt: str,
        *,
        cancel: bool = False,
        weigh: bool = False,
        streamed: bool = True,  # noqa: ARG002 - it has no choice
    ) -> Turn:
        """See `Peer.turn`; a new session is begun within the time of its first turn."""
        sent = time.monotonic()
        if session.id not in self._open:
            self._open[session.id] = await self._session(session)
        own_id = self._open[session.id]
        heard = self._heard[own_id] = _Hearing()
        words = [{"type": "text", "text": prompt}]
        if session.begun:
            sent = time.monotonic()
        answer = self._request("session/prompt", {"sessionId": own_id, "prompt": words})
        session.begun, cancelled = True, None
        if cancel:
            await heard.begun.wait()
            await asyncio.sleep(CANCEL_AFTER_SECONDS)
            cancelled = time.monotonic()
            self._send({"method": "session/cancel", "params": {"sessionId": own_id}})
        ended, _ = _result(await answer)
        texts = heard.texts
        return Turn(
            sent=sent,
            ended=ended,
            first=texts[0][0] if texts else None,
            last=texts[-1][0] if texts else None,
            cancelled=cancelled,
            text="".join(text for _, text in texts),
            cli=Weight.of(below(self.pid)[0][0].pid) if weigh else None,
        )

    async def rest(self) -> None:
        """See `Peer.rest`."""
        for own_id in self._open.values():
            await self._ask("session/close", {"sessionId": own_id})
        self._open.clear()

    async def close(self) -> None:
        """See `Peer.close`."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), END_SECONDS)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reading

    async def _session(self, session: Session) -> str:
        where = {"cwd": str(self._folder), "mcpServers": []}
        if session.begun:
            await self._ask("session/resume", {"sessionId": session.id, **where})
            return session.id
        return str((await self._ask("session/new", where))["sessionId"])

    async def _ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        _, result = _result(await self._request(method, params))
        return result

    def _request(
        self, method: str, params: Mapping[str, Any]
    ) -> asyncio.Future[tuple[float, dict[str, Any]]]:
        request_id = next(self._ids)
        answer: asyncio.Future[tuple[float, dict[str, Any]]]
        answer = self._answers[request_id] = asyncio.get_running_loop().create_future()
        self._send({"id": request_id, "method": method, "params": params})
        return answer

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            at = time.monotonic()
            with contextlib.suppress(json.JSONDecodeError):
                self._take(at, json.loads(line))
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(RuntimeError("the ACP adapter has ended"))

    def _take(self, at: float, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method is None:
            if (answer := self._answers.pop(message["id"], None)) and not answer.done():
                answer.set_result((at, message))
        elif method == "session/update":
            update = message["params"]["update"]
            heard = self._heard.get(message["params"]["sessionId"])
            if heard is not None and update["sessionUpdate"] == "agent_message_chunk":
                heard.texts.append((at, update["content"].get("text", "")))
                heard.begun.set()
        elif "id" in message:
            refused = {"code": -32601, "message": "not here"}
            self._send({"id": message["id"], "error": refused})


def _result(answer: tuple[float, dict[str, Any]]) -> tuple[float, dict[str, Any]]:
    at, message = answer
    if "error" in message:
        raise RuntimeError(f"{ACP}: {message['error']}")
    return at, message["result"] or {}
