"""A run's record in the journal, kept in a thread: the loop never waits for the disk.

    begin() ──▶ tell(message) ──▶ note(events) … ──▶ end(completed)

A journal that can't be written, or takes too long, costs the record and not the run: the user is
told once, and the run goes on with the CLI's transcript alone.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

from claude_agent_lsp.agent.events import Level, Notice, Text, ToolCall, ToolResult
from claude_agent_lsp.agent.run.message import told_first
from claude_agent_lsp.base.redaction import json_without_secrets, without_secrets
from claude_agent_lsp.sessions.journal.journal import Called, Resulted, Said, now
from claude_agent_lsp.sessions.journal.recovery import cut_back, recover, told
from claude_agent_lsp.sessions.transcripts.transcript import find_transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from claude_agent_lsp.agent.events import Emit, Event
    from claude_agent_lsp.agent.process.launch import SessionStart
    from claude_agent_lsp.sessions.journal.journal import Journal, JournaledTurn, Step

logger = logging.getLogger(__name__)

T = TypeVar("T")

# A write to the system's cache takes microseconds; a disk that hangs must not hold up a run.
PATIENCE_SECONDS: Final = 2.0
DAMAGED: Final = (
    "The journal of this session was damaged. What could be read of it is kept; a part of the last "
    "answer may be missing."
)
# One thread: what is written for a session is written in order.
_thread = ThreadPoolExecutor(1, "journal")


class Record:
    """The journal as one run has it.

    Args:
        journal: Where it stands.
        session: The session that the run works in.
        turn: The run's prompt.

    Attributes:
        sent: Whether the prompt has been sent.
    """

    def __init__(self, journal: Journal, session: SessionStart, turn: JournaledTurn) -> None:
        self.sent = False
        self._journal = journal
        self._session = session
        self._turn = turn
        self._since = 0
        self._held_before = False
        self._broken: str | None = None
        self._emit: Emit = lambda _: None

    def begin(self) -> None:
        """Write the prompt down. Touches the disk: call it in a thread."""
        journal, session = self._journal, self._session
        try:
            transcript = find_transcript(session.session_id)
            self._since = transcript.stat().st_size if transcript is not None else 0
            if session.forks and session.at is None and session.source is not None:
                journal.replace(session.session_id, recover(journal, session.source).turns)
            self._held_before = journal.begin(session.session_id, self._turn)
        except OSError as error:
            self._broken = error.strerror or str(error)

    def report_to(self, emit: Emit) -> None:
        """Tell the user here if no record can be kept."""
        self._emit = emit
        if self._broken is not None:
            self._break(self._broken)

    async def tell(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """What to send: it tells the agent first what it doesn't know of the session."""
        if not self._held_before:
            return message
        done = await self._do(self._tell, message)
        if done is None:
            return message
        sent, damaged = done
        if damaged:
            self._emit(Notice(Level.WARNING, DAMAGED))
        return sent

    async def note(self, events: Iterable[Event]) -> None:
        """Write down what is about to be shown."""
        told = [event for event in events if isinstance(event, Text | ToolCall | ToolResult)]
        if told:
            await self._do(self._note, told)

    async def end(self, *, completed: bool, cut_off: bool) -> None:
        """Cut away what the transcript holds.

        Args:
            completed: Whether the run has ended well.
            cut_off: Whether it ended only because the editor or the server does: then the agent
                is told of a prompt that it never got.
        """
        await self._do(self._end, completed, cut_off)

    def _note(self, events: Iterable[Event]) -> None:
        # To mask them takes the longer, the more a tool was given.
        steps = [step for event in events if (step := _step_of(event)) is not None]
        if steps:
            self._journal.note(self._session.session_id, steps)

    def _tell(self, message: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
        session_id, turn_id = self._session.session_id, self._turn.message_id
        recovery = recover(self._journal, session_id)
        untold = [turn for turn in recovery.untold if turn.message_id != turn_id]
        sent = told_first(message, told(untold)) if untold else message
        if sent is not message:
            self._journal.tell(session_id, [turn.message_id for turn in untold], turn_id)
        return sent, recovery.damaged

    def _end(self, completed: bool, cut_off: bool) -> None:
        session_id, turn_id = self._session.session_id, self._turn.message_id
        if self.sent:
            cut_back(
                self._journal,
                session_id,
                turn_id,
                completed=completed,
                alone=not self._held_before,
                since=self._since,
            )
        elif not cut_off:
            self._journal.mark_unsent(session_id, turn_id)

    async def _do(self, work: Callable[..., T], *arguments: Any) -> T | None:
        if self._broken is not None:
            return None
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(_thread, work, *arguments)
        except TimeoutError:
            self._break(f"the disk did not answer within {PATIENCE_SECONDS:g} seconds")
        except OSError as error:
            self._break(error.strerror or str(error))
        except Exception as error:
            logger.exception("A fault in the journal")
            self._break(f"{type(error).__name__}: {error}")
        return None

    def _break(self, why: str) -> None:
        logger.warning("No record is kept of a run in %s: %s", self._session.session_id, why)
        self._broken = why
        self._emit(
            Notice(
                Level.WARNING,
                f"No journal can be kept in {self._journal.directory}: {why}. The run goes on; if "
                "it is killed, what the CLI has not written yet is lost.",
            )
        )


def _step_of(event: Event) -> Step | Resulted | None:
    """What is written down of an event; a subagent's conversation has a transcript of its own.

    A tool's input and result are found again by their id. What was said stays as it was, since it
    is held against the transcript.
    """
    if isinstance(event, Text):
        return Said(event.message_id, event.text, now())
    if isinstance(event, ToolCall) and event.parent_tool_call_id is None:
        return Called(event.tool_call_id, event.tool, json_without_secrets(event.input), now())
    if isinstance(event, ToolResult):
        return Resulted(event.tool_call_id, event.status.value, without_secrets(event.text))
    return None
