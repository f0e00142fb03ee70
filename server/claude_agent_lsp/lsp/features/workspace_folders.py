"""The open folders: those of `initialize`, and those that are opened and closed later."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from claude_agent_lsp.base.uris import uri_of
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.lsp.features.feature import Feature
from claude_agent_lsp.workspace.folders import Folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from claude_agent_lsp.lsp.features.feature import Handler

logger = logging.getLogger(__name__)


class WorkspaceFolders(Feature):
    """Keeps the list, and starts processes ahead in what is opened."""

    def handlers(self) -> Mapping[str, Handler]:
        """Handle `workspace/didChangeWorkspaceFolders`."""
        return {types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: self._changed}

    def initialize(self, params: types.InitializeParams) -> None:
        """Take the folders that are open from the start."""
        self._services.folders.replace(_folders_of(params))

    async def initialized(self) -> None:
        """Start processes ahead."""
        for folder in self._services.folders:
            self._services.prewarming.begin(folder)

    def _changed(self, params: types.DidChangeWorkspaceFoldersParams) -> None:
        services = self._services
        for removed in params.event.removed:
            services.configuration.forget(removed.uri)
        services.folders.remove(*(removed.uri for removed in params.event.removed))
        opened = []
        for added in params.event.added:
            with contextlib.suppress(InvalidArgument):
                opened.append(Folder.parse(added.uri, added.name))
        services.folders.add(*opened)
        for folder in opened:
            services.prewarming.begin(folder)


def _folders_of(params: types.InitializeParams) -> list[Folder]:
    """Return the open folders, by the newest of the three ways of LSP that the editor uses."""
    named: list[tuple[str, str | None]] = []
    if params.workspace_folders:
        named = [(folder.uri, folder.name) for folder in params.workspace_folders]
    elif params.root_uri is not None:
        named = [(params.root_uri, None)]
    elif params.root_path:
        named = [(uri_of(Path(params.root_path).absolute()), None)]
    folders = []
    for uri, name in named:
        try:
            folders.append(Folder.parse(uri, name))
        except InvalidArgument as error:
            logger.warning("A folder can't be used: %s", error)
    return folders
