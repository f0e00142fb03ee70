"""Whatever somebody has written into a store, nobody who reads it is held up."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any, Final, cast

import pytest
import pytest_asyncio

from claude_agent_lsp.errors import StoreUnavailable
from claude_agent_lsp.sessions.sharing.stores import postgres, redis
from claude_agent_lsp.sessions.sharing.stores import store as store_module
from claude_agent_lsp.sessions.sharing.stores.opening import open_store
from claude_agent_lsp.sessions.sharing.stores.store import entries_in, readable_in, summaries_in
from tests.base.test_json_text import HELD_SECONDS, longest_hold

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from claude_agent_sdk import SessionKey

    from claude_agent_lsp.sessions.sharing.stores.store import SharedStore

    from .servers import Postgres, RedisServer


def wide(count: int) -> str:
    return '{"type":"attachment","x":[' + ",".join(["[]"] * count) + "]}"


WIDE: Final = wide(1_000_000)
WIDEST: Final = wide(8_000_000)
DEEP: Final = '{"type":"attachment","x":' + "[" * 5_000 + "]" * 5_000 + "}"
LOOP_SECONDS: Final = 0.05


@pytest_asyncio.fixture
async def store(server: Postgres | RedisServer) -> AsyncIterator[SharedStore]:
    opened = open_store(server.url)
    yield opened
    await opened.close()


@pytest.fixture
def key() -> SessionKey:
    return {"project_key": "project", "session_id": str(uuid.uuid4())}


def lines(count: int, text: str = "") -> list[Any]:
    return [{"type": "user", "uuid": f"u{n}", "text": text} for n in range(count)]


async def put(store: SharedStore, key: SessionKey, line: int, row: str) -> None:
    """Write a row anew, as everybody may who has the store's password."""
    if isinstance(store, redis.RedisStore):
        await store._redis.lset(redis._Keys(key).lines, line - 1, row)
        return
    pool = await cast("postgres.PostgresStore", store)._opened()
    await pool.execute(
        "UPDATE claude_agent_lines SET entry = $1 WHERE session_id = $2 AND line = $3",
        *(row, key["session_id"], line),
    )


async def put_summary(store: SharedStore, key: SessionKey, row: str) -> None:
    if isinstance(store, redis.RedisStore):
        await store._redis.hset(redis._Keys(key).summaries, key["session_id"], row)
        return
    pool = await cast("postgres.PostgresStore", store)._opened()
    await pool.execute(
        "UPDATE claude_agent_transcripts SET summary = $1 WHERE session_id = $2",
        *(row, key["session_id"]),
    )


@pytest.mark.parametrize("row", [WIDEST, DEEP, "[1]", "", "{"], ids=["wide", "deep", *"abc"])
def test_what_is_no_line_is_refused_and_named(row: str) -> None:
    def read() -> None:
        with pytest.raises(ValueError, match="line 8 of the session"):
            entries_in(['{"type":"user"}', row], 6)

    assert longest_hold(read) < HELD_SECONDS
    assert readable_in(['{"type":"user"}', row, '{"type":"x"}']) == [
        {"type": "user"},
        {"type": "x"},
    ]
    assert summaries_in([("a", 1, row), ("b", 2, "{}")]) == [
        {"session_id": "b", "mtime": 2, "data": {}}
    ]


@pytest.mark.parametrize("row", [WIDE, DEEP], ids=["wide", "deep"])
async def test_a_row_that_is_too_much_holds_up_no_loop(
    store: SharedStore, key: SessionKey, row: str
) -> None:
    await store.append(key, lines(3))
    await put(store, key, 2, row)
    await put_summary(store, key, row)
    began = time.thread_time()
    with pytest.raises(StoreUnavailable, match="line 2 of the session can't be read"):
        await store.load_after(key, 0, 9)
    with pytest.raises(StoreUnavailable, match="line 2 of the session can't be read"):
        await store.load(key)
    assert await store.load_after(key, 2, 9) == lines(3)[2:]
    summaries = await store.list_session_summaries("project")
    assert key["session_id"] not in [each["session_id"] for each in summaries]
    assert time.thread_time() - began < LOOP_SECONDS
    assert key["session_id"] in [
        each["session_id"] for each in await store.list_sessions("project")
    ]


async def test_long_lines_come_a_few_at_a_time(
    store: SharedStore, key: SessionKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (postgres, redis):
        monkeypatch.setattr(module, "ANSWER_BYTES", 2_500)
    sent = lines(7, "x" * 1_000)
    await store.append(key, sent)
    assert await store.load_after(key, 0, 9) == sent[:3]
    assert await store.load_after(key, 3, 2) == sent[3:5]
    assert await store.load_after(key, 7, 2) == []
    assert await store.load(key) == sent


async def test_a_line_that_is_too_long_is_neither_sent_nor_returned(
    store: SharedStore, key: SessionKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (store_module, postgres, redis):
        monkeypatch.setattr(module, "MOST_LINE_BYTES", 2**20)
    with pytest.raises(StoreUnavailable, match="a line of the session is longer than 1 MiB"):
        await store.append(key, lines(1, "x" * 2**20))
    await store.append(key, lines(2))
    await put(store, key, 2, json.dumps({"type": "user", "text": "x" * 2**20}))
    with pytest.raises(StoreUnavailable, match="line 2 of the session is longer than 1 MiB"):
        await store.load_after(key, 0, 9)
    assert await store.load_after(key, 0, 1) == lines(1)
