"""What an editor would never send: 10 000 messages, made of real ones. `make fuzz` sends more."""

from __future__ import annotations

import asyncio
import copy
import itertools
import json
import os
import random
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.conftest import TOLD
from tests.e2e.runs import SECONDS
from tests.e2e.wire import open_wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.wire import Wire

MESSAGES = int(os.environ.get("FUZZ_MESSAGES", "10000"))
SEED = os.environ.get("FUZZ_SEED")
# By then all that is loaded late is there, and what takes much room once has taken it.
WARM = MESSAGES * 3 // 10
# Documents that are opened and never closed are kept.
MOST_GROWTH = 32 * 2**20 + 1_500 * MESSAGES
HANDLES_OF_CLI = 8
EXECUTE = "workspace/executeCommand"
ID = "6f1d3b9e-0000-4000-8000-000000000000"
WORDS = (
    *("", " ", "\0", "\ud800", "\u202e", "../../../etc/passwd", "file:///", "new", "last", "deny"),
    *("allow", "x" * 70_000, "{}", "null", "é" * 500, "%00", "file://host/a", ID, "\x1b[2J"),
)
NUMBERS = (0, -1, 1, 2**31, -(2**63), 2**64, 10**400, 1e308, -0.0, 0.1)


def recorded(folder: Path) -> list[dict[str, Any]]:
    """What editors send in a session; nothing of it starts a CLI."""
    uri = folder.as_uri()
    document = {"uri": uri, "languageId": "x", "version": 1, "text": "x\n"}
    place = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}}

    def command(name: str, **argument: Any) -> dict[str, Any]:
        params = {"command": f"claudeAgent.{name}", "arguments": [argument]}
        return {"method": EXECUTE, "params": {**params, "workDoneToken": "w"}}

    return [
        command("query", prompt=" ", workspace=uri, session=ID, partialResultToken="t"),
        command("query", prompt="hello", workspace="file:///nowhere", attachments=[uri]),
        command("cancel", runId="r"),
        command("status"),
        command("session.list", workspace=uri, limit=3, search="a", tag="t"),
        command("session.read", sessionId=ID, limit=1),
        command("session.select", sessionId=ID, workspace=uri),
        command("session.rename", sessionId=ID, title="t"),
        command("session.tag", sessionId=ID, tag="t"),
        command("session.fork", sessionId=ID),
        command("session.delete", sessionId=ID),
        command("session.export", sessionId=ID, format="markdown", uri=f"{uri}/x.md"),
        command("review.list", workspace=uri, runId="r", messageId="m", uri=uri),
        command("review.keep", sessionId=ID, hunkIds=["h"]),
        command("review.undo", sessionId=ID, hunkIds=["h"], preview=True),
        command("review.redo", sessionId=ID, undoId="u", preview=True),
        command("session.rewind", sessionId=ID, messageId="m", dryRun=True),
        command("question.list"),
        command("question.answer", questionId="q", answer=["allow"], note="n"),
        command("mode", sessionId=ID, permissionMode="plan"),
        command("review.dismiss", findingId="f"),
        {"method": "$/cancelRequest", "params": {"id": 1}},
        {"method": "window/workDoneProgress/cancel", "params": {"token": "w"}},
        {"method": "workspace/didChangeConfiguration", "params": {"settings": {"claudeAgent": {}}}},
        {"method": "claudeAgent/trustChanged", "params": {"trustedFolders": [uri]}},
        {"method": "textDocument/didOpen", "params": {"textDocument": document}},
        {
            "method": "textDocument/didChange",
            "params": {
                "textDocument": {"uri": uri, "version": 2},
                "contentChanges": [{"range": place, "text": "y"}],
            },
        },
        {
            "method": "textDocument/codeAction",
            "params": {
                "textDocument": {"uri": uri},
                "range": place,
                "context": {"diagnostics": [{"range": place, "message": "m", "code": 1}]},
            },
        },
        {"method": "$/setTrace", "params": {"value": "off"}},
        {"id": "r1", "result": None},
        {"id": 7, "error": {"code": -32601, "message": "no"}},
    ]


