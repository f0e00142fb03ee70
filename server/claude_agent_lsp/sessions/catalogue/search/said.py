"""What of a transcript's lines is searched, and which lines of it a user sees in a search.

Prompts, answers, and the calls of tools with the files that they name. What tools have put out is
none of it: it is most of a transcript's bytes, and stands in the folder.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.base.texts.text import one_line
from claude_agent_lsp.sessions.transcripts.packed import open_transcript
from claude_agent_lsp.sessions.transcripts.sdk_view import entries_in
from claude_agent_lsp.sessions.transcripts.user_text import prompt_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

# Of a longer text only the beginning is searched: what is longer is a file.
TEXT_LENGTH: Final = 20_000
LINE_LENGTH: Final = 200
# How many of a session's lines a user sees, of how many the best, and how much of a part is read.
MOST_LINES: Final = 3
ENOUGH: Final = 10
MOST_BYTES: Final = 4 << 20
_BEFORE: Final = 40
# Letters that stand for words of their own, without blanks between.
_IDEOGRAPH: Final = re.compile("([\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff])")
# An accent that no letter has taken in belongs to no word.
_ACCENT: Final = re.compile("[\u0300-\u036f]")
# What is no word of anybody: pictures, keys, digests.
_BLOB: Final = re.compile(r"[A-Za-z0-9+/=_-]{80,}")
_WORD: Final = re.compile(r"[^\W_]+")
_DEEPEST: Final = 6


class Place(Enum):
    """Where in a conversation something was said."""

    PROMPT = "prompt"
    ANSWER = "answer"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class Saying:
    """One text of a conversation.

    Attributes:
        message_id: The message's that it is of, as `session.read` tells it.
    """

    place: Place
    message_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Match:
    """A line that holds what is searched for.

    Attributes:
        place: Where in the conversation it stands.
        message_id: The message's that it is of.
        line: The line, or the part of it around the first word that fits.
    """

    place: Place
    message_id: str
    line: str


def words_in(text: str) -> list[str]:
    """Return the words of a text as they are compared: casefolded, ideographs each by itself."""
    return _WORD.findall(folded(text))


def folded(text: str) -> str:
    """Return a text as it is searched."""
    if text.isascii():
        return text.lower()
    composed = unicodedata.normalize("NFC", text).casefold()
    return _IDEOGRAPH.sub(r"\1 ", _ACCENT.sub("", composed))


def searched(line: bytes) -> str:
    """Return what of a transcript's line is searched; empty for most lines."""
    texts = (_BLOB.sub(" ", folded(one.text[:TEXT_LENGTH])) for one in said_in(line))
    # Half of a pair is no character, and SQLite takes none.
    return "\n".join(texts).encode(errors="replace").decode()


def said_in(line: bytes) -> Iterator[Saying]:
    """Return the texts that a line of a transcript holds."""
    user = _is_users(line)
    if not user and b'"type":"assistant"' not in line:
        return
    for entry in entries_in(line):
        if user and (prompt := prompt_in(entry)):
            yield Saying(Place.PROMPT, str(entry.get("uuid")), prompt)
        elif entry.get("type") == "assistant" and not entry.get("isSidechain"):
            yield from _answered(entry)


def _is_users(line: bytes) -> bool:
    """Return whether a line may be a prompt: what tools have put out is in the user's name, too."""
    return b'"type":"user"' in line and b'"tool_use_id"' not in line


def _answered(entry: Mapping[str, Any]) -> Iterator[Saying]:
    message = entry.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(content, list):
        return
    message_id = str(message.get("id") or entry.get("uuid"))
    for block in content:
        match block:
            case {"type": "text", "text": str(text)}:
                yield Saying(Place.ANSWER, message_id, text)
            case {"type": "tool_use", "name": str(name), "input": dict(given)}:
                text = "\n".join([name, *_texts_in(given, _DEEPEST)])
                yield Saying(Place.TOOL, message_id, text)


def _texts_in(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth and isinstance(value, Mapping):
        for item in value.values():
            yield from _texts_in(item, depth - 1)
    elif depth and isinstance(value, list):
        for item in value:
            yield from _texts_in(item, depth - 1)


def matching_lines(
    transcript: Path, parts: Iterable[tuple[int, int]], words: Sequence[str]
) -> tuple[Match, ...]:
    """Return the lines of a session that hold most of some words.

    Args:
        transcript: Its file.
        parts: Where in it to look, in bytes.
        words: What is searched for: what a word of the line begins with.

    Returns:
        The lines, at most `MOST_LINES`, in the order in which they were said; none if it has gone.
    """
    found: list[tuple[int, int, Match]] = []
    shapes = {word: re.compile(rf"(?<![^\W_]){re.escape(word)}") for word in words}
    for part in parts:
        for line in _lines_with(transcript, part, words):
            for saying in said_in(line):
                for match, count in _lines_of(saying, shapes):
                    found.append((-count, len(found), match))
            if len(found) >= MOST_LINES and (found[-1][0] == -len(words) or len(found) >= ENOUGH):
                break
        if len(found) >= MOST_LINES:
            break
    best = sorted(found, key=lambda each: each[:2])[:MOST_LINES]
    return tuple(match for _, _, match in sorted(best, key=lambda each: each[1]))


def _lines_with(transcript: Path, part: tuple[int, int], words: Sequence[str]) -> Iterator[bytes]:
    """Return the lines of a part of a transcript that may hold one of some words."""
    begin, end = part
    with contextlib.suppress(OSError), open_transcript(transcript) as file:
        file.seek(begin)
        for line in file.read(min(MOST_BYTES, end - begin)).splitlines():
            if _is_users(line) or b'"type":"assistant"' in line:
                # Reading JSON takes longer than looking for some words in it.
                text = folded(line.decode(errors="replace"))
                if any(word in text for word in words) or "\\u" in text:
                    yield line


def _lines_of(saying: Saying, shapes: Mapping[str, re.Pattern[str]]) -> Iterator[tuple[Match, int]]:
    """Return the lines of a text that hold any of some words, and how many each holds."""
    text = saying.text[:TEXT_LENGTH]
    looked_at = folded(text)
    wanted = {word: shape for word, shape in shapes.items() if word in looked_at}
    if not wanted:
        return
    lines = text.splitlines()
    for number, (line, low) in enumerate(zip(lines, looked_at.splitlines(), strict=False)):
        found = (shape.search(low) for word, shape in wanted.items() if word in low)
        places = [at.start() for at in found if at]
        if places:
            # Folding may lengthen a text; what is shown begins before the word all the same.
            begin = max(0, min(places) - _BEFORE) if len(line) > LINE_LENGTH else 0
            shown = one_line(("…" if begin else "") + line[begin:], LINE_LENGTH)
            if saying.place is Place.TOOL and number:
                shown = one_line(f"{lines[0]}: {shown}", LINE_LENGTH)
            yield Match(saying.place, saying.message_id, shown), len(places)
