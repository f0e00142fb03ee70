"""Processes started ahead of the next query of a folder."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_agent_lsp.agent.agent import Agent
    from claude_agent_lsp.lsp.editor import Editor
    from claude_agent_lsp.lsp.services.configuration import Configuration
    from claude_agent_lsp.lsp.services.folder_trust import FolderTrust
    from claude_agent_lsp.workspace.folders import Folder

logger = logging.getLogger(__name__)


class Prewarming:
    """Starts them in the background, where the settings say so.

    Args:
        editor: Has the background.
        configuration: What is set.
        trust: What is trusted.
        agent: Returns the agent.
    """

    def __init__(
        self,
        editor: Editor,
        configuration: Configuration,
        trust: FolderTrust,
        agent: Callable[[], Agent],
    ) -> None:
        self._editor = editor
        self._configuration = configuration
        self._trust = trust
        self._agent = agent

    def begin(self, folder: Folder) -> None:
        """Start a process for a folder's next query.

        A process runs the project's hooks, so a folder that the agent has never been asked in is
        left alone: opening somebody else's repository runs nothing.
        """
        self._editor.spawn(self._begin(folder))

    async def _begin(self, folder: Folder) -> None:
        agent = self._agent()
        await self._trust.look_again(folder.path)
        lane = agent.lanes.folder(folder.path)
        left = lane.revoked
        settings = await self._configuration.settings_in(folder)
        await agent.sharing.watch(settings.session_store)
        used = await lane.read(agent.current, folder.path) is not None
        if not settings.prewarm or not used:
            return
        try:
            await agent.idle_processes.prewarm(
                folder.path, settings, left, self._trust.place(folder.path)
            )
        except Exception as error:  # noqa: BLE001 - the first query will fail with it
            logger.warning("No process could be started in advance for %s: %s", folder.path, error)
