"""The watchdog: a small process that outlives the server just long enough to end its CLIs.

    server ── a pipe that only the server holds ──▶ watchdog, which sleeps in read()
       what it has adopted, when that changes ──▶ remembers the last word
       killed: the system closes the pipe     ──▶ ends that, and every process with its mark

It needs no polling and hardly any memory: until the pipe closes it has loaded nothing but the
interpreter. What it does then stands in `orphans.py`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.agent.os_processes.adoption import OWN
from claude_agent_lsp.agent.os_processes.orphans import server_mark
from claude_agent_lsp.base.system.processes import apart, bare_environment, stop_waiting

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)

GONE_SECONDS: Final = 2.0
# A pipe takes and gives no more than this at once (PIPE_BUF).
MESSAGE_BYTES: Final = 4000
# It gets its path when the server is gone: until then it must not load what it does not need.
_PROGRAM: Final = """
import os, sys
told = b""
while said := os.read(0, 4096):
    if said.endswith(b"."):
        sys.exit()
    told = (told + said)[-8192:]
sys.path[:0] = sys.argv[2:]
from claude_agent_lsp.agent.os_processes.orphans import end_all, end_told
words = told.rpartition(b"\\n")[0].rpartition(b"\\n")[2].split()
end_told({int(pid): int(start) for pid, _, start in (word.partition(b":") for word in words)})
end_all(lambda mark: mark == sys.argv[1])
"""


class Watchdog:
    """This server's watchdog. Its calls may wait for the system: make them in a thread."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._told = b""
        self._starting = threading.Lock()

    @property
    def pid(self) -> int | None:
        """Its process id, if it is at work."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def ensure(self) -> None:
        """Start it unless it is at work, before a CLI starts. Somebody may have ended it."""
        with self._starting:
            if self.pid is not None:
                return
            try:
                if self._process is not None and self._process.stdin is not None:
                    self._process.stdin.close()
                self._process = subprocess.Popen(  # noqa: S603 - this interpreter, these words
                    [sys.executable, "-I", "-S", "-c", _PROGRAM, server_mark(), *sys.path],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    # It needs nothing of the environment, and the user's secrets stay out of it.
                    env=bare_environment(**{OWN: "1"}),
                    cwd=os.sep,
                    # What ends the server's process group (a closed terminal) must not end it.
                    **apart(),
                )
                self._say(self._told)
            except Exception:
                # A CLI starts without one, too.
                logger.exception(
                    "The watchdog could not start: if this server is killed, its "
                    "CLI processes finish their turn"
                )

    def tell(self, adopted: Mapping[int, int]) -> bool:
        """Say what else it has to end: processes by their id, and when each has started.

        Of more than fit into one message, the last ones are left out.

        Returns:
            Whether it will hear it. One that was stopped reads nothing, and holds up nobody.
        """
        words = b""
        for pid, start in adopted.items():
            word = b"%d:%d " % (pid, start)
            words += word if len(words) + len(word) < MESSAGE_BYTES else b""
        with self._starting:
            self._told = words + b"\n"
            return self._say(self._told)

    def _say(self, message: bytes) -> bool:
        process = self._process
        if process is None or process.stdin is None:
            return False
        try:
            stop_waiting(process.stdin.fileno())
            return os.write(process.stdin.fileno(), message) == len(message)
        except OSError:
            return False

    def close(self) -> None:
        """End it, when all CLIs have been ended in order."""
        with self._starting:
            process = self._process
            if process is None or process.stdin is None:
                return
            if not self._say(b"."):
                process.kill()
            with contextlib.suppress(OSError):
                process.stdin.close()
            try:
                process.wait(GONE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
