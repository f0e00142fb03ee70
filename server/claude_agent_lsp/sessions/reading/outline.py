"""Where each message of a session stands in its transcript: what a page of it is read by.

    all lines ──▶ what links them ──▶ the SDK puts them in order ──▶ places of messages, kept
                                                                      └──▶ the lines of one page

The CLI's lines form a tree, of which one branch is the conversation: to know the first message, all
lines must have been looked at. That is done once for each state of a file, and what is kept of it
says where everything is, and not what.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from claude_agent_lsp.base.disk.reading import open_regular
from claude_agent_lsp.base.texts.json_text import parse_line
from claude_agent_lsp.sessions.transcripts.sdk_view import conversation_in
from claude_agent_lsp.sessions.transcripts.transcript import SYNTHETIC
from claude_agent_lsp.sessions.transcripts.user_text import written

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path

    from claude_agent_sdk import SessionMessage

# About 20 MiB.
MOST_PLACES: Final = 50_000
_LONGEST_LINK: Final = 200
_PLAIN: Final = (bool, int, type(None))


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


@dataclass(slots=True)
class Place:
    """Where a message is."""

    message_id: str
    role: str
    timestamp: datetime | None
    lines: list[Line] = field(default_factory=list)
    says: bool = False


_State: TypeAlias = tuple[str, int, int, int]
_kept: OrderedDict[_State, tuple[Place, ...]] = OrderedDict()
_keeping = threading.Lock()


def places_in(transcript: Path) -> tuple[Place, ...]:
    """Find the messages of a session, in the order of its conversation. Call it in a thread.

    Raises:
        OSError: It can't be read.
    """
    state = _state_of(transcript, transcript.stat())
    with _keeping:
        if (known := _kept.get(state)) is not None:
            _kept.move_to_end(state)
            return known
    places = tuple(_places(conversation_of(transcript)))
    with _keeping:
        # Of one file, only the newest state is of use.
        for old in [other for other in _kept if other[0] == state[0]]:
            del _kept[old]
        _kept[state] = places
        while len(_kept) > 1 and sum(map(len, _kept.values())) > MOST_PLACES:
            _kept.popitem(last=False)
    return places


def conversation_of(transcript: Path) -> list[tuple[SessionMessage, str | None]]:
    """Return the lines of a conversation in order, without their contents. Call it in a thread.

    Raises:
        OSError: It can't be read.
    """
    return conversation_in(transcript.stem, list(_links(transcript)))


def blocks_of(message: Any) -> list[dict[str, Any]]:
    """Return the parts of a message, as the CLI writes it."""
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if isinstance(content, list):
        return [block for block in content if isinstance(block, dict)]
    return []


def _state_of(transcript: Path, status: os.stat_result) -> _State:
    return str(transcript), status.st_ino, status.st_size, status.st_mtime_ns


def _links(transcript: Path) -> Iterator[dict[str, Any]]:
    """Return each line without its contents, as far as the order and the places need them."""
    offset = 0
    with open_regular(transcript) as file:
        for line in file:
            begin, offset = offset, offset + len(line)
            if b'"uuid"' not in line:
                continue
            try:
                entry = parse_line(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and isinstance(entry.get("uuid"), str):
                yield _link(entry, Line(begin, len(line)))


def _link(entry: dict[str, Any], line: Line) -> dict[str, Any]:
    link = {
        name: value
        for name, value in entry.items()
        if (len(value) <= _LONGEST_LINK if isinstance(value, str) else type(value) in _PLAIN)
    }
    message = entry.get("message")
    message = message if isinstance(message, dict) else {}
    blocks = blocks_of(message)
    link["message"] = {
        **{name: message[name] for name in ("id", "model") if name in message},
        "content": [_without_contents(block) for block in blocks],
        "line": line,
        "says": any(_has_content(block, entry.get("type") == "user") for block in blocks),
        "filler": _is_filler(message),
    }
    return link


def _without_contents(block: dict[str, Any]) -> dict[str, Any]:
    return {name: block[name] for name in ("type", "id", "tool_use_id") if name in block}


def _has_content(block: dict[str, Any], user: bool) -> bool:
    """Return whether anything of a block is shown."""
    match block.get("type"):
        case "text":
            text = str(block.get("text", ""))
            return bool((written(text) if user else text).strip())
        case "thinking":
            return bool(block.get("thinking"))
        case "tool_use":
            return True
    return False


def _is_filler(message: dict[str, Any]) -> bool:
    """Return whether the CLI put it there to keep the roles in turn, as a resume does."""
    return message.get("model") == SYNTHETIC and "No response requested." in str(
        message.get("content")
    )


def _places(lines: list[tuple[SessionMessage, str | None]]) -> Iterator[Place]:
    places: list[Place] = []
    calls: dict[str, Place] = {}
    for said, timestamp in lines:
        link: dict[str, Any] = said.message
        blocks, line = link["content"], link["line"]
        if link["filler"]:
            continue
        if said.type == "user" and _settle(blocks, line, calls):
            continue
        message_id = said.uuid
        if said.type == "assistant":
            message_id = str(link.get("id") or said.uuid)
        if not places or places[-1].message_id != message_id:
            places.append(Place(message_id, said.type, _moment(timestamp)))
        places[-1].lines.append(line)
        places[-1].says |= link["says"]
        for block in blocks:
            if block.get("type") == "tool_use":
                calls[str(block.get("id"))] = places[-1]
    return (place for place in places if place.says)


def _settle(blocks: list[dict[str, Any]], line: Line, calls: dict[str, Place]) -> bool:
    """Put a line with tool results to their calls; return whether that was all there is in it."""
    results = [block for block in blocks if block.get("type") == "tool_result"]
    for place in {
        id(p): p for r in results if (p := calls.get(str(r.get("tool_use_id"))))
    }.values():
        place.lines.append(Line(line.offset, line.length, own=False))
    return bool(results) and len(results) == len(blocks)


def _moment(timestamp: str | None) -> datetime | None:
    try:
        return None if timestamp is None else datetime.fromisoformat(timestamp)
    except ValueError:
        return None
