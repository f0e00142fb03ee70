"""Folders that a client has named, some of which are not there yet."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.base.disk.places import place_of
from claude_agent_lsp.workspace.pinned_folders import PinnedFolders

if TYPE_CHECKING:
    from pathlib import Path

SOMEBODY = 65534


async def held(pinned: PinnedFolders, folder: Path) -> bool:
    place = place_of(folder)
    assert place is not None
    await pinned.hold(folder, place)  # it is looked at once more
    return await pinned.hold(folder, place)


@pytest.mark.parametrize("owner", [None, SOMEBODY])
async def test_what_comes_to_be_where_a_folder_was_named_is_it_unless_somebody_else_made_it(
    tmp_path: Path, owner: int | None
) -> None:
    folder = tmp_path / "folder"
    pinned = PinnedFolders([folder])
    await pinned._looks[folder]
    folder.mkdir()
    if owner is not None:
        if sys.platform == "win32" or os.geteuid() != 0:
            pytest.skip("only root may give a folder away")
        os.chown(folder, owner, owner)
    assert await held(pinned, folder) is (owner is None)
