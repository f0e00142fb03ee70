"""Cancelling by command, while queries are on their way to their run."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from claude_agent_lsp.agent.events import Ended, RunStatus
from claude_agent_lsp.agent.session_queue import SessionQueue, Waiting
from claude_agent_lsp.base.abort import AbortController
from claude_agent_lsp.lsp.commands import query as module
from claude_agent_lsp.lsp.commands.arguments import CancelArgument, QueryArgument
from claude_agent_lsp.lsp.commands.query import QueryCommands

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 10.0  # only catches hangs


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> QueryCommands:
    """The commands of a server with the run "r1", and with a folder whose disk hangs."""
    monkeypatch.setattr(module, "CANCEL_SECONDS", 2 * SECONDS)

    def cancel(run_id: str | None, session_id: str | None) -> list[str]:
        return ["r1"] if run_id in ("r1", None) and session_id in ("s1", None) else []

    services = SimpleNamespace(agent=SimpleNamespace(cancel=cancel))
    return QueryCommands(cast("Any", services), cast("Any", None))


async def test_a_run_that_is_named_and_found_waits_for_no_folder_that_hangs(
    commands: QueryCommands,
) -> None:
    over: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    commands._beginning.add(module._StartingQuery(AbortController(), over))
    async with asyncio.timeout(SECONDS):
        answer = await commands.cancel(CancelArgument(run_id="r1"), cast("Any", None))
    assert answer == {"cancelled": ["r1"]}


async def test_a_session_that_is_named_is_stopped_whatever_is_on_its_way_to_it(
    commands: QueryCommands,
) -> None:
    over: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    beginning = module._StartingQuery(AbortController(), over)
    commands._beginning.add(beginning)
    async with asyncio.timeout(SECONDS):
        answer = await commands.cancel(CancelArgument(session_id="s1"), cast("Any", None))
    assert answer == {"cancelled": ["r1"]}
    assert [which["session_id"] for which in beginning.cancels] == ["s1"]


async def test_all_that_came_before_are_waited_for(commands: QueryCommands) -> None:
    over: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    beginning = module._StartingQuery(AbortController(), over)
    commands._beginning.add(beginning)
    asked = asyncio.ensure_future(commands.cancel(CancelArgument(), cast("Any", None)))
    await asyncio.sleep(0)
    assert beginning.stop.signal.aborted
    assert not asked.done()
    over.set_result(None)
    assert await asked == {"cancelled": ["r1"]}


async def test_a_query_that_waited_and_can_not_begin_whatever_it_is_has_an_end_and_no_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    queue = SessionQueue()
    agent = SimpleNamespace(queue=queue, advance=queue.advance)
    commands = QueryCommands(cast("Any", SimpleNamespace(agent=agent)), cast("Any", None))

    async def fail(*_: Any) -> None:
        raise ZeroDivisionError("here")

    monkeypatch.setattr(commands, "_begin_in_order", fail)
    first, second = (
        Waiting(name, "s1", tmp_path, AbortController(), clears=False) for name in ("r1", "r2")
    )
    queue.join(first)
    queue.join(second)
    queue.advance("s1")
    told: list[Any] = []
    request = cast("Any", SimpleNamespace(signal=first.stop.signal))
    ended = await commands._in_its_turn(first, QueryArgument(prompt="hi"), request, told.append)
    assert (ended.status, ended.queued) == (RunStatus.FAILED, None)
    assert "ZeroDivisionError: here" in str(ended.error)
    assert told == [Ended(ended)]
    assert list(queue) == [second]
    assert second.turn.done(), "the next one has its turn"