class Mutator:
    """Makes hostile messages of real ones."""

    def __init__(self, chance: random.Random, messages: list[dict[str, Any]]) -> None:
        self._chance = chance
        self._messages = messages
        self._before = b""

    def next(self) -> bytes:
        """The next bytes to send: nearly always a whole message, in the base protocol's frame."""
        chance = self._chance
        message = copy.deepcopy(chance.choice(self._messages))
        if "method" in message and chance.random() < 0.8:
            message["id"] = chance.choice([chance.randrange(10**6), f"f{chance.random()}"])
        for _ in range(chance.choice([0, 1, 1, 2, 4])):
            message = self._changed({"jsonrpc": "2.0", **message})
        body = json.dumps({"jsonrpc": "2.0", **message}).encode(errors="surrogatepass")
        body = self._torn(body)
        kind = chance.random()
        if kind < 0.02:  # again, word for word
            return self._before
        if kind < 0.04:  # a wrong length: what follows is cut off, or begins in the middle
            length = max(0, len(body) + chance.randrange(-40, 40))
            return b"Content-Length: %d\r\n\r\n" % length + body
        if kind < 0.06:
            return chance.choice(
                [
                    *(b"\r\n\r\n", b"Content-Length: x\r\n\r\n", b"Content-Length: -5\r\n\r\n"),
                    *(b"content-length:2\n\n{}", b"\0" * 50 + b"\n\n", b"GET / HTTP/1.1\r\n\r\n"),
                    b"Content-Length: 99999999999\r\n\r\n",
                ]
            )
        self._before = b"Content-Length: %d\r\n\r\n" % len(body) + body
        return self._before

    def _torn(self, body: bytes) -> bytes:
        kind = self._chance.random()
        if kind < 0.03:
            return body[: self._chance.randrange(len(body))]
        if kind < 0.06:
            place = self._chance.randrange(len(body))
            return body[:place] + bytes([self._chance.randrange(256)]) + body[place + 1 :]
        if kind < 0.07:
            return b"[" * self._chance.choice([10, 5_000]) + body
        return body

    def _changed(self, message: dict[str, Any]) -> dict[str, Any]:
        """With one thing in it, however deep, taken away, changed, or put elsewhere."""
        places = list(_places(message))
        holder, key = self._chance.choice(places)
        kind = self._chance.random()
        # These would end the server, or start an agent.
        kept = holder is message and key in ("method", "jsonrpc")
        if kind < 0.15 and not kept:
            del holder[key]
        elif kind < 0.3 and isinstance(holder, dict) and not kept:
            holder[self._chance.choice(WORDS)] = holder.pop(key)
        elif not kept or kind < 0.5:
            holder[key] = self._value()
        return message

    def _value(self) -> Any:
        kind = self._chance.random()
        if kind < 0.35:
            return self._chance.choice(WORDS)
        if kind < 0.6:
            return self._chance.choice(NUMBERS)
        if kind < 0.7:
            nested: Any = "x"
            for _ in range(self._chance.choice([3, 100, 400])):
                nested = [nested] if self._chance.random() < 0.5 else {"a": nested}
            return nested
        return self._chance.choice([None, True, False, [], {}, [None] * 100, {"a": {"b": []}}])


def _places(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(items):
        yield value, key
        if isinstance(item, dict | list):
            yield from _places(item)


class Reader:
    """Reads all that the server says, and keeps the answers to what is asked by name."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._answers: dict[str, Any] = {}
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._read())

    async def answer(self, name: str) -> Any:
        """The answer to the request of this id."""
        async with asyncio.timeout(SECONDS):
            while name not in self._answers:
                self._news.clear()
                await self._news.wait()
        return self._answers[name]

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> None:
        stdout = self._wire.process.stdout
        assert stdout is not None
        while True:
            header = await stdout.readuntil(b"\r\n\r\n")
            length = int(header.split(b"Content-Length:")[1].split(b"\r\n")[0])
            message = json.loads(await stdout.readexactly(length))
            if isinstance(message.get("id"), str) and "method" not in message:
                self._answers[message["id"]] = message
                self._news.set()


async def asked(wire: Wire, reader: Reader, name: str, command: str, **argument: Any) -> Any:
    """Ask something after what may have left half a message behind."""
    wire.raw(b"\n" * 200 + b"\r\n\r\n")
    params = {"command": f"claudeAgent.{command}", "arguments": [argument]}
    wire.request(name, EXECUTE, params)
    assert wire.process.stdin is not None
    await wire.process.stdin.drain()
    return await reader.answer(name)


async def idle(wire: Wire, reader: Reader) -> Any:
    """What the status is once no run is at work."""
    async with asyncio.timeout(SECONDS):
        for number in itertools.count():
            status = (await asked(wire, reader, f"status{number}", "status"))["result"]
            if not status["runs"]:
                return status
    raise AssertionError


@pytest.mark.long
@pytest.mark.timeout(120 + MESSAGES // 20)
async def test_hostile_messages_do_no_harm(
    environment: dict[str, str], folder: Path, record_property: Callable[[str, object], None]
) -> None:
    seed = int(SEED) if SEED else random.randrange(2**32)
    print(f"FUZZ_SEED={seed}")  # noqa: T201
    mutator = Mutator(random.Random(seed), recorded(folder))
    async with open_wire(environment, folder) as wire:
        folders = [{"uri": folder.as_uri(), "name": "project"}]
        wire.initialize(workspaceFolders=folders)
        await wire.read()
        wire.notify("initialized", {})
        reader = Reader(wire)
        server = psutil.Process(wire.process.pid)
        assert wire.process.stdin is not None
        warm, handles = 0, 0
        query = {"prompt": "remember the code", "session": "new", "workspace": folder.as_uri()}
        for number in range(MESSAGES):
            wire.raw(mutator.next())
            if number % 50 == 0:
                await wire.process.stdin.drain()
            if number == WARM:
                run = await asked(wire, reader, "warm", "query", **query)
                assert run["result"]["status"] == "completed", run
                warm, handles = server.memory_info().rss, server.num_fds()
        await asked(wire, reader, "cancel", "cancel")  # one query may have become a valid one
        status = await idle(wire, reader)
        assert [each["uri"] for each in status["folders"]] == [folder.as_uri()]
        grown = server.memory_info().rss - warm
        assert grown < MOST_GROWTH, f"{grown} bytes more"
        # A message that became a valid query left a CLI that stands ready: its pipes are its own.
        allowed = handles + 8 + HANDLES_OF_CLI * (len(status["processes"]) - 1)
        async with asyncio.timeout(SECONDS):
            while server.num_fds() > allowed:  # noqa: ASYNC110 - nobody tells of a closed file
                await asyncio.sleep(0.1)
        run = await asked(wire, reader, "query", "query", **query)
        assert run["result"]["status"] == "completed", run
        record_property(
            TOLD, f"{MESSAGES} messages, seed {seed}, {grown / 2**20:.1f} MiB more memory"
        )
        await reader.stop()
