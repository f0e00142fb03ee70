"""Sessions in PostgreSQL, by asyncpg.

A session's owner holds an advisory lock on a connection of its own, which the server releases
when that connection ends, however it ends. What a claim's token adds: an owner whose connection
broke while it went on by itself is refused once somebody else has claimed the session.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from claude_agent_lsp.base.lanes import parsing
from claude_agent_lsp.sessions.sharing.stores import postgres_statements as statements
from claude_agent_lsp.sessions.sharing.stores.store import (
    ANSWER_BYTES,
    MOST_LINE_BYTES,
    RELEASE_SECONDS,
    START,
    ClaimLost,
    Diverged,
    Mark,
    Owner,
    SharedStore,
    busy,
    entries_in,
    folded,
    fresh,
    missing,
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
    from claude_agent_lsp.sessions.sharing.stores.store import Line

_CONNECTIONS: Final = 4
_LINES_AT_ONCE: Final = 500
# An owner's machine that vanishes without a word is missed after half a minute.
_KEEPALIVE: Final = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
}
# A row that somebody has locked is one session's misfortune: nothing else waits for it.
_PATIENCE: Final = {"lock_timeout": "2s"}
# ValueError: what the driver raises for a URL that it can't read.
_FAILURES: Final = (
    OSError,
    ValueError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


class PostgresStore(SharedStore):
    """Sessions in a PostgreSQL database; its tables are made with the first use of it by anybody.

    Args:
        address: Where it is.
        timeout_seconds: How long an operation may take.
    """

    def __init__(self, address: StoreAddress, *, timeout_seconds: float = 10.0) -> None:
        self._address = address
        self._seconds = timeout_seconds
        self._pool: asyncpg.Pool | None = None
        self._has_tables = False
        self._opening = asyncio.Lock()

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
        async with self._transaction(key, token) as connection:
            this = _names(key)
            summary = await connection.fetchval(
                statements.TOUCH,
                *this,
            )
            head = await _head(connection, this)
            if after is None:
                known = await connection.fetch(
                    statements.KNOWN_UUIDS,
                    *this,
                    uuids_of(entries),
                )
                uuids = [row["uuid"] for row in known]
                lines = await parsing.run(fresh, entries, uuids, head.digest)
            else:
                stored = await connection.fetch(
                    statements.DIGESTS_BETWEEN,
                    *this,
                    after.lines,
                    after.lines + len(entries),
                )
                digests = [row["digest"] for row in stored]
                lines = await parsing.run(missing, entries, after, digests, head)
            await _insert(connection, this, head, lines)
            if lines and not this[2]:
                await connection.execute(
                    statements.SUMMARIZE,
                    *this,
                    await parsing.run(folded, this[1], summary, key, lines),
                )

    async def load(self, key: SessionKey) -> list[SessionStoreEntry] | None:
        """See `SharedStore`."""
        found: list[SessionStoreEntry] = []
        while some := await self.load_after(key, len(found), _LINES_AT_ONCE):
            found += some
        return found or None

    async def load_after(self, key: SessionKey, line: int, limit: int) -> list[SessionStoreEntry]:
        """See `SharedStore`."""
        async with self._connection() as connection:
            rows = await connection.fetch(
                statements.ENTRIES_AFTER,
                *_names(key),
                line,
                limit,
                MOST_LINE_BYTES,
                ANSWER_BYTES,
            )
        async with self._errors():
            return await parsing.run(entries_in, [row["entry"] for row in rows], line)

    async def head(self, key: SessionKey) -> Mark:
        """See `SharedStore`."""
        async with self._connection() as connection:
            return await _head(connection, _names(key))

    async def digests(self, key: SessionKey) -> list[str]:
        """See `SharedStore`."""
        async with self._connection() as connection:
            rows = await connection.fetch(statements.DIGESTS, *_names(key))
        return [row["digest"] for row in rows]

    async def cut(self, key: SessionKey, mark: Mark, *, token: int) -> None:
        """See `SharedStore`."""
        async with self._transaction(key, token) as connection:
            this = _names(key)
            found = await connection.fetchval(
                statements.DIGEST,
                *this,
                mark.lines,
            )
            if (found or "") != mark.digest:
                raise Diverged("The lines in the store differ from these.")
            await connection.execute(statements.CUT, *this, mark.lines)
            if not mark.lines:
                await connection.execute(statements.DELETE_TRANSCRIPT, *this)

    async def list_sessions(self, project_key: str) -> list[SessionStoreListEntry]:
        """See `SharedStore`."""
        async with self._connection() as connection:
            rows = await connection.fetch(
                statements.SESSIONS,
                project_key,
            )
        return [{"session_id": row["session_id"], "mtime": row["mtime"]} for row in rows]

    async def list_session_summaries(self, project_key: str) -> list[SessionSummaryEntry]:
        """See `SharedStore`."""
        async with self._connection() as connection:
            rows = await connection.fetch(
                statements.SUMMARIES,
                project_key,
            )
        return await parsing.run(summaries_in, [tuple(row) for row in rows])

    async def delete(self, key: SessionKey) -> None:
        """See `SharedStore`."""
        *session, subpath = _names(key)
        async with self._connection() as connection, connection.transaction():
            if not subpath:
                await connection.execute(statements.NOTE_DELETION, *session)
            for delete in (statements.DELETE_LINES_BELOW, statements.DELETE_TRANSCRIPTS_BELOW):
                await connection.execute(delete, *session, subpath)

    async def deleted(self, key: SessionKey, *, since: int) -> bool:
        """See `SharedStore`."""
        async with self._connection() as connection:
            found = await connection.fetchval(
                statements.DELETED_SINCE, key["project_key"], key["session_id"], since
            )
        return bool(found)

    async def lacks(self, sent: Sequence[tuple[SessionKey, Mark]]) -> list[bool]:
        """See `SharedStore`."""
        rows = [(*_names(key), mark.lines, mark.digest) for key, mark in sent]
        columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * 5
        async with self._connection() as connection:
            found = await connection.fetch(statements.LACKING, *columns)
        numbers = {row["number"] for row in found}
        return [number in numbers for number in range(1, len(rows) + 1)]

    async def list_subkeys(self, key: SessionListSubkeysKey) -> list[str]:
        """See `SharedStore`."""
        async with self._connection() as connection:
            rows = await connection.fetch(
                statements.SUBPATHS,
                key["project_key"],
                key["session_id"],
            )
        return [row["subpath"] for row in rows]

    async def claim(self, key: SessionKey, owner: Owner) -> PostgresClaim:
        """See `SharedStore`."""
        session = (key["project_key"], key["session_id"])
        async with self._errors():
            await self._opened()  # makes the tables
            connection = await asyncpg.connect(
                self._address.url, timeout=self._seconds, server_settings=_KEEPALIVE | _PATIENCE
            )
            try:
                if not await connection.fetchval(statements.TRY_LOCK, *session):
                    found = await connection.fetchval(statements.OWNER, *session)
                    raise busy(key["session_id"], found)
                token = await connection.fetchval(
                    statements.CLAIM,
                    *session,
                    owner.as_json(),
                )
            except BaseException:
                connection.terminate()
                raise
        return PostgresClaim(connection, session, token)

    async def close(self) -> None:
        """See `SharedStore`."""
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    async def _opened(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._address.url,
                    min_size=0,
                    max_size=_CONNECTIONS,
                    timeout=self._seconds,
                    command_timeout=self._seconds,
                    server_settings=_PATIENCE,
                )
            if not self._has_tables:
                async with self._pool.acquire() as connection:
                    if not await connection.fetchval(statements.IS_THERE):
                        async with connection.transaction():
                            await connection.execute(statements.LOCK_SCHEMA)
                            await connection.execute(statements.SCHEMA)
                self._has_tables = True
        return self._pool

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        async with self._errors():
            pool = await self._opened()
            async with pool.acquire() as connection:
                yield connection

    @contextlib.asynccontextmanager
    async def _transaction(self, key: SessionKey, token: int | None) -> AsyncIterator[Any]:
        """Open a transaction that no other writer of the session overlaps."""
        session = (key["project_key"], key["session_id"])
        async with self._connection() as connection, connection.transaction():
            newest = await connection.fetchval(
                statements.HOLD,
                *session,
            )
            if token is not None and token != newest:
                raise ClaimLost(f"Another server has claimed the session {session[1]}.")
            yield connection

    @contextlib.asynccontextmanager
    async def _errors(self) -> AsyncIterator[None]:
        """Turn a driver's errors into what a user is shown, without the password."""
        try:
            async with asyncio.timeout(self._seconds):
                yield
        except _FAILURES as error:
            if isinstance(error, asyncpg.UndefinedTableError):
                self._has_tables = False  # they were there: the database is another one now
            raise unavailable(error, self._address, _hint_for(error)) from None


