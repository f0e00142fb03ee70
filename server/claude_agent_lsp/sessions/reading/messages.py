"""The entries of a conversation, each made of its lines in the transcript."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, BinaryIO

from claude_agent_lsp.base.texts.json_bounds import PLAIN_JSON, bounded_fields
from claude_agent_lsp.base.texts.json_text import parse_line
from claude_agent_lsp.base.texts.results import plain, shown_result, text_of_result
from claude_agent_lsp.sessions.journal.steps import Called, Said
from claude_agent_lsp.sessions.reading.outline import Kind, Place, blocks_of, shown
from claude_agent_lsp.sessions.transcripts.call_ids import CallIds
from claude_agent_lsp.sessions.transcripts.queued_prompts import with_prompt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from claude_agent_lsp.sessions.journal.journal import JournaledTurn
    from claude_agent_lsp.sessions.journal.run_records import GivenContext, Outcome


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A tool call and what came of it, as the transcript has it.

    Attributes:
        truncated: True if the text is only the beginning of the result, else None.
        length: How many characters all of it has, then.
    """

    tool_call_id: str
    tool: str
    input: dict[str, Any] = field(metadata=PLAIN_JSON)
    status: str | None = None
    text: str | None = None
    truncated: bool | None = None
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What the user or the agent said at one time, or what else stands in the conversation.

    Attributes:
        kind: What it is, if it is no message.
        recovered: True if the CLI has lost it and the journal has kept it, else None.
        parent_tool_call_id: The tool call that has begun the subagent whose conversation it is of.
        context: What the user was looking at, of a prompt.
        attachments: The files that a prompt was about.
        run: Of an outcome, the run.
        level: Of a notice, how much it matters.
        retracts: Of words that were retracted, the message that they were said in.
        tokens_before: Of a compaction: how full the context was.
        tokens_after: And then.
    """

    message_id: str
    role: str
    text: str
    thinking: str | None
    tool_calls: tuple[RecordedCall, ...]
    timestamp: datetime | None
    recovered: bool | None = None
    kind: Kind | None = None
    parent_tool_call_id: str | None = None
    context: GivenContext | None = None
    attachments: tuple[Path, ...] | None = None
    run: Outcome | None = None
    level: str | None = None
    retracts: str | None = None
    tokens_before: int | None = None
    tokens_after: int | None = None


@dataclass
class _Draft:
    message_id: str
    role: str
    timestamp: datetime | None
    kind: Kind | None = None
    text: list[str] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    calls: dict[str, RecordedCall] = field(default_factory=dict)

    def finished(self) -> Message:
        return Message(
            self.message_id,
            self.role,
            plain("\n".join(self.text)),
            plain("\n".join(self.thinking)) or None,
            tuple(self.calls.values()),
            self.timestamp,
            kind=self.kind,
            level="error" if self.kind is Kind.NOTICE else None,
        )


def message_at(place: Place, file: BinaryIO, *, whole: bool = False) -> Message:
    """Read a message.

    Args:
        place: Where it is.
        file: The transcript, opened.
        whole: Whether results of tools are read as long as they are.
    """
    draft = _Draft(place.message_id, place.role, place.timestamp, place.kind)
    if place.kind is Kind.GAP:
        draft.text.append(_missing(place.unreadable))
    ids = CallIds()
    for line in place.lines:
        file.seek(line.offset)
        entry = entry_in(file.read(line.length))
        blocks = blocks_of(entry)
        if place.role == "user" or not line.own:
            _settle(blocks, draft, ids, denied=_is_denial(entry), whole=whole)
        for block in blocks if line.own else ():
            _add(block, draft, ids)
    return draft.finished()


def entry_in(line: bytes) -> dict[str, Any]:
    """Return what a line holds; of a file that was written anew meanwhile it may be nothing."""
    try:
        entry = with_prompt(parse_line(line))
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def recovered(turn: JournaledTurn) -> Iterator[Message]:
    """Return a turn that the CLI has lost, or what it has lost of it."""
    if turn.lacks_prompt:
        yield Message(turn.message_id, "user", turn.prompt, None, (), turn.at, recovered=True)
    drafts: list[_Draft] = []
    for step in turn.steps:
        if not isinstance(step, Called):
            if not drafts or drafts[-1].message_id != step.message_id:
                drafts.append(_Draft(step.message_id, "assistant", step.at))
            draft = drafts[-1]
            (draft.text if isinstance(step, Said) else draft.thinking).append(step.text)
            continue
        if not drafts:
            drafts.append(_Draft(step.tool_call_id, "assistant", step.at))
        call_id, given = step.tool_call_id, dict(step.input)
        drafts[-1].calls[call_id] = RecordedCall(call_id, step.tool, given, step.status, step.text)
    for draft in drafts:
        said, thought = "".join(draft.text), "".join(draft.thinking)
        whole = replace(draft, text=[said], thinking=[thought] if thought else [])
        yield replace(whole.finished(), recovered=True)


def size_of(message: Message) -> int:
    """Return about how many bytes a message is in an answer."""
    texts = [message.text, message.thinking, *(call.text for call in message.tool_calls)]
    inputs = [json.dumps(call.input, ensure_ascii=False) for call in message.tool_calls]
    return sum(len(text.encode(errors="replace")) for text in [*texts, *inputs] if text)


def _missing(lines: int) -> str:
    match lines:
        case 0:
            return "A part of the conversation is missing here."
        case 1:
            return "Something is missing here: a line of the transcript can't be read."
    return f"Something is missing here: {lines} lines of the transcript can't be read."


def _is_denial(entry: dict[str, Any]) -> bool:
    """Return whether a line says that a tool call was denied, by whom or what ever (2.1.330)."""
    decision = entry.get("permissionDecision")
    rejected = isinstance(decision, dict) and decision.get("decision") == "reject"
    return rejected or "toolDenialKind" in entry


def _settle(
    blocks: list[dict[str, Any]], draft: _Draft, ids: CallIds, *, denied: bool, whole: bool
) -> None:
    """Put tool results to their calls."""
    for block in blocks:
        if block.get("type") != "tool_result":
            continue
        call_id = ids.of_result(str(block.get("tool_use_id")))
        if call_id is None:
            continue
        status = "completed"
        if block.get("is_error"):
            status = "denied" if denied else "failed"
        call, content = draft.calls[call_id], block.get("content")
        if whole:
            draft.calls[call_id] = replace(call, status=status, text=text_of_result(content))
            continue
        result = shown_result(content)
        draft.calls[call_id] = replace(
            call,
            status=status,
            text=result.text,
            truncated=result.truncated,
            length=result.length,
        )


def _add(block: dict[str, Any], draft: _Draft, ids: CallIds) -> None:
    match block.get("type"):
        case "text":
            text = shown(str(block.get("text", "")), draft.role, draft.kind)
            if text.strip():
                draft.text.append(text)
        case "thinking":
            if block.get("thinking"):
                draft.thinking.append(str(block["thinking"]))
        case "tool_use":
            call_id = ids.begin(str(block.get("id")))
            draft.calls[call_id] = RecordedCall(
                call_id, str(block.get("name")), bounded_fields(block.get("input"))
            )
