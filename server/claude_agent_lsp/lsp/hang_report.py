"""What a server that hangs is doing: every thread's and every task's stack, on SIGUSR1.

The threads are written by the interpreter's own signal handler, which needs neither the loop nor
the interpreter's lock: they are told even if the loop is what hangs. The tasks follow as soon as
the loop turns again. Stacks name code and no values, so there are no secrets in them.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import io
import logging
import signal
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import TextIO

SIGNAL: Final = getattr(signal, "SIGUSR1", None)

logger = logging.getLogger(__name__)


def report_on_signal() -> None:
    """Write the stacks to the log, or to stderr, whenever SIGUSR1 comes; nothing on Windows."""
    if SIGNAL is None:
        return
    with contextlib.suppress(NotImplementedError):
        asyncio.get_running_loop().add_signal_handler(SIGNAL, _report_tasks)
    faulthandler.register(SIGNAL, file=_log_file(), all_threads=True, chain=True)


def _report_tasks() -> None:
    text = io.StringIO()
    for task in sorted(asyncio.all_tasks(), key=asyncio.Task.get_name):
        task.print_stack(file=text)
    logger.critical("The tasks of the event loop:\n%s", text.getvalue())


def _log_file() -> TextIO:
    """Return the stream of the log: `faulthandler` writes to its file descriptor."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            return handler.stream  # type: ignore[no-any-return]
    return sys.stderr
