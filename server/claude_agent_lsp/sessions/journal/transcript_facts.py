"""What a transcript holds, as far as a journal can be held against it.

A session that was cut off once keeps its journal, and each prompt, list and page holds it against
the transcript: what was read of that is kept, and only what is new is read the next time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from claude_agent_lsp.base.disk.reading import open_regular
from claude_agent_lsp.base.texts.json_text import parse_line
from claude_agent_lsp.sessions.transcripts.call_ids import CallIds
from claude_agent_lsp.sessions.transcripts.growth import ReadSoFar
from claude_agent_lsp.sessions.transcripts.queued_prompts import QUEUED, with_prompt

# What is read of a transcript at a time: long enough to be quick, and parsed in 20 ms.
PIECE_BYTES: Final = 2**20
# What is kept of all transcripts, about.
MOST_BYTES: Final = 2**25
_ID_BYTES: Final = 150
_KINDS: Final = (b'"type":"user"', b'"type":"assistant"', QUEUED)


@dataclass
class TranscriptFacts:
    """What a transcript holds of prompts, answers and tool calls.

    Attributes:
        lines: The ids of its lines.
        texts: The agent's words by message id, without white space.
        thoughts: Its thoughts likewise.
        calls: The ids of its tool calls, as `CallIds` has them.
        size: How many bytes these take, about.
    """

    lines: set[str] = field(default_factory=set)
    texts: dict[str, str] = field(default_factory=lambda: defaultdict(str))
    thoughts: dict[str, str] = field(default_factory=lambda: defaultdict(str))
    calls: set[str] = field(default_factory=set)
    size: int = 0
    _ids: CallIds = field(default_factory=CallIds, compare=False, repr=False)

    @classmethod
    def scan(cls, transcript: Path | None) -> TranscriptFacts:
        """Read a transcript; None, or one that is gone, knows nothing. Call it in a thread."""
        reading = FactsReading(transcript)
        while piece := reading.next_piece():
            reading.facts.read(piece)
        reading.keep()
        return reading.facts

    def read(self, lines: bytes) -> None:
        """Read more lines of it."""
        for line in lines.split(b"\n"):
            if any(kind in line for kind in _KINDS):
                try:
                    self._take(with_prompt(parse_line(line)))
                except (ValueError, KeyError, TypeError, AttributeError):
                    continue

    def _take(self, entry: dict[str, Any]) -> None:
        message = entry["message"]
        said_by_user = entry["type"] == "user"
        self.lines.add((message.get("id") if said_by_user else None) or entry["uuid"])
        self.size += _ID_BYTES
        if entry["type"] != "assistant" or not isinstance(message["content"], list):
            return
        for block in message["content"]:
            if (kind := block.get("type")) in ("text", "thinking"):
                said = squeezed(block[kind])
                (self.texts if kind == "text" else self.thoughts)[message["id"]] += said
                self.size += _ID_BYTES + len(said)
            elif block.get("type") == "tool_use":
                self.calls.add(self._ids.begin(block["id"]))
                self.size += _ID_BYTES


_kept: OrderedDict[str, tuple[ReadSoFar, TranscriptFacts]] = OrderedDict()
_keeping = threading.Lock()


class FactsReading:
    """A look through a transcript, piece by piece: it goes on where the last one has ended.

    Only the disk is waited for here; who looks has `facts` read each piece. What `facts` holds is
    nobody else's until `keep`, and nobody changes it afterwards but the next look.

    Args:
        transcript: The file; None reads nothing.
        since: Where to begin, in bytes; only a look at the whole is kept.
    """

    def __init__(self, transcript: Path | None, since: int = 0) -> None:
        self.facts = TranscriptFacts()
        self._transcript = transcript
        self._since = self._offset = since
        self._ends_a_line = True
        if transcript is not None and not since:
            self._resume(transcript)

    def next_piece(self) -> bytes:
        """Return the next whole lines; nothing at the end."""
        piece = piece_of(self._transcript, self._offset)
        self._offset += len(piece)
        self._ends_a_line = piece.endswith(b"\n") if piece else self._ends_a_line
        return piece

    def keep(self) -> None:
        """Keep what was found for the next look, once all is read."""
        # What is half written will be another line.
        if self._transcript is None or self._since or not self._offset or not self._ends_a_line:
            return
        try:
            with open_regular(self._transcript) as file:
                so_far = ReadSoFar.take(file, self._offset)
        except OSError:
            return
        with _keeping:
            _kept[str(self._transcript)] = so_far, self.facts
            while sum(facts.size for _, facts in _kept.values()) > MOST_BYTES:
                _kept.popitem(last=False)
        if not self._transcript.exists():
            forget(self._transcript.stem)  # it was deleted meanwhile

    def _resume(self, transcript: Path) -> None:
        with _keeping:
            known = _kept.pop(str(transcript), None)
        if known is None:
            return
        so_far, facts = known
        try:
            with open_regular(transcript) as file:
                if so_far.holds(file):
                    self.facts, self._offset = facts, so_far.offset
        except OSError:
            return


def forget(session_id: str) -> None:
    """Hold nothing more of what stood in a session's transcript."""
    with _keeping:
        for known in [each for each in _kept if Path(each).stem == session_id]:
            del _kept[known]


def has_line(transcript: Path | None, line_id: str, since: int) -> bool:
    """Whether a transcript has a line of this id, from a byte on: found without parsing it."""
    wanted = tuple(f'"{name}":"{line_id}"'.encode() for name in ("uuid", "source_uuid"))
    while piece := piece_of(transcript, since):
        if any(each in piece for each in wanted):
            return True
        since += len(piece)
    return False


def piece_of(transcript: Path | None, since: int) -> bytes:
    """Return the next whole lines of a transcript from a byte on; nothing at its end."""
    if transcript is None:
        return b""
    try:
        with open_regular(transcript) as file:
            file.seek(since)
            piece = file.read(PIECE_BYTES)
            return piece if piece.endswith(b"\n") else piece + file.readline()
    except FileNotFoundError:
        return b""


def squeezed(text: str) -> str:
    """Return a text without its white space, in which the CLI and the editor may differ."""
    return "".join(text.split())
