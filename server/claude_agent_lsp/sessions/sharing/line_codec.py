"""A transcript's lines, between this machine and a shared store.

A folder has another path on another machine: in a store, `cwd` is relative to the session's
folder. Nothing else of a line is changed; what the agent has read and said stays as it was.

    a line of a store ──┬─▶ of the conversation: the CLI's line, as it is there
                        └─▶ any other: kept, in a line that says nothing to the CLI

Whoever writes to a store must not tell the CLI here what to do. It obeys lines that are no
conversation: they have it work in another folder, set its mode, say what was spent, and which copy
of a file to put back. Each machine has its own of those.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from claude_agent_lsp.base.disk.reading import open_regular
from claude_agent_lsp.base.texts.json_text import parse_json
from claude_agent_lsp.sessions.sharing.stores.store import START, Mark, digest_after, encoded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claude_agent_sdk import SessionStoreEntry

# A line that is no JSON object, as a killed CLI may leave one, is kept in a store as its text.
_UNREADABLE: Final = "claude-agent-lsp-line"
# A store's line that is kept here as a text, in which no quotation mark stands by itself: the CLI
# looks for some lines by their beginning.
_KEPT: Final = "claude-agent-lsp-kept"
# What a conversation consists of, and how it is found (CLI 2.1.330).
_CONVERSATION: Final = frozenset(
    {
        *("ai-title", "assistant", "attachment", "custom-title", "last-prompt"),
        *("queue-operation", "summary", "system", "tag", "user"),
    }
)
# What the CLI notes of a subagent, and does nothing with.
_ABOUT_AGENT: Final = frozenset({"agentType", "description", "name", "toolUseId"})
# Enough of a file's part before a place to notice that it has been written anew.
_TAIL_BYTES: Final = 512


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file, and what it is in a store.

    Attributes:
        offset: In bytes, behind a whole line.
        mark: The lines before it.
        tail: The last bytes before it, hashed: they are still there, or the file is another.
    """

    offset: int
    mark: Mark
    tail: str


BEGIN: Final = Place(0, START, "")


class Rewritten(Exception):
    """The file's part before a place is not what it was."""


def portable(line: bytes, folder: str) -> SessionStoreEntry:
    """Return a line of a transcript as a store keeps it.

    Args:
        line: The line, with or without its end.
        folder: The real path of the session's folder here.
    """
    try:
        entry = parse_json(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        text = line.rstrip(b"\n").decode(errors="surrogateescape")
        return cast("SessionStoreEntry", {"type": _UNREADABLE, "text": text})
    if (kept := _kept_in(entry)) is not None:
        return cast("SessionStoreEntry", kept)
    cwd = entry.get("cwd")
    if isinstance(cwd, str) and Path(cwd).is_relative_to(folder):
        entry["cwd"] = Path(cwd).relative_to(folder).as_posix()
    return cast("SessionStoreEntry", entry)


def local(entry: SessionStoreEntry, folder: str) -> bytes:
    """Return a store's line as the CLI may have it in a folder here, with its end.

    Args:
        entry: The line.
        folder: The real path of the session's folder here.
    """
    line: dict[str, Any] = dict(entry)
    if not _is_conversation(line, folder):
        line = {"type": _KEPT, "line": json.dumps(line, separators=(",", ":"))}
    elif isinstance(cwd := line.get("cwd"), str) and not PurePosixPath(cwd).is_absolute():
        line["cwd"] = os.path.normpath(Path(folder, cwd))
    return _written(line)


def renamed(line: bytes, session_id: str) -> bytes:
    """Return a line of a transcript as one of another session's, with its end."""
    try:
        entry = parse_json(line)
    except ValueError:
        return line
    if not isinstance(entry, dict) or "sessionId" not in entry:
        return line
    return _written({**entry, "sessionId": session_id})


def _written(line: dict[str, Any]) -> bytes:
    text = json.dumps(line, separators=(",", ":"), ensure_ascii=False)
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:  # half of a surrogate pair
        return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def _is_conversation(line: dict[str, Any], folder: str) -> bool:
    """Return whether the CLI may have a line, and it is the same again on its way back."""
    cwd = line.get("cwd", ".")
    if isinstance(cwd, str) and (
        Path(cwd).is_relative_to(folder)
        if PurePosixPath(cwd).is_absolute()
        else PurePosixPath(os.path.normpath(cwd)).as_posix() != cwd or cwd.startswith("..")
    ):
        return False
    kind = line.get("type")
    if kind is None:
        return bool(line) and line.keys() <= _ABOUT_AGENT
    return isinstance(kind, str) and kind in _CONVERSATION


def _kept_in(entry: dict[str, Any]) -> dict[str, Any] | None:
    """Return the store's line that is kept in one of this machine's, if it is such a one."""
    if entry.get("type") != _KEPT or entry.keys() != {"type", "line"}:
        return None
    try:
        kept = parse_json(str(entry["line"]).encode())
    except ValueError:
        return None
    return kept if isinstance(kept, dict) else None


def read_after(
    path: Path, folder: str, place: Place, limit: int
) -> tuple[list[SessionStoreEntry], Place]:
    """Return the whole lines behind a place, up to `limit` bytes, and the place behind them.

    Raises:
        Rewritten: The file isn't the one that the place is in.
        FileNotFoundError: There is no such file.
    """
    with open_regular(path) as file:
        if tail_of(file, place.offset) != place.tail:
            raise Rewritten
        entries: list[SessionStoreEntry] = []
        offset, mark = place.offset, place.mark
        for entry, offset, mark in each_after(path, folder, place):  # noqa: B007 - the last ones
            entries.append(entry)
            if offset - place.offset >= limit:
                break
        return entries, Place(offset, mark, tail_of(file, offset))


def each_after(
    path: Path, folder: str, place: Place = BEGIN
) -> Iterator[tuple[SessionStoreEntry, int, Mark]]:
    """Return the whole lines behind a place, one by one, each with where the next one begins.

    A file that is one JSON value, as what the CLI notes of a subagent, is one line.

    Raises:
        FileNotFoundError: There is no such file.
    """
    whole = path.suffix == ".json"
    with open_regular(path) as file:
        file.seek(place.offset)
        offset, mark = place.offset, place.mark
        while line := file.read() if whole else file.readline():
            if not whole and not line.endswith(b"\n"):
                return  # it isn't written to its end yet
            entry = portable(line, folder)
            offset += len(line)
            mark = Mark(mark.lines + 1, digest_after(mark.digest, encoded(entry)))
            yield entry, offset, mark


def tail_of(file: BinaryIO, offset: int) -> str:
    """Return what stands before an offset; something else where the file is shorter."""
    if not offset:
        return ""
    begin = max(0, offset - _TAIL_BYTES)
    file.seek(begin)
    return hashlib.blake2b(file.read(offset - begin), digest_size=8).hexdigest()
