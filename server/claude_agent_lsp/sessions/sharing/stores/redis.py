"""Sessions in Redis, by redis-py.

A session's owner holds a lease, which it renews while it lives. An owner that was paused for
longer than its lease can't write any more: lines are added by a script that looks at the claim's
token in the same step.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from claude_agent_lsp.base.lanes import parsing
from claude_agent_lsp.sessions.sharing.stores import redis_scripts
from claude_agent_lsp.sessions.sharing.stores.redis_claim import RedisClaim
from claude_agent_lsp.sessions.sharing.stores.store import (
    ANSWER_BYTES,
    MOST_LINE_BYTES,
    ClaimLost,
    Diverged,
    Line,
    Mark,
    Owner,
    SharedStore,
    busy,
    entries_in,
    folded,
    fresh,
    missing,
    readable_in,
    summaries_in,
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

LEASE_SECONDS: Final = 10.0
# How often others may get in between a look and the step that rests on it.
_TRIES: Final = 50
_LINES_AT_ONCE: Final = 500


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
                    summary = await self._summary(keys, key, head, lines)
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
        if after is None:
            head, _ = await self._stored(keys)
            known = await self._stored_uuids(keys, uuids_of(entries)) if head.lines else ()
            return head, await parsing.run(fresh, entries, known, head.digest)
        # The digest of line n is the item n - 1.
        first, last = max(after.lines - 1, 0), after.lines + len(entries) - 1
        head, stored = await self._stored(keys, first, last)
        return head, await parsing.run(missing, entries, after, stored, head)

    async def _summary(self, keys: _Keys, key: SessionKey, head: Mark, lines: list[Line]) -> str:
        before = await self._redis.hget(keys.summaries, keys.session)
        if before is None and head.lines:  # it was evicted
            stored = await self._redis.lrange(keys.lines, 0, -1)
            entries = await parsing.run(readable_in, stored)
            lines = [*(Line(entry, "", "") for entry in entries), *lines]
        return await parsing.run(folded, keys.session, before, key, lines)

    async def _stored_uuids(self, keys: _Keys, uuids: Sequence[str]) -> list[str]:
        if not uuids:
            return []
        there = await self._redis.smismember(keys.uuids, list(uuids))
        return [uuid for uuid, known in zip(uuids, there, strict=True) if known]

    async def load(self, key: SessionKey) -> list[SessionStoreEntry] | None:
        """See `SharedStore`."""
        found: list[SessionStoreEntry] = []
        while some := await self.load_after(key, len(found), _LINES_AT_ONCE):
            found += some
        return found or None

    async def load_after(self, key: SessionKey, line: int, limit: int) -> list[SessionStoreEntry]:
        """See `SharedStore`."""
        async with self._errors():
            rows = await self._redis.eval(
                redis_scripts.LOAD,
                1,
                _Keys(key).lines,
                *(line, line + limit - 1),
                *(MOST_LINE_BYTES, ANSWER_BYTES),
            )
            return await parsing.run(entries_in, rows, line)

    async def head(self, key: SessionKey) -> Mark:
        """See `SharedStore`."""
        async with self._errors():
            head, _ = await self._stored(_Keys(key))
        return head

    async def digests(self, key: SessionKey) -> list[str]:
        """See `SharedStore`."""
        async with self._errors():
            _, digests = await self._stored(_Keys(key), 0, -1)
        return digests

    async def cut(self, key: SessionKey, mark: Mark, *, token: int) -> None:
        """See `SharedStore`."""
        keys = _Keys(key)
        async with self._errors():
            for _ in range(_TRIES):
                head, digests = await self._stored(keys, mark.lines - 1, mark.lines - 1)
                if ("".join(digests) if mark.lines else "") != mark.digest:
                    raise Diverged("The lines in the store differ from these.")
                gone = await self._redis.lrange(keys.lines, mark.lines, -1)
                uuids = uuids_of(await parsing.run(readable_in, gone))
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
        rows = [(each, int(times[each]), data) for each, data in summaries.items() if each in times]
        return await parsing.run(summaries_in, rows)

    async def delete(self, key: SessionKey) -> None:
        """See `SharedStore`."""
        keys = _Keys(key)
        async with self._errors():
            if not keys.subpath:
                # Before anything is gone: who misses something finds out why.
                await self._redis.eval(redis_scripts.NOTE_DELETION, 1, keys.deletion)
                for subpath in await self._redis.smembers(keys.subkeys):
                    await self._forget(_Keys({**key, "subpath": subpath}))
            await self._forget(keys)

    async def deleted(self, key: SessionKey, *, since: int) -> bool:
        """See `SharedStore`."""
        async with self._errors():
            found = await self._redis.get(_Keys(key).deletion)
        return found is not None and int(found) > since

    async def lacks(self, sent: Sequence[tuple[SessionKey, Mark]]) -> list[bool]:
        """See `SharedStore`."""
        if not sent:
            return []
        async with self._errors(), self._redis.pipeline(transaction=False) as together:
            for key, mark in sent:
                keys = _Keys(key)
                together.llen(keys.lines)
                together.llen(keys.digests)
                together.lindex(keys.digests, mark.lines - 1)
                if keys.subpath:
                    together.sismember(keys.subkeys, keys.subpath)
                else:
                    together.zscore(keys.sessions, keys.session)
            found = await together.execute(raise_on_error=False)
            for error in found:
                # What one session has of another type is no answer about the others.
                if isinstance(error, exceptions.RedisError) and "WRONGTYPE" not in str(error):
                    raise error
        places = zip(*[iter(found)] * 4, strict=True)
        return [
            lines != digests or digest != mark.digest or listed in (None, 0)
            for (lines, digests, digest, listed), (_, mark) in zip(places, sent, strict=True)
        ]

    async def _forget(self, keys: _Keys) -> None:
        await self._redis.eval(
            redis_scripts.FORGET,
            6,
            *keys.transcript[1:],
            *(keys.sessions, keys.summaries, keys.subkeys),
            *(keys.session, keys.subpath),
        )

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

    async def _stored(self, keys: _Keys, first: int = 0, last: int = 0) -> tuple[Mark, list[str]]:
        """Return how much there is of a transcript, and the digests of some of its lines."""
        lines, digest, some = await self._redis.eval(
            redis_scripts.STORED, 2, keys.lines, keys.digests, first, last
        )
        return Mark(lines, digest), some

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
        # ValueError: what can't be encoded, or what somebody else has put there.
        except (OSError, ValueError, exceptions.RedisError) as error:
            raise unavailable(error, self._address, _hint_for(error)) from None


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
        self.deletion = f"{session}:deleted"
        self.subkeys = f"{session}:subkeys"
        self.lines = f"{transcript}:lines"
        self.digests = f"{transcript}:digests"
        self.uuids = f"{transcript}:uuids"
        self.transcript = (self.claim, self.lines, self.digests, self.uuids)


def _hint_for(error: Exception) -> str:
    if isinstance(error, exceptions.AuthenticationError):
        return "Correct user and password in the setting claudeAgent.sessionStore."
    return "Check that Redis is running and that claudeAgent.sessionStore names it."
