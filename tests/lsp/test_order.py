"""Commands get their places in their folders' lanes, however slow the disks of others are."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from claude_agent_lsp.base.lanes import Lanes
from claude_agent_lsp.lsp.commands import order as module
from claude_agent_lsp.lsp.commands.order import Order
from claude_agent_lsp.workspace.folders import Folder, Folders

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 10.0  # only catches hangs


@pytest.fixture
def hung() -> Iterator[threading.Event]:
    """Set once the disk of some sessions answers again."""
    freed = threading.Event()
    yield freed
    freed.set()


def order_of(folder: Path, hung: threading.Event) -> Order:
    """Of one folder; whichever folder a session is in, its disk hangs."""

    def folder_of(session_id: str) -> Path | None:
        if session_id.startswith("hung"):
            hung.wait()
        return None

    agent = SimpleNamespace(lanes=Lanes(), folder_in_use=lambda _: None)
    return Order(cast("Any", agent), Folders([Folder.parse(folder.as_uri())]), folder_of)


async def enter(place: Any) -> None:
    async with place:
        pass


async def test_commands_whose_disk_hangs_hold_up_the_others_once_and_not_one_by_one(
    tmp_path: Path, hung: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RESOLVE_SECONDS", 1.0)
    monkeypatch.setattr(module, "LEAST_SECONDS", 0.0)
    order = order_of(tmp_path, hung)
    waiting = [asyncio.create_task(enter(order.in_session(f"hung {n}"))) for n in range(20)]
    await asyncio.sleep(0)
    async with asyncio.timeout(SECONDS):
        await enter(order.in_folder(tmp_path))
    await asyncio.gather(*waiting)


async def test_sessions_in_no_known_folder_wait_for_themselves_alone(
    tmp_path: Path, hung: threading.Event
) -> None:
    order = order_of(tmp_path, hung)
    entered: list[str] = []
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def stay(session_id: str) -> None:
        async with order.in_session(session_id):
            entered.append(session_id)
            inside.set()
            await go_on.wait()

    first = asyncio.create_task(stay("one"))
    await inside.wait()
    second = asyncio.create_task(stay("one"))
    async with asyncio.timeout(SECONDS):
        await enter(order.in_session("other"))
    assert entered == ["one"]
    go_on.set()
    await asyncio.gather(first, second)
    assert len(order._nowhere) == 0
