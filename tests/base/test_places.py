"""Which folder a path leads to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.base.disk import places
from claude_agent_lsp.base.disk.places import place_of

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_that_gets_the_inode_of_one_that_is_gone_is_another_one(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    before = place_of(folder)
    assert before is not None
    assert place_of(folder) == before
    folder.rmdir()
    folder.mkdir()
    after = place_of(folder)
    assert after is not None
    if before.born is None:
        pytest.skip("this file system does not tell when a folder was made")
    assert after != before


def test_what_an_overlay_tells_of_a_birth_makes_no_other_folder_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "is_on_a_disk", lambda _: False)
    monkeypatch.setattr(places, "_born", lambda *_: 1)
    before = place_of(tmp_path)
    monkeypatch.setattr(places, "_born", lambda *_: 2)
    assert place_of(tmp_path) == before


@pytest.mark.skipif(os.name != "posix", reason="Windows knows no such links")
def test_a_link_leads_to_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    assert place_of(tmp_path / "link") == place_of(tmp_path / "folder")
    assert place_of(tmp_path / "missing") is None
