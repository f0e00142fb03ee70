"""The list of thousands of sessions, beside the SDK's, which reads every file each time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import re
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.figures import Bound, Measure
from benchmarks.measures import Values
from benchmarks.peers import LISTING, SERVER
from benchmarks.peers.editor import EXECUTABLE, Connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from benchmarks.measures import Extent
    from benchmarks.stage import Stage

SESSIONS: Final = 5000
FEW: Final = 200
WORKER: Final = (sys.executable, str(Path(__file__).parent / "peers" / "listing.py"))
# Never said: the whole of every prompt is looked through.
UNHEARD: Final = "xylophone quartz"
_WORDS: Final = ("parser", "fence", "paint", "window", "shed", "green", "error", "trace", "queue")


async def catalogue(stage: Stage, extent: Extent) -> list[Measure]:
    """Measure the first page of thousands of sessions, and a search, when nothing has changed."""
    count = FEW if extent.quick else SESSIONS
    folder = stage.place.folder.parent / "catalogue"
    folder.mkdir()
    await asyncio.to_thread(_write, Path(stage.place.environment["HOME"]), folder, count)
    values = Values()
    connection = await Connection.open([str(EXECUTABLE)], stage.place)
    try:
        await connection.initialize(folder)
        values.note("first", 0, SERVER, await _page(connection))
        async with _sdk(stage) as worker:
            for number in extent.numbers(1):
                values.note("list", number, SERVER, await _page(connection))
                values.note("list", number, LISTING, await _listed(worker, folder))
                values.note("search", number, SERVER, await _page(connection, search=UNHEARD))
    finally:
        await connection.close()
    said = f"{count:,}".replace(",", "\u202f")
    ratio = Bound(0.033, LISTING)
    return [
        Measure(f"list of {said} sessions", "s", values["list"], SERVER, Bound(0.06)),
        Measure("the same, beside the SDK", "s", values["list"], SERVER, ratio),
        Measure("search in their prompts", "s", values["search"], SERVER, Bound(0.1)),
        Measure("the first list, which reads them all", "s", values["first"], SERVER),
    ]


async def _page(connection: Connection, **more: Any) -> float:
    """Asks for the first page; returns how long it took."""
    began = time.monotonic()
    params = {"command": "claudeAgent.session.list", "arguments": [more]}
    at, message = await connection.request("workspace/executeCommand", params)[1]
    found = message["result"]["sessions"]
    if bool(found) == bool(more):
        raise RuntimeError(f"the page is not what it should be: {len(found)} sessions")
    return at - began


@contextlib.asynccontextmanager
async def _sdk(stage: Stage) -> AsyncIterator[asyncio.subprocess.Process]:
    worker = await asyncio.create_subprocess_exec(
        *WORKER,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=stage.place.log,
        env=stage.place.environment,
    )
    try:
        yield worker
    finally:
        assert worker.stdin is not None
        worker.stdin.close()
        await worker.wait()


async def _listed(worker: asyncio.subprocess.Process, folder: Path) -> float:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(os.fsencode(folder) + b"\n")
    seconds, _count = (await worker.stdout.readline()).split()
    return float(seconds)


def _write(home: Path, folder: Path, count: int) -> None:
    """Write sessions of 5 to 30 turns, 15 to 100 kB, as the CLI has them on disk."""
    some = random.Random(1)
    name = re.sub(r"[^a-zA-Z0-9]", "-", os.path.realpath(folder))
    directory = home / ".claude" / "projects" / name
    directory.mkdir(parents=True)
    for number in range(count):
        session_id = str(uuid.UUID(int=some.getrandbits(128), version=4))
        path = directory / f"{session_id}.jsonl"
        path.write_text("\n".join(_lines(some, session_id, folder)) + "\n")
        os.utime(path, (1.7e9 + number, 1.7e9 + number))


def _lines(some: random.Random, session_id: str, folder: Path) -> Iterator[str]:
    parent: str | None = None
    for _ in range(some.randint(5, 30)):
        call = {"type": "tool_use", "id": "c", "name": "Read", "input": {"file_path": "a"}}
        result = {"type": "tool_result", "tool_use_id": "c", "content": "x " * 800}
        for kind, content in (
            ("user", " ".join(some.choices(_WORDS, k=30))),
            ("assistant", [call]),
            ("user", [result]),
            ("assistant", [{"type": "text", "text": "y " * 200}]),
        ):
            line_id = str(uuid.UUID(int=some.getrandbits(128), version=4))
            entry = {
                "parentUuid": parent,
                "isSidechain": False,
                "type": kind,
                "message": {"role": kind, "id": "m", "model": "claude", "content": content},
                "uuid": line_id,
                "timestamp": "2026-01-02T03:04:05.678Z",
                "entrypoint": "sdk-py",
                "cwd": str(folder),
                "sessionId": session_id,
                "gitBranch": "main",
            }
            yield json.dumps(entry, separators=(",", ":"))
            parent = line_id
    yield json.dumps({"type": "last-prompt", "lastPrompt": "z"}, separators=(",", ":"))
