"""The peers that are worker processes: `query()` and `ClaudeSDKClient`."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.peers import CLIENT, QUERY, Place, Session, Turn
from benchmarks.processes import Weight

ROOT = Path(__file__).parents[2]
KINDS = {CLIENT: "client", QUERY: "query"}
END_SECONDS = 20.0


class WorkerPeer:
    """A worker process.

    Attributes:
        name: `CLIENT` or `QUERY`.
    """

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self._process = process
        self._ids = itertools.count()
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, name: str, place: Place) -> WorkerPeer:
        """Start one; it has loaded the SDK when this returns."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "benchmarks.peers.worker",
            KINDS[name],
            str(place.folder),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=place.log,
            env=place.environment,
            cwd=ROOT,
            limit=2**24,
            start_new_session=True,
        )
        assert process.stdout is not None
        try:
            if not await process.stdout.readline():
                raise RuntimeError(f"the worker of {name} did not start")
        except BaseException:
            await _end(process)
            raise
        return cls(name, process)

    @property
    def pid(self) -> int:
        """The worker process."""
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
        """See `Peer.turn`."""
        answer = await self._order(
            do="turn",
            session=session.id,
            begun=session.begun,
            prompt=prompt,
            cancel=cancel,
            weigh=weigh,
        )
        session.begun = True
        cli = answer.pop("cli")
        return Turn(**answer, cli=Weight(**cli) if cli else None)

    async def rest(self) -> None:
        """See `Peer.rest`."""
        await self._order(do="rest")

    async def close(self) -> None:
        """See `Peer.close`."""
        await _end(self._process)
        await self._reading

    async def _order(self, **order: Any) -> dict[str, Any]:
        order_id = next(self._ids)
        answer: asyncio.Future[dict[str, Any]]
        answer = self._answers[order_id] = asyncio.get_running_loop().create_future()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"id": order_id, **order}).encode() + b"\n")
        return await answer

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            answer = json.loads(line)
            waiting = self._answers.pop(answer.pop("id"))
            if waiting.done():
                continue
            if "error" in answer:
                waiting.set_exception(RuntimeError(f"{self.name}: {answer['error']}"))
            else:
                waiting.set_result(answer)
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(RuntimeError(f"the worker of {self.name} has ended"))


async def _end(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), END_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
