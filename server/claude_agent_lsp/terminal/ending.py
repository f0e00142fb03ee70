"""Ending in order at a signal: nothing that was started, or put on the disk, is left."""

from __future__ import annotations

import asyncio
import signal
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from claude_agent_lsp.base.system.processes import ENDING_SIGNALS, on_signal

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


class EndedBySignal(Exception):
    """The user, or the system, wants the process to end; it has cleaned up.

    Attributes:
        status: The exit status that says so: 128 and the signal's number.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by signal {number}")
        self.status = 128 + number


def run(work: Coroutine[Any, Any, T]) -> T:
    """Do what `asyncio.run` does, but cancel the work at the first signal that asks to end.

    Later signals change nothing: they must not cut its clean-up off.

    Raises:
        EndedBySignal: There was one.
    """
    came: list[int] = []

    async def main() -> T:
        task = asyncio.create_task(work)
        loop = asyncio.get_running_loop()

        def end(name: str) -> None:
            if not came:
                task.cancel()
            came.append(getattr(signal, name))

        for name in ENDING_SIGNALS:
            on_signal(loop, name, partial(end, name))
        return await task

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        if came:
            raise EndedBySignal(came[0]) from None
        raise
