"""Sessions shared with other machines: all that the rest of the server knows of them.

This module loads without the SDK and without a database's driver; both are loaded in a thread
with the first use of a store.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import logging
import os
import re
import socket
import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.base.texts.moments import EPOCH, moment_at
from claude_agent_lsp.errors import StoreUnavailable
from claude_agent_lsp.sessions.sharing.stores.address import StoreAddress
from claude_agent_lsp.sessions.transcripts.repository import project_key
from claude_agent_lsp.sessions.transcripts.transcript import find_transcript

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
    from pathlib import Path

    from claude_agent_sdk import SDKSessionInfo

    from claude_agent_lsp.base.lanes import Lanes
    from claude_agent_lsp.sessions.catalogue.session import Session
    from claude_agent_lsp.sessions.sharing.mirror import Mirror
    from claude_agent_lsp.sessions.sharing.sync_state import Mirrored, SyncState

logger = logging.getLogger(__name__)

LIST_SECONDS: Final = 3.0
# How many of the stores that were used last stay open although nothing is at work in them.
MOST_UNUSED: Final = 8
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class SharedSessions:
    """The sessions of this server that are in shared stores.

    Each call names the store by its URL, as the folder's setting has it; None is no store.

    Args:
        state_directory: Returns the state directory, which a setting may move.
        editor: The editor's name, shown to those who want the same session.
        tell: Shows the user whether it is good news, and the news.
        lanes: Those of its sessions.
    """

    def __init__(
        self,
        state_directory: Callable[[], Path],
        editor: str,
        tell: Callable[[bool, str], None],
        lanes: Lanes,
    ) -> None:
        self._state_directory = state_directory
        self._editor = editor
        self._server = str(uuid.uuid4())
        self._notify = tell
        self._mirrors: dict[str, asyncio.Task[Mirror]] = {}
        self._at_work: dict[str, Mirror] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._lanes = lanes

    async def watch(self, url: str | None) -> None:
        """Go on with what an earlier server had still to send to a store."""
        if url is not None:
            await self._mirror(url)

    @asynccontextmanager
    async def admission(
        self,
        url: str | None,
        folder: Path,
        session_id: str | None,
        *,
        fork: bool,
        wait_or_abort: Callable[[asyncio.Future[bool]], Awaitable[bool]],
    ) -> AsyncIterator[None]:
        """Claim the session for a run that begins inside; if that fails, it is released.

        Before it, the session is claimed for this server on all machines and brought up to date.
        One that is to be forked is only fetched, and only if it is not here.

        Args:
            url: The store.
            folder: The folder.
            session_id: The session; None if it is a new one.
            fork: Whether a copy of it is worked in.
            wait_or_abort: Waits for something, unless the run is stopped first.

        Raises:
            SessionBusy: Somebody on another machine, or in another editor, works in it.
        """
        if url is None or session_id is None:
            yield
            return
        if fork:
            await self.fetch(url, folder, session_id)
            yield
            return
        mirror = await self._mirror(url)
        entering = asyncio.ensure_future(
            mirror.enter(await self._mirrored(url, folder, session_id))
        )

        def give_back(entered: asyncio.Future[bool]) -> None:
            if not entered.cancelled() and not entered.exception() and entered.result():
                mirror.ended(session_id)

        try:
            await wait_or_abort(entering)
            yield
        except BaseException:
            entering.add_done_callback(give_back)
            raise

    async def began(self, url: str | None, folder: Path, session_id: str) -> None:
        """Record that a run is at work in a session."""
        if url is not None:
            mirror = self._at_work[session_id] = await self._mirror(url)
            mirror.began(await self._mirrored(url, folder, session_id))

    def turn_ended(self, session_id: str) -> None:
        """Release the session as soon as the store has all of it: the turn is over."""
        if (mirror := self._at_work.pop(session_id, None)) is not None:
            mirror.ended(session_id)

    async def fetch(self, url: str | None, folder: Path, session_id: str) -> None:
        """Bring a session here if it is only in the store; otherwise do nothing."""
        if url is None or not _ID.fullmatch(session_id):
            return
        lane = self._lanes.session(session_id)
        if await lane.read(find_transcript, session_id) is not None:
            return
        mirror = await self._mirror(url)
        try:
            await mirror.fetch(await self._mirrored(url, folder, session_id))
        except StoreUnavailable as error:
            logger.info("%s can't be looked up in the store: %s", session_id, error)

    async def shared_only(self, url: str | None, folder: Path) -> list[Session]:
        """Return the sessions of a folder that are in the store and have no transcript here.

        Args:
            url: The store.
            folder: The folder.

        Returns:
            Them, with the folder as it is spelled here; nothing while the store is away.
        """
        if url is None:
            return []
        mirror = await self._mirror(url)
        lane = self._lanes.folder(folder)
        key = await lane.read(project_key, folder)
        listing = await disk.run(
            importlib.import_module, "claude_agent_lsp.sessions.sharing.stores.listing"
        )
        try:
            infos: list[SDKSessionInfo] = await mirror.link.use(
                lambda store: listing.sessions_of(store, key), seconds=LIST_SECONDS
            )
        except StoreUnavailable as error:
            logger.info("The sessions of other machines can't be listed: %s", error)
            return []
        return await lane.read(_absent, infos, folder)

    async def delete(
        self, url: str | None, folder: Path, session_id: str, elsewhere: Iterable[str]
    ) -> None:
        """Delete a session in its folder's store, and in the one that it was sent to.

        That may be another one by now: the folder is closed, is not trusted any more, or has
        another setting. What the copy is called there is known from when it was sent.

        Args:
            url: The folder's store.
            folder: The folder.
            session_id: The session.
            elsewhere: The stores that are set in other places.

        Raises:
            SessionBusy: Somebody works in it.
            StoreUnavailable: A store is away, or it was sent to one that is set nowhere here.
        """
        lane = self._lanes.session(session_id)
        known = await lane.run(self._known, session_id)
        opened = tuple(self._mirrors)
        stores = [each for each in opened if self._is_held_by(each, session_id)]
        stores += [] if url is None else [url]
        if known is not None:
            named = (
                each for each in (*stores, *opened, *elsewhere) if _name_of(each) == known.store
            )
            if (sent_to := next(named, None)) is None:
                await lane.run(self._sync_state().throw_if_shared, session_id)
            else:
                stores.append(sent_to)
        for store in dict.fromkeys(stores):
            copy = known if known is not None and known.store == _name_of(store) else None
            mirror = await self._mirror(store)
            await mirror.delete(copy or await self._mirrored(store, folder, session_id))

    def status(self) -> list[dict[str, Any]]:
        """Return the stores in use, without their passwords."""
        mirrors = [task.result() for task in self._mirrors.values() if _is_there(task)]
        return [
            {
                "url": str(mirror.link.address),
                "available": mirror.link.fault is None,
                "sessionsBehind": mirror.behind,
            }
            for mirror in mirrors
        ]

    async def close(self) -> None:
        """Send what can be sent in a moment, and close all stores."""
        for task in self._mirrors.values():
            if _is_there(task):
                await task.result().close()
        if self._closing:
            await asyncio.wait(self._closing)

    async def _mirror(self, url: str) -> Mirror:
        task = self._mirrors.pop(url, None)
        if task is None or (task.done() and not _is_there(task)):
            task = asyncio.create_task(self._open_mirror(url))
        # In the order of their last use.
        self._mirrors[url] = task
        self._let_unused_go()
        return await asyncio.shield(task)

    def _let_unused_go(self) -> None:
        """Close the stores that were in some setting once, and in which nothing is at work."""
        for url, task in tuple(self._mirrors.items())[:-MOST_UNUSED]:
            if not task.done() or (_is_there(task) and not task.result().at_rest):
                continue
            del self._mirrors[url]
            if _is_there(task):
                closing = asyncio.create_task(task.result().close())
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)

    async def _open_mirror(self, url: str) -> Mirror:
        """Make what mirrors sessions into a store; it connects with its first use."""
        modules = []
        for name in ("mirror", "sync_state", "stores.link", "stores.store"):
            full = f"claude_agent_lsp.sessions.sharing.{name}"
            modules.append(await disk.run(importlib.import_module, full))
        mirror, places, link, store = modules
        owner = store.Owner(
            self._editor or "another editor", os.getpid(), socket.gethostname(), self._server
        )
        known = places.SyncState(self._state_directory)
        name = _name_of(url)
        made: Mirror = mirror.Mirror(
            link.StoreLink(url, self._notify), known, owner, self._notify, self._lanes, store=name
        )
        made.resume(each for each in await disk.run(known.known, name) if each.pending)
        return made

    def _is_held_by(self, url: str, session_id: str) -> bool:
        task = self._mirrors[url]
        return _is_there(task) and task.result().holds(session_id)

    def _known(self, session_id: str) -> Mirrored | None:
        return self._sync_state().find(session_id)

    def _sync_state(self) -> SyncState:
        """Return what knows how far sessions have come. The first call loads it: in a thread."""
        module = importlib.import_module("claude_agent_lsp.sessions.sharing.sync_state")
        state: SyncState = module.SyncState(self._state_directory)
        return state

    async def _mirrored(self, url: str, folder: Path, session_id: str) -> Mirrored:
        """Return what is known of a session's copy in a store."""
        places = importlib.import_module("claude_agent_lsp.sessions.sharing.sync_state")

        def look() -> Mirrored:
            key, real = project_key(folder), os.path.realpath(folder)
            store = _name_of(url)
            known: Mirrored | None = places.SyncState(self._state_directory).read(session_id, store)
            if known is not None and (known.project_key, known.folder) == (key, real):
                return known
            fresh: Mirrored = places.Mirrored(session_id, store, key, real, pending=False)
            return fresh

        return await self._lanes.folder(folder).read(look)


def _absent(infos: Iterable[SDKSessionInfo], folder: Path) -> list[Session]:
    named = (info for info in infos if _ID.fullmatch(info.session_id))
    return [_session(info, folder) for info in named if find_transcript(info.session_id) is None]


def _session(info: SDKSessionInfo, folder: Path) -> Session:
    from claude_agent_lsp.sessions.catalogue.session import Session

    return Session(
        session_id=info.session_id,
        title=info.custom_title or info.summary,
        first_prompt=info.first_prompt,
        tag=info.tag,
        workspace=folder,
        git_branch=info.git_branch,
        created_at=moment_at(info.created_at) if info.created_at else None,
        last_modified=moment_at(info.last_modified) or EPOCH,
        running=False,
        current=False,
        interrupted=False,
        origin="shared",
    )


def _name_of(url: str) -> str:
    """Return a store's name in our own files: the same whatever its password."""
    return hashlib.sha256(str(StoreAddress.parse(url)).encode()).hexdigest()[:16]


def _is_there(task: asyncio.Task[Any]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None
