"""What becomes of a claim whose owner doesn't release it, or whose store has other troubles."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import TYPE_CHECKING, Any, cast

import pytest
import pytest_asyncio

from claude_agent_lsp.errors import SessionBusy, StoreUnavailable
from claude_agent_lsp.sessions.sharing.stores.address import StoreAddress
from claude_agent_lsp.sessions.sharing.stores.link import RefusedByStore, StoreLink
from claude_agent_lsp.sessions.sharing.stores.opening import open_store
from claude_agent_lsp.sessions.sharing.stores.store import START, ClaimLost, Owner
from claude_agent_lsp.sessions.sharing.transfer import CLAIM_SECONDS, SEND_SECONDS

from .misfortunes import (
    LARGE,
    another_type,
    locked,
    lose,
    only_small_entries,
    out_of_memory,
    read_only,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from claude_agent_sdk import SessionKey

    from claude_agent_lsp.sessions.sharing.stores.store import SharedStore

    from .servers import Postgres, RedisServer

    Misfortune = Callable[[Any, str], AbstractAsyncContextManager[None]]

ANNA = Owner("Neovim", 11, "anna")
BERT = Owner("VS Code", 22, "bert")


@pytest.fixture
def key() -> SessionKey:
    return {"project_key": "project", "session_id": str(uuid.uuid4())}


async def test_lock_is_released_when_its_owner_dies(postgres: Postgres, key: SessionKey) -> None:
    from claude_agent_lsp.sessions.sharing.stores.postgres import PostgresStore

    store = PostgresStore(StoreAddress.parse(postgres.url))
    claim = await store.claim(key, ANNA)
    with pytest.raises(SessionBusy):
        await store.claim(key, BERT)
    claim._connection.terminate()  # what the kernel does to a process's connections
    async with asyncio.timeout(30):
        while True:
            try:
                second = await store.claim(key, BERT)
                break
            except SessionBusy:
                await asyncio.sleep(0.01)
    assert claim.lost
    await second.release()
    await store.close()


async def _renewed(redis: Any) -> None:
    """Wait until the time that a claim has left, which falls, has risen."""
    (name,) = await redis.keys("*:claim")
    before = await redis.pttl(name)
    async with asyncio.timeout(30):
        while (left := await redis.pttl(name)) <= before:
            assert left > 0, "it ran out"
            before = left
            await asyncio.sleep(0.01)


async def test_lease_is_renewed_while_its_owner_lives(redis: RedisServer, key: SessionKey) -> None:
    from claude_agent_lsp.sessions.sharing.stores.redis import RedisStore

    store = RedisStore(StoreAddress.parse(redis.url), lease_seconds=3.0)
    claim = await store.claim(key, ANNA)
    token = claim.token
    for _ in range(2):
        await _renewed(store._redis)
    entry = cast("Any", {"type": "x"})
    await store.append(key, [entry], after=START, token=token)
    with pytest.raises(SessionBusy):
        await store.claim(key, BERT)
    await claim.release()
    await store.close()


async def test_paused_owner_whose_lease_ran_out_can_not_write(
    redis: RedisServer, key: SessionKey
) -> None:
    from claude_agent_lsp.sessions.sharing.stores.redis import RedisStore

    store = RedisStore(StoreAddress.parse(redis.url), lease_seconds=0.5)
    paused = await store.claim(key, ANNA)
    paused._renewing.cancel()
    second = None
    async with asyncio.timeout(30):
        while second is None:
            try:
                second = await store.claim(key, BERT)
            except SessionBusy:
                await asyncio.sleep(0.01)
    entry = cast("Any", {"type": "x", "by": "anna"})
    with pytest.raises(ClaimLost):
        await store.append(key, [entry], after=START, token=paused.token)
    assert await store.load(key) is None
    assert paused.lost
    # Giving back what it has not any more takes nothing from the second one.
    await paused.release()
    with pytest.raises(SessionBusy):
        await store.claim(key, ANNA)
    await second.release()
    await store.close()


async def test_claim_that_came_too_late_does_not_shut_its_own_owner_out(
    redis: RedisServer, key: SessionKey
) -> None:
    from claude_agent_lsp.sessions.sharing.stores.redis import RedisStore

    store = RedisStore(StoreAddress.parse(redis.url))
    owner = Owner("Neovim", 11, "anna", str(uuid.uuid4()))
    impatient = RedisStore(StoreAddress.parse(redis.url), timeout_seconds=0.2)
    await impatient.head(key)  # so that it is connected
    with redis.hung(), pytest.raises(StoreUnavailable):
        await impatient.claim(key, owner)
    async with asyncio.timeout(30):
        # It is taken once the server goes on, and nobody is told.
        while not await store._redis.keys("*:claim"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    with pytest.raises(SessionBusy):
        await store.claim(key, Owner("Neovim", 11, "anna", str(uuid.uuid4())))
    first = await store.claim(key, owner)
    second = await store.claim(key, owner)
    assert second.token > first.token
    entry = cast("Any", {"type": "x"})
    with pytest.raises(ClaimLost):
        await store.append(key, [entry], after=START, token=first.token)
    await first.release()
    await store.append(key, [entry], after=START, token=second.token)
    await second.release()
    await impatient.close()
    await store.close()


class Machine:
    """A way to the store, as a server has it, and what the user is told of it."""

    def __init__(self, url: str, owner: Owner) -> None:
        self.told: list[str] = []
        self.owner = owner
        self.link = StoreLink(url, lambda _, text: self.told.append(text))

    async def claim(self, key: SessionKey) -> Any:
        return await self.link.use(
            lambda store: store.claim(key, self.owner), seconds=CLAIM_SECONDS
        )

    async def append(self, key: SessionKey, token: int, text: str = "x") -> None:
        entry = cast("Any", {"type": "x", "text": text})

        async def work(store: SharedStore) -> None:
            await store.append(key, [entry], after=await store.head(key), token=token)

        await self.link.use(work, seconds=SEND_SECONDS)


@pytest_asyncio.fixture
async def machines(server: Postgres | RedisServer) -> AsyncIterator[tuple[Machine, Machine]]:
    both = Machine(server.url, ANNA), Machine(server.url, BERT)
    yield both
    for machine in both:
        await machine.link.close()


def large(server: Any, _: str) -> AbstractAsyncContextManager[None]:
    return only_small_entries(server)


POSTGRES: dict[str, Misfortune] = {
    "an entry that is too large": large,
    "a transcript's row locked": lambda server, one: locked(server, "transcripts", one),
    "a claim's row locked": lambda server, one: locked(server, "claims", one),
}
REDIS: dict[str, Misfortune] = {
    "an entry that is too large": large,
    "lines of another type": lambda server, one: another_type(server, "lines", one),
    "a claim of another type": lambda server, one: another_type(server, "claim", one),
    "no memory left": lambda server, _: out_of_memory(server),
}


@pytest.mark.parametrize(
    ("server", "misfortune"),
    [
        *(pytest.param("postgres", each, id=f"postgres-{name}") for name, each in POSTGRES.items()),
        *(pytest.param("redis", each, id=f"redis-{name}") for name, each in REDIS.items()),
    ],
    indirect=["server"],
)
async def test_session_that_the_store_can_not_take_leaves_all_others_fenced(
    machines: tuple[Machine, Machine],
    server: Postgres | RedisServer,
    misfortune: Misfortune,
    key: SessionKey,
) -> None:
    anna, bert = machines
    other: SessionKey = {**key, "session_id": str(uuid.uuid4())}
    bad: SessionKey = {**key, "session_id": str(uuid.uuid4())}
    good, spoiled = await anna.claim(key), await anna.claim(bad)
    await anna.append(bad, spoiled.token)
    await bert.link.attempt(lambda store: store.head(key), seconds=CLAIM_SECONDS)
    async with misfortune(server, bad["session_id"]):
        claims, refused = [good, spoiled], 0
        for work in (anna.append(bad, spoiled.token, "x" * LARGE), anna.claim(bad)):
            try:
                claims.append(await work)
            except RefusedByStore:
                refused += 1
            await spoiled.release()
        assert refused
        with pytest.raises(SessionBusy):
            await bert.claim(key)
        third = await bert.claim(other)
        claims.append(third)
        with pytest.raises(SessionBusy):
            await anna.claim(other)
        assert not good.lost
    assert anna.told == bert.told == []
    await anna.append(key, good.token)
    await bert.append(other, third.token)
    for claim in filter(None, claims):
        await claim.release()


async def test_entry_of_any_characters_is_taken(
    machines: tuple[Machine, Machine], key: SessionKey
) -> None:
    anna, bert = machines
    claim = await anna.claim(key)
    entries: list[Any] = [
        {"type": "x", "uuid": uuid_, "text": text}
        for uuid_, text in (
            ("a\0b", "\0"),
            ("\ud83d", "\ud83d"),
            ("x" * 10_000, "long"),
            ("".join(map(chr, range(1, 3000))), "all"),
        )
    ]

    async def twice(store: SharedStore) -> None:
        await store.append(key, entries, after=START, token=claim.token)
        await store.append(key, entries)  # they are known by their ids

    await anna.link.use(twice, seconds=SEND_SECONDS)
    loaded = await bert.link.use(lambda store: store.load(key), seconds=SEND_SECONDS)
    assert json.dumps(loaded) == json.dumps(entries)
    await claim.release()


async def test_session_can_be_read_and_deleted_where_no_memory_is_left(
    redis: RedisServer, key: SessionKey
) -> None:
    store = open_store(redis.url)
    claim = await store.claim(key, ANNA)
    entry = cast("Any", {"type": "x"})
    await store.append(key, [entry], after=START, token=claim.token)
    await claim.release()
    async with out_of_memory(redis):
        again = await store.claim(key, ANNA)
        assert (await store.head(key)).lines == 1
        assert len(await store.digests(key)) == len(await store.load_after(key, 0, 9)) == 1
        await store.delete(key)
        await again.release()
    assert await store.load(key) is None
    assert await store.deleted(key, since=claim.token)
    await store.close()


async def test_store_that_is_only_read_counts_as_away_until_sessions_can_be_claimed(
    machines: tuple[Machine, Machine], server: Postgres | RedisServer, key: SessionKey
) -> None:
    anna, _ = machines
    await (await anna.claim(key)).release()
    async with read_only(server):
        with pytest.raises(StoreUnavailable) as refused:
            await anna.claim(key)
        assert not isinstance(refused.value, RefusedByStore)
        # It can be read, but that is no reason to say that it is back.
        with pytest.raises(StoreUnavailable):
            await anna.link.attempt(lambda store: store.head(key), seconds=CLAIM_SECONDS)
        anna.link.caught_up()
        assert anna.link.fault is not None
        assert len(anna.told) == 1
        assert "Sessions continue on this machine" in anna.told[0]
    await anna.link.attempt(lambda store: store.head(key), seconds=CLAIM_SECONDS)
    await (await anna.claim(key)).release()
    anna.link.caught_up()
    assert len(anna.told) == 2
    assert "reachable again" in anna.told[1]


async def test_store_that_is_back_fences_before_it_has_caught_up(
    machines: tuple[Machine, Machine], server: Postgres | RedisServer, key: SessionKey
) -> None:
    anna, bert = machines
    async with read_only(server):
        with pytest.raises(StoreUnavailable):
            await anna.claim(key)
    claim = await bert.claim(key)
    await anna.link.attempt(lambda store: store.head(key), seconds=CLAIM_SECONDS)
    with pytest.raises(SessionBusy):
        await anna.claim(key)
    assert len(anna.told) == 1
    await claim.release()


async def test_no_token_is_given_out_again_after_a_restore(
    server: Postgres | RedisServer, key: SessionKey
) -> None:
    store = open_store(server.url)
    first = await store.claim(key, ANNA)
    await first.release()
    await lose(server, key["session_id"])
    second = await store.claim(key, BERT)
    assert second.token > first.token
    entry = cast("Any", {"type": "x"})
    with pytest.raises(ClaimLost):
        await store.append(key, [entry], after=START, token=first.token)
    await second.release()
    await store.close()
