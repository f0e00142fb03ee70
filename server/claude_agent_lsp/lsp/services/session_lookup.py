"""Finding sessions for the commands: in the catalogue, in a shared store, in their folder."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.errors import SessionNotFound
from claude_agent_lsp.sessions.transcripts.transcript import find_transcript, is_session_id

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.agent.agent import Agent
    from claude_agent_lsp.lsp.services.configuration import Configuration
    from claude_agent_lsp.sessions.catalogue.catalogue import Catalogue
    from claude_agent_lsp.sessions.catalogue.index import Index
    from claude_agent_lsp.sessions.catalogue.search.indexing import Indexing
    from claude_agent_lsp.sessions.catalogue.session import Session
    from claude_agent_lsp.workspace.folders import Folder, Folders
    from claude_agent_lsp.workspace.settings import Settings

logger = logging.getLogger(__name__)

# How long a session that is looked for in all stores waits for the settings of each folder.
SETTINGS_SECONDS: Final = 2.0


class SessionLookup:
    """Knows where to look for a session.

    Args:
        agent: Knows which sessions are in use, and has the lanes.
        folders: The open folders.
        configuration: What is set in them.
        indexing: Reads what was said in them, for a search.
    """

    def __init__(
        self, agent: Agent, folders: Folders, configuration: Configuration, indexing: Indexing
    ) -> None:
        self._agent = agent
        self._folders = folders
        self._configuration = configuration
        self._index: Index | None = None
        self.indexing = indexing

    async def find(self, session_id: str) -> Session:
        """Return a session.

        Raises:
            SessionNotFound: There is none with this id.
        """
        catalogue = await self.catalogue()
        return await self._agent.lanes.session(session_id).read(catalogue.session, session_id)

    async def fetch(self, session_id: str) -> None:
        """Bring a session here that is only in the store of one of the open folders.

        One that is here is not looked for. A folder that does not answer has its store left out.
        """
        lane = self._agent.lanes.session(session_id)
        if is_session_id(session_id) and await lane.read(find_transcript, session_id) is not None:
            return

        async def fetch(folder: Folder) -> None:
            async with asyncio.timeout(SETTINGS_SECONDS):
                settings = await self._configuration.settings_in(folder)
            await self._agent.sharing.fetch(settings.session_store, folder.path, session_id)

        folders = tuple(self._folders)
        done = await asyncio.gather(*map(fetch, folders), return_exceptions=True)
        for folder, fault in zip(folders, done, strict=True):
            if isinstance(fault, TimeoutError):
                logger.info("%s is not looked for in the store of %s", session_id, folder.path)
            elif fault is not None:
                raise fault

    async def settings_of(self, place: Path) -> Settings:
        """Return what is set in an open folder; what came with `initialize` in any other."""
        folder = next((each for each in self._folders if each.path == place), None)
        if folder is None:
            return self._configuration.initial.restricted()
        return await self._configuration.settings_in(folder)

    async def stores(self) -> list[str]:
        """Return the shared stores that are set anywhere here, whether that holds there or not.

        They are for what was sent there before. A folder that does not answer has its own left out.
        """

        async def store_of(folder: Folder) -> str | None:
            async with asyncio.timeout(SETTINGS_SECONDS):
                return (await self._configuration.settings_as_sent(folder)).session_store

        found = await asyncio.gather(*map(store_of, self._folders), return_exceptions=True)
        stores = (self._configuration.initial.session_store, *found)
        return [store for store in stores if isinstance(store, str)]

    async def catalogue(self) -> Catalogue:
        """Return the catalogue of all sessions here."""
        return await disk.run(self.opened_catalogue)

    async def index(self) -> Index:
        """Return what is known of each transcript."""
        return await disk.run(self._opened_index)

    def folder_of(self, session_id: str) -> Path | None:
        """Return the folder of a session, or None. It reads files: call it in a thread."""
        try:
            return self.opened_catalogue().session(session_id).workspace
        except SessionNotFound:
            return None

    def opened_catalogue(self) -> Catalogue:
        """Return the catalogue. It opens the index: call it in a thread."""
        from claude_agent_lsp.sessions.catalogue.catalogue import Catalogue

        return Catalogue(
            self._opened_index(),
            self._agent.locks.busy,
            self._agent.current,
            [folder.path for folder in self._folders],
        )

    def _opened_index(self) -> Index:
        from claude_agent_lsp.sessions.catalogue.index import Index

        directory = self._agent.state.directory
        if self._index is None or self._index.directory != directory:
            self._index = Index(directory)
        return self._index
