"""What was said in a session: the CLI's lines put together to messages.

Everything here reads files: call it in a thread.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar

from claude_agent_lsp.base.disk.reading import open_regular
from claude_agent_lsp.base.texts.json_bounds import PLAIN_JSON, bounded_fields
from claude_agent_lsp.base.texts.json_text import parse_line
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.sessions.catalogue.kept_copies import KeptCopies
from claude_agent_lsp.sessions.journal.journal import Journal, Said
from claude_agent_lsp.sessions.journal.recovery import recover
from claude_agent_lsp.sessions.reading.outline import Place, blocks_of, conversation_of, places_in
from claude_agent_lsp.sessions.transcripts.call_ids import CallIds
from claude_agent_lsp.sessions.transcripts.transcript import find_transcript
from claude_agent_lsp.sessions.transcripts.user_text import written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from claude_agent_sdk import SessionMessage

    from claude_agent_lsp.sessions.journal.journal import JournaledTurn

# What a page may say. Making JSON of it and sending it takes the loop, and with it each run, 15 ms.
PAGE_BYTES: Final = 2 << 20


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A tool call and what came of it, as the transcript has it."""

    tool_call_id: str
    tool: str
    input: dict[str, Any] = field(metadata=PLAIN_JSON)
    status: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What the user or the agent said at one time.

    Attributes:
        recovered: True if the CLI has lost it and the journal has kept it, else None.
    """

    message_id: str
    role: str
    text: str
    thinking: str | None
    tool_calls: tuple[RecordedCall, ...]
    timestamp: datetime | None
    recovered: bool | None = None


Item = TypeVar("Item", Message, Place, "Place | Message")


@dataclass
class _Draft:
    message_id: str
    role: str
    timestamp: datetime | None
    text: list[str] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    calls: dict[str, RecordedCall] = field(default_factory=dict)

    def finished(self) -> Message:
        return Message(
            self.message_id,
            self.role,
            "\n".join(self.text),
            "\n".join(self.thinking) or None,
            tuple(self.calls.values()),
            self.timestamp,
        )


def read_messages(session_id: str, state: Path | None = None) -> tuple[Message, ...]:
    """Read all messages of a session, the first one first.

    An agent's message has the id that its events had; its blocks, which the CLI writes line by
    line, are one message again, and tool results stand with their calls.

    Args:
        session_id: The session.
        state: The state directory, for what the CLI has no longer.
    """
    return Conversation.read(session_id, state).messages()


def read_page(
    session_id: str, state: Path | None, limit: int, cursor: str | None
) -> tuple[tuple[Message, ...], str | None]:
    """Read some messages of a session, and the cursor for those that follow.

    They are no more than about `PAGE_BYTES` together; a longer message is a page of its own.

    Args:
        session_id: The session.
        state: The state directory, for what the CLI has no longer.
        limit: How many at most; for none, nothing is read.
        cursor: That of the page before.

    Raises:
        InvalidArgument: The cursor is none of ours.
    """
    if not limit:
        return (), None
    conversation = Conversation.read(session_id, state)
    page, following = page_of(conversation.items, limit, cursor)
    read, size = list[Message](), 0
    for message in conversation.each(page):
        size += _size_of(message)
        if read and size > PAGE_BYTES:
            return tuple(read), read[-1].message_id
        read.append(message)
    return tuple(read), following


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said in a session, as far as it is known where: the words are read when needed.

    Attributes:
        transcript: The CLI's file, or the copy that is kept of it; None if there is none.
        items: The messages in order: a place in the file, or what the journal has.
    """

    transcript: Path | None
    items: tuple[Place | Message, ...]

    @classmethod
    def read(cls, session_id: str, state: Path | None) -> Conversation:
        """Look where everything is."""
        transcript = find_transcript(session_id)
        if transcript is None and state is not None:
            transcript = KeptCopies(state).find(session_id)
        try:
            places = () if transcript is None else places_in(transcript)
        except FileNotFoundError:  # it has just gone
            transcript, places = None, ()
        if state is None:
            return cls(transcript, places)
        lost = recover(Journal(lambda: state), session_id).turns
        return cls(transcript, _in_time(places, [m for turn in lost for m in _recovered(turn)]))

    def messages(self, items: Sequence[Place | Message] | None = None) -> tuple[Message, ...]:
        """Read some of the messages, or all."""
        return tuple(self.each(self.items if items is None else items))

    def each(self, items: Sequence[Place | Message]) -> Iterator[Message]:
        """Read some of the messages, one after the other."""
        with contextlib.ExitStack() as opened:
            path = self.transcript
            file = None if path is None else opened.enter_context(open_regular(path))
            for item in items:
                if isinstance(item, Message):
                    yield item
                elif file is not None:
                    yield _message_at(item, file)


def _size_of(message: Message) -> int:
    """Return about how many bytes a message is in an answer."""
    texts = [message.text, message.thinking, *(call.text for call in message.tool_calls)]
    inputs = [json.dumps(call.input, ensure_ascii=False) for call in message.tool_calls]
    return sum(len(text.encode(errors="replace")) for text in [*texts, *inputs] if text)


