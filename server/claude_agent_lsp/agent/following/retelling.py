"""A run of another server, told by the events of a run here: each thing once.

What was told stays told. Words are added to, and taken back only where the records of the run say
that they were: of what is cut off, damaged or written anew meanwhile the rest is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from claude_agent_lsp.agent.events import (
    Blocked,
    Compacted,
    Ended,
    Level,
    Notice,
    PermissionDenial,
    Retracted,
    Run,
    RunStatus,
    Started,
    Steered,
    Text,
    Thinking,
    TokenUsage,
    ToolCall,
    ToolResult,
    ToolStatus,
    UsageReport,
)
from claude_agent_lsp.agent.permissions.tool_titles import locations_of, title_of
from claude_agent_lsp.errors import Internal, RequestFailed
from claude_agent_lsp.sessions.journal.recovery import behind
from claude_agent_lsp.sessions.journal.run_records import Outcome
from claude_agent_lsp.sessions.journal.transcript_facts import squeezed
from claude_agent_lsp.sessions.reading.outline import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from claude_agent_lsp.agent.events import Event
    from claude_agent_lsp.agent.following.glance import SeenRun
    from claude_agent_lsp.sessions.journal.run_records import RunRecord
    from claude_agent_lsp.sessions.reading.messages import Message, RecordedCall

_ERRORS: Final = {each.reason: each for each in RequestFailed.__subclasses__()}
_LEVELS: Final = {level.value: level for level in Level}
_STATUSES: Final = {status.value: status for status in RunStatus}


class Retelling:
    """What is told of one run.

    Args:
        record: What is known of it.
        session_id: Its session.
        folder: The session's.
        held_by: Whose it is.

    Attributes:
        record: The newest that is known of it.
    """

    def __init__(self, record: RunRecord, session_id: str, folder: Path, held_by: str) -> None:
        self.record = record
        self._session_id = session_id
        self._folder = folder
        self._held_by = held_by
        self._began = False
        self._words: dict[tuple[type[Text | Thinking], str], str] = {}
        # As those stood at the last look that have other white space than what was told.
        self._other_space: dict[tuple[type[Text | Thinking], str], str] = {}
        self._calls: dict[str, str | None] = {}
        self._told: set[str] = set()
        self._usage: UsageReport | None = None
        self._answer = ""

    def started(self, seen: SeenRun) -> Run:
        """Return the run, as it is told that it has begun."""
        begun = self.record.begun
        prompts = [each.text for each in seen.entries if each.message_id == begun.message_id]
        return Run(
            begun.run_id,
            self._session_id,
            self._folder,
            RunStatus.RUNNING,
            origin="agent" if begun.origin == "agent" else "user",
            cause=begun.cause,
            prompt=prompts[0] if prompts else None,
            held_by=self._held_by,
        )

    def take(self, seen: SeenRun) -> Iterator[Event]:
        """Return what has not been told of it; where much was said, that takes a while."""
        self.record = seen.record
        if not self._began:
            self._began = True
            yield Started(self.started(seen))
        for entry in seen.entries:
            yield from self._of(entry)
        yield from self._costs()

    def end(self) -> Ended:
        """Return how it has ended; of one that was cut off, what is known."""
        outcome = self.record.outcome()
        rest = self._session_id, self._folder, self._answer, self._held_by
        try:
            return Ended(_run_of(outcome, *rest))
        except (AttributeError, TypeError, ValueError):  # by a later version
            return Ended(_run_of(Outcome(outcome.run_id, str(outcome.status)), *rest))

    def _of(self, entry: Message) -> Iterator[Event]:
        if entry.kind is None and entry.role == "assistant":
            self._answer = entry.text or self._answer
            yield from self._more(Thinking, entry.message_id, entry.thinking or "")
            yield from self._more(Text, entry.message_id, entry.text)
            for call in entry.tool_calls:
                yield from self._call(call)
        elif entry.message_id not in self._told:
            self._told.add(entry.message_id)
            yield from self._once(entry)

    def _more(
        self, kind: type[Text | Thinking], message_id: str, text: str
    ) -> Iterator[Text | Thinking]:
        """Tell what has been added to a message."""
        place = kind, message_id
        told = self._words.get(place, "")
        if text.startswith(told):
            added, words = text[len(told) :], text
        elif self._other_space.get(place) == text:
            return
        else:
            before = squeezed(told)
            added = behind(text, len(before)) if squeezed(text).startswith(before) else ""
            words = told + added
            self._other_space[place] = text
        if added.strip():
            self._words[place] = words
            yield kind(message_id, added)

    def _call(self, call: RecordedCall) -> Iterator[ToolCall | ToolResult]:
        call_id = call.tool_call_id
        if call_id not in self._calls:
            self._calls[call_id] = None
            title = title_of(call.tool, call.input)
            places = locations_of(call.input, self._folder)
            yield ToolCall(call_id, call.tool, title, call.input, places)
        if call.status is not None and self._calls[call_id] is None:
            self._calls[call_id] = call.status
            known = {status.value: status for status in ToolStatus}
            status = known.get(call.status, ToolStatus.COMPLETED)
            yield ToolResult(call_id, status, call.text or "", call.truncated)

    def _once(self, entry: Message) -> Iterator[Event]:
        begun = self.record.begun
        match entry.kind:
            case None if entry.message_id != begun.message_id:
                own = entry.message_id
                yield Steered(own, begun.run_id, own, entry.text)
            case Kind.COMMAND if squeezed(entry.text) not in map(squeezed, self._words.values()):
                yield from self._more(Text, entry.message_id, entry.text)
            case Kind.NOTICE | Kind.GAP:
                # What was noted of the run has an id that nobody else knows.
                named = not entry.message_id.startswith("notice:")
                level = _LEVELS.get(entry.level or "", Level.WARNING)
                yield Notice(level, entry.text, entry.message_id if named else None)
            case Kind.WOKEN if begun.origin != "agent":
                yield Notice(Level.INFO, entry.text)
            case Kind.RETRACTED if entry.retracts is not None:
                yield from self._take_back(entry.retracts, entry.text)
            case Kind.COMPACTION:
                before = entry.tokens_before or 0
                yield Compacted(self._trigger(), before, entry.tokens_after)
            case _:
                pass

    def _take_back(self, message_id: str, text: str) -> Iterator[Text | Retracted]:
        told = self._words.get((Text, message_id), "")
        if not told.endswith(text):
            told += text
            yield Text(message_id, text)
        self._words[Text, message_id] = told.removesuffix(text)
        self._other_space.pop((Text, message_id), None)  # the same may be said again
        yield Retracted(message_id, text)

    def _trigger(self) -> Literal["manual", "auto"]:
        notes = (note for note in self.record.notes if note.kind == "compacted")
        manual = any(note.about.get("trigger") == "manual" for note in notes)
        return "manual" if manual else "auto"

    def _costs(self) -> Iterator[UsageReport]:
        known = self.record.progress
        tokens, window = known.context_tokens, known.context_window
        if tokens is None or window is None:
            return
        usage = UsageReport(tokens, window, known.cost_usd or 0.0)
        if usage != self._usage:
            self._usage = usage
            yield usage


def _run_of(outcome: Outcome, session_id: str, folder: Path, text: str, held_by: str) -> Run:
    """Return the run that an outcome tells of."""
    used = outcome.usage
    return Run(
        outcome.run_id,
        session_id,
        folder,
        _STATUSES.get(outcome.status, RunStatus.FAILED),
        text=text,
        stop_reason=outcome.stop_reason,
        turns=outcome.turns,
        duration_ms=outcome.duration_ms,
        usage=TokenUsage(
            used.get("inputTokens", 0),
            used.get("outputTokens", 0),
            used.get("cacheReadTokens", 0),
            used.get("cacheWriteTokens", 0),
        ),
        cost_usd=outcome.cost_usd,
        files_changed=outcome.files_changed,
        permission_denials=tuple(
            PermissionDenial(str(each.get("tool")), str(each.get("reason")))
            for each in outcome.permission_denials
        ),
        error=None if outcome.error is None else _error_of(outcome.error),
        origin="agent" if outcome.origin == "agent" else "user",
        cause=outcome.cause,
        blocked=None if outcome.blocked is None else _block_of(outcome.blocked),
        next_session_id=outcome.next_session_id,
        held_by=held_by,
    )


def _error_of(error: Mapping[str, object]) -> RequestFailed:
    kind = _ERRORS.get(str(error.get("reason")), Internal)
    return kind(str(error.get("message", "")), hint=str(error.get("hint", "")) or None)


def _block_of(blocked: Mapping[str, object]) -> Blocked:
    hint = str(blocked.get("hint", ""))
    return Blocked(str(blocked.get("reason", "")), bool(blocked.get("kept")), hint)
