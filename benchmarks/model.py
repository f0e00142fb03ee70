"""The model: one loopback process that all peers ask, and what it has noted of them."""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

HANG_UP_SECONDS = 10.0
_LOOK_SECONDS = 0.01


class Model:
    """The process.

    Attributes:
        url: Where it listens.
    """

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.url = url
        self._process = process

    @classmethod
    async def open(cls, environment: Mapping[str, str]) -> Model:
        """Start it."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "claude_agent_lsp.loopback",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        assert process.stdout is not None
        return cls(process, json.loads(await process.stdout.readline())["url"])

    async def hung_up(self, prompt: str) -> float:
        """Return when the connection of this prompt's request was closed, once it has been.

        Raises:
            TimeoutError: It is still open.
        """
        async with asyncio.timeout(HANG_UP_SECONDS):
            while True:
                log = await asyncio.to_thread(self._log)
                for entry in reversed(log):
                    if prompt in entry["prompt"] and entry["hung_up"] is not None:
                        return float(entry["hung_up"])
                await asyncio.sleep(_LOOK_SECONDS)

    async def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    def _log(self) -> list[dict[str, Any]]:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            f"{self.url}/log"
        ) as answer:
            log: list[dict[str, Any]] = json.load(answer)
            return log
