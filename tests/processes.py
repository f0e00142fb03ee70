"""The processes that a test has started, or others for it: told by a mark in their environment."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping

MARK = "CLAUDE_AGENT_LSP_TEST"


def processes_of(environment: Mapping[str, str], name: str | None = None) -> list[psutil.Process]:
    """All live processes that were started with a test's environment; of one name if named."""
    mark = environment[MARK]
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # it may be gone at any moment
            ours = process.environ().get(MARK) == mark and name in (None, process.name())
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def gone_within(environment: Mapping[str, str], seconds: float) -> bool:
    """Waits until no process of a test is left, for at most so many seconds; whether none is."""
    until = time.monotonic() + seconds
    while left := processes_of(environment):
        # To look at each process of the machine takes time, of which these may need all there is.
        while left := [process for process in left if _lives(process)]:
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
    return True


def _lives(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.is_running() and bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


async def all_gone(environment: Mapping[str, str], seconds: float) -> bool:
    """Does what `gone_within` does, for a task."""
    return await asyncio.to_thread(gone_within, environment, seconds)


def kill_all(environment: Mapping[str, str]) -> list[psutil.Process]:
    """Kills what is left of a test, and returns it."""
    left = processes_of(environment)
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    return left