def _message_at(place: Place, file: BinaryIO) -> Message:
    draft = _Draft(place.message_id, place.role, place.timestamp)
    ids = CallIds()
    for line in place.lines:
        file.seek(line.offset)
        blocks = blocks_of(_message_in(file.read(line.length)))
        if place.role == "user" or not line.own:
            _settle(blocks, draft, ids)
        for block in blocks if line.own else ():
            _add(block, draft, ids)
    return draft.finished()


def _message_in(line: bytes) -> object:
    return _entry_in(line).get("message")


def _entry_in(line: bytes) -> dict[str, Any]:
    """Return what a line holds; of a file that was written anew meanwhile it may be nothing."""
    try:
        entry = parse_line(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _recovered(turn: JournaledTurn) -> Iterator[Message]:
    """Return a turn that the CLI has lost, or what it has lost of it."""
    if turn.lacks_prompt:
        yield Message(turn.message_id, "user", turn.prompt, None, (), turn.at, recovered=True)
    drafts: list[_Draft] = []
    for step in turn.steps:
        if isinstance(step, Said):
            if not drafts or drafts[-1].message_id != step.message_id:
                drafts.append(_Draft(step.message_id, "assistant", step.at))
            drafts[-1].text.append(step.text)
            continue
        if not drafts:
            drafts.append(_Draft(step.tool_call_id, "assistant", step.at))
        call_id, given = step.tool_call_id, dict(step.input)
        drafts[-1].calls[call_id] = RecordedCall(call_id, step.tool, given, step.status, step.text)
    for draft in drafts:
        text, calls = "".join(draft.text), tuple(draft.calls.values())
        yield Message(
            draft.message_id, draft.role, text, None, calls, draft.timestamp, recovered=True
        )


def _in_time(places: tuple[Place, ...], lost: list[Message]) -> tuple[Place | Message, ...]:
    """Put each lost message before the first one that came after it."""
    merged: list[Place | Message] = list(places)
    for message in lost:
        later = (
            at
            for at, other in enumerate(merged)
            if other.timestamp and message.timestamp and other.timestamp > message.timestamp
        )
        merged.insert(next(later, len(merged)), message)
    return tuple(merged)


def page_of(
    messages: tuple[Item, ...], limit: int, cursor: str | None
) -> tuple[tuple[Item, ...], str | None]:
    """Return some of `messages` and the cursor for those that follow.

    Raises:
        InvalidArgument: The cursor is none of ours.
    """
    begin = 0
    if cursor is not None:
        ids = [message.message_id for message in messages]
        if cursor not in ids:
            raise InvalidArgument("cursor: expected `nextCursor` of an earlier answer.")
        begin = ids.index(cursor) + 1
    page = messages[begin : begin + limit]
    more = begin + limit < len(messages)
    return page, page[-1].message_id if more else None


def line_of(session_id: str, message_id: str, field: str = "resumeAt") -> str:
    """Return the id of a message's last line, which is what the CLI can go back to.

    Args:
        session_id: The session.
        message_id: The message's, as in `read_messages`.
        field: What the user calls it.

    Raises:
        InvalidArgument: The session has no such message.
    """
    transcript = find_transcript(session_id)
    try:
        line_id = None if transcript is None else _last_line_of(message_id, transcript)
    except FileNotFoundError:  # it has just gone
        line_id = None
    if line_id is None:
        raise InvalidArgument(f"{field}: the session {session_id} has no message {message_id}.")
    return line_id


def _last_line_of(message_id: str, transcript: Path) -> str | None:
    """Return the id of a message's last line; also of one that is named by the id of a line."""
    # Where the messages are is known as long as the file doesn't change.
    for place in reversed(places_in(transcript)):
        if place.message_id == message_id:
            last = [line for line in place.lines if line.own][-1]
            with open_regular(transcript) as file:
                file.seek(last.offset)
                entry = _entry_in(file.read(last.length))
            return str(entry["uuid"]) if "uuid" in entry else None
    for line, _ in reversed(conversation_of(transcript)):
        if message_id in (line.uuid, _message_id(line)):
            return line.uuid
    return None


def _message_id(line: SessionMessage) -> str:
    if line.type == "assistant" and isinstance(line.message, dict):
        return str(line.message.get("id") or line.uuid)
    return line.uuid


def _settle(blocks: list[dict[str, Any]], draft: _Draft, ids: CallIds) -> None:
    """Put tool results to their calls."""
    for block in blocks:
        if block.get("type") != "tool_result":
            continue
        call_id = ids.of_result(str(block.get("tool_use_id")))
        if call_id is not None:
            call = draft.calls[call_id]
            status = "failed" if block.get("is_error") else "completed"
            draft.calls[call_id] = RecordedCall(
                call_id, call.tool, call.input, status, _plain(block.get("content"))
            )


def _add(block: dict[str, Any], draft: _Draft, ids: CallIds) -> None:
    match block.get("type"):
        case "text":
            text = str(block.get("text", ""))
            text = written(text) if draft.role == "user" else text
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


def _plain(content: object) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return ""
