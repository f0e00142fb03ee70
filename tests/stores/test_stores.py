"""What every shared store must do, against real servers."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import TYPE_CHECKING, Any, cast

import pytest
import pytest_asyncio
from claude_agent_sdk.testing import run_session_store_conformance

from claude_agent_lsp.errors import InvalidArgument, SessionBusy, StoreUnavailable
from claude_agent_lsp.sessions.sharing.stores.opening import open_store
from claude_agent_lsp.sessions.sharing.stores.store import (
    START,
    ClaimLost,
    Diverged,
    Mark,
    Owner,
    chained,
)

from .misfortunes import postgres_of
from .servers import PASSWORD, QUOTED, Postgres, RedisServer, free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from claude_agent_sdk import SessionKey, SessionListSubkeysKey, SessionStoreEntry

    from claude_agent_lsp.sessions.sharing.stores.store import SharedStore

ANNA = Owner("Neovim", 11, "anna")
BERT = Owner("VS Code", 22, "bert")


class Isolated:
    """A store whose projects are a test's own."""

    def __init__(self, store: SharedStore) -> None:
        self._store = store
        self._mark = str(uuid.uuid4())

    def _own(self, key: Any) -> Any:
        return {**key, "project_key": self._mark + key["project_key"]}

    async def append(self, key: SessionKey, entries: list[SessionStoreEntry]) -> None:
        await self._store.append(self._own(key), entries)

    async def load(self, key: SessionKey) -> list[SessionStoreEntry] | None:
        return await self._store.load(self._own(key))

    async def list_sessions(self, project_key: str) -> Any:
        return await self._store.list_sessions(self._mark + project_key)

    async def list_session_summaries(self, project_key: str) -> Any:
        return await self._store.list_session_summaries(self._mark + project_key)

    async def delete(self, key: SessionKey) -> None:
        await self._store.delete(self._own(key))

    async def list_subkeys(self, key: SessionListSubkeysKey) -> list[str]:
        return await self._store.list_subkeys(self._own(key))


@pytest_asyncio.fixture
async def store(server: Postgres | RedisServer) -> AsyncIterator[SharedStore]:
    opened = open_store(server.url)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def other(server: Postgres | RedisServer) -> AsyncIterator[SharedStore]:
    """The same store, on another machine."""
    opened = open_store(server.url)
    yield opened
    await opened.close()


@pytest.fixture
def key() -> SessionKey:
    return {"project_key": "project", "session_id": str(uuid.uuid4())}


def lines(*numbers: int) -> list[SessionStoreEntry]:
    """Every second one has an id."""
    made = [{"type": "x", "n": n, **({"uuid": f"u{n}"} if n % 2 else {})} for n in numbers]
    return cast("list[SessionStoreEntry]", made)


def mark(*entries: Any) -> Mark:
    return Mark(len(entries), chained(entries, "")[-1].digest) if entries else START


async def test_conforms_to_the_sdk(store: SharedStore) -> None:
    await run_session_store_conformance(lambda: cast("Any", Isolated(store)))


async def test_line_with_an_id_is_never_there_twice(store: SharedStore, key: SessionKey) -> None:
    await store.append(key, lines(1, 3))
    await store.append(key, lines(3, 5, 5))
    assert await store.load(key) == lines(1, 3, 5)


async def test_repeated_batch_that_overlaps_adds_what_is_missing(
    store: SharedStore, key: SessionKey
) -> None:
    await store.append(key, lines(1, 2, 3), after=START)
    await store.append(key, lines(1, 2, 3), after=START)
    await store.append(key, lines(2, 3, 4, 6, 6), after=mark(*lines(1)))
    await store.append(key, lines(6), after=mark(*lines(1, 2, 3, 4)))
    assert await store.load(key) == lines(1, 2, 3, 4, 6, 6)
    assert await store.head(key) == mark(*lines(1, 2, 3, 4, 6, 6))
    assert await store.load_after(key, 2, 3) == lines(3, 4, 6)


