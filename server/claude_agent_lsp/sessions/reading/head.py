"""The first messages of a session, found without a look into the rest of its transcript.

    the lines' ends and parents ──▶ the first lines, parsed ──▶ do all others follow the last one?
                                                                 └── no ──▶ all lines are parsed

To know which lines are a conversation, all must have been looked at, but not into: the CLI
(2.1.330) begins each with the line that it follows. Where nothing behind the first lines follows
any of them but the last, and no conversation begins anew there, these are the conversation's
beginning, whatever comes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from claude_agent_lsp.sessions.reading import outline
from claude_agent_lsp.sessions.reading.bridges import Unreadable, bridged
from claude_agent_lsp.sessions.transcripts.packed import open_transcript

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from claude_agent_lsp.sessions.reading.outline import Place

    Links: TypeAlias = list[dict[str, Any] | Unreadable]

_BEGIN: Final = b'{"parentUuid":'
_QUOTED: Final = len(_BEGIN) + 1
_NONE: Final = b"null"
_ID_LENGTH: Final = 36
_BREAKS: Final = (b'"subtype":"compact_boundary"', b'"isCompactSummary":true')
# How many lines are looked into at first. What is no longer is looked into as a whole.
FIRST_LINES: Final = 120
# Lines in which a place is looked for behind which a new turn begins.
_TURN_LINES: Final = 400
# About 8 MiB.
_MOST_LINES: Final = 100_000


@dataclass
class _Lines:
    """Where the lines of a transcript are, and which ones they follow.

    Attributes:
        offsets: Where each begins, and at last where the file ends.
        parents: The ids of the lines that they follow; empty for a line that is none of a
            conversation's, or begins one where the memory does.
        head: The most that is known of their beginning: its places, and its number of lines.
        anew: The numbers of those that may begin a conversation anew, or that nothing is known of.
    """

    offsets: list[int] = field(default_factory=lambda: [0])
    parents: list[bytes] = field(default_factory=list)
    anew: list[int] = field(default_factory=list)
    head: tuple[tuple[Place, ...], int] = ((), 0)

    @classmethod
    def scan(cls, transcript: Path) -> _Lines:
        lines = cls()
        offset = 0
        with open_transcript(transcript) as file:
            for number, line in enumerate(file):
                offset += len(line)
                lines.offsets.append(offset)
                lines.parents.append(lines.parent_of(line, number))
        return lines

    def parent_of(self, line: bytes, number: int) -> bytes:
        if line.startswith(_BEGIN):
            parent = line[_QUOTED : _QUOTED + _ID_LENGTH]
            if len(parent) == _ID_LENGTH and line[_QUOTED - 1 : _QUOTED] == b'"':
                return parent
            if not any(mark in line for mark in _BREAKS):
                self.anew.append(number)
        elif b'"uuid"' in line:
            # Half a line, or one that another program has written.
            self.anew.append(number)
        return b""


_State: TypeAlias = tuple[str, int, int, int]
_kept: OrderedDict[_State, _Lines] = OrderedDict()
_keeping = threading.Lock()


def each_place(transcript: Path) -> Iterator[Place]:
    """Find the messages of a session one after the other, as `places_in` does.

    Only so much of the transcript is looked into as is asked for. Call it in a thread.

    Raises:
        OSError: It can't be read.
    """
    found: tuple[Place, ...] = ()
    if not outline.is_known(transcript):
        lines = _lines_of(transcript)
        found, count = lines.head
        yield from found
        while 2 * (count := max(2 * count, FIRST_LINES)) < len(lines.parents):
            head = _head_of(transcript, lines, count)
            if head is None:
                break
            places, count = lines.head = head
            yield from places[len(found) :]
            found = places
    yield from outline.places_in(transcript)[len(found) :]


def _lines_of(transcript: Path) -> _Lines:
    state = outline.state_of(transcript)
    with _keeping:
        if (known := _kept.get(state)) is not None:
            return known
    lines = _Lines.scan(transcript)
    with _keeping:
        for old in [other for other in _kept if other[0] == state[0]]:
            del _kept[old]
        _kept[state] = lines
        while len(_kept) > 1 and sum(len(each.parents) for each in _kept.values()) > _MOST_LINES:
            _kept.popitem(last=False)
    return lines


def _head_of(transcript: Path, lines: _Lines, count: int) -> tuple[tuple[Place, ...], int] | None:
    """Return the places in the first lines, and how many these are; None if nobody can tell."""
    links: Links = []
    names: set[bytes] = set()
    tip: bytes = b""
    with open_transcript(transcript) as file:
        for number in range(min(count + _TURN_LINES, len(lines.parents))):
            offset, end = lines.offsets[number : number + 2]
            new = list(outline.links_in(file.read(end - offset), offset))
            if number >= count and _begins_a_turn(new) and lines.parents[number] == tip:
                if not _all_follow(tip, names, lines, number):
                    return None
                places = outline.places_of(transcript.stem, list(bridged(links)))
                return places, number
            links += new
            for link in new:
                if not isinstance(link, Unreadable) and not link.get("isSidechain"):
                    tip = str(link["uuid"]).encode()
                    names.add(tip)
    return None


def _begins_a_turn(links: Links) -> bool:
    """Return whether a line is a prompt of the user's."""
    if len(links) != 1 or isinstance(link := links[0], Unreadable):
        return False
    blocks = link["message"]["content"]
    results = any(block.get("type") == "tool_result" for block in blocks)
    said = bool(blocks) and not results and link["message"]["says"]
    compacts = link["message"]["compacts"]  # that stands before the line before it
    return bool(link["type"] == "user" and said and not (compacts or link.get("isMeta")))


def _all_follow(tip: bytes, names: set[bytes], lines: _Lines, number: int) -> bool:
    """Return whether no line from one on follows another one before it than the last."""
    if lines.anew and lines.anew[-1] >= number:
        return False
    behind = names.intersection(lines.parents[number:])
    return behind <= {tip}
