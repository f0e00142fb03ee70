"""Follows sessions at work in other servers of this machine: what they write down is told here.

    follow ──▶ a look each second: at a few sizes alone, while they stay as they are
                 ├──▶ a run is at work there ──▶ its events, from its first one on
                 └──▶ it has ended, or its server is gone ──▶ `Ended`; the next is waited for

The other server knows nothing of it and does nothing for it. Behind each look comes a pause four
times as long, and looks at several sessions at once take the longer: however many are followed,
however long they are, the machine is left to whoever works. A disk that hangs holds up its own.
A look that fails is made again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.agent.events import QuestionAnswered, QuestionAsked
from claude_agent_lsp.agent.following.asked import question_of
from claude_agent_lsp.agent.following.glance import look, traces_of
from claude_agent_lsp.agent.following.retelling import Retelling
from claude_agent_lsp.base.abort import AbortController, Aborted, AbortSignal
from claude_agent_lsp.base.lanes import disk, parsing
from claude_agent_lsp.sessions.open_questions import OpenQuestions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from claude_agent_lsp.agent.agent import Agent
    from claude_agent_lsp.agent.events import Emit, Event, Run
    from claude_agent_lsp.agent.following.glance import SeenRun, Traces
    from claude_agent_lsp.sessions.catalogue.session import Session
    from claude_agent_lsp.sessions.journal.run_records import RunRecord
    from claude_agent_lsp.sessions.lock import Holder

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
# How many times as long as a look the pause behind it is. It takes 3 s where 24 MB have grown.
PAUSES: Final = 4
# More than anybody looks at.
MOST_FOLLOWED: Final = 16


@dataclass(frozen=True, slots=True)
class Found:
    """What is at work in a session as it begins to be followed.

    Attributes:
        run: The run of another server; None if there is none.
        first_message_id: The entry of the session with which it begins: from there on all that is
            read is told by its events, too.
    """

    run: Run | None = None
    first_message_id: str | None = None


@dataclass
class _Followed:
    """A session that is followed.

    Attributes:
        folder: The session's, once that is found.
        over: The ids of the runs that nothing more is to be told of.
        told: Those that are being told of, with what takes their events.
        lost: Those whose server was gone at the last look.
        asked: The ids of the questions that wait, each with its run's.
    """

    session_id: str
    folder: Path = Path()
    stop: AbortController = field(default_factory=AbortController)
    over: set[str] = field(default_factory=set)
    told: dict[str, tuple[Retelling, Emit]] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    asked: dict[str, str] = field(default_factory=dict)
    traces: Traces = ()
    holder: Holder | None = None


class Follower:
    """The sessions of other servers that an editor follows.

    Args:
        agent: This server's; it has the lanes and the records.
        show: Returns what shows a followed run's events. The controller that it is given stops
            the following, and is fired when that is stopped.
    """

    def __init__(self, agent: Agent, show: Callable[[Run, AbortController], Emit]) -> None:
        self._agent = agent
        self._show = show
        self._followed: dict[str, _Followed] = {}
        locks, state = agent.locks, agent.state
        self._questions = OpenQuestions(lambda: state.directory, locks.this_server())
        self._tasks: set[asyncio.Task[None]] = set()

    async def follow(self, session_id: str, finding: Awaitable[Session]) -> tuple[Session, Found]:
        """Follow a session until `unfollow`; its events come after this has returned.

        It counts as followed at once, so that whatever is asked for next finds it followed.

        Args:
            session_id: The session.
            finding: Looks for it; what that raises is raised.

        Returns:
            The session, and what is at work in it.
        """
        self.unfollow(session_id)
        followed = self._followed[session_id] = _Followed(session_id)
        try:
            session = await finding
            followed.folder = session.workspace
            found = await self._first_look(followed)
        except BaseException:
            if self._followed.get(session_id) is followed:
                del self._followed[session_id]
            raise
        while len(self._followed) > MOST_FOLLOWED:
            self.unfollow(next(iter(self._followed)))
        if not followed.stop.signal.aborted:
            task = asyncio.create_task(self._watch(followed))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return session, found

    def unfollow(self, session_id: str) -> bool:
        """Follow a session no longer; return whether it was followed."""
        followed = self._followed.pop(session_id, None)
        if followed is not None:
            followed.stop.abort()
        return followed is not None

    async def _first_look(self, followed: _Followed) -> Found:
        """See what is at work; whatever is over by now is not told of."""
        await self._glance(followed)
        runs = await self._runs(followed)
        at_work = followed.holder.run_id if followed.holder is not None else None
        followed.over = {run.begun.run_id for run in runs if run.begun.run_id != at_work}
        working = [run for run in runs if run.begun.run_id not in followed.over]
        if not working or working[0].end is not None:
            followed.over.update(run.begun.run_id for run in working)
            return Found()
        followed.traces = ()  # the next look is the first that tells of it
        seen, *_ = await self._look(followed, runs)
        first = seen.entries[0].message_id if seen.entries else seen.record.begun.message_id
        return Found(self._retelling(followed, seen.record).started(seen), first)

    async def _watch(self, followed: _Followed) -> None:
        pause, fault = LOOK_SECONDS, ""
        signal = AbortSignal.any(followed.stop.signal, self._agent.shutdown)
        try:
            while True:
                await signal.wait_or_abort(asyncio.ensure_future(asyncio.sleep(pause)))
                began = time.monotonic()
                try:
                    await signal.wait_or_abort(asyncio.ensure_future(self._look_again(followed)))
                except Aborted:
                    return
                except (OSError, ValueError) as error:
                    logger.info("%s can't be looked at: %s", followed.session_id, error)
                    followed.traces = ()  # what this look has missed the next one tells
                except Exception as error:
                    if fault != (fault := repr(error)):  # what lasts is noted once
                        logger.exception("%s can't be looked at", followed.session_id)
                    followed.traces = ()
                pause = max(LOOK_SECONDS, PAUSES * (time.monotonic() - began))
        except Aborted:
            pass
        finally:
            signal.release()

    async def _look_again(self, followed: _Followed) -> None:
        """Tell what has come since the last look."""
        if not await self._glance(followed) and not followed.lost:
            return
        runs = await self._runs(followed)
        for seen in await self._look(followed, runs):
            if not followed.stop.signal.aborted:
                await self._tell(followed, seen)
        await self._ask(followed)
        known = {run.begun.run_id for run in runs}
        for run_id in [each for each in followed.told if each not in known]:
            self._end_if_lost(followed, run_id)  # what was written down of it is gone

    async def _glance(self, followed: _Followed) -> bool:
        """See who has the session, and how much of it is on disk; return whether that is news."""
        lane = self._agent.lanes.session(followed.session_id)
        session_id, state = followed.session_id, self._agent.state.directory
        before = followed.holder, followed.traces
        followed.holder = await lane.read(self._agent.locks.elsewhere, session_id)
        followed.traces = await lane.read(traces_of, session_id, state)
        return before != (followed.holder, followed.traces)

    async def _runs(self, followed: _Followed) -> tuple[RunRecord, ...]:
        """Return all runs of the session, those of this server included, the oldest first."""
        lane, session_id = self._agent.lanes.session(followed.session_id), followed.session_id
        records = self._agent.journal.runs
        return await lane.read(lambda: tuple(records.each(session_id)))

    async def _look(self, followed: _Followed, runs: tuple[RunRecord, ...]) -> tuple[SeenRun, ...]:
        """Read what was said in those that are to be told of."""
        lane, session_id = self._agent.lanes.session(followed.session_id), followed.session_id
        untold = {run.begun.run_id for run in runs} - followed.over - self._agent.journal.runs.own
        return await lane.read(look, session_id, self._agent.state.directory, runs, untold)

    async def _tell(self, followed: _Followed, seen: SeenRun) -> None:
        run_id = seen.record.begun.run_id
        if run_id not in followed.told:
            retelling = self._retelling(followed, seen.record)
            show = self._show(retelling.started(seen), followed.stop)
            followed.told[run_id] = retelling, _until(followed.stop.signal, show)
        retelling, show = followed.told[run_id]
        events: list[Event] = []
        try:
            await parsing.run(_gather, retelling.take(seen), events)
        finally:  # what was found before an error is not found again
            for event in events:
                show(event)
        if seen.record.end is not None:
            self._end(followed, run_id)
        else:
            self._end_if_lost(followed, run_id)

    async def _ask(self, followed: _Followed) -> None:
        """Tell what is asked there and not shown, and what of it is settled."""
        open_ones = await disk.run(self._questions.of_others)
        here = [each for each in open_ones if each.session_id == followed.session_id]
        for question_id in list(followed.asked):
            if question_id not in {each.question_id for each in here}:
                self._settle(followed, question_id)
        for question in filter(None, map(question_of, here)):
            told = followed.told.get(question.run_id)
            if told is not None and question.question_id not in followed.asked:
                followed.asked[question.question_id] = question.run_id
                told[1](QuestionAsked(question))

    def _settle(self, followed: _Followed, question_id: str) -> None:
        _, show = followed.told[followed.asked.pop(question_id)]
        show(QuestionAnswered(question_id, "", "withdrawn"))

    def _end_if_lost(self, followed: _Followed, run_id: str) -> None:
        """Tell the end of a run whose server is gone: it has no lock, now and at the last look."""
        holder = followed.holder
        if holder is not None and holder.run_id == run_id and not holder.waits_for:
            followed.lost.discard(run_id)
        elif run_id in followed.lost:
            self._end(followed, run_id)
        else:
            followed.lost.add(run_id)  # the lock may just have been written anew

    def _end(self, followed: _Followed, run_id: str) -> None:
        for question_id in [each for each, of in followed.asked.items() if of == run_id]:
            self._settle(followed, question_id)
        ended = followed.told[run_id][0].end()
        _, show = followed.told.pop(run_id)
        followed.lost.discard(run_id)
        followed.over.add(run_id)
        show(ended)

    def _retelling(self, followed: _Followed, record: RunRecord) -> Retelling:
        held_by = "another editor" if followed.holder is None else f"{followed.holder}"
        return Retelling(record, followed.session_id, followed.folder, held_by)


def _gather(events: Iterator[Event], found: list[Event]) -> None:
    """Add events to those that are found, one by one: an error takes none of them away."""
    for event in events:
        found.append(event)  # noqa: PERF402 - `extend` doesn't promise that


def _until(stopped: AbortSignal, show: Emit) -> Emit:
    """Return what shows events until a signal fires; one that fails keeps back no other."""

    def emit(event: Event) -> None:
        if stopped.aborted:
            return
        try:
            show(event)
        except Exception:
            logger.exception("%s of a followed run can't be shown", type(event).__name__)

    return emit
