"""Who waits for a session, in the order in which they came.

    came ──▶ waits ──┬─▶ its turn ──▶ its run
                     ├─▶ steered: the turn at work has taken it in ──▶ answered there
                     └─▶ held: the run before it was stopped, or the server before this one is
                         gone ──▶ sent on by whatever comes next

A prompt for a session that is at work is not refused: it waits for the run at work, and for those
that came before it. It is written down before anybody is told that it waits, and until its run has
written it down.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.sessions.journal.kept_queries import KeptQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from claude_agent_lsp.agent.events import Emit, Steered
    from claude_agent_lsp.agent.run.run import ActiveRun
    from claude_agent_lsp.agent.run.steering import Steer
    from claude_agent_lsp.base.abort import AbortController
    from claude_agent_lsp.base.lanes import Lanes
    from claude_agent_lsp.sessions.journal.kept_queries import KeptQueries

logger = logging.getLogger(__name__)

# A write takes microseconds; a disk that hangs must not hold up who types.
PATIENCE_SECONDS: Final = 2.0


class WaitState(Enum):
    """What a query waits for."""

    WAITING = "waiting"
    KEPT = "kept"
    SENDING = "sending"


@dataclass(eq=False)
class Waiting:
    """A query that waits for its session.

    Attributes:
        run_id: That of its run.
        message_id: That of its prompt, in the session.
        folder: Where it will work.
        asked: What was asked, as it came.
        stop: Takes it out of the queue.
        to_editor: Takes its events.
        clears: Whether a stop of the run before it takes it out, too.
        at: When it came.
        adopted: Whether a server before this one has left it: nobody waits for its answer.
        held: Whether it waits for somebody to go on.
        steer: Its prompt, on its way into the turn at work.
        turn: Done once it is its turn: with the run whose turn has taken it in, if one has.
        agreed: Done once another server has given the session; fails if it does not.
    """

    run_id: str
    session_id: str
    folder: Path
    asked: Mapping[str, Any]
    stop: AbortController
    to_editor: Emit
    clears: bool
    at: datetime
    message_id: str = ""
    adopted: bool = False
    held: bool = False
    steer: Steer | None = None
    agreed: asyncio.Future[None] | None = None
    turn: asyncio.Future[ActiveRun | None] = field(init=False)

    def __post_init__(self) -> None:
        self.message_id = self.message_id or self.run_id
        self.wait_again()

    @property
    def state(self) -> WaitState:
        """What it waits for."""
        if self.steer is not None:
            return WaitState.SENDING
        return WaitState.KEPT if self.held else WaitState.WAITING

    def wait_again(self) -> None:
        """Wait for another turn."""
        self.turn = asyncio.get_running_loop().create_future()


class SessionQueue:
    """The queues of all sessions. Which runs are at work, it is told.

    Args:
        kept: Has them on disk.
        lanes: Those of sessions.
        tell: Tells the user, whether it is good, that the disk has not taken one.

    Attributes:
        changed: Called with the session of a queue that has changed.
    """

    def __init__(self, kept: KeptQueries, lanes: Lanes, tell: Callable[[bool, str], None]) -> None:
        self.changed: Callable[[str], None] = lambda _: None
        self._kept = kept
        self._lanes = lanes
        self._tell = tell
        self._lines: dict[str, list[Waiting]] = {}

    def __iter__(self) -> Iterator[Waiting]:
        """Return all that wait, those of a session in their order."""
        return iter([waiting for line in self._lines.values() for waiting in line])

    def of(self, session_id: str) -> tuple[Waiting, ...]:
        """Return those that wait for a session, in their order."""
        return tuple(self._lines.get(session_id, ()))

    def find(self, run_id: str) -> Waiting | None:
        """Return the one that waits under this id."""
        return next((waiting for waiting in self if waiting.run_id == run_id), None)

    def stands_before(self, session_id: str, run_id: str) -> bool:
        """Return whether somebody else's turn comes before this run's.

        Any thread may ask. Whoever asks for the first time comes behind what servers have left.
        """
        line = tuple(self._lines.get(session_id, ()))
        if any(waiting.run_id == run_id for waiting in line):
            return line[0].run_id != run_id
        return bool(line) or self._kept.left(session_id)

    def position(self, waiting: Waiting) -> int:
        """Return how many wait before it."""
        return self.of(waiting.session_id).index(waiting)

    async def join(self, waiting: Waiting) -> None:
        """Take the last place, on disk too; what is held goes on."""
        line = self._lines.setdefault(waiting.session_id, [])
        for each in line:
            each.held = False
        line.append(waiting)
        await self._write(waiting)
        self.changed(waiting.session_id)

    def adopt(self, waiting: Waiting) -> None:
        """Give one its place that a server before this one has left."""
        line = self._lines.setdefault(waiting.session_id, [])
        line.insert(sum(each.adopted for each in line), waiting)
        self.changed(waiting.session_id)

    async def orphans(self, session_id: str) -> tuple[KeptQuery, ...]:
        """Take over what servers have left that are gone; it has no place yet."""
        lane = self._lanes.session(session_id)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await lane.run(self._kept.adopt, session_id)
        except (OSError, TimeoutError) as error:
            logger.warning("What waits for %s can't be read: %s", session_id, error)
            return ()

    async def sessions_left(self, folders: Collection[Path]) -> frozenset[str]:
        """Return the sessions of folders for which something waits on disk."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await disk.run(self._kept.sessions, folders)
        except TimeoutError:
            return frozenset()

    async def edit(self, waiting: Waiting, asked: Mapping[str, Any]) -> None:
        """Change what is asked, on disk too."""
        waiting.asked = asked
        await self._write(waiting)
        self.changed(waiting.session_id)

    async def renew(self, waiting: Waiting) -> None:
        """Give its prompt another id, on disk too: the CLI takes none twice (CLI 2.1.330)."""
        waiting.message_id = str(uuid.uuid4())
        await self._write(waiting)

    def leave(self, waiting: Waiting, *, keep: bool = False) -> None:
        """Give its place up, if it has it yet: it has its run, or wants none.

        Args:
            waiting: Which.
            keep: Whether the next server shall find it.
        """
        line = self._lines.get(waiting.session_id, [])
        if waiting not in line:
            return
        line.remove(waiting)
        if not line:
            del self._lines[waiting.session_id]
        if not keep:
            lane = self._lanes.session(waiting.session_id)
            lane.put(self._kept.drop, waiting.session_id, waiting.run_id).add_done_callback(
                _log_failure
            )
        self.changed(waiting.session_id)

    def steered(self, event: Steered) -> None:
        """Let one go that the turn at work has taken in: it has been written down there."""
        waiting = self.find(event.run_id)
        if waiting is not None:
            waiting.to_editor(event)
            self.leave(waiting)

    def hold(self, session_id: str) -> None:
        """Keep back those that wait now: the run at work has been stopped."""
        for waiting in self.of(session_id):
            if waiting.clears:
                waiting.stop.abort()
            else:
                waiting.held = True
        self.changed(session_id)

    def release(self, session_id: str) -> None:
        """Let those go on that are held."""
        for waiting in self.of(session_id):
            waiting.held = False
        self.changed(session_id)

    def promote(self, waiting: Waiting) -> None:
        """Give one the first place, and let it go on."""
        waiting.held = False
        line = self._lines[waiting.session_id]
        line.remove(waiting)
        line.insert(0, waiting)
        self.changed(waiting.session_id)

    def advance(self, session_id: str) -> None:
        """Let the first one have its turn, if it wants it: no run is at work in the session."""
        first = next(iter(self.of(session_id)), None)
        if first is None or first.held or first.turn.done():
            return
        # What a turn has taken in is told of next.
        if first.steer is None or not first.steer.taken.done() or not first.steer.taken.result():
            first.turn.set_result(None)
            self.changed(session_id)

    def move(self, session_id: str, next_id: str | None) -> None:
        """Let all that wait for a session wait for the one that the user has left it for."""
        if next_id is None or session_id not in self._lines:
            return
        moved = self._lines.pop(session_id)
        for waiting in moved:
            waiting.session_id = next_id
        self._lines.setdefault(next_id, []).extend(moved)
        for waiting in moved:
            # In the lane in which it will be dropped, so that it is never put behind that.
            put = self._lanes.session(next_id).put(self._kept.put, next_id, _kept(waiting))
            put.add_done_callback(partial(self._moved, session_id, waiting.run_id))
        self.changed(session_id)
        self.changed(next_id)

    def _moved(self, session_id: str, run_id: str, put: asyncio.Future[None]) -> None:
        _log_failure(put)
        if not put.cancelled() and put.exception() is None:
            drop = self._lanes.session(session_id).put(self._kept.drop, session_id, run_id)
            drop.add_done_callback(_log_failure)

    async def _write(self, waiting: Waiting) -> None:
        lane = self._lanes.session(waiting.session_id)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await lane.run(self._kept.put, waiting.session_id, _kept(waiting))
        except (OSError, TimeoutError) as error:
            logger.warning("The run %s waits unrecorded: %s", waiting.run_id, error)
            why = "it did not answer" if isinstance(error, TimeoutError) else str(error)
            self._tell(
                False,
                f"A prompt that waits can't be kept on disk: {why}. It is lost if the server is "
                "killed before its turn.",
            )


def _kept(waiting: Waiting) -> KeptQuery:
    return KeptQuery(waiting.run_id, waiting.message_id, waiting.folder, waiting.asked, waiting.at)


def _log_failure(done: asyncio.Future[None]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        logger.warning("A query is kept on disk as it was, not as it is: %s", error)
