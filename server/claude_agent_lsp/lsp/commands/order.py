"""The order in which commands take effect: each takes its place in its folder's lane as it comes.

    came ──▶ which folder? ──▶ a place in its lane ──▶ its turn

Commands for one folder take effect in the order in which they came, those for several side by side.
Which folder is meant is told one command after the other, so that none gets ahead of another. As a
rule it takes no disk. Where it does and the disk takes its time, a command for a document takes its
place in the folder that the document's name lies in, and lets the others go on; any other one holds
them up for a second at most.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from claude_agent_lsp.base.lanes import FolderLane, Lane, Place
from claude_agent_lsp.base.uris import uri_of
from claude_agent_lsp.errors import WorkspaceNotFound

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from claude_agent_lsp.agent.agent import Agent
    from claude_agent_lsp.workspace.folders import Folder, Folders

RESOLVE_SECONDS: Final = 1.0
LEAST_SECONDS: Final = 0.05
# How long those behind wait for where the links of a document lead; a disk that is well needs 1 ms.
LINKS_SECONDS: Final = 0.1


class Order:
    """Gives commands their places.

    Args:
        agent: Has the lanes, and knows the folders of sessions that are in use.
        folders: Those that are open.
        folder_of: Tells the folder of any session, or None. It reads files.
    """

    def __init__(
        self, agent: Agent, folders: Folders, folder_of: Callable[[str], Path | None]
    ) -> None:
        self._agent = agent
        self._folders = folders
        self._folder_of = folder_of
        self._coming = asyncio.Lock()
        self._resolving = Lane()
        # Of sessions in no folder that is known; one is kept as long as a command is in it.
        self._nowhere: WeakValueDictionary[str, FolderLane] = WeakValueDictionary()

    async def folder(self, workspace: Path | None, document: Path | None = None) -> Folder:
        """Return the folder that a command is for which need not wait its turn.

        Raises:
            WorkspaceNotFound: As `Folders.choose` does.
        """
        folder = await self._resolve(workspace, document, _deadline())
        await self._agent.lanes.folder(folder.path).read(self._folders.check, folder)
        return folder

    @asynccontextmanager
    async def in_folder(
        self, workspace: Path | None, document: Path | None = None
    ) -> AsyncIterator[Folder]:
        """Hold the turn of a command in its folder.

        Raises:
            WorkspaceNotFound: As `Folders.choose` does.
        """
        folder, place = await self._take_place(workspace, document)
        async with place:
            await self._agent.lanes.folder(folder.path).run(self._folders.check, folder)
            yield folder

    async def _take_place(
        self, workspace: Path | None, document: Path | None
    ) -> tuple[Folder, Place]:
        until = _deadline()
        async with self._coming:
            guess = self._guess(workspace, document)
            if guess is None:
                folder = await self._resolve(workspace, document, until)
                return folder, self._agent.lanes.folder(folder.path).place()
            resolving = asyncio.ensure_future(self._resolve(workspace, document, until))
            resolving.add_done_callback(lambda done: done.cancelled() or done.exception())
            await asyncio.wait({resolving}, timeout=LINKS_SECONDS)
            place = self._agent.lanes.folder(guess.path).place()
        try:
            folder = await resolving
        except BaseException:
            place.give_up()
            raise
        if folder != guess:  # the document is a link
            place.give_up()
            place = self._agent.lanes.folder(folder.path).place()
        return folder, place

    def _guess(self, workspace: Path | None, document: Path | None) -> Folder | None:
        """Return the folder that a document's name lies in, where nothing else says which."""
        if document is None or workspace is not None or self._folders.spelled(None) is not None:
            return None
        return self._folders.around(document)

    @asynccontextmanager
    async def in_session(self, session_id: str) -> AsyncIterator[None]:
        """Hold the turn of a command in the folder of its session."""
        until = _deadline()
        async with self._coming:
            folder = await self._folder_of_session(session_id, until)
            if folder is not None:
                lane = self._agent.lanes.folder(folder)
            else:
                lane = self._nowhere.setdefault(session_id, FolderLane())
            place = lane.place()
        async with place:
            yield

    async def _resolve(self, workspace: Path | None, document: Path | None, until: float) -> Folder:
        spelled = self._folders.spelled(workspace)
        if spelled is not None:
            return spelled
        names = (path and uri_of(path) for path in (workspace, document))
        try:
            async with _until(until):
                return await self._resolving.run(self._folders.choose, *names)
        except TimeoutError:
            guess = None if document is None else self._folders.around(document)
            if workspace is None and guess is not None:
                return guess
            raise WorkspaceNotFound(
                f"The disk did not answer within {RESOLVE_SECONDS:g} second, so the folder could "
                "not be determined.",
                hint="Pass a folder as `workspace`, spelled as in the editor.",
            ) from None

    async def _folder_of_session(self, session_id: str, until: float) -> Path | None:
        folder = self._agent.folder_in_use(session_id)
        if folder is not None:
            return folder
        lane = self._agent.lanes.session(session_id)
        try:
            async with _until(until):
                return await lane.read(self._folder_of, session_id)
        except TimeoutError:
            return None


def _deadline() -> float:
    """Until when a command that comes now may wait for its folder, those before it included."""
    return asyncio.get_running_loop().time() + RESOLVE_SECONDS


def _until(deadline: float) -> asyncio.Timeout:
    """Wait no longer, but for a moment however late it is: a disk that is well needs no more."""
    return asyncio.timeout_at(max(deadline, asyncio.get_running_loop().time() + LEAST_SECONDS))
