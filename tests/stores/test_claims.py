"""What becomes of a claim whose owner doesn't release it."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any, cast

import pytest

from claude_agent_lsp.errors import SessionBusy, StoreUnavailable
from claude_agent_lsp.sessions.sharing.stores.address import StoreAddress
from claude_agent_lsp.sessions.sharing.stores.store import START, ClaimLost, Owner

if TYPE_CHECKING:
    from claude_agent_sdk import SessionKey

    from .servers import Postgres, RedisServer

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
