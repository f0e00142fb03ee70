"""Who waits for a session, in the order in which they came.

    came ──▶ waits ──┬─▶ its turn ──▶ its run
                     └─▶ held: the run before it was stopped ──▶ sent on by whatever comes next

A prompt for a session that is at work is not refused: it waits for the run at work, and for those
that came before it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from claude_agent_lsp.base.abort import AbortController


@dataclass(eq=False)
class Waiting:
    """A query that waits for its session.

    Attributes:
        run_id: That of its run.
        folder: Where it will work.
        stop: Takes it out of the queue.
        clears: Whether a stop of the run before it takes it out, too.
        held: Whether it waits for somebody to go on.
        turn: Done once it is its turn.
    """

    run_id: str
    session_id: str
    folder: Path
    stop: AbortController
    clears: bool
    held: bool = False

    def __post_init__(self) -> None:
        self.turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class SessionQueue:
    """The queues of all sessions. Which runs are at work, it is told."""

    def __init__(self) -> None:
        self._lines: dict[str, list[Waiting]] = {}

    def __iter__(self) -> Iterator[Waiting]:
        """Return all that wait, those of a session in their order."""
        return iter([waiting for line in self._lines.values() for waiting in line])

    def stands_before(self, session_id: str, run_id: str) -> bool:
        """Return whether somebody else's turn comes before this run's. Any thread may ask."""
        line = self._lines.get(session_id, ())
        return any(first.run_id != run_id for first in line[:1])

    def position(self, waiting: Waiting) -> int:
        """Return how many wait before it."""
        return self._lines[waiting.session_id].index(waiting)

    def join(self, waiting: Waiting) -> None:
        """Take the last place; what is held goes on, too."""
        line = self._lines.setdefault(waiting.session_id, [])
        for each in line:
            each.held = False
        line.append(waiting)

    def leave(self, waiting: Waiting) -> None:
        """Give its place up: it has its run, or wants none."""
        line = self._lines[waiting.session_id]
        line.remove(waiting)
        if not line:
            del self._lines[waiting.session_id]

    def hold(self, session_id: str) -> None:
        """Keep back those that wait now: the run at work has been stopped."""
        for waiting in tuple(self._lines.get(session_id, ())):
            if waiting.clears:
                waiting.stop.abort()
            else:
                waiting.held = True

    def advance(self, session_id: str) -> None:
        """Let the first one have its turn, if it wants it: no run is at work in the session."""
        first = next(iter(self._lines.get(session_id, ())), None)
        if first is not None and not first.held and not first.turn.done():
            first.turn.set_result(None)

    def wait_again(self, waiting: Waiting) -> None:
        """Wait for another turn: somebody was quicker."""
        waiting.turn = asyncio.get_running_loop().create_future()
