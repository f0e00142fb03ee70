"""What a store has lost is sent again by the machines that have it."""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from claude_agent_lsp.base.lanes import Lanes
from claude_agent_lsp.sessions.sharing import losses, mirror
from claude_agent_lsp.sessions.sharing.losses import places_lost
from claude_agent_lsp.sessions.sharing.mirror import Mirror
from claude_agent_lsp.sessions.sharing.stores.link import StoreLink
from claude_agent_lsp.sessions.sharing.stores.listing import sessions_of
from claude_agent_lsp.sessions.sharing.stores.opening import open_store
from claude_agent_lsp.sessions.sharing.stores.store import Owner
from claude_agent_lsp.sessions.sharing.sync_state import Mirrored, SyncState
from tests.sessions.lines import Disk, Talk

from .misfortunes import another_type, evict, lose
from .servers import SECONDS
from .test_copies import Side, alike

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from claude_agent_lsp.sessions.sharing.stores.store import SharedStore

    from .servers import Postgres, RedisServer


@pytest_asyncio.fixture
async def store(server: Postgres | RedisServer) -> AsyncIterator[SharedStore]:
    opened = open_store(server.url)
    yield opened
    await opened.close()


class Machine:
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
        path = self._disk.path(mirrored.session_id, self.folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        talk = Talk()
        with path.open("a") as file:
            for text in texts:
                file.write(json.dumps(talk.user(text) | {"cwd": mirrored.folder}) + "\n")
        return mirrored

    async def lines(self, mirrored: Mirrored) -> int:
        return len(await self.store.load(mirrored.key()) or [])

    async def sent(self, *texts: str) -> Mirrored:
        """A session that a server has sent; it is gone."""
        mirrored, server = self.say(*texts), self.open()
        server.resume([mirrored])
        await until(lambda: _is(server.at_rest))
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


async def _is(done: bool) -> bool:
    return done


async def until(done: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(SECONDS):
        while not await done():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)


@pytest_asyncio.fixture
async def machine(
    tmp_path: Path,
    server: Postgres | RedisServer,
    store: SharedStore,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Machine]:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "config"))
    made = Machine(tmp_path, store, server.url)
    yield made
    await made.leave()


async def test_server_that_begins_sends_again_what_was_lost_and_not_what_was_deleted(
    machine: Machine, server: Postgres | RedisServer
) -> None:
    lost, deleted = await machine.sent("1", "2"), await machine.sent("3")
    await machine.store.delete(deleted.key())
    await lose(server, lost.session_id)
    machine.open()
    await until(lambda: _lines_are(machine, lost, 2))
    await until(lambda: _is(machine.states.find(deleted.session_id) is None))
    assert await machine.lines(deleted) == 0
    assert machine.told == []


async def _lines_are(machine: Machine, mirrored: Mirrored, count: int) -> bool:
    return await machine.lines(mirrored) == count


async def test_loss_that_breaks_no_connection_is_noticed_in_time(
    machine: Machine, server: Postgres | RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert losses.LOOK_SECONDS <= 600
    monkeypatch.setattr(losses, "LOOK_SECONDS", 0.05)
    mirrored = await machine.sent("1", "2")
    await machine.looked(monkeypatch)
    await lose(server, mirrored.session_id)
    await until(lambda: _lines_are(machine, mirrored, 2))


async def test_loss_that_one_session_shows_is_looked_for_in_all(
    machine: Machine, server: Postgres | RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = await machine.sent("1"), await machine.sent("2")
    opened = await machine.looked(monkeypatch)
    for each in (one, other):
        await lose(server, each.session_id)
    machine.say("more", session_id=one.session_id)
    known = machine.states.find(one.session_id)
    assert known is not None
    opened.began(known)
    await until(lambda: _lines_are(machine, one, 2))
    await until(lambda: _lines_are(machine, other, 1))


async def test_deleted_session_that_is_gone_on_with_is_sent_again(machine: Machine) -> None:
    mirrored = await machine.sent("1", "2")
    await machine.store.delete(mirrored.key())
    machine.say("3", session_id=mirrored.session_id)
    opened = machine.open()
    known = machine.states.find(mirrored.session_id)
    assert known is not None
    opened.began(known)
    opened.ended(mirrored.session_id)
    await until(lambda: _lines_are(machine, mirrored, 3))


async def test_session_that_is_lost_everywhere_is_looked_for_no_more(
    machine: Machine, server: Postgres | RedisServer
) -> None:
    mirrored = await machine.sent("1")
    await lose(server, mirrored.session_id)
    Disk(machine.folder.parent / "config").path(mirrored.session_id, machine.folder).unlink()
    machine.open()

    async def is_over() -> bool:
        known = machine.states.find(mirrored.session_id)
        return known is not None and not known.pending and not known.places

    await until(is_over)


@pytest.mark.parametrize("server", ["redis"], indirect=True)
async def test_session_of_another_type_hides_no_loss_of_others(
    machine: Machine, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "FAULT_SECONDS", 0.05)
    bad, good = await machine.sent("1"), await machine.sent("2")
    async with another_type(server, "digests", bad.session_id):
        await lose(server, good.session_id)
        machine.open()
        await until(lambda: _lines_are(machine, good, 1))
        await until(lambda: _is(bool(machine.told)))
        assert "could not be shared" in machine.told[0]
    await until(lambda: _lines_are(machine, bad, 1))


@pytest.mark.parametrize("server", ["redis"], indirect=True)
@pytest.mark.parametrize(
    "kind", ["lines", "digests", "uuids", "sessions", "summaries", "subkeys", "token", "claim"]
)
async def test_whatever_redis_evicts_is_there_again(
    tmp_path: Path,
    server: RedisServer,
    store: SharedStore,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    session_id = str(uuid.uuid4())
    anna, bert = (Side(tmp_path / name, store, session_id, monkeypatch) for name in ("a", "b"))
    talk = Talk()
    anna.say(talk.user("hello"), talk.user("more"))
    beside = anna.path.with_suffix("") / "subagents" / "agent-1.jsonl"
    anna.say({"type": "user", "uuid": "s1"}, path=beside)
    await anna.send()
    whose = anna.mirrored.project_key if kind in ("sessions", "summaries") else session_id
    evicted = await evict(server, f"*{whose}*:{kind}")
    assert evicted or kind == "claim"
    if kind in ("summaries", "token", "uuids", "claim"):
        anna.say(talk.user("and more"))
    await anna.send()
    assert await bert.fetch() is None
    assert alike(anna, bert)
    assert (bert.path.with_suffix("") / "subagents" / "agent-1.jsonl").exists()
    listed: dict[str, Any] = {
        each.session_id: each.first_prompt
        for each in await sessions_of(store, anna.mirrored.project_key)
    }
    assert listed[session_id] == "hello"
