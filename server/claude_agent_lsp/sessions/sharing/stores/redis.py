"""Sessions in Redis, by redis-py.

A session's owner holds a lease, which it renews while it lives. An owner that was paused for
longer than its lease can't write any more: lines are added by a script that looks at the claim's
token in the same step.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from claude_agent_lsp.sessions.sharing.stores import redis_scripts
from claude_agent_lsp.sessions.sharing.stores.store import (
    RELEASE_SECONDS,
    START,
    ClaimLost,
    Diverged,
    Mark,
    Owner,
    SharedStore,
    busy,
    folded,
    fresh,
    missing,
    unavailable,
    uuids_of,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from claude_agent_sdk import (
        SessionKey,
        SessionListSubkeysKey,
        SessionStoreEntry,
        SessionStoreListEntry,
        SessionSummaryEntry,
    )

    from claude_agent_lsp.sessions.sharing.stores.address import StoreAddress
    from claude_agent_lsp.sessions.sharing.stores.store import Line

logger = logging.getLogger(__name__)

LEASE_SECONDS: Final = 10.0
# How often others may get in between a look and the step that rests on it.
_TRIES: Final = 50


class RedisStore(SharedStore):
    """Sessions in a Redis database.

    Args:
        address: Where it is.
        timeout_seconds: How long an operation may take.
        lease_seconds: How long a session belongs to an owner who sends nothing.
    """

    def __init__(
        self,
        address: StoreAddress,
        *,
        timeout_seconds: float = 10.0,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._address = address
        self._seconds = timeout_seconds
        self._lease = lease_seconds
        # Typed as Any: the driver's own types don't distinguish its asyncio from its blocking half.
        self._redis: Any = Redis.from_url(
            address.url,
            decode_responses=True,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 0),
        )

    async def append(
        self,
        key: SessionKey,
        entries: list[SessionStoreEntry],
        *,
        after: Mark | None = None,
        token: int | None = None,
    ) -> None:
        """See `SharedStore`."""
        if not entries:
            return
        keys = _Keys(key)
        async with self._errors():
            for _ in range(_TRIES):
                head, lines = await self._missing(keys, entries, after)
                summary = ""
                if not keys.subpath:
                    before = await self._redis.hget(keys.summaries, keys.session)
                    summary = folded(keys.session, before, key, lines)
                done = await self._redis.eval(
                    redis_scripts.APPEND,
                    7,
                    *keys.transcript,
                    keys.sessions,
                    keys.summaries,
                    keys.subkeys,
                    token or 0,
                    *(head.lines, head.digest),
                    *(keys.session, keys.subpath, summary),
                    *(
                        part
                        for line in lines
                        for part in (line.content, line.digest, line.uuid or "")
                    ),
                )
                if self._is_done(done, keys):
                    return
        raise Diverged("Other servers keep adding to the session.")

    async def _missing(
        self, keys: _Keys, entries: list[SessionStoreEntry], after: Mark | None
    ) -> tuple[Mark, list[Line]]:
        head = await self._head(keys)
        if after is None:
            known = await self._stored_uuids(keys, uuids_of(entries))
            return head, fresh(entries, known, head.digest)
        # The digest of line n is the item n - 1.
        first = max(after.lines - 1, 0)
        stored = await self._redis.lrange(keys.digests, first, after.lines + len(entries) - 1)
        return head, missing(entries, after, stored, head)

    async def _stored_uuids(self, keys: _Keys, uuids: Sequence[str]) -> list[str]:
        if not uuids:
            return []
        there = await self._redis.smismember(keys.uuids, list(uuids))
        return [uuid for uuid, known in zip(uuids, there, strict=True) if known]

    async def load(self, key: SessionKey) -> list[SessionStoreEntry] | None:
        """See `SharedStore`."""
        async with self._errors():
            lines = await self._redis.lrange(_Keys(key).lines, 0, -1)
        return [json.loads(line) for line in lines] or None

    async def load_after(self, key: SessionKey, line: int, limit: int) -> list[SessionStoreEntry]:
        """See `SharedStore`."""
        async with self._errors():
            lines = await self._redis.lrange(_Keys(key).lines, line, line + limit - 1)
        return [json.loads(each) for each in lines]

    async def head(self, key: SessionKey) -> Mark:
        """See `SharedStore`."""
        async with self._errors():
            return await self._head(_Keys(key))

    async def digests(self, key: SessionKey) -> list[str]:
        """See `SharedStore`."""
        async with self._errors():
            found: list[str] = await self._redis.lrange(_Keys(key).digests, 0, -1)
        return found

    async def cut(self, key: SessionKey, mark: Mark, *, token: int) -> None:
        """See `SharedStore`."""
        keys = _Keys(key)
        async with self._errors():
            for _ in range(_TRIES):
                head = await self._head(keys)
                found = await self._redis.lindex(keys.digests, mark.lines - 1) if mark.lines else ""
                if found != mark.digest:
                    raise Diverged("The lines in the store differ from these.")
                gone = await self._redis.lrange(keys.lines, mark.lines, -1)
                uuids = uuids_of([json.loads(line) for line in gone])
                done = await self._redis.eval(
                    redis_scripts.CUT,
                    4,
                    *keys.transcript,
                    token,
                    *(head.lines, head.digest, mark.lines),
                    *uuids,
                )
                if self._is_done(done, keys):
                    break
            else:
                raise Diverged("Other servers keep adding to the session.")
            if not mark.lines:
                await self._forget(keys)

    async def list_sessions(self, project_key: str) -> list[SessionStoreListEntry]:
        """See `SharedStore`."""
        keys = _Keys({"project_key": project_key, "session_id": ""})
        async with self._errors():
            found = await self._redis.zrange(keys.sessions, 0, -1, withscores=True)
        return [{"session_id": session, "mtime": int(mtime)} for session, mtime in found]

    async def list_session_summaries(self, project_key: str) -> list[SessionSummaryEntry]:
        """See `SharedStore`."""
        keys = _Keys({"project_key": project_key, "session_id": ""})
        async with self._errors():
            summaries = await self._redis.hgetall(keys.summaries)
            # Read second: a summary is never returned as newer than it is.
            times = dict(await self._redis.zrange(keys.sessions, 0, -1, withscores=True))
        return [
            {"session_id": session, "mtime": int(times[session]), "data": json.loads(data)}
            for session, data in summaries.items()
            if session in times
        ]

    async def delete(self, key: SessionKey) -> None:
        """See `SharedStore`."""
        keys = _Keys(key)
        async with self._errors():
            if not keys.subpath:
                for subpath in await self._redis.smembers(keys.subkeys):
                    await self._forget(_Keys({**key, "subpath": subpath}))
            await self._forget(keys)

    async def _forget(self, keys: _Keys) -> None:
        async with self._redis.pipeline(transaction=True) as together:
            together.delete(keys.lines, keys.digests, keys.uuids)
            if keys.subpath:
                together.srem(keys.subkeys, keys.subpath)
            else:
                together.zrem(keys.sessions, keys.session)
                together.hdel(keys.summaries, keys.session)
            await together.execute()

    async def list_subkeys(self, key: SessionListSubkeysKey) -> list[str]:
        """See `SharedStore`."""
        keys = _Keys({"project_key": key["project_key"], "session_id": key["session_id"]})
        async with self._errors():
            return sorted(await self._redis.smembers(keys.subkeys))

    async def claim(self, key: SessionKey, owner: Owner) -> RedisClaim:
        """See `SharedStore`."""
        keys = _Keys(key)
        began = time.monotonic()
        async with self._errors():
            token, holder = await self._redis.eval(
                redis_scripts.CLAIM,
                2,
                keys.claim,
                keys.newest_token,
                owner.as_json(),
                round(self._lease * 1000),
                owner.server,
            )
        if token == "0":  # noqa: S105 - no secret, but the script's word for a refusal
            raise busy(keys.session, holder)
        return RedisClaim(self._redis, keys.claim, int(token), self._lease, began)

    async def close(self) -> None:
        """See `SharedStore`."""
        with contextlib.suppress(OSError, exceptions.RedisError):
            await self._redis.aclose()

    async def _head(self, keys: _Keys) -> Mark:
        async with self._redis.pipeline(transaction=True) as together:
            together.llen(keys.lines)
            together.lindex(keys.digests, -1)
            lines, digest = await together.execute()
        return Mark(lines, digest) if lines else START

    def _is_done(self, answer: str, keys: _Keys) -> bool:
        if answer == "lost":
            raise ClaimLost(f"The claim of the session {keys.session} has expired.")
        return answer == "done"

    @contextlib.asynccontextmanager
    async def _errors(self) -> AsyncIterator[None]:
        """Turn a driver's errors into what a user is shown, without the password."""
        try:
            async with asyncio.timeout(self._seconds):
                yield
        except (OSError, exceptions.RedisError) as error:
            raise unavailable(error, self._address, _hint_for(error)) from None


