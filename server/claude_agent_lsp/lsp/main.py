"""The life of the server process: from the first byte of the editor to the last CLI's end.

    serving ──▶ closing ──▶ ended
                   └──────▶ ended by force, 9 s later, whatever hangs

`exit`, the end of input, SIGTERM, SIGINT, SIGHUP, the editor's death, a broken pipe: each leads to
closing, which stops the runs, answers them and ends the CLIs.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import time
from functools import partial
from typing import Any, Final

from claude_agent_lsp.agent.os_processes.adoption import Adoption
from claude_agent_lsp.base import lanes
from claude_agent_lsp.base.system.processes import ENDING_SIGNALS, on_signal
from claude_agent_lsp.lsp.hang_report import LoopWatch, report_on_signal
from claude_agent_lsp.lsp.server import AgentServer
from claude_agent_lsp.lsp.wire.reader import MessageReader
from claude_agent_lsp.lsp.wire.writer import MessageWriter

# An editor may expect the server to be gone 10 s after itself.
FORCE_SECONDS: Final = 9.0
FLUSH_SECONDS: Final = 1.0
# How long a thread waits for the interpreter while a long answer streams in. With the usual 5 ms
# the journal, which is written by a thread, costs a twentieth of the tokens a second.
SWITCH_SECONDS: Final = 0.0005

logger = logging.getLogger(__name__)


def serve() -> int:
    """Serve the editor on stdin and stdout.

    Returns:
        The exit status: 0 after `shutdown` and `exit`, or a signal; 1 if the editor just went.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    # stdout carries LSP and nothing else: whatever prints, prints to stderr.
    out = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    status = asyncio.run(_serve(sys.stdin.fileno(), out))
    # The interpreter's end would look for garbage in all that has been imported: 0.25 s of a
    # processor, for memory that the system takes back anyway.
    gc.freeze()
    return status


async def _serve(stdin: int, stdout: int) -> int:
    writer = MessageWriter(stdout)
    server = AgentServer(writer)
    reader = MessageReader(stdin, server.protocol.deliver, server.protocol.reject)
    loop = asyncio.get_running_loop()
    # SIGHUP is how an editor in a terminal ends when its window is closed.
    for name in ENDING_SIGNALS:
        on_signal(loop, name, partial(server.exit_with, 0))
    report_on_signal()
    Adoption().begin()
    watch = LoopWatch()
    reading = asyncio.create_task(reader.run())
    lost = asyncio.create_task(writer.lost.wait())
    ends: set[asyncio.Future[Any]] = {reading, lost, server.left}
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    status = server.left.result() if server.left.done() else 1
    # Never called off: the interpreter's own end may hang, too, on a thread that waits for a disk.
    lanes.processes.begin(_end_by_force)
    await server.close()
    await writer.flush(FLUSH_SECONDS)
    for task in (reading, lost):
        task.cancel()
    lanes.end()
    watch.stop()
    return status


def _end_by_force() -> None:
    """End the process after some time: nothing of ours outlives the editor by 10 s."""
    time.sleep(FORCE_SECONDS)
    logger.critical("The server could not shut down cleanly; ending the process")
    from claude_agent_lsp.agent.os_processes.tree import ProcessTree, kill, wait_gone

    below = ProcessTree.scan(os.getpid()).descendants
    kill(below)
    wait_gone(below, 0.5)
    for handler in logging.getLogger().handlers:
        handler.flush()
    os._exit(1)
