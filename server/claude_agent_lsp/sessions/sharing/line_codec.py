"""A transcript's lines, between this machine and a shared store.

A folder has another path on another machine: in a store, `cwd` is relative to the session's
folder. Nothing else of a line is changed; what the agent has read and said stays as it was.
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

# A line that is no JSON object, as a killed CLI may leave one, is kept as its text.
_UNREADABLE: Final = "claude-agent-lsp-line"
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
    cwd = entry.get("cwd")
    if isinstance(cwd, str) and Path(cwd).is_relative_to(folder):
        entry["cwd"] = Path(cwd).relative_to(folder).as_posix()
    return cast("SessionStoreEntry", entry)


def local(entry: SessionStoreEntry, folder: str, session_id: str | None = None) -> bytes:
    """Return a store's line as the CLI has it in a folder here, with its end.

    Args:
        entry: The line.
        folder: The real path of the session's folder here.
        session_id: Whose line it becomes; left out, its own session's.
    """
    line: dict[str, Any] = dict(entry)
    if line.get("type") == _UNREADABLE:
        return str(line.get("text", "")).encode(errors="surrogateescape") + b"\n"
    cwd = line.get("cwd")
    if isinstance(cwd, str) and not PurePosixPath(cwd).is_absolute():
        line["cwd"] = os.path.normpath(Path(folder, cwd))
    if session_id is not None and "sessionId" in line:
        line["sessionId"] = session_id
    text = json.dumps(line, separators=(",", ":"), ensure_ascii=False)
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:  # half of a surrogate pair
        return json.dumps(line, separators=(",", ":")).encode() + b"\n"


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
