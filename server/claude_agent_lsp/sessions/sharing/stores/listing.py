"""What sessions a store has of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from claude_agent_sdk import list_sessions_from_store

if TYPE_CHECKING:
    from claude_agent_sdk import (
        SDKSessionInfo,
        SessionKey,
        SessionStore,
        SessionStoreEntry,
        SessionStoreListEntry,
        SessionSummaryEntry,
    )

    from claude_agent_lsp.sessions.sharing.stores.store import SharedStore


async def sessions_of(store: SharedStore, project_key: str) -> list[SDKSessionInfo]:
    """Return what the SDK reports of a project's sessions, newest first.

    Raises:
        StoreUnavailable: The store can't be used.
    """
    return await list_sessions_from_store(cast("SessionStore", _OneProject(store, project_key)))


class _OneProject:
    """A store to read that has one project: the SDK names projects by a folder's path."""

    def __init__(self, store: SharedStore, project_key: str) -> None:
        self._store = store
        self._project_key = project_key

    async def load(self, key: SessionKey) -> list[SessionStoreEntry] | None:
        return await self._store.load({**key, "project_key": self._project_key})

    async def list_sessions(self, project_key: str) -> list[SessionStoreListEntry]:
        del project_key
        return await self._store.list_sessions(self._project_key)

    async def list_session_summaries(self, project_key: str) -> list[SessionSummaryEntry]:
        del project_key
        return await self._store.list_session_summaries(self._project_key)
