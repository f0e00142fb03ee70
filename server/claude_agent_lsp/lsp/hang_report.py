"""What a server that hangs is doing: every thread's and every task's stack, on SIGUSR1.

The threads are written by the interpreter's own signal handler, which needs neither the loop nor
the interpreter's lock: they are told even if the loop is what hangs. The tasks follow as soon as
the loop turns again. Stacks name code and no values, so there are no secrets in them.

With `--log-level debug`, a callback that holds up the loop for longer than it should is named too.
"""

from __future__ import annotations

import asyncio
import faulthandler
import io
import logging
import signal
import sys
import time
from traceback import StackSummary, walk_stack
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.disk.log_file import LogFile
from claude_agent_lsp.base.system.timer import HAS_TIMER, on_alarm, set_alarm

if TYPE_CHECKING:
    from types import FrameType
    from typing import TextIO

HELD_UP_SECONDS: Final = 0.05
# How often the loop shows that it turns.
TURN_SECONDS: Final = 0.01

logger = logging.getLogger(__name__)


def report_on_signal() -> None:
    """Write the stacks to the log, or to stderr, whenever SIGUSR1 comes; nothing on Windows."""
    if sys.platform != "win32":
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _report_tasks)
        faulthandler.register(signal.SIGUSR1, file=_log_file(), all_threads=True, chain=True)


class LoopWatch:
    """Logs what holds up the running loop for longer than `HELD_UP_SECONDS`, with a stack of it.

    A timer of the system interrupts the callback, unless the loop turns before it runs out, and
    does so again until it turns: the stack is of the later half of the time. This is for
    debugging: where the log has a higher level than debug, and on Windows, nothing is watched. Make
    it in the main thread.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._turned_at = 0.0
        self._seen: StackSummary | None = None
        self._next: asyncio.TimerHandle | None = None
        if HAS_TIMER and logger.isEnabledFor(logging.DEBUG):
            on_alarm(self._look)
            self._turn()

    def stop(self) -> None:
        """Watch no more."""
        if self._next is not None:
            self._next.cancel()
            set_alarm(0.0)

    def _turn(self) -> None:
        now = time.monotonic()
        if self._seen is not None:
            stack, self._seen = "".join(self._seen.format()), None
            held_up = round((now - self._turned_at) * 1000)
            logger.debug("The event loop was blocked for %d ms:\n%s", held_up, stack)
        self._turned_at = now
        set_alarm(HELD_UP_SECONDS)
        self._next = self._loop.call_later(TURN_SECONDS, self._turn)

    def _look(self, _: int, frame: FrameType | None) -> None:
        # It is logged later: here, the callback may be in the middle of writing to the log.
        self._seen = StackSummary.extract(reversed([*walk_stack(frame)]), lookup_lines=False)
        # Looked at again when it has lasted twice as long: the last look is in its later half.
        set_alarm(time.monotonic() - self._turned_at)


def _report_tasks() -> None:
    text = io.StringIO()
    for task in sorted(asyncio.all_tasks(), key=asyncio.Task.get_name):
        task.print_stack(file=text)
    logger.critical("The tasks of the event loop:\n%s", text.getvalue())


def _log_file() -> TextIO | int:
    """Return where the log goes: `faulthandler` writes to its file descriptor."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, LogFile) and handler.descriptor is not None:
            return handler.descriptor
        if isinstance(handler, logging.StreamHandler):
            return handler.stream  # type: ignore[no-any-return]
    return sys.stderr
