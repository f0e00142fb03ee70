"""Commands get their places in their folders' lanes, however slow the disks of others are."""

from __future__ import annotations

import asyncio
import os
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from claude_agent_lsp.base.disk import real_paths
from claude_agent_lsp.base.lanes import Lanes
from claude_agent_lsp.lsp.commands import order as module
from claude_agent_lsp.lsp.commands.order import Order
from claude_agent_lsp.workspace.folders import Folder, Folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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


@pytest.fixture
def folders(
    tmp_path: Path, hung: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Path]:
    """One folder whose disk hangs, and one whose doesn't."""
    slow, quick = tmp_path / "slow", tmp_path / "quick"

    def waiting(look: Callable[..., Any]) -> Callable[..., Any]:
        def wait(path: Any, **how: Any) -> Any:
            if os.fspath(path).startswith(str(slow)):
                hung.wait()
            return look(path, **how)

        return wait

    for folder in (slow, quick):
        folder.mkdir()
    for name in ("realpath", "isdir"):
        monkeypatch.setattr(os.path, name, waiting(getattr(os.path, name)))
    return slow, quick


async def test_commands_for_documents_on_a_disk_that_hangs_hold_up_no_others(
    folders: tuple[Path, Path], hung: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick = folders
    monkeypatch.setattr(module, "RESOLVE_SECONDS", 2.0)
    monkeypatch.setattr(real_paths, "REAL_SECONDS", 2.0)
    agent = SimpleNamespace(lanes=Lanes(), folder_in_use=lambda _: None)
    opened = Folders([Folder.parse(folder.as_uri()) for folder in folders])
    order = Order(cast("Any", agent), opened, lambda _: None)
    loop = asyncio.get_running_loop()
    entered: list[str] = []

    async def note(word: str, place: Any) -> None:
        async with place:
            entered.append(word)

    waiting = [
        asyncio.create_task(note(f"slow {n}", order.in_folder(None, slow / f"{n}.py")))
        for n in range(3)
    ]
    await asyncio.sleep(0)
    began = loop.time()
    await note("workspace", order.in_folder(quick))
    assert loop.time() - began < 1.0
    # It is known by now that the disk hangs.
    for n in range(3):
        await note(f"quick {n}", order.in_folder(None, quick / f"{n}.py"))
    assert loop.time() - began < 2.0 + SECONDS / 5
    began = loop.time()
    await note("again", order.in_folder(None, quick / "again.py"))
    assert loop.time() - began < 1.0
    assert entered == ["workspace", "quick 0", "quick 1", "quick 2", "again"]
    hung.set()
    await asyncio.gather(*waiting)
    assert entered[5:] == ["slow 0", "slow 1", "slow 2"]


async def test_a_document_that_is_a_link_is_worked_on_where_it_leads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
    (one / "link.py").symlink_to(two / "there.py")
    agent = SimpleNamespace(lanes=Lanes(), folder_in_use=lambda _: None)
    opened = Folders([Folder.parse(folder.as_uri()) for folder in (one, two)])
    order = Order(cast("Any", agent), opened, lambda _: None)
    for seconds in (10.0, 0.0):  # it is known in time, or only later
        monkeypatch.setattr(module, "LINKS_SECONDS", seconds)
        async with order.in_folder(None, one / "link.py") as found:
            assert found.path == two
            await enter(order.in_folder(one))
    assert not any(lane._places for lane in agent.lanes._folders.values())
