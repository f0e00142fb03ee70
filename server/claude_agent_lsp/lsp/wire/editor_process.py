"""Noticing that the editor is gone although its end of the pipe is still open somewhere."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    import psutil

POLL_SECONDS: Final = 1.0

# Linux's way to be told of a process's end.
pidfd_open: Callable[[int], int] | None = getattr(os, "pidfd_open", None)

logger = logging.getLogger(__name__)


class Parent:
    """Watches the process that `initialize` names.

    Linux tells its end through a file descriptor; elsewhere it is looked at once a second, which
    is one system call.

    Args:
        on_end: Called once, on the loop.
    """

    def __init__(self, on_end: Callable[[], None]) -> None:
        self._on_end = on_end

    def watch(self, pid: int | None) -> None:
        """Watch this process. One that isn't there (another container's, say) is left alone."""
        if pid is None or pid <= 0:
            return
        if pidfd_open is None:
            self._look_after(pid)
            return
        try:
            descriptor = pidfd_open(pid)
        except OSError:
            logger.info("The process %s can't be watched", pid)
            return
        loop = asyncio.get_running_loop()

        def ended() -> None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            self._on_end()

        loop.add_reader(descriptor, ended)

    def _look_after(self, pid: int) -> None:
        import psutil  # it takes its time to load, and Linux needs none of it

        with contextlib.suppress(psutil.NoSuchProcess):
            self._poll(psutil.Process(pid))

    def _poll(self, process: psutil.Process) -> None:
        if process.is_running():
            asyncio.get_running_loop().call_later(POLL_SECONDS, self._poll, process)
        else:
            self._on_end()
