"""What was said in a session: the CLI's lines put together to messages.

Everything here reads files: call it in a thread.
"""

from __future__ import annotations

import contextlib
from collections import deque
from dataclasses import dataclass, replace
from functools import partial
from itertools import dropwhile, islice
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from claude_agent_lsp.base.texts.moments import read_moment
from claude_agent_lsp.base.texts.results import ResultPage
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.sessions.catalogue.kept_copies import KeptCopies
from claude_agent_lsp.sessions.journal.journal import Journal
from claude_agent_lsp.sessions.journal.recovery import recover
from claude_agent_lsp.sessions.reading.head import each_place
from claude_agent_lsp.sessions.reading.messages import (
    Message,
    entry_in,
    message_at,
    recovered,
    size_of,
)
from claude_agent_lsp.sessions.reading.outline import (
    Place,
    conversation_of,
    places_in,
)
from claude_agent_lsp.sessions.reading.run_entries import Known, calls_of, not_left, with_runs
from claude_agent_lsp.sessions.reading.subagents import Nested, in_between, nested_in
from claude_agent_lsp.sessions.transcripts.packed import open_transcript
from claude_agent_lsp.sessions.transcripts.transcript import find_transcript

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from claude_agent_sdk import SessionMessage


# What a page may say. Making JSON of it and sending it takes the loop, and with it each run, 15 ms.
PAGE_BYTES: Final = 2 << 20


Entry: TypeAlias = "Place | Known | Nested | Message"
Item = TypeVar("Item", Message, Place, Entry)


def read_messages(session_id: str, state: Path | None = None) -> tuple[Message, ...]:
    """Read all messages of a session, the first one first.

    An agent's message has the id that its events had; its blocks, which the CLI writes line by
    line, are one message again, and tool results stand with their calls.

    Args:
        session_id: The session.
        state: The state directory, for what the CLI has no longer.
    """
    return Conversation.read(session_id, state).messages(whole=True)


def read_page(
    session_id: str,
    state: Path | None,
    limit: int,
    cursor: str | None,
    *,
    subagents: bool = False,
    at_work: bool = True,
) -> tuple[tuple[Message, ...], str | None]:
    """Read some messages of a session, and the cursor for those that follow.

    They are no more than about `PAGE_BYTES` together; a longer message is a page of its own.

    Args:
        session_id: The session.
        state: The state directory, for what the CLI has no longer.
        limit: How many at most; for none, nothing is read.
        cursor: That of the page before.
        subagents: Whether to read what subagents said, too.
        at_work: Whether a run may be at work in it.

    Raises:
        InvalidArgument: The cursor is none of ours.
    """
    if not limit:
        return (), None
    conversation = Conversation.read(session_id, state, subagents=subagents, at_work=at_work)
    page, following = page_of(conversation.items, limit, cursor)
    read, size = list[Message](), 0
    for message in conversation.each(page):
        size += size_of(message)
        if read and size > PAGE_BYTES:
            return tuple(read), read[-1].message_id
        read.append(message)
    return tuple(read), following


