"""What may go wrong in a real store: with one session, with a part of it, or with all of it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
from redis.asyncio import Redis

from .servers import SECONDS, Postgres, free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .servers import RedisServer

LARGE = 1 << 20
"""How many bytes of an entry are too many, where they are."""


@asynccontextmanager
async def postgres_of(server: Postgres, database: str | None = None) -> AsyncIterator[Any]:
    """An administrator's connection."""
    connection = await asyncpg.connect(server.url, database=database)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def redis_of(server: RedisServer) -> AsyncIterator[Any]:
    """An administrator's connection."""
    async with Redis.from_url(server.url, decode_responses=True) as client:
        yield client


async def lose(server: Postgres | RedisServer, session_id: str) -> None:
    """All that a store has of a session is gone, and nobody has deleted it."""
    if isinstance(server, Postgres):
        async with postgres_of(server) as database:
            for table in ("lines", "transcripts", "claims"):
                await database.execute(
                    f"DELETE FROM claude_agent_{table} WHERE session_id = $1", session_id
                )
    else:
        for kind in ("lines", "digests", "uuids", "subkeys", "token"):
            await evict(server, f"*{session_id}*:{kind}")


async def evict(server: RedisServer, pattern: str) -> int:
    """Remove keys, as Redis does where it may when its memory is full; returns how many."""
    async with redis_of(server) as redis:
        keys = [key async for key in redis.scan_iter(pattern)]
        return int(await redis.delete(*keys)) if keys else 0


@asynccontextmanager
async def locked(server: Postgres, table: str, session_id: str) -> AsyncIterator[None]:
    """Somebody has a session's rows locked in a transaction that doesn't end."""
    async with postgres_of(server) as database, database.transaction():
        found = await database.fetch(
            f"SELECT FROM claude_agent_{table} WHERE session_id = $1 FOR UPDATE", session_id
        )
        assert found
        yield


@asynccontextmanager
async def another_type(server: RedisServer, kind: str, session_id: str) -> AsyncIterator[None]:
    """A session's keys of one kind hold something else."""
    await evict(server, f"*{session_id}*:{kind}")
    async with redis_of(server) as redis:
        keys = [key async for key in redis.scan_iter(f"*{session_id}*:token")]
        assert len(keys) == 1
        other = keys[0].removesuffix("token") + (kind if kind == "claim" else f":{kind}")
        await redis.set(other, "something else")
        try:
            yield
        finally:
            await redis.delete(other)


@asynccontextmanager
async def only_small_entries(server: Postgres | RedisServer) -> AsyncIterator[None]:
    """The store takes no entry of `LARGE` bytes."""
    if isinstance(server, Postgres):
        async with postgres_of(server) as database:
            await database.execute(
                "ALTER TABLE claude_agent_lines ADD CONSTRAINT small "
                f"CHECK (octet_length(entry) < {LARGE}) NOT VALID"
            )
            try:
                yield
            finally:
                await database.execute("ALTER TABLE claude_agent_lines DROP CONSTRAINT small")
    else:
        async with _configured(server, "proto-max-bulk-len", str(LARGE)):
            yield


@asynccontextmanager
async def out_of_memory(server: RedisServer) -> AsyncIterator[None]:
    """Redis has less memory than it uses, and evicts nothing."""
    async with _configured(server, "maxmemory", "1"):
        yield


@asynccontextmanager
async def read_only(server: Postgres | RedisServer) -> AsyncIterator[None]:
    """The store has become one that is only read, such as a replica."""
    if isinstance(server, Postgres):
        async with postgres_of(server) as database:
            await database.execute("SET default_transaction_read_only = off")
            await _let_only_read(server, database, "on")
            try:
                yield
            finally:
                await _let_only_read(server, database, "off")
    else:
        async with redis_of(server) as redis:
            await redis.replicaof("127.0.0.1", str(free_port()))
            try:
                yield
            finally:
                await redis.replicaof("NO", "ONE")


async def _let_only_read(server: Postgres, database: Any, setting: str) -> None:
    await database.execute(f"ALTER SYSTEM SET default_transaction_read_only = {setting}")
    await database.execute("SELECT pg_reload_conf()")
    async with asyncio.timeout(SECONDS):
        while True:
            async with postgres_of(server) as another:
                if await another.fetchval("SHOW default_transaction_read_only") == setting:
                    return


@asynccontextmanager
async def _configured(server: RedisServer, name: str, value: str) -> AsyncIterator[None]:
    async with redis_of(server) as redis:
        before = (await redis.config_get(name))[name]
        await redis.config_set(name, value)
        try:
            yield
        finally:
            await redis.config_set(name, before)
