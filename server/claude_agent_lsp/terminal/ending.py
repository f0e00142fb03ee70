"""Ending in order at a signal: nothing that was started, or put on the disk, is left."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

_SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGHUP")


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

        def end(number: int) -> None:
            if not came:
                task.cancel()
            came.append(number)

        for name in _SIGNALS:
            number = getattr(signal, name, None)
            if number is not None:
                with contextlib.suppress(NotImplementedError):  # Windows
                    loop.add_signal_handler(number, end, number)
        return await task

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        if came:
            raise EndedBySignal(came[0]) from None
        raise