class RedisClaim:
    """A lease, renewed three times in its time for as long as it is held."""

    def __init__(
        self, redis: Any, key: str, token: int, lease_seconds: float, began: float
    ) -> None:
        self._redis = redis
        self._key = key
        self._token = token
        self._lease = lease_seconds
        self._until = began + lease_seconds
        self._refused = False
        self._renewing = asyncio.create_task(self._renew())

    @property
    def token(self) -> int:
        """See `Claim`."""
        return self._token

    @property
    def lost(self) -> bool:
        """See `Claim`."""
        return self._refused or time.monotonic() >= self._until

    async def release(self) -> None:
        """See `Claim`."""
        self._renewing.cancel()
        with contextlib.suppress(OSError, exceptions.RedisError):
            async with asyncio.timeout(RELEASE_SECONDS):
                await self._redis.eval(redis_scripts.RENEW, 1, self._key, self._token, 0)

    async def _renew(self) -> None:
        while not self._refused:
            await asyncio.sleep(self._lease / 3)
            asked = time.monotonic()
            try:
                async with asyncio.timeout(self._lease / 3):
                    ours = await self._redis.eval(
                        redis_scripts.RENEW, 1, self._key, self._token, round(self._lease * 1000)
                    )
                if ours:
                    self._until = asked + self._lease
                else:
                    self._refused = True
            except (OSError, exceptions.RedisError) as error:
                logger.debug("The claim of %s could not be renewed: %s", self._key, error)
            except Exception:
                logger.exception("The claim of %s could not be renewed", self._key)


class _Keys:
    """Where a transcript is. All of a project is in one slot of a cluster."""

    def __init__(self, key: SessionKey) -> None:
        self.session = key["session_id"]
        self.subpath = key.get("subpath", "")
        project = f"claude-agent:{{{quote(key['project_key'], '')}}}"
        session = f"{project}:{quote(self.session, '')}"
        transcript = f"{session}:{quote(self.subpath, '')}"
        self.sessions = f"{project}:sessions"
        self.summaries = f"{project}:summaries"
        self.claim = f"{session}:claim"
        self.newest_token = f"{session}:token"
        self.subkeys = f"{session}:subkeys"
        self.lines = f"{transcript}:lines"
        self.digests = f"{transcript}:digests"
        self.uuids = f"{transcript}:uuids"
        self.transcript = (self.claim, self.lines, self.digests, self.uuids)


def _hint_for(error: Exception) -> str:
    if isinstance(error, exceptions.AuthenticationError):
        return "Correct user and password in the setting claudeAgent.sessionStore."
    return "Check that Redis is running and that claudeAgent.sessionStore names it."
