"""Noticing that the editor is gone although its end of the pipe is still open somewhere."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_agent_lsp.agent.os_processes.tree import Process

POLL_SECONDS: Final = 1.0

# Linux's way to be notified of a process's end.
pidfd_open: Callable[[int], int] | None = getattr(os, "pidfd_open", None)

logger = logging.getLogger(__name__)


class EditorProcess:
    """Watches the process that `initialize` names.

    Linux signals its end through a file descriptor; elsewhere it is looked at once a second, which
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
        descriptor = None
        if pidfd_open is not None:
            try:
                descriptor = pidfd_open(pid)
            except ProcessLookupError:
                logger.info("The process %s can't be watched", pid)
                return
            except OSError:
                # An old kernel, a sandbox, or no descriptor left.
                logger.info("The system does not report the end of %s; polling instead", pid)
        if descriptor is None:
            self._start_polling(pid)
        else:
            self._listen(descriptor)

    def _listen(self, descriptor: int) -> None:
        loop = asyncio.get_running_loop()

        def ended() -> None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            self._on_end()

        loop.add_reader(descriptor, ended)

    def _start_polling(self, pid: int) -> None:
        from claude_agent_lsp.agent.os_processes.tree import Process, try_psutil

        process = try_psutil(lambda: Process(pid), None)
        if process is not None:
            self._poll(process)

    def _poll(self, process: Process) -> None:
        from claude_agent_lsp.agent.os_processes.tree import try_psutil

        # What is not known now is asked again.
        if try_psutil(process.is_running, True):
            asyncio.get_running_loop().call_later(POLL_SECONDS, self._poll, process)
        else:
            self._on_end()
