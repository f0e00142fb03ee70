"""The task that shares sessions: no fault of ours ends it, and the user is told of the first."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from claude_agent_lsp.base.lanes import Lanes
from claude_agent_lsp.sessions.sharing import mirror as module
from claude_agent_lsp.sessions.sharing.mirror import Mirror
from claude_agent_lsp.sessions.sharing.sync_state import Mirrored, SyncState

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from claude_agent_lsp.sessions.sharing.stores.link import StoreLink
    from claude_agent_lsp.sessions.sharing.stores.store import Owner

SECONDS = 5.0  # only catches hangs


class Claim:
    token, lost = 1, False

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def release(self) -> None:
        self._stage.step("release")


class Stage:
    """A store and what is kept of it, whose steps can be made to fail."""

    fault, retry_at = None, 0.0

    def __init__(self) -> None:
        self.faults: dict[str, int] = {}
        self.steps: list[str] = []
        self.told: list[str] = []
        self.news = asyncio.Event()
        self.on_failure: Callable[[], object] = lambda: None

    def step(self, name: str) -> None:
        self.steps.append(name)
        self.news.set()
        if self.faults.get(name, 0):
            self.faults[name] -= 1
            raise RuntimeError(f"{name} is broken")

    async def attempt(self, work: Any, *, seconds: float) -> Any:
        self.step("attempt")
        # A claim is wanted first, then what there is to send is sent.
        return Claim(self) if self.steps.count("attempt") % 2 else True

    def throw_if_away(self) -> None:
        pass

    def caught_up(self) -> None:
        self.step("caught_up")

    async def close(self) -> None:
        pass

    def write(self, mirrored: Mirrored) -> None:
        self.steps.append("write")
        if self.faults.get("write", 0):
            self.faults["write"] -= 1
            raise RuntimeError("write is broken")

    def known(self, store: str) -> list[Mirrored]:
        return []

    def tell(self, good: bool, text: str) -> None:
        self.told.append(text)

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(SECONDS):
            while not done():
                self.news.clear()
                await self.news.wait()


def made(stage: Stage, states: Any = None) -> Mirror:
    link, owner = cast("StoreLink", stage), cast("Owner", None)
    kept = cast("SyncState", states or stage)
    return Mirror(link, kept, owner, stage.tell, Lanes(), store="store")


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(module, "FAULT_SECONDS", 0.01)
    return Stage()


@pytest.mark.parametrize("step", ["write", "attempt", "release", "caught_up"])
async def test_a_fault_costs_the_sharing_some_time_and_no_more(stage: Stage, step: str) -> None:
    stage.faults[step] = 2
    mirror = made(stage)
    first = Mirrored("first", "store", "key", "/project", pending=True)
    mirror.resume([first])
    await stage.until(lambda: not stage.faults[step] or mirror.behind == 0)
    # What comes afterwards is shared, too.
    mirror.resume([Mirrored("second", "store", "key", "/project", pending=True)])
    await stage.until(lambda: mirror.behind == 0)
    if step != "release":
        assert len(stage.told) == 1
        assert f"RuntimeError: {step} is broken" in stage.told[0]
    await mirror.close()


async def test_a_session_is_forgotten_when_nothing_more_is_to_be_done_for_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AFTERWARDS_SECONDS", 0.01)
    mirror = made(stage)
    one = Mirrored("one", "store", "key", "/project", pending=False)
    assert await mirror.enter(one)
    mirror.began(one)
    assert not await mirror.enter(one)
    await stage.until(lambda: "write" in stage.steps)
    assert not mirror.at_rest
    mirror.ended("one")
    await stage.until(lambda: mirror.at_rest)
    for _ in range(2):  # one that is there, and one that is not
        await mirror.fetch(one)
        assert mirror.at_rest
    await mirror.close()


async def test_a_session_that_somebody_waits_for_is_not_forgotten(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = made(stage)
    one = Mirrored("one", "store", "key", "/project", pending=False)
    inside: set[int] = set()

    async def attempt(_: Any, *, seconds: float) -> None:
        assert not inside
        inside.add(1)
        await asyncio.sleep(0)
        inside.clear()

    monkeypatch.setattr(stage, "attempt", attempt)
    await asyncio.gather(*(mirror.fetch(one) for _ in range(5)))
    assert mirror.at_rest
    await mirror.close()


async def test_what_waits_to_send_a_session_does_not_bring_it_back_once_it_is_deleted(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mirror = made(stage, SyncState(lambda: tmp_path))
    one = Mirrored("one", "store", "key", "/project", pending=False)
    deleting, go_on = asyncio.Event(), asyncio.Event()
    attempts: list[float] = []

    async def attempt(_: Any, *, seconds: float) -> Claim:
        attempts.append(seconds)
        deleting.set()
        await go_on.wait()
        return Claim(stage)

    monkeypatch.setattr(stage, "attempt", attempt)
    deletion = asyncio.ensure_future(mirror.delete(one))
    await deleting.wait()
    mirror.began(one)
    mirror.ended("one")
    async with asyncio.timeout(SECONDS):
        while mirror._sessions["one"].users < 2:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)
    go_on.set()
    await deletion
    await mirror.close()
    assert len(attempts) == 2  # to claim it and to delete it
    assert [*tmp_path.glob("shared/*")] == []
