"""The SDK's two ways, bare, in a process: `python -m benchmarks.peers.worker client|query`.

It takes orders as lines of JSON on stdin, answers each by its id on stdout, and takes the times
itself, so that no pipe stands between the SDK and the clock. It ends when stdin closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from claude_agent_sdk import (
    ClaudeAgentOptions,
    ClaudeSDKClient,
    PermissionResultDeny,
    ResultMessage,
    StreamEvent,
    query,
)

from benchmarks.peers import CANCEL_AFTER_SECONDS, Session, Turn
from benchmarks.processes import Weight, cli_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from claude_agent_sdk import Message, PermissionResult, ToolPermissionContext


def options(folder: Path, session: Session, *, asks: bool) -> ClaudeAgentOptions:
    """Return what the server sets by default, too.

    Args:
        folder: Where the agent works.
        session: The conversation.
        asks: Whether there is somebody to ask for leave, which needs a connected client.
    """
    return ClaudeAgentOptions(
        cwd=folder,
        session_id=None if session.begun else session.id,
        resume=session.id if session.begun else None,
        system_prompt={"type": "preset", "preset": "claude_code"},
        tools={"type": "preset", "preset": "claude_code"},
        permission_mode="default",
        setting_sources=["user", "project", "local"],
        include_partial_messages=True,
        include_hook_events=True,
        forward_subagent_text=True,
        enable_file_checkpointing=True,
        env={"CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS": "1"},
        max_buffer_size=64 * 2**20,
        can_use_tool=_deny if asks else None,
        stderr=_complain,
    )


async def _held(prompt: str, until: asyncio.Event) -> AsyncIterator[dict[str, Any]]:
    """Keep a CLI up that would exit before its result has been read."""
    yield {"type": "user", "message": {"role": "user", "content": prompt}}
    await until.wait()


async def _deny(_: str, __: dict[str, Any], ___: ToolPermissionContext) -> PermissionResult:
    return PermissionResultDeny(message="No.")


def _complain(line: str) -> None:
    sys.stderr.write(f"CLI: {line}\n")


class _Reading:
    """Takes the times of one turn's messages."""

    def __init__(self, session: Session, *, weigh: bool) -> None:
        self._session = session
        self._weigh = weigh
        self.first = asyncio.Event()
        self.weighed = asyncio.Event()
        self._first: float | None = None
        self._last: float | None = None
        self._text: list[str] = []
        self._ended = 0.0
        self._cli: Weight | None = None
        self.cancelled: float | None = None
        self.sent = time.monotonic()

    async def read(self, messages: AsyncIterator[Message]) -> None:
        async for message in messages:
            if isinstance(message, StreamEvent):
                delta = message.event.get("delta")
                if delta is not None and delta.get("type") == "text_delta":
                    self._last = time.monotonic()
                    self._text.append(delta["text"])
                    if self._first is None:
                        self._first = self._last
                        self.first.set()
            elif isinstance(message, ResultMessage):
                self._ended = time.monotonic()
                if self._weigh:
                    self._cli = Weight.of(cli_of(self._session.id, os.getpid()))
                    self.weighed.set()

    def turn(self) -> Turn:
        return Turn(
            sent=self.sent,
            ended=self._ended or time.monotonic(),
            first=self._first,
            last=self._last,
            cancelled=self.cancelled,
            text="".join(self._text),
            cli=self._cli,
        )


class Way(Protocol):
    """How turns are taken."""

    async def turn(self, session: Session, prompt: str, *, cancel: bool, weigh: bool) -> Turn:
        """See `Peer.turn`."""

    async def rest(self) -> None:
        """See `Peer.rest`."""


class ByClient:
    """A connected `ClaudeSDKClient` for each session."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clients: dict[str, ClaudeSDKClient] = {}

    async def turn(self, session: Session, prompt: str, *, cancel: bool, weigh: bool) -> Turn:
        """Take a turn; connect first if the session has no client."""
        reading = _Reading(session, weigh=weigh)
        client = self._clients.get(session.id)
        if client is None:
            client = ClaudeSDKClient(options(self._folder, session, asks=True))
            await client.connect()
            self._clients[session.id] = client
        await client.query(prompt)
        work = asyncio.create_task(reading.read(client.receive_response()))
        if cancel:
            await reading.first.wait()
            await asyncio.sleep(CANCEL_AFTER_SECONDS)
            reading.cancelled = time.monotonic()
            await client.interrupt()
        await work
        return reading.turn()

    async def rest(self) -> None:
        """Disconnects all."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.disconnect()


class ByQuery:
    """A `query()` for each turn."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def turn(self, session: Session, prompt: str, *, cancel: bool, weigh: bool) -> Turn:
        """Take a turn, to the end of the iteration; a cancel is that of the task."""
        reading = _Reading(session, weigh=weigh)
        given = options(self._folder, session, asks=False)
        asked = _held(prompt, reading.weighed) if weigh else prompt
        work = asyncio.create_task(reading.read(query(prompt=asked, options=given)))
        if cancel:
            await reading.first.wait()
            await asyncio.sleep(CANCEL_AFTER_SECONDS)
            reading.cancelled = time.monotonic()
            work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
        return reading.turn()

    async def rest(self) -> None:
        """There is nothing to do: each CLI has exited with its turn."""


async def serve(way: Way) -> None:
    """Take orders until stdin closes; orders overlap."""
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader(limit=2**24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    _reply({"ready": True})
    tasks: set[asyncio.Task[None]] = set()
    while line := await orders.readline():
        task = asyncio.create_task(_follow(way, json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await way.rest()


async def _follow(way: Way, order: dict[str, Any]) -> None:
    try:
        if order["do"] == "rest":
            await way.rest()
            answer: dict[str, Any] = {}
        else:
            session = Session(order["session"], begun=order["begun"])
            turn = await way.turn(
                session, order["prompt"], cancel=order["cancel"], weigh=order["weigh"]
            )
            answer = asdict(turn)
    except Exception as error:  # noqa: BLE001 - whatever it is, the benchmark is told
        answer = {"error": f"{type(error).__name__}: {error}"}
    _reply({"id": order["id"], **answer})


def _reply(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    ways: dict[str, type[ByClient | ByQuery]] = {"client": ByClient, "query": ByQuery}
    asyncio.run(serve(ways[sys.argv[1]](Path(sys.argv[2]))))
