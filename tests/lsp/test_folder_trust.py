"""What follows from the trust in one folder waits for no other one."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, cast

import pytest

from claude_agent_lsp.base.lanes import Lanes
from claude_agent_lsp.lsp.client_profile import ClientProfile
from claude_agent_lsp.lsp.services.folder_trust import FolderTrust
from claude_agent_lsp.workspace.folders import Folder, Folders
from claude_agent_lsp.workspace.trust import Trust

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SECONDS = 10.0  # only catches hangs


class Stage:
    """Two folders, and an agent whose runs in the first one end when they are let."""

    def __init__(self, home: Path) -> None:
        self.state = home / "state"
        self.slow, self.quick = home / "slow", home / "quick"
        for folder in (self.slow, self.quick):
            folder.mkdir()
        self.lanes = Lanes()
        self.revoked: list[Path] = []
        self.left = asyncio.Event()
        self.ended = asyncio.Event()
        self.hung = threading.Event()
        self.profile = ClientProfile()
        folders = Folders(Folder.parse(path.as_uri()) for path in (self.slow, self.quick))
        agent = cast("Any", self)
        self.trust = FolderTrust(cast("Any", self), folders, self.state, lambda: agent)

    async def revoke(self, folder: Path) -> None:
        if folder == self.slow:
            await self.ended.wait()
        self.revoked.append(folder)
        self.left.set()

    def decide_elsewhere(self, folder: Path, *, trusted: bool) -> None:
        Trust(self.state).decide(folder, trusted=trusted)


@pytest.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    stage = Stage(tmp_path)
    yield stage
    stage.hung.set()


async def test_a_folder_whose_disk_hangs_keeps_no_other_from_losing_its_trust(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (stage.slow, stage.quick):
        stage.decide_elsewhere(folder, trusted=True)
        assert await stage.trust.is_trusted(folder)
    look = stage.trust._read_decision

    def hang(folder: Path) -> Any:
        if folder == stage.slow:
            stage.hung.wait()
        return look(folder)

    monkeypatch.setattr(stage.trust, "_read_decision", hang)
    stage.decide_elsewhere(stage.quick, trusted=False)
    async with asyncio.timeout(SECONDS):
        await stage.trust.look_again(stage.quick)
        assert not await stage.trust.is_trusted(stage.quick)
    assert stage.revoked == [stage.quick]


async def test_a_folder_that_is_left_slowly_keeps_no_other_from_being_left(stage: Stage) -> None:
    stage.profile = ClientProfile(trust=True)
    named = {"trustedFolders": [path.as_uri() for path in (stage.slow, stage.quick)]}
    stage.trust.begin(named)
    changing = asyncio.create_task(stage.trust.change({"trustedFolders": []}))
    async with asyncio.timeout(SECONDS):
        await stage.left.wait()
        assert stage.revoked == [stage.quick]
        stage.ended.set()
        await changing
    assert stage.revoked == [stage.quick, stage.slow]


async def test_a_decision_has_taken_effect_in_its_folder_and_below_when_it_is_answered(
    stage: Stage,
) -> None:
    below = stage.quick / "below"
    below.mkdir()
    for folder in (stage.quick, below):
        stage.decide_elsewhere(stage.quick, trusted=True)
        assert await stage.trust.is_trusted(folder)
    async with asyncio.timeout(SECONDS):
        await stage.trust.decide(stage.quick, trusted=False)
    assert sorted(stage.revoked) == [stage.quick, below]


async def test_a_folder_whose_trust_can_not_be_told_is_left(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.decide_elsewhere(stage.quick, trusted=True)
    assert await stage.trust.is_trusted(stage.quick)

    def fail(_: Path) -> Any:
        raise RuntimeError("can't start new thread")

    stage.decide_elsewhere(stage.slow, trusted=True)
    with monkeypatch.context() as broken:
        broken.setattr(stage.trust, "_read_decision", fail)
        await stage.trust.look_again(stage.quick)
    assert stage.revoked == [stage.quick]