async def test_same_batch_from_many_at_once_is_there_once(
    store: SharedStore, other: SharedStore, key: SessionKey
) -> None:
    await asyncio.gather(
        *(each.append(key, lines(*range(50)), after=START) for each in (store, other) * 5)
    )
    assert await store.load(key) == lines(*range(50))


async def test_gap_and_another_history_are_refused(store: SharedStore, key: SessionKey) -> None:
    await store.append(key, lines(1, 2), after=START)
    for after, more in (
        (mark(*lines(1, 2, 3)), lines(4)),
        (mark(*lines(1, 9)), lines(3)),
        (START, lines(9)),
        (mark(*lines(1)), lines(9, 3)),
    ):
        with pytest.raises(Diverged):
            await store.append(key, more, after=after)
    assert await store.load(key) == lines(1, 2)


async def test_cut_forgets_what_stands_behind_a_mark(store: SharedStore, key: SessionKey) -> None:
    claim = await store.claim(key, ANNA)
    await store.append(key, lines(1, 2, 3), after=START, token=claim.token)
    with pytest.raises(Diverged):
        await store.cut(key, mark(*lines(9)), token=claim.token)
    await store.cut(key, mark(*lines(1)), token=claim.token)
    assert await store.load(key) == lines(1)
    # What was cut may come back.
    await store.append(key, lines(3))
    assert await store.load(key) == lines(1, 3)
    await store.cut(key, START, token=claim.token)
    assert await store.load(key) is None
    assert key["session_id"] not in [
        each["session_id"] for each in await store.list_sessions("project")
    ]
    await claim.release()


async def test_what_json_can_hold_comes_back(store: SharedStore, key: SessionKey) -> None:
    entry: Any = {
        "type": "x",
        "text": "\0 ☃ \ud83d 𝄞",
        "n": [1.5, 10**20, None, True, {"z": 1, "a": 2}],
    }
    await store.append(key, [entry])
    (loaded,) = await store.load(key) or []
    assert json.dumps(loaded) == json.dumps(entry)


async def test_session_is_one_owners_until_it_is_released(
    store: SharedStore, other: SharedStore, key: SessionKey
) -> None:
    claim = await store.claim(key, ANNA)
    for each in (store, other):
        with pytest.raises(
            SessionBusy, match=r"Neovim \(process 11 on anna\) has an active run in .*"
        ):
            await each.claim(key, BERT)
    # Another session is free.
    await (await other.claim({**key, "session_id": str(uuid.uuid4())}, BERT)).release()
    assert not claim.lost
    await claim.release()
    second = await other.claim(key, BERT)
    assert second.token > claim.token
    await second.release()


async def test_who_has_lost_its_claim_can_not_write(
    store: SharedStore, other: SharedStore, key: SessionKey
) -> None:
    first = await store.claim(key, ANNA)
    await store.append(key, lines(1), after=START, token=first.token)
    await first.release()
    second = await other.claim(key, BERT)
    for write in (
        store.append(key, lines(2), after=mark(*lines(1)), token=first.token),
        store.cut(key, START, token=first.token),
    ):
        with pytest.raises(ClaimLost):
            await write
    await other.append(key, lines(3), after=mark(*lines(1)), token=second.token)
    assert await store.load(key) == lines(1, 3)
    await second.release()


async def test_refused_connection_and_wrong_password_are_told_without_the_password(
    server: Postgres | RedisServer, key: SessionKey
) -> None:
    nobody = open_store(server.url.replace(str(server.port), str(free_port())))
    stranger = open_store(server.url.replace(QUOTED, f"{QUOTED}-wrong"))
    for opened in (nobody, stranger):
        for work in (opened.load(key), opened.claim(key, ANNA)):
            with pytest.raises(StoreUnavailable) as refused:
                await work
            told = (
                f"{refused.value} {refused.value.hint} {refused.value!r} {refused.value.__cause__}"
            )
            assert "://" in told
            assert "s3cret" not in told
            assert ("password" in refused.value.hint) == (opened is stranger)
        await opened.close()


