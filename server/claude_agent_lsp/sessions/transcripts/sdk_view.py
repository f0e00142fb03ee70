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
    """What the SDK would tell of it. Call it in a thread.

    Raises:
        OSError: It can't be read.
    """
    return asyncio.run(_info_of(transcript))


def messages_of(transcript: Path) -> list[SessionMessage]:
    """The lines of its conversation, as the SDK would tell them. Call it in a thread.

    Raises:
        OSError: It can't be read.
    """
    return asyncio.run(_messages_of(transcript))


def entries_in(content: bytes) -> list[Any]:
    """The entries of a transcript; a line that is none is left out."""
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

    return await get_session_info_from_store(await _store(transcript), transcript.stem, FOLDER)


async def _messages_of(transcript: Path) -> list[SessionMessage]:
    from claude_agent_sdk import get_session_messages_from_store

    return await get_session_messages_from_store(await _store(transcript), transcript.stem, FOLDER)


async def _store(transcript: Path) -> InMemorySessionStore:
    from claude_agent_sdk import InMemorySessionStore, project_key_for_directory

    store = InMemorySessionStore()
    key = project_key_for_directory(FOLDER)
    content = transcript.read_bytes()  # noqa: ASYNC240 - the loop is the thread's own
    await store.append({"project_key": key, "session_id": transcript.stem}, entries_in(content))
    return store
