"""What a store has lost is sent again by the machines that have it."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from claude_agent_lsp.sessions.sharing import losses, mirror
from claude_agent_lsp.sessions.sharing.stores.listing import sessions_of
from claude_agent_lsp.sessions.sharing.stores.opening import open_store
from claude_agent_lsp.sessions.sharing.stores.store import START
from tests.sessions.lines import Talk

from .misfortunes import another_type, evict, lose
from .sharer import Sharer, until
from .test_copies import Side, alike

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from claude_agent_lsp.sessions.sharing.stores.store import SharedStore
    from claude_agent_lsp.sessions.sharing.sync_state import Mirrored

    from .servers import Postgres, RedisServer


@pytest_asyncio.fixture
async def store(server: Postgres | RedisServer) -> AsyncIterator[SharedStore]:
    opened = open_store(server.url)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def machine(
    tmp_path: Path,
    server: Postgres | RedisServer,
    store: SharedStore,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Sharer]:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "config"))
    made = Sharer(tmp_path, store, server.url)
    yield made
    await made.leave()


async def test_server_that_begins_sends_again_what_was_lost_and_not_what_was_deleted(
    machine: Sharer, server: Postgres | RedisServer
) -> None:
    lost, deleted = await machine.sent("1", "2"), await machine.sent("3")
    await machine.store.delete(deleted.key())
    await lose(server, lost.session_id)
    machine.open()
    await until(lambda: _lines_are(machine, lost, 2))
    await until(lambda: machine.states.find(deleted.session_id) is None)
    assert await machine.lines(deleted) == 0
    assert machine.told == []


async def _lines_are(machine: Sharer, mirrored: Mirrored, count: int) -> bool:
    return await machine.lines(mirrored) == count


async def test_loss_that_breaks_no_connection_is_noticed_in_time(
    machine: Sharer, server: Postgres | RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert losses.LOOK_SECONDS <= 600
    monkeypatch.setattr(losses, "LOOK_SECONDS", 0.05)
    mirrored = await machine.sent("1", "2")
    await machine.looked(monkeypatch)
    await lose(server, mirrored.session_id)
    await until(lambda: _lines_are(machine, mirrored, 2))


async def test_loss_that_one_session_shows_is_looked_for_in_all(
    machine: Sharer, server: Postgres | RedisServer, monkeypatch: pytest.MonkeyPatch
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


async def test_where_another_went_on_after_a_loss_what_is_here_is_kept_under_a_new_id(
    machine: Sharer, server: Postgres | RedisServer
) -> None:
    mirrored = await machine.sent("1", "2")
    before = await machine.store.load(mirrored.key()) or []
    await lose(server, mirrored.session_id)
    # It had fetched the first line alone.
    other: Any = {"type": "user", "uuid": "other's", "message": {"content": "3"}}
    await machine.store.append(mirrored.key(), [before[0], other], after=START)
    machine.open()
    await until(lambda: bool(machine.told))
    (told,) = machine.told
    assert f"{mirrored.session_id} was also continued on another machine" in told
    (kept,) = set(machine.path(mirrored).parent.glob("*.jsonl")) - {machine.path(mirrored)}
    assert kept.stem in told
    assert [json.loads(line)["uuid"] for line in kept.read_text().splitlines()] == [
        line["uuid"] for line in before
    ]
    here = [json.loads(line)["uuid"] for line in machine.path(mirrored).read_text().splitlines()]
    assert here == [before[0]["uuid"], "other's"]
    assert await machine.store.load(mirrored.key()) == [before[0], other]


async def test_deleted_session_that_is_gone_on_with_is_sent_again(machine: Sharer) -> None:
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
    machine: Sharer, server: Postgres | RedisServer
) -> None:
    mirrored = await machine.sent("1")
    await lose(server, mirrored.session_id)
    machine.path(mirrored).unlink()
    machine.open()

    async def is_over() -> bool:
        known = machine.states.find(mirrored.session_id)
        return known is not None and not known.pending and not known.places

    await until(is_over)


@pytest.mark.parametrize("server", ["redis"], indirect=True)
async def test_session_of_another_type_hides_no_loss_of_others(
    machine: Sharer, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "FAULT_SECONDS", 0.05)
    bad, good = await machine.sent("1"), await machine.sent("2")
    async with another_type(server, "digests", bad.session_id):
        await lose(server, good.session_id)
        machine.open()
        await until(lambda: _lines_are(machine, good, 1))
        await until(lambda: bool(machine.told))
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
