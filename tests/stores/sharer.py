"""A machine that shares sessions, in this process: the real store, and no CLI but its files."""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from typing import TYPE_CHECKING, Any

from claude_agent_lsp.base.lanes import Lanes
from claude_agent_lsp.sessions.sharing import losses
from claude_agent_lsp.sessions.sharing.losses import places_lost
from claude_agent_lsp.sessions.sharing.mirror import Mirror
from claude_agent_lsp.sessions.sharing.stores.link import StoreLink
from claude_agent_lsp.sessions.sharing.stores.store import Owner
from claude_agent_lsp.sessions.sharing.sync_state import Mirrored, SyncState
from tests.sessions.lines import Disk, Talk

from .servers import SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import pytest

    from claude_agent_lsp.sessions.sharing.stores.store import SharedStore


class Sharer:
    """What a server has of sharing, in this process, with the sessions of one folder."""

    def __init__(self, root: Path, store: SharedStore, url: str) -> None:
        self.folder = root / "project"
        self.folder.mkdir()
        self.store = store
        self.project = str(uuid.uuid4())
        self.states = SyncState(lambda: root / "state")
        self.told: list[str] = []
        self._disk = Disk(root / "config")
        self._url = url
        self._mirrors: list[Mirror] = []

    def open(self) -> Mirror:
        """A server that begins."""
        link = StoreLink(self._url, lambda _, text: self.told.append(text))
        owner = Owner("an editor", 1, "machine", str(uuid.uuid4()))
        opened = Mirror(
            link, self.states, owner, lambda _, text: self.told.append(text), Lanes(), store="s"
        )
        self._mirrors.append(opened)
        return opened

    def say(self, *texts: str, session_id: str | None = None) -> Mirrored:
        """The CLI writes a session, or goes on with it."""
        mirrored = Mirrored(
            session_id or str(uuid.uuid4()), "s", self.project, os.path.realpath(self.folder)
        )
        path = self.path(mirrored)
        path.parent.mkdir(parents=True, exist_ok=True)
        talk = Talk()
        with path.open("a") as file:
            for text in texts:
                file.write(json.dumps(talk.user(text) | {"cwd": mirrored.folder}) + "\n")
        return mirrored

    def path(self, mirrored: Mirrored) -> Path:
        """A session's transcript."""
        return self._disk.path(mirrored.session_id, self.folder)

    async def lines(self, mirrored: Mirrored) -> int:
        """How many of its lines the store has."""
        return len(await self.store.load(mirrored.key()) or [])

    async def sent(self, *texts: str) -> Mirrored:
        """A session that a server has sent; it is gone."""
        mirrored, server = self.say(*texts), self.open()
        server.resume([mirrored])
        await until(lambda: server.at_rest)
        await server.close()
        assert await self.lines(mirrored) == len(texts)
        return mirrored

    async def looked(self, monkeypatch: pytest.MonkeyPatch) -> Mirror:
        """A server that has looked once for what is lost, and found nothing."""
        done = asyncio.Event()

        async def look(*arguments: Any) -> Any:
            found = await places_lost(*arguments)
            done.set()
            return found

        monkeypatch.setattr(losses, "places_lost", look)
        opened = self.open()
        async with asyncio.timeout(SECONDS):
            await done.wait()
        return opened

    async def leave(self) -> None:
        for each in self._mirrors:
            await each.close()


async def until(done: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait for what nothing tells of."""
    async with asyncio.timeout(SECONDS):
        while True:
            found = done()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.01)
