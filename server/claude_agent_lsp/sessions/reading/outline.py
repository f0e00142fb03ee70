"""Where each message of a session stands in its transcript: what a page of it is read by.

    all lines ──▶ what links them, bridged ──▶ in order, by the SDK ──▶ places of entries, kept
                                                                         └──▶ the lines of one page

The CLI's lines form a tree, of which one branch is the conversation: to know the first message, all
lines must have been looked at. That is done once for each state of a file, and what is kept of it
says where everything is, and not what.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from claude_agent_lsp.base.texts.json_text import parse_line
from claude_agent_lsp.base.texts.moments import read_moment
from claude_agent_lsp.sessions.reading.bridges import Unreadable, bridged
from claude_agent_lsp.sessions.transcripts.packed import open_transcript
from claude_agent_lsp.sessions.transcripts.queued_prompts import with_prompt
from claude_agent_lsp.sessions.transcripts.sdk_view import conversation_in
from claude_agent_lsp.sessions.transcripts.terminal_commands import explained
from claude_agent_lsp.sessions.transcripts.transcript import LOCAL_COMMAND, SYNTHETIC
from claude_agent_lsp.sessions.transcripts.user_text import is_output, notified, output, written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from claude_agent_sdk import SessionMessage

# About 20 MiB.
MOST_PLACES: Final = 50_000
_LONGEST_LINK: Final = 200
_PLAIN: Final = (bool, int, type(None))
# As the SDK has them; another line with an id is a title, say.
_OF_A_CONVERSATION: Final = ("user", "assistant", "progress", "system", "attachment")
_INTERRUPTED: Final = "[Request interrupted by user"
_NOTES: Final = (
    "<command-name>/model</command-name>",
    "<local-command-stdout>Set model to ",
)
_COMPACT: Final = "<command-name>/compact</command-name>"
_COMPACTED: Final = "<local-command-stdout>Compacted"
# How the CLI and its SDK begin a line.
_BEGIN: Final = re.compile(rb'\{"(?:parentUuid|type|isSidechain|sessionId|uuid|cwd)"')
# In JSON, an object is never followed by another one.
_JOINT: Final = re.compile(rb"(?<=\})(?=" + _BEGIN.pattern + rb")")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a transcript.

    Attributes:
        offset: Where it begins, in bytes.
        length: In bytes.
        own: Whether it is a part of the message, and not only the result of one of its tool calls.
    """

    offset: int
    length: int
    own: bool = True


class Kind(StrEnum):
    """What an entry of a conversation is, if it is no message of the user's or the agent's."""

    COMMAND = "command"  # what a slash command has put out
    COMPACTION = "compaction"  # what the agent was left with of all that was said before
    GAP = "gap"  # something is missing here
    INTERRUPTED = "interrupted"  # the user stopped the agent
    NOTICE = "notice"  # what the user was told beside the answer
    OUTCOME = "outcome"  # how a run has ended
    RETRACTED = "retracted"  # words of an answer that broke off, which do not stand
    WOKEN = "woken"  # why the agent went on by itself


# What the CLI says of a whole line.
_MARKED: Final = (("isCompactSummary", Kind.COMPACTION), ("isApiErrorMessage", Kind.NOTICE))
# Who says what is no message; of a command, the agent's program.
_ROLES: Final = {
    Kind.COMMAND: "assistant",
    Kind.COMPACTION: "system",
    Kind.INTERRUPTED: "system",
    Kind.NOTICE: "system",
    Kind.WOKEN: "system",
}


@dataclass(slots=True)
class Place:
    """Where a message is, or what else stands in the conversation.

    Attributes:
        kind: What it is, if it is no message.
        unreadable: Of a gap, how many lines can't be read there.
        calls: The ids of its tool calls, as the model gave them.
    """

    message_id: str
    role: str
    timestamp: datetime | None
    kind: Kind | None = None
    lines: list[Line] = field(default_factory=list)
    says: bool = False
    unreadable: int = 0
    calls: tuple[str, ...] = ()


_State: TypeAlias = tuple[str, int, int, int]
_kept: OrderedDict[_State, tuple[Place, ...]] = OrderedDict()
_keeping = threading.Lock()


