"""What is written down of a run's events: its steps in the journal, and what else it knew.

What is said and done stands in the session's transcript as well, and is cut away from the journal
then. What does not stands in the records of the session's runs, and stays.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from claude_agent_lsp.agent.events import (
    Compacted,
    FileChanged,
    Notice,
    Retracted,
    Steered,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    UsageReport,
)
from claude_agent_lsp.base.texts.redaction import mask_secrets, mask_secrets_in_json
from claude_agent_lsp.base.texts.text import ellipsis
from claude_agent_lsp.errors import sentence
from claude_agent_lsp.sessions.journal.journal import JournaledTurn, now
from claude_agent_lsp.sessions.journal.run_records import Note, Outcome, Progress
from claude_agent_lsp.sessions.journal.steps import Called, Resulted, Said, TakenBack, Thought

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from claude_agent_lsp.agent.events import Event, Run
    from claude_agent_lsp.errors import RequestFailed
    from claude_agent_lsp.sessions.journal.run_records import Record
    from claude_agent_lsp.sessions.journal.steps import Step

    JournalRecord = Step | Resulted | TakenBack | JournaledTurn

# Of what the CLI says beside the answer; nobody reads more of it in a line.
_NOTICE_LENGTH = 20_000


def steps_of(events: Iterable[Event], folder: Path) -> list[JournalRecord]:
    """Return the steps of events in the journal."""
    return [step for event in events if (step := _step_of(event, folder)) is not None]


class NoteTaker:
    """Takes from a run's events, in their order, what its session's transcript lacks.

    Attributes:
        after: The id of the message, or of the tool call, that was shown last.
        usage: How full the context was, as it was told last.
    """

    def __init__(self) -> None:
        self.after: str | None = None
        self.usage: UsageReport | None = None

    def notes_of(self, events: Iterable[Event]) -> list[Record]:
        """Return what there is to note of the next events."""
        return [note for event in events if (note := self._note_of(event)) is not None]

    def outcome_of(self, run: Run, permission_mode: str) -> Outcome:
        """Return how a run has ended."""
        usage, last = run.usage, self.usage
        return Outcome(
            run.run_id,
            run.status.value,
            duration_ms=run.duration_ms,
            turns=run.turns,
            usage={
                "inputTokens": usage.input_tokens,
                "outputTokens": usage.output_tokens,
                "cacheReadTokens": usage.cache_read_tokens,
                "cacheWriteTokens": usage.cache_write_tokens,
            },
            cost_usd=run.cost_usd,
            files_changed=tuple(each for each in run.files_changed if not _names_a_secret(each)),
            permission_denials=tuple(
                {"tool": each.tool, "reason": each.reason} for each in run.permission_denials
            ),
            origin=run.origin,
            permission_mode=permission_mode,
            stop_reason=run.stop_reason,
            cause=run.cause,
            error=None if run.error is None else _error_of(run.error),
            blocked=None if run.blocked is None else asdict(run.blocked),
            next_session_id=run.next_session_id,
            context_tokens=None if last is None else last.context_tokens,
            context_window=None if last is None else last.context_window,
        )

    def _note_of(self, event: Event) -> Record | None:
        match event:
            case Text() | Thinking() if event.parent_tool_call_id is None:
                self.after = event.message_id
            case ToolCall() if event.parent_tool_call_id is None:
                self.after = event.tool_call_id
            case Steered():
                self.after = event.message_id
            case Notice(level, text, None):
                words = ellipsis(text, _NOTICE_LENGTH)
                return self._note("notice", {"level": level.value, "text": words})
            case Retracted(message_id, text):
                return self._note("retracted", {"message": message_id, "text": text})
            case Compacted(trigger, before, after):
                figures = {"tokensBefore": before, "tokensAfter": after}
                return self._note("compacted", {"trigger": trigger, **figures})
            case FileChanged() if not _names_a_secret(event.uri):
                return Progress(file=event.uri)
            case UsageReport():
                self.usage = event
                return Progress(None, event.cost_usd, event.context_tokens, event.context_window)
            case _:
                pass
        return None

    def _note(self, kind: str, about: dict[str, Any]) -> Note:
        return Note(kind, now(), self.after, about)


def _names_a_secret(file: Path) -> bool:
    """Return whether a file can't be named without telling a secret."""
    return mask_secrets(str(file)) != str(file)


def _error_of(error: RequestFailed) -> dict[str, str]:
    return {"reason": error.reason, "message": sentence(error), "hint": error.hint}


def _step_of(event: Event, folder: Path) -> JournalRecord | None:
    """Return an event's step in the journal; a subagent's conversation has its own transcript.

    A tool's input and result are found again by their id. What was said stays as it was, since it
    is held against the transcript.
    """
    if isinstance(event, Steered):
        return JournaledTurn(event.message_id, event.text, folder, now(), passed=True)
    if isinstance(event, Text | Thinking) and event.parent_tool_call_id is None:
        said = Said if isinstance(event, Text) else Thought
        return said(event.message_id, event.text, now())
    if isinstance(event, Retracted):
        return TakenBack(event.message_id, event.text)
    if isinstance(event, ToolCall) and event.parent_tool_call_id is None:
        return Called(event.tool_call_id, event.tool, mask_secrets_in_json(event.input), now())
    if isinstance(event, ToolResult):
        return Resulted(event.tool_call_id, event.status.value, mask_secrets(event.text))
    return None
