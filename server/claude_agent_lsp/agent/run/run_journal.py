"""A run's record in the journal, kept in its session's lane: the loop never waits for the disk.

    begin() ──▶ prepend_untold(message) ──▶ write_down(events) … ──▶ end(completed) ──▶ close(run)

A journal that can't be written, or whose disk hangs, costs the record and not the run: the user is
told once, and the run goes on with the CLI's transcript alone. The disk alone is timed. What is
read is parsed elsewhere, however long that takes: of a long session that was cut off, all must be
read before the agent can be told what it has lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from claude_agent_lsp.agent.events import Level, Notice, ToolCall, ToolResult
from claude_agent_lsp.agent.records import NoteTaker, steps_of
from claude_agent_lsp.agent.run.message import prepend_text
from claude_agent_lsp.base.lanes import parsing
from claude_agent_lsp.sessions.journal.journal import Entry, JournaledTurn, entry_of
from claude_agent_lsp.sessions.journal.recovery import marked, recovery_of, retold
from claude_agent_lsp.sessions.journal.run_records import Begun, End
from claude_agent_lsp.sessions.journal.transcript_facts import (
    FactsReading,
    TranscriptFacts,
    has_line,
)
from claude_agent_lsp.sessions.transcripts.transcript import config_directory, find_transcript

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from pathlib import Path

    from claude_agent_lsp.agent.events import Emit, Event, Run
    from claude_agent_lsp.agent.process.launch import SessionStart
    from claude_agent_lsp.agent.records import JournalRecord
    from claude_agent_lsp.base.lanes import SessionLane
    from claude_agent_lsp.sessions.journal.journal import Journal, Mark
    from claude_agent_lsp.sessions.journal.run_records import Record

logger = logging.getLogger(__name__)

T = TypeVar("T")

# A write to the system's cache takes microseconds; a disk that hangs must not hold up a run.
PATIENCE_SECONDS: Final = 2.0
# Less room than this the CLI's next line may not have.
LEAST_BYTES: Final = 64 * 2**10
NO_ROOM: Final = (
    "The disk that Claude Code keeps its conversations on is full, so this turn was not saved "
    "there. The journal of this server has its text, and tells the agent of it when there is room."
)
DAMAGED: Final = (
    "The journal of this session is damaged. Its readable part was recovered; a part of the "
    "last answer may be missing."
)


class RunJournal:
    """The journal as one run has it.

    Args:
        journal: Where it stands.
        session: The session that the run works in.
        turn: The run's prompt.
        lane: The session's.
        begun: What else is known of the run when it begins.

    Attributes:
        sent: Whether the prompt has been sent.
        lane: The session's.
        lost_lines: Whether the transcript may lack lines of the turn, since its disk was full. What
            the same process appends to it names them as what came before, and whoever resumes the
            session then would know nothing of what was before them.
    """

    def __init__(
        self,
        journal: Journal,
        session: SessionStart,
        turn: JournaledTurn,
        lane: SessionLane,
        begun: Begun | None = None,
    ) -> None:
        self.sent = self.lost_lines = self._hangs = False
        self._journal = journal
        self._session = session
        self._turn = turn
        self.lane = lane
        self._run = begun or Begun("", turn.message_id, turn.at)
        self._notes = NoteTaker()
        self._since = 0
        self._held_before = False
        self._told: list[str] = []
        self._broken: str | None = None
        self._steered: list[str] = []
        self._emit: Emit = lambda _: None

    async def begin(self) -> None:
        """Write the prompt down; never raises."""
        await self._guard(self._begin)

    def report_to(self, emit: Emit) -> None:
        """Report to the user here if no record can be kept."""
        self._emit = emit
        if self._broken is not None:
            self._give_up(self._broken)

    async def prepend_untold(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what to send: it tells the agent first what it doesn't know of the session.

        Never raises. What can't be recorded as told now is told with a later prompt instead.
        """
        told_too = await self._guard(self._prepend_untold, message) if self._held_before else None
        return told_too or message

    def note(self, mark: Mark) -> None:
        """Have it written down what is known of the turn, before what is shown from now on."""
        self._note(mark, self._turn.message_id)

    def note_block(self, *, kept: bool) -> None:
        """Have it written down that a hook has blocked the prompt, with all that it told.

        Args:
            kept: Whether the CLI keeps it all the same, under an id of its own.
        """
        self.note("settled" if kept else "blocked")
        self._note("vain", *self._told)

    def _note(self, mark: Mark, *turns: str) -> None:
        if self._broken is None and turns:
            session_id = self._session.session_id
            noting = self.lane.put(self._journal.mark, session_id, mark, *turns)
            noting.add_done_callback(_ignore_result)

    async def write_down(self, events: Iterable[Event]) -> None:
        """Write down what is about to be shown; never raises."""
        await self._guard(self._append, tuple(events))

    async def end(self, *, completed: bool, cut_off: bool) -> None:
        """Cut away what the transcript holds; never raises.

        Args:
            completed: Whether the run has ended well.
            cut_off: Whether it ended only because the editor or the server does: then the agent
                is told of a prompt that it never got.
        """
        if self.sent:
            with contextlib.suppress(TimeoutError):
                await self._in_lane(self._look_for_room)
            await self._guard(self._cut_back, completed)
        elif not cut_off:
            session_id, turn_id = self._session.session_id, self._turn.message_id
            await self._guard(self._in_lane, self._journal.mark, session_id, "unsent", turn_id)

    async def close(self, run: Run, permission_mode: str) -> None:
        """Write down how the run has ended, before it is told; never raises."""
        outcome = self._notes.outcome_of(run, permission_mode)
        end: list[Record] = [End(datetime.now(UTC), self._notes.after, outcome)]
        if self._broken is None:
            await self._guard(self._note_down, end)
        elif not self._hangs:
            with contextlib.suppress(OSError, TimeoutError):  # it stands in another file
                await self._note_down(end)

    async def _begin(self) -> None:
        journal, session = self._journal, self._session
        if session.forks and session.at is None and session.source is not None:
            entry = await self._entry(session.source)
            known = (
                await self._read_transcript(session.source) if entry.turns else TranscriptFacts()
            )
            recovery = await parsing.run(recovery_of, entry, known)
            await self._in_lane(journal.replace, session.session_id, recovery.turns)
        self._since, self._held_before = await self._in_lane(self._begin_turn)

    def _begin_turn(self) -> tuple[int, bool]:
        """Return the transcript's size before the turn, and whether older turns are journaled."""
        session_id = self._session.session_id
        held_before = self._journal.begin(session_id, self._turn)
        self._journal.runs.append(session_id, self._run.run_id, [self._run])
        return _size_of_transcript(session_id), held_before

    async def _prepend_untold(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        session_id, turn_id = self._session.session_id, self._turn.message_id
        entry = await self._entry(session_id)
        known = await self._read_transcript(session_id) if entry.turns else TranscriptFacts()
        recovery = await parsing.run(recovery_of, entry, known)
        if recovery.damaged:
            self._emit(Notice(Level.WARNING, DAMAGED))
        untold = [turn for turn in recovery.untold if turn.message_id != turn_id]
        if not untold:
            return message
        if recovery.turns != entry.turns:
            # What is told now is read as it stands ever after: no more than the transcript lacks.
            await self._in_lane(self._journal.replace, session_id, recovery.turns)
        sent = prepend_text(message, await parsing.run(retold, untold))
        ids = [turn.message_id for turn in untold]
        try:
            await self._in_lane(self._journal.mark_told, session_id, ids, turn_id)
        except BaseException:
            # It may be written yet, when the disk comes back; this comes right behind it.
            self.lane.put(self._journal.unmark_told, session_id, ids).add_done_callback(
                _ignore_result
            )
            raise
        self._told = ids
        return sent

    async def _append(self, events: tuple[Event, ...]) -> None:
        # Only what has secrets to be masked is worth another thread.
        if any(isinstance(event, ToolCall | ToolResult) for event in events):
            steps = await parsing.run(steps_of, events, self._turn.folder)
        else:
            steps = steps_of(events, self._turn.folder)
        self._steered += [step.message_id for step in steps if isinstance(step, JournaledTurn)]
        notes = self._notes.notes_of(events)
        if steps or notes:
            await self._in_lane(self._append_all, steps, notes)

    def _append_all(self, steps: list[JournalRecord], notes: list[Record]) -> None:
        if steps:
            self._look_for_room()
            self._journal.append(self._session.session_id, steps)
        if notes:
            self._journal.runs.append(self._session.session_id, self._run.run_id, notes)

    async def _note_down(self, records: list[Record]) -> None:
        session_id = self._session.session_id
        await self._in_lane(self._journal.runs.append, session_id, self._run.run_id, records)

    def _look_for_room(self) -> None:
        self.lost_lines = self.lost_lines or _is_full()

    async def _cut_back(self, completed: bool) -> None:
        journal, session_id = self._journal, self._session.session_id
        turn_id = self._turn.message_id
        alone = not (self._held_before or self._steered)
        if self.lost_lines:
            if completed:
                self._emit(Notice(Level.WARNING, NO_ROOM))
            completed = False  # the prompt may stand there, and the answer not
        elif completed and alone and await self._in_lane(self._forget_if_written):
            return
        before = await self._entry(session_id)
        entry = marked(before, {turn_id, *self._steered}, completed=completed)
        known = await self._read_transcript(session_id, self._since if alone else 0)
        left = (await parsing.run(recovery_of, entry, known)).turns
        if left != before.turns or before.damaged:
            await self._in_lane(journal.replace, session_id, left)

    def _forget_if_written(self) -> bool:
        """Forget the turn if the transcript holds it, and return whether it does."""
        transcript = find_transcript(self._session.session_id)
        written = has_line(transcript, self._turn.message_id, self._since)
        if written:
            self._journal.forget(self._session.session_id)
        return written

    async def _entry(self, session_id: str) -> Entry:
        return await parsing.run(entry_of, await self._in_lane(self._journal.content, session_id))

    async def _read_transcript(self, session_id: str, since: int = 0) -> TranscriptFacts:
        """Return what the transcript holds from a byte on, read and parsed piece by piece."""
        transcript: Path | None = await self._in_lane(find_transcript, session_id)
        reading = await self._in_lane(FactsReading, transcript, since)
        while piece := await self._in_lane(reading.next_piece):
            await parsing.run(reading.facts.read, piece)
        await self._in_lane(reading.keep)
        return reading.facts

    async def _in_lane(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do work in the session's lane.

        Raises:
            TimeoutError: The disk hangs.
        """
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.lane.run(work, *arguments)

    async def _guard(self, step: Callable[..., Awaitable[T]], *arguments: Any) -> T | None:
        """Do a step of the record, unless it is given up; give it up if it fails."""
        if self._broken is not None:
            return None
        try:
            return await step(*arguments)
        except TimeoutError:
            self._hangs = True
            self._give_up(f"the disk did not answer within {PATIENCE_SECONDS:g} seconds")
        except OSError as error:
            self._give_up(error.strerror or str(error))
        except Exception as error:
            logger.exception("The journal failed")
            self._give_up(f"{type(error).__name__}: {error}")
        return None

    def _give_up(self, why: str) -> None:
        logger.warning("The run in %s is not recorded: %s", self._session.session_id, why)
        self._broken = why
        self._emit(
            Notice(
                Level.WARNING,
                f"The journal in {self._journal.directory} can't be written: {why}. The run "
                "continues; if it is killed, whatever the CLI has not written yet is lost.",
            )
        )


class NoJournal(RunJournal):
    """The journal of a run of which nothing is kept."""

    async def begin(self) -> None:
        """Write nothing down."""

    def report_to(self, emit: Emit) -> None:
        """Have nothing to report."""

    async def prepend_untold(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what to send: the session it knows of is told of what it lacks by its own runs."""
        return message

    def note(self, mark: Mark) -> None:
        """Write nothing down."""

    def note_block(self, *, kept: bool) -> None:
        """Write nothing down."""

    async def write_down(self, events: Iterable[Event]) -> None:
        """Write nothing down."""

    async def end(self, *, completed: bool, cut_off: bool) -> None:
        """Have nothing to cut back."""

    async def close(self, run: Run, permission_mode: str) -> None:
        """Write nothing down."""


def _size_of_transcript(session_id: str) -> int:
    transcript = find_transcript(session_id)
    return transcript.stat().st_size if transcript is not None else 0


def _is_full() -> bool:
    """Return whether there is no room for more of a transcript."""
    try:
        return shutil.disk_usage(config_directory()).free < LEAST_BYTES
    except OSError:
        return False


def _ignore_result(done: asyncio.Future[None]) -> None:
    if not done.cancelled():
        done.exception()