def read_result(
    session_id: str, state: Path | None, tool_call_id: str, cursor: str | None, limit: int
) -> ResultPage:
    """Read a part of what a tool call has put out, a subagent's included.

    Args:
        session_id: The session.
        state: The state directory, for what the CLI has no longer.
        tool_call_id: The call, as `read_page` has it.
        cursor: That of the part before.
        limit: How many characters at most.

    Raises:
        InvalidArgument: The session has no such call, or the cursor is none of ours.
    """
    conversation = Conversation.read(session_id, state, subagents=True)
    having = [item for item in conversation.items if tool_call_id in calls_of(item)]
    calls = (
        call for message in conversation.each(having, whole=True) for call in message.tool_calls
    )
    call = next((each for each in calls if each.tool_call_id == tool_call_id), None)
    if call is None:
        raise InvalidArgument(
            f"toolCallId: the session {session_id} has no tool call {tool_call_id}."
        )
    text = call.text or ""
    offset = 0 if cursor is None else int(cursor) if cursor.isdecimal() else len(text) + 1
    if offset > len(text):
        raise InvalidArgument("cursor: expected `nextCursor` of an earlier answer.")
    end = offset + limit
    following = str(end) if end < len(text) else None
    return ResultPage(tool_call_id, call.status, text[offset:end], offset, len(text), following)


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said in a session, as far as it is known where: the words are read when needed.

    Attributes:
        transcript: The CLI's file, or the copy that is kept of it; None if there is none.
        items: The entries in order: a place in the file, or in a subagent's, or what the journal
            has, or the records of its runs. They can be gone through once, and nothing is looked
            for behind those that are taken.
    """

    transcript: Path | None
    items: Iterable[Entry]

    @classmethod
    def read(
        cls, session_id: str, state: Path | None, *, subagents: bool = False, at_work: bool = True
    ) -> Conversation:
        """Look where everything is; what subagents said is left out unless it is wanted."""
        transcript = find_transcript(session_id)
        if transcript is None and state is not None:
            transcript = KeptCopies(state).find(session_id)
        places: Iterable[Place] = () if transcript is None else _places_in(transcript)
        items: Iterable[Entry] = places
        if state is not None:
            journal = Journal(lambda: state)
            said = _in_time(places, _lost_in(journal, session_id))
            runs = not_left(journal.runs.each(session_id), partial(_ids_in, transcript))
            items = with_runs(said, runs, at_work=at_work)
        if subagents and transcript is not None:
            items = in_between(items, nested_in(transcript))
        return cls(transcript, items)

    def messages(self, *, whole: bool = False) -> tuple[Message, ...]:
        """Read all messages; whole with results of tools that are as long as they are."""
        return tuple(self.each(self.items, whole=whole))

    def each(self, items: Iterable[Entry], *, whole: bool = False) -> Iterator[Message]:
        """Read some of the messages, one after the other."""
        with contextlib.ExitStack() as opened:
            path = self.transcript
            file = None if path is None else opened.enter_context(open_transcript(path))
            for item in items:
                if isinstance(item, Message):
                    yield item
                elif isinstance(item, Nested):
                    yield _nested_message(item, whole=whole)
                elif file is None:
                    continue
                elif isinstance(item, Known):
                    yield replace(message_at(item.place, file, whole=whole), **item.fields)
                else:
                    yield message_at(item, file, whole=whole)


def _nested_message(nested: Nested, *, whole: bool) -> Message:
    with open_transcript(nested.transcript) as file:
        message = message_at(nested.place, file, whole=whole)
    return replace(message, parent_tool_call_id=nested.parent)


def _places_in(transcript: Path) -> Iterator[Place]:
    with contextlib.suppress(FileNotFoundError):  # it has just gone
        yield from each_place(transcript)


def _ids_in(transcript: Path | None) -> set[str]:
    with contextlib.suppress(FileNotFoundError):  # it has just gone
        return {place.message_id for place in places_in(transcript)} if transcript else set()
    return set()


def _lost_in(journal: Journal, session_id: str) -> list[Message]:
    turns = recover(journal, session_id).turns
    return [message for turn in turns for message in recovered(turn)]


def _in_time(places: Iterable[Place], lost: list[Message]) -> Iterator[Place | Message]:
    """Put each lost message before the first one that came after it."""
    waiting = deque(lost)
    for place in places:
        while waiting and _is_before(waiting[0].timestamp, place.timestamp):
            yield waiting.popleft()
        yield place
    yield from waiting


def _is_before(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and one < other


def page_of(
    messages: Iterable[Item], limit: int, cursor: str | None
) -> tuple[tuple[Item, ...], str | None]:
    """Return some of `messages` and the cursor for those that follow.

    Raises:
        InvalidArgument: The cursor is none of ours.
    """
    rest = iter(messages)
    if cursor is not None and not any(message.message_id == cursor for message in rest):
        raise InvalidArgument("cursor: expected `nextCursor` of an earlier answer.")
    page = tuple(islice(rest, limit))
    more = next(rest, None) is not None
    return page, page[-1].message_id if more else None


def line_of(
    session_id: str, message_id: str, state: Path | None = None, field: str = "resumeAt"
) -> str:
    """Return the id of a message's last line, which is what the CLI can go back to.

    Args:
        session_id: The session.
        message_id: The message's, as in `read_messages`. For what else was told in between, a run's
            outcome or a notice, the message before it is meant.
        state: The state directory, for what was told in between.
        field: What the user calls it.

    Raises:
        InvalidArgument: The session has no such message.
    """
    transcript = find_transcript(session_id)
    try:
        line_id = None if transcript is None else _last_line_of(message_id, transcript)
        if transcript is not None and line_id is None:
            before = _message_before(session_id, message_id, state)
            line_id = None if before is None else _last_line_of(before, transcript)
    except FileNotFoundError:  # it has just gone
        line_id = None
    if line_id is None:
        raise InvalidArgument(f"{field}: the session {session_id} has no message {message_id}.")
    return line_id


def _message_before(session_id: str, entry_id: str, state: Path | None) -> str | None:
    """Return the id of the message behind which an entry stands that is none."""
    before = None
    for item in Conversation.read(session_id, state).items:
        if isinstance(item, Message):
            if item.message_id == entry_id:
                return None if item.kind is None else before
            continue
        place = item.place if isinstance(item, Known | Nested) else item
        before = place.message_id if any(line.own for line in place.lines) else before
    return None


def said_behind(session_id: str, line_id: str) -> datetime | None:
    """Return when what follows a line in its conversation was said; None if nothing does."""
    behind = _from_line(session_id, line_id)[1:]
    return read_moment(behind[0][1]) if behind else None


def said_at(session_id: str, line_id: str) -> datetime | None:
    """Return when a line of a session's conversation was said; None if that is not known."""
    found = _from_line(session_id, line_id)
    return read_moment(found[0][1]) if found else None


def lines_behind(session_id: str, line_id: str) -> set[str]:
    """Return the ids of the lines that follow one in its conversation."""
    return {line.uuid for line, _ in _from_line(session_id, line_id)[1:]}


def _from_line(session_id: str, line_id: str) -> list[tuple[SessionMessage, str | None]]:
    """Return a line of a conversation and all that follow; nothing if it is not there."""
    transcript = find_transcript(session_id)
    try:
        lines = [] if transcript is None else conversation_of(transcript)
    except FileNotFoundError:  # it has just gone
        return []
    return list(dropwhile(lambda each: each[0].uuid != line_id, lines))


def _last_line_of(message_id: str, transcript: Path) -> str | None:
    """Return the id of a message's last line; also of one that is named by the id of a line."""
    # Where the messages are is known as long as the file doesn't change.
    for place in reversed(places_in(transcript)):
        if place.message_id == message_id:
            own = [line for line in place.lines if line.own]
            if not own:
                return None
            last = own[-1]
            with open_transcript(transcript) as file:
                file.seek(last.offset)
                entry = entry_in(file.read(last.length))
            return str(entry["uuid"]) if "uuid" in entry else None
    for line, _ in reversed(conversation_of(transcript)):
        if message_id in (line.uuid, _message_id(line)):
            return line.uuid
    return None


def _message_id(line: SessionMessage) -> str:
    if line.type == "assistant" and isinstance(line.message, dict):
        return str(line.message.get("id") or line.uuid)
    return line.uuid
