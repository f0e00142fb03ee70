"""What the watchdog is told while the server lives: which processes it could not find by itself.

They have no mark, and have lost their parents: those that the server has adopted; or will lose them
as soon as the CLI sees that the server is gone: what a tool at work has started without the mark.
What begins in the last second before the server is killed is not told any more.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.agent.os_processes.adoption import OWN, Adoption, adopted
from claude_agent_lsp.agent.os_processes.tree import (
    Process,
    child_ids,
    environment_of,
    started,
    try_psutil,
)
from claude_agent_lsp.base import lanes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claude_agent_lsp.agent.os_processes.watchdog import Watchdog

LOOK_SECONDS: Final = 1.0


async def report_adopted(watchdog: Watchdog) -> None:
    """Tell it, once a second and only of changes, until this is cancelled."""
    report = _Report(watchdog)
    while Adoption.begun is not None:
        await asyncio.sleep(LOOK_SECONDS)
        await lanes.processes.run(report.look)


class _Report:
    def __init__(self, watchdog: Watchdog) -> None:
        self._watchdog = watchdog
        self._children: frozenset[int] = frozenset()
        self._adopted: dict[int, int] = {}
        self._told: dict[int, int] = {}

    def look(self) -> None:
        children = child_ids()
        if children != self._children:
            self._children, self._adopted = children, dict(_starts_of(adopted()))
        # A process gets another environment under the same id: each is looked at each time.
        found = self._adopted | dict(_starts_of(_unmarked_below(children)))
        if found != self._told and self._watchdog.tell(found):
            self._told = found


def _starts_of(processes: list[Process]) -> Iterator[tuple[int, int]]:
    for each in processes:
        if (start := started(each)) is not None:
            yield each.pid, start


def _unmarked_below(children: frozenset[int]) -> list[Process]:
    """Return what is below the server's children, and is not to be found by a mark."""
    from claude_agent_lsp.agent.os_processes.orphans import SERVER

    found: list[Process] = []
    seen = set(children)
    parents = list(children)
    while parents:
        below = child_ids(parents.pop()) - seen
        seen |= below
        parents += below
        for pid in below:
            process = try_psutil(lambda pid=pid: Process(pid), None)  # type: ignore[misc]
            if process is not None and not {SERVER, OWN} & environment_of(process).keys():
                found.append(process)
    return found
