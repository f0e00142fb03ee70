"""A transcript that lies elsewhere than where the SDK looks: a copy, or one of two of a name."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_sdk import InMemorySessionStore, SDKSessionInfo, SessionMessage

# The SDK files a store's sessions under a folder; here it is one session and any folder.
FOLDER: Final = "/"


def info_of(transcript: Path) -> SDKSessionInfo | None:
    """Return what the SDK would tell of it. Call it in a thread.

    Raises:
        OSError: It can't be read.
    """
    return asyncio.run(_info_of(transcript))


def conversation_in(session_id: str, entries: list[Any]) -> list[tuple[SessionMessage, str | None]]:
    """Put the lines of a conversation in order, as the SDK does. Call it in a thread.

    Args:
        session_id: The session.
        entries: Of its transcript; of what its messages say, the ids are enough.

    Returns:
        Each line with its time, as it stands there.
    """
    times = {entry["uuid"]: entry.get("timestamp") for entry in entries}
    return [(line, times[line.uuid]) for line in asyncio.run(_conversation(session_id, entries))]


def entries_in(content: bytes) -> list[Any]:
    """Return the entries of a transcript; a line that is none is left out."""
    entries = []
    for line in content.splitlines():
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, dict):
            entries.append(entry)
    return entries


async def _info_of(transcript: Path) -> SDKSessionInfo | None:
    from claude_agent_sdk import get_session_info_from_store

    content = transcript.read_bytes()  # noqa: ASYNC240 - the loop is the thread's own
    store = await _store(transcript.stem, entries_in(content))
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
