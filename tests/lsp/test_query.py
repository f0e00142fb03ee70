"""Cancelling while queries are on their way to their run, and queries that can't begin theirs."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from claude_agent_lsp.agent.events import Ended, RunStatus
from claude_agent_lsp.agent.ownership.session_queue import SessionQueue, Waiting
from claude_agent_lsp.base.abort import AbortController
from claude_agent_lsp.base.lanes import Lanes
from claude_agent_lsp.lsp.commands.registry import Request
from claude_agent_lsp.lsp.commands.runs import beginning as module
from claude_agent_lsp.lsp.commands.runs.beginning import Beginning
from claude_agent_lsp.lsp.commands.runs.waiting_queries import WaitingQueries
from claude_agent_lsp.sessions.journal.journal import Journal, now
from claude_agent_lsp.sessions.journal.kept_queries import KeptQueries

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 10.0  # only catches hangs
SESSION = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def beginning(monkeypatch: pytest.MonkeyPatch) -> Beginning:
    """The queries of a server with the run "r1", and with a folder whose disk hangs."""
    monkeypatch.setattr(module, "CANCEL_SECONDS", 2 * SECONDS)

    def cancel(run_id: str | None, session_id: str | None) -> list[str]:
        return ["r1"] if run_id in ("r1", None) and session_id in ("s1", None) else []

    services = SimpleNamespace(agent=SimpleNamespace(cancel=cancel))
    return Beginning(cast("Any", services), cast("Any", None))


async def test_a_run_that_is_named_and_found_waits_for_no_folder_that_hangs(
    beginning: Beginning,
) -> None:
    over: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    beginning._beginning.add(module._StartingQuery(AbortController(), over))
    async with asyncio.timeout(SECONDS):
        assert await beginning.cancel(run_id="r1", session_id=None) == ["r1"]


async def test_a_session_that_is_named_is_stopped_whatever_is_on_its_way_to_it(
    beginning: Beginning,
) -> None:
    over: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    query = module._StartingQuery(AbortController(), over)
    beginning._beginning.add(query)
    async with asyncio.timeout(SECONDS):
        assert await beginning.cancel(run_id=None, session_id="s1") == ["r1"]
    assert [which["session_id"] for which in query.cancels] == ["s1"]


async def test_all_that_came_before_are_waited_for(beginning: Beginning) -> None:
    over: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    query = module._StartingQuery(AbortController(), over)
    beginning._beginning.add(query)
    asked = asyncio.ensure_future(beginning.cancel(run_id=None, session_id=None))
    await asyncio.sleep(0)
    assert query.stop.signal.aborted
    assert not asked.done()
    over.set_result(None)
    assert await asked == ["r1"]


async def test_a_query_that_waited_and_can_not_begin_whatever_it_is_has_an_end_and_no_place(
    tmp_path: Path,
) -> None:
    kept = KeptQueries(lambda: tmp_path, Journal(lambda: tmp_path))
    queue = SessionQueue(kept, Lanes(), lambda good, text: pytest.fail(text))
    shutdown = AbortController().signal
    agent = SimpleNamespace(queue=queue, advance=queue.advance, shutdown=shutdown)

    async def fail(*_: Any) -> None:
        raise ZeroDivisionError("here")

    begins: Any = SimpleNamespace(in_order=fail)
    services: Any = SimpleNamespace(agent=agent)
    queries = WaitingQueries(services, begins, cast("Any", None))
    told: list[Any] = []
    first, second = (
        Waiting(
            run_id=name,
            session_id=SESSION,
            folder=tmp_path,
            asked={"prompt": "hi"},
            stop=AbortController(),
            to_editor=told.append,
            clears=False,
            at=now(),
        )
        for name in ("r1", "r2")
    )
    await queue.join(first)
    await queue.join(second)
    queue.advance(SESSION)
    ended = await queries.in_its_turn(first, Request(first.stop.signal, first.stop, None))
    assert (ended.status, ended.queued) == (RunStatus.FAILED, None)
    assert "ZeroDivisionError: here" in str(ended.error)
    assert told == [Ended(ended)]
    assert list(queue) == [second]
    assert second.turn.done(), "the next one has its turn"
