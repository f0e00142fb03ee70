"""A transcript that lies elsewhere than where the SDK looks: a copy, or one of two of a name."""

from __future__ import annotations

import asyncio
import os
import uuid
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from claude_agent_lsp.base.texts.json_text import parse_line
from claude_agent_lsp.sessions.transcripts.packed import open_transcript

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_sdk import InMemorySessionStore, SDKSessionInfo, SessionMessage

# The SDK files a store's sessions under a folder; here it is one session and any folder.
FOLDER: Final = "/"
SUBAGENT: Final = "agent-"
# The SDK looks at 64 KiB at each end, in lines that it has written without blanks before.
END_BYTES: Final = 262_144


def info_of(transcript: Path) -> SDKSessionInfo | None:
    """Return what the SDK would return for it. Call it in a thread.

    Raises:
        OSError: It can't be read.
    """
    return asyncio.run(_info_of(transcript))


def conversation_in(session_id: str, entries: list[Any]) -> list[tuple[SessionMessage, str | None]]:
    """Put the lines of a conversation in order, as the SDK does. Call it in a thread.

    Args:
        session_id: The session, or what the file of a subagent is called.
        entries: Of its transcript; of what its messages say, the ids are enough.

    Returns:
        Each line with its time, as it stands there.
    """
    times = {entry["uuid"]: entry.get("timestamp") for entry in entries}
    if session_id.startswith(SUBAGENT):
        # Beside a session it is no conversation of its own, and in its own file it is.
        entries = [{**entry, "isSidechain": False} for entry in entries]
        session_id = str(uuid.uuid5(uuid.NAMESPACE_OID, session_id))
    return [(line, times[line.uuid]) for line in asyncio.run(_conversation(session_id, entries))]


def entries_in(content: bytes) -> list[Any]:
    """Return the entries of a transcript; a line that is none is left out."""
    entries = []
    for line in content.splitlines():
        try:
            entry = parse_line(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            entries.append(entry)
    return entries


def ends_of(transcript: Path) -> bytes:
    """Return the first whole lines of a transcript and the last ones, which may be all.

    Raises:
        OSError: It can't be read.
    """
    with open_transcript(transcript) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if size <= 2 * END_BYTES:
            return file.read()
        head = file.read(END_BYTES) + file.readline()
        begin = _begin_of_line(file, size - END_BYTES)
        file.seek(max(begin, len(head)))
        return head + file.read()


def _begin_of_line(file: BinaryIO, place: int) -> int:
    """Return where the line begins that a place is in, or 0 for the first one."""
    while place > 0:
        length = min(END_BYTES, place)
        place -= length
        file.seek(place)
        if (found := file.read(length).rfind(b"\n")) >= 0:
            return place + found + 1
    return 0


async def _info_of(transcript: Path) -> SDKSessionInfo | None:
    from claude_agent_sdk import get_session_info_from_store

    store = await _store(transcript.stem, entries_in(ends_of(transcript)))
    return await get_session_info_from_store(store, transcript.stem, FOLDER)


async def _conversation(session_id: str, entries: list[Any]) -> list[SessionMessage]:
    from claude_agent_sdk import get_session_messages_from_store

    store = await _store(session_id, entries)
    return await get_session_messages_from_store(store, session_id, FOLDER)


async def _store(session_id: str, entries: list[Any]) -> InMemorySessionStore:
    from claude_agent_sdk import InMemorySessionStore, project_key_for_directory

    store = InMemorySessionStore()
    key = project_key_for_directory(FOLDER)
    await store.append({"project_key": key, "session_id": session_id}, entries)
    return store
