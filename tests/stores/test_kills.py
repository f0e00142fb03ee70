"""A store is killed in the middle of what it is told, or restored, and nothing is lost.

`make torture` does it 20 times with each kind of store; the suite does it three times.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from claude_agent_lsp.errors import SessionBusy, StoreUnavailable
from claude_agent_lsp.sessions.sharing import losses
from claude_agent_lsp.sessions.sharing.stores import link
from claude_agent_lsp.sessions.sharing.stores.opening import open_store
from claude_agent_lsp.sessions.sharing.stores.store import ClaimLost, Owner
from tests.conftest import TOLD

from .misfortunes import redis_of
from .proxy import Proxy, proxy_of
from .servers import RedisServer
from .sharer import Sharer, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from claude_agent_lsp.sessions.sharing.mirror import Mirror
    from claude_agent_lsp.sessions.sharing.sync_state import Mirrored

    from .servers import Postgres

KILLS = int(os.environ.get("TORTURE_STORE_KILLS", "3"))
LINES = 40
WIDTH = 2000
BERT = Owner("VS Code", 22, "bert", "bert's")
CARL = Owner("Neovim", 33, "carl", "carl's")


@pytest_asyncio.fixture
async def proxy(server: Postgres | RedisServer) -> AsyncIterator[Proxy]:
    async with proxy_of(server) as made:
        yield made


@pytest_asyncio.fixture
async def anna(
    tmp_path: Path,
    server: Postgres | RedisServer,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Sharer]:
    """Who works in sessions, and has the proxy between herself and the store."""
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setattr(link, "RETRY_AT_MOST_SECONDS", 0.5)
    # Nothing tells of what Redis evicts.
    monkeypatch.setattr(losses, "LOOK_SECONDS", 0.5)
    store = open_store(server.url)
    made = Sharer(tmp_path, store, proxy.url)
    yield made
    await made.leave()
    await store.close()


@pytest.mark.timeout(120 + 30 * KILLS)
async def test_nothing_is_lost_however_often_the_store_is_killed_or_restored(
    anna: Sharer,
    server: Postgres | RedisServer,
    proxy: Proxy,
    record_property: Callable[[str, object], None],
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201
    chance = random.Random(seed)
    opened = anna.open()
    sessions = [anna.say("begin"), anna.say("begin")]
    opened.resume(sessions)
    await until(lambda: are_whole(anna, sessions))
    older = await asyncio.to_thread(server.back_up)
    await server.restart()
    ways = dict.fromkeys(("killed", "restored", "evicted"), 0)
    for number in range(KILLS):
        one = sessions[number % 2]
        anna.say(
            *(f"{number} {part} {'x' * WIDTH}" for part in range(LINES)), session_id=one.session_id
        )
        proxy.after(chance.randrange(LINES * WIDTH), lambda: server.stop(signal.SIGKILL))
        opened.began(one)
        await until(lambda: proxy.acted)
        way = [*ways][number % 3]
        ways[way] += 1
        if way == "restored":
            nothing = isinstance(server, RedisServer) and chance.random() < 0.5
            server.restore(None if nothing else older)
        await server.restart()
        if way == "evicted" and isinstance(server, RedisServer):
            await evict_some(server, anna, chance)
        await assert_one_owner(server, opened, one)
        opened.ended(one.session_id)
        await until(lambda: are_whole(anna, sessions))
    await until(lambda: len(anna.told) % 2 == 0)
    assert all("can't be used" in told for told in anna.told[0::2])
    assert all("up to date" in told for told in anna.told[1::2])
    record_property(TOLD, f"{KILLS} kills in mid-append: {ways}; nothing lost, one owner")


async def are_whole(machine: Sharer, sessions: list[Mirrored]) -> bool:
    """Whether the store has all lines of some transcripts, once and in their order."""
    for mirrored in sessions:
        here = [json.loads(line) for line in machine.path(mirrored).read_text().splitlines()]
        try:
            there: list[Any] = await machine.store.load(mirrored.key()) or []
        except StoreUnavailable:
            return False  # on a connection that has ended
        if [line["uuid"] for line in here] != [line["uuid"] for line in there]:
            return False
    return True


async def evict_some(server: RedisServer, machine: Sharer, chance: random.Random) -> None:
    """Redis has no room for some keys, whichever."""
    async with redis_of(server) as redis:
        keys = [key async for key in redis.scan_iter(f"*{machine.project}*")]
        assert keys
        await redis.delete(*chance.sample(keys, max(1, len(keys) // 3)))


async def assert_one_owner(
    server: Postgres | RedisServer, opened: Mirror, mirrored: Mirrored
) -> None:
    """Of two more that want a session one has it at most, and then nobody else can write."""
    stores = [open_store(server.url) for _ in (BERT, CARL)]
    claims = await asyncio.gather(
        *(
            store.claim(mirrored.key(), owner)
            for store, owner in zip(stores, (BERT, CARL), strict=True)
        ),
        return_exceptions=True,
    )
    won = [claim for claim in claims if not isinstance(claim, BaseException)]
    assert len(won) <= 1
    assert all(isinstance(claim, SessionBusy) for claim in claims if claim not in won)
    for claim in won:
        ours = opened._sessions[mirrored.session_id].claim
        if ours is not None:
            with pytest.raises(ClaimLost):
                await stores[0].append(mirrored.key(), [line()], token=ours.token)
        await claim.release()
    for store in stores:
        await store.close()


def line() -> Any:
    return {"type": "x"}
