"""Looks at a folder that hangs, more of them than there are threads that all share."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lsprotocol import types

from tests.e2e.editor import SECONDS
from tests.e2e.hanging import HangingDisk

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.e2e.conftest import Open

MORE_THAN_THREADS = 20


async def test_stores_of_a_folder_whose_repository_hangs_hold_up_nothing_else(
    editor_with: Open, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "slow"
    (slow / ".git").mkdir(parents=True)
    disk = HangingDisk(slow / ".git", tmp_path, monkeypatch)
    editor = await editor_with(slow, folder, settings={"prewarm": False})
    told = await editor.query("remember the code PINEAPPLE-42", workspace=folder.as_uri())
    disk.hang()
    store = {"claudeAgent": {"sessionStore": "redis://127.0.0.1:9/0", "prewarm": False}}
    editor.set_configuration(store, scope_uri=slow.as_uri())
    editor.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings=None))
    lists = [
        editor.command("session.list", {"workspace": slow.as_uri()})
        for _ in range(MORE_THAN_THREADS)
    ]
    page = await editor.command("session.list", {"workspace": folder.as_uri()})
    assert [one["sessionId"] for one in page["sessions"]] == [told["sessionId"]]
    assert (await editor.query("which code?", workspace=folder.as_uri()))["text"] == "PINEAPPLE-42"
    assert (await editor.command("status"))["spentTodayUsd"] is not None
    for each in lists:
        assert not each.done
        editor.cancel(each)
    assert await asyncio.wait_for(editor.quit(), SECONDS) == 0