def places_in(transcript: Path) -> tuple[Place, ...]:
    """Find the messages of a session, in the order of its conversation. Call it in a thread.

    Raises:
        OSError: It can't be read.
    """
    state = state_of(transcript)
    with _keeping:
        if (known := _kept.get(state)) is not None:
            _kept.move_to_end(state)
            return known
    places = places_of(transcript.stem, list(bridged(_links(transcript))))
    with _keeping:
        # Of one file, only the newest state is of use.
        for old in [other for other in _kept if other[0] == state[0]]:
            del _kept[old]
        _kept[state] = places
        while len(_kept) > 1 and sum(map(len, _kept.values())) > MOST_PLACES:
            _kept.popitem(last=False)
    return places


def places_of(session_id: str, links: list[dict[str, Any]]) -> tuple[Place, ...]:
    """Return the messages that lines make which are linked across their breaks."""
    return tuple(_places(conversation_in(session_id, links)))


def is_known(transcript: Path) -> bool:
    """Return whether all messages of a transcript are known, as it is now."""
    with _keeping:
        return state_of(transcript) in _kept


def conversation_of(transcript: Path) -> list[tuple[SessionMessage, str | None]]:
    """Return the lines of a conversation in order, without their contents. Call it in a thread.

    Raises:
        OSError: It can't be read.
    """
    return conversation_in(transcript.stem, list(bridged(_links(transcript))))