class PostgresClaim:
    """An advisory lock on a connection of its own."""

    def __init__(self, connection: Any, session: tuple[str, str], token: int) -> None:
        self._connection = connection
        self._session = session
        self._token = token

    @property
    def token(self) -> int:
        """See `Claim`."""
        return self._token

    @property
    def lost(self) -> bool:
        """See `Claim`."""
        closed: bool = self._connection.is_closed()
        return closed

    async def release(self) -> None:
        """See `Claim`."""
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                await self._connection.execute(statements.UNLOCK, *self._session)
                await self._connection.close()
        except _FAILURES:
            self._connection.terminate()


def _hint_for(error: Exception) -> str:
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return "Correct user and password in the setting claudeAgent.sessionStore."
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return "Create the database, or correct its name in claudeAgent.sessionStore."
    return "Check that the database is running and that claudeAgent.sessionStore names it."


def _names(key: SessionKey) -> tuple[str, str, str]:
    return key["project_key"], key["session_id"], key.get("subpath", "")


async def _head(connection: Any, this: tuple[str, str, str]) -> Mark:
    row = await connection.fetchrow(
        statements.HEAD,
        *this,
    )
    return Mark(row["line"], row["digest"]) if row is not None else START


async def _insert(
    connection: Any, this: tuple[str, str, str], head: Mark, lines: list[Line]
) -> None:
    await connection.executemany(
        statements.INSERT_LINE,
        [
            (*this, number, line.uuid, line.digest, line.content)
            for number, line in enumerate(lines, head.lines + 1)
        ],
    )