async def test_nothing_of_a_store_shows_the_password(store: SharedStore) -> None:
    shown = f"{store!r} {store} {vars(store)['_address']!r}"
    assert PASSWORD not in shown
    assert QUOTED not in shown


@pytest.mark.parametrize("url", ["mysql://a:s3cret@b/c", "nothing", "redis://[::1", "//:s3cret@x"])
def test_unknown_store_is_an_invalid_argument(url: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        open_store(url)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("url", ["postgresql://h/db", "redis://h"])
def test_missing_driver_is_told_with_the_way_to_install_it(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    extra = "redis" if url.startswith("redis") else "postgres"
    monkeypatch.delitem(
        sys.modules, f"claude_agent_lsp.sessions.sharing.stores.{extra}", raising=False
    )
    monkeypatch.setitem(sys.modules, "redis" if extra == "redis" else "asyncpg", None)
    with pytest.raises(StoreUnavailable) as refused:
        open_store(url)
    assert f"uv tool install '.[{extra}]'" in refused.value.hint


async def test_place_that_was_reached_is_lacking_once_it_is_gone(
    store: SharedStore, key: SessionKey
) -> None:
    beside: SessionKey = {**key, "subpath": "subagents/agent-1"}
    await store.append(key, lines(1, 2, 3), after=START)
    await store.append(beside, lines(4), after=START)
    claim = await store.claim(key, ANNA)
    another: SessionKey = {**key, "session_id": str(uuid.uuid4())}
    asked = [
        (key, mark(*lines(1, 2, 3))),
        (key, mark(*lines(1, 2))),
        (key, mark(*lines(1, 9))),
        (key, mark(*lines(1, 2, 3, 4))),
        (beside, mark(*lines(4))),
        (another, mark(*lines(1))),
    ]
    assert await store.lacks(asked) == [False, False, True, True, False, True]
    await store.cut(key, mark(*lines(1)), token=claim.token)
    assert await store.lacks(asked) == [True, True, True, True, False, True]
    assert await store.lacks([]) == []
    await claim.release()


async def test_deletion_is_remembered_with_its_time(
    store: SharedStore, other: SharedStore, key: SessionKey
) -> None:
    claim = await store.claim(key, ANNA)
    await store.append(key, lines(1), after=START, token=claim.token)
    assert not await other.deleted(key, since=0)
    await store.delete(key)
    assert await other.deleted(key, since=claim.token)
    await claim.release()
    later = await other.claim(key, BERT)
    assert not await store.deleted(key, since=later.token)
    await later.release()


async def test_who_opens_a_database_that_has_the_tables_waits_for_no_writer(
    postgres: Postgres, key: SessionKey
) -> None:
    first = open_store(postgres.url)
    await first.append(key, lines(1))
    opened = open_store(postgres.url, timeout_seconds=3.0)
    async with postgres_of(postgres) as writer, writer.transaction():
        # As each write has it until its end.
        await writer.execute("LOCK TABLE claude_agent_lines IN ROW EXCLUSIVE MODE")
        assert await opened.load(key) == lines(1)
        await opened.append(key, lines(2))
    assert await first.load(key) == lines(1, 2)
    await opened.close()
    await first.close()


async def test_tables_that_are_gone_are_made_again(postgres: Postgres, key: SessionKey) -> None:
    store = open_store(postgres.url)
    await store.append(key, lines(1))
    async with postgres_of(postgres) as database:
        await database.execute("CREATE DATABASE another")
    another = open_store(postgres.url.removesuffix("postgres") + "another")
    await another.append(key, lines(1))
    async with postgres_of(postgres, "another") as database:
        await database.execute("DROP TABLE claude_agent_lines, claude_agent_claims")
    with pytest.raises(StoreUnavailable):
        await another.head(key)
    assert await another.head(key) == START
    await another.append(key, lines(2))
    assert await another.load(key) == lines(2)
    assert await store.load(key) == lines(1)
    await another.close()
    await store.close()