def blocks_of(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parts of what a line says, as the CLI writes it."""
    message = entry.get("message")
    if entry.get("subtype") == LOCAL_COMMAND:
        message = entry
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if isinstance(content, list):
        return [block for block in content if isinstance(block, dict)]
    return []


def state_of(transcript: Path) -> _State:
    """Return what is another one once a file has changed.

    Raises:
        OSError: It is gone.
    """
    status = transcript.stat()
    return str(transcript), status.st_ino, status.st_size, status.st_mtime_ns


def _links(transcript: Path) -> Iterator[dict[str, Any] | Unreadable]:
    """Return each line without its contents, as far as the order and the places need them."""
    offset = 0
    with open_transcript(transcript) as file:
        for line in file:
            yield from links_in(line, offset)
            offset += len(line)


def links_in(line: bytes, offset: int) -> Iterator[dict[str, Any] | Unreadable]:
    """Return what a line holds that begins at an offset, without its contents."""
    for entry, begin, length in _entries_of(line):
        if entry is None:
            yield Unreadable()
        elif _is_id(entry.get("uuid")) and entry.get("type") in _OF_A_CONVERSATION:
            yield _link(entry, Line(offset + begin, length))


def _is_id(told: object) -> bool:
    return isinstance(told, str) and 0 < len(told) <= _LONGEST_LINK


def _entries_of(line: bytes) -> Iterator[tuple[dict[str, Any] | None, int, int]]:
    """Return what a line means: one entry, but for what a crash has left.

    Returns:
        Each entry, where it begins and how long it is; None for what can't be read. What can't be
        one of a conversation's is not looked at: it is empty.
    """
    if b'"uuid"' not in line:
        whole = line.isspace() or (line.startswith(b"{") and line.rstrip().endswith(b"}"))
        yield {} if whole else None, 0, len(line)
        return
    at = 0
    # Behind a line without its end stands the next one.
    for piece in _JOINT.split(line):
        # And so it does behind what was cut off, or never written.
        for begin in (0, *(found.start() for found in _BEGIN.finditer(piece, 1))):
            entry = _parsed(piece[begin:])
            if entry is not None:
                if begin:
                    yield None, at, begin
                yield entry, at + begin, len(piece) - begin
                break
        else:
            yield None, at, len(piece)
        at += len(piece)


def _parsed(content: bytes) -> dict[str, Any] | None:
    try:
        entry = with_prompt(parse_line(content))
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _link(entry: dict[str, Any], line: Line) -> dict[str, Any]:
    link = {
        name: value
        for name, value in entry.items()
        if (len(value) <= _LONGEST_LINK if isinstance(value, str) else type(value) in _PLAIN)
    }
    message = entry.get("message")
    message = message if isinstance(message, dict) else {}
    blocks = blocks_of(entry)
    kind = _kind_of(entry, blocks)
    if entry.get("subtype") == LOCAL_COMMAND:
        link["type"] = "user"  # the SDK leaves out what the system says
    role = str(link.get("type"))
    link["message"] = {
        **{name: message[name] for name in ("id", "model") if name in message},
        "content": [_without_contents(block) for block in blocks],
        "line": line,
        "kind": kind,
        "says": any(_has_content(block, role, kind) for block in blocks),
        "filler": _is_filler(message) or _is_note(entry, blocks) or _is_told(blocks),
        "compacts": len(blocks) == 1 and str(blocks[0].get("text")).startswith(_COMPACT),
    }
    return link


def _kind_of(entry: dict[str, Any], blocks: list[dict[str, Any]]) -> Kind | None:
    for mark, kind in _MARKED:
        if entry.get(mark) is True:
            return kind
    if entry.get("type") not in ("user", "system") or len(blocks) != 1:
        return None
    text = blocks[0].get("text")
    if not isinstance(text, str):
        return None
    if is_output(text):
        return Kind.COMMAND
    if notified(text):
        return Kind.WOKEN
    return Kind.INTERRUPTED if text.startswith(_INTERRUPTED) else None


def _without_contents(block: dict[str, Any]) -> dict[str, Any]:
    return {name: block[name] for name in ("type", "id", "tool_use_id") if name in block}


def _has_content(block: dict[str, Any], role: str, kind: Kind | None) -> bool:
    """Return whether anything of a block is shown."""
    match block.get("type"):
        case "text":
            return bool(shown(str(block.get("text", "")), role, kind).strip())
        case "thinking":
            return bool(block.get("thinking"))
        case "tool_use":
            return True
    return False


def shown(text: str, role: str, kind: Kind | None) -> str:
    """Return what is shown of a text that a line holds."""
    match kind:
        case Kind.COMMAND:
            return explained(output(text))
        case Kind.WOKEN:
            return notified(text)
    return written(text) if role == "user" and kind is None else text


def _is_filler(message: dict[str, Any]) -> bool:
    """Return whether the CLI put it there to keep the roles in turn, as a resume does."""
    return message.get("model") == SYNTHETIC and "No response requested." in str(
        message.get("content")
    )


def _is_note(entry: dict[str, Any], blocks: list[dict[str, Any]]) -> bool:
    """Return whether the CLI notes so that its model was set from outside: nobody has typed it."""
    return (
        entry.get("type") == "user"
        and "turnAttributionKey" not in entry
        and len(blocks) == 1
        and str(blocks[0].get("text")).startswith(_NOTES)
    )


def _is_told(blocks: list[dict[str, Any]]) -> bool:
    """Return whether it is what "/compact" has put out: the summary says it."""
    return len(blocks) == 1 and str(blocks[0].get("text")).startswith(_COMPACTED)


def _places(lines: list[tuple[SessionMessage, str | None]]) -> Iterator[Place]:
    places: list[Place] = []
    calls: dict[str, Place] = {}
    for said, timestamp in lines:
        link: dict[str, Any] = said.message
        if (unreadable := link.get("gap")) is not None:
            gap = Place(said.uuid, "system", read_moment(timestamp), Kind.GAP, says=True)
            gap.unreadable = unreadable
            places.append(gap)
            continue
        blocks, line = link["content"], link["line"]
        if link["filler"]:
            continue
        if said.type == "user" and _settle(blocks, line, calls):
            continue
        # Of the user's, only a prompt that came into a turn has an id that is not its line's.
        message_id = str(link.get("id") or said.uuid)
        if not places or places[-1].message_id != message_id:
            kind = link["kind"]
            role = _ROLES.get(kind, said.type)
            place = Place(message_id, role, read_moment(timestamp), kind)
            if link["compacts"] and places and places[-1].kind is Kind.COMPACTION:
                # The CLI notes the command behind what came of it.
                place.lines.append(line)
                place.says = link["says"]
                places.insert(-1, place)
                continue
            places.append(place)
        places[-1].lines.append(line)
        places[-1].says |= link["says"]
        for block in blocks:
            if block.get("type") == "tool_use":
                call_id = str(block.get("id"))
                calls[call_id] = places[-1]
                places[-1].calls += (call_id,)
    return (place for place in places if place.says)


def _settle(blocks: list[dict[str, Any]], line: Line, calls: dict[str, Place]) -> bool:
    """Put a line with tool results to their calls; return whether that was all there is in it."""
    results = [block for block in blocks if block.get("type") == "tool_result"]
    for place in {
        id(p): p for r in results if (p := calls.get(str(r.get("tool_use_id"))))
    }.values():
        place.lines.append(Line(line.offset, line.length, own=False))
    return bool(results) and len(results) == len(blocks)
