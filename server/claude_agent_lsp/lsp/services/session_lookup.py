"""Finding sessions for the commands: in the catalogue, in a shared store, in their folder."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.errors import SessionNotFound
from claude_agent_lsp.sessions.transcripts.transcript import find_transcript

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.agent.agent import Agent
    from claude_agent_lsp.lsp.services.configuration import Configuration
    from claude_agent_lsp.sessions.catalogue.catalogue import Catalogue, Session
    from claude_agent_lsp.sessions.catalogue.index import Index
    from claude_agent_lsp.workspace.folders import Folders
    from claude_agent_lsp.workspace.settings import Settings

logger = logging.getLogger(__name__)

# How long a folder may take to tell its store, and the store to send a session.
FETCH_SECONDS: Final = 10.0


class SessionLookup:
    """Knows where to look for a session.

    Args:
        agent: Knows which sessions are in use, and has the lanes.
        folders: The open folders.
        configuration: What is set in them.
    """

    def __init__(self, agent: Agent, folders: Folders, configuration: Configuration) -> None:
        self._agent = agent
        self._folders = folders
        self._configuration = configuration
        self._index: Index | None = None

    async def find(self, session_id: str) -> Session:
        """Return a session.

        Raises:
            SessionNotFound: There is none with this id.
        """
        catalogue = await self.catalogue()
        return await self._agent.lanes.session(session_id).read(catalogue.session, session_id)

    async def fetch(self, session_id: str) -> None:
        """Bring a session here that is only in the store of one of the open folders.

        One that is here waits for no folder, whose settings may be slow or whose disk hangs.
        """
        lane = self._agent.lanes.session(session_id)
        for folder in self._folders:
            if await lane.read(find_transcript, session_id) is not None:
                return
            try:
                async with asyncio.timeout(FETCH_SECONDS):
                    settings = await self._configuration.settings_in(folder)
                    await self._agent.sharing.fetch(settings.session_store, folder.path, session_id)
            except TimeoutError:
                logger.warning("%s is too slow to tell whether it has %s", folder.path, session_id)

    async def settings_of(self, place: Path) -> Settings:
        """Return what is set in an open folder; what came with `initialize` in any other."""
        folder = next((each for each in self._folders if each.path == place), None)
        if folder is None:
            return self._configuration.initial.restricted()
        return await self._configuration.settings_in(folder)

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
            self._agent.ownership.busy,
            self._agent.current,
            [folder.path for folder in self._folders],
        )

    def _opened_index(self) -> Index:
        from claude_agent_lsp.sessions.catalogue.index import Index

        directory = self._agent.state.directory
        if self._index is None or self._index.directory != directory:
            self._index = Index(directory)
        return self._index
