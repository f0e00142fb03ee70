"""What the user wants to see no more, kept on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.errors import StoreUnavailable
from claude_agent_lsp.workspace import dismissed
from claude_agent_lsp.workspace.dismissed import Dismissed, mark_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def kept(tmp_path: Path) -> Dismissed:
    return Dismissed(lambda: tmp_path / "state")


def test_each_folder_has_its_own_however_it_is_spelled(kept: Dismissed, tmp_path: Path) -> None:
    folder, other, link = tmp_path / "a", tmp_path / "b", tmp_path / "link"
    folder.mkdir()
    link.symlink_to(folder)
    kept.add(folder, "m1")
    kept.add(link, "m2")
    assert kept.of(folder) == kept.of(link) == {"m1", "m2"}
    assert kept.of(other) == frozenset()


def test_oldest_are_forgotten_and_one_that_is_named_again_is_new(
    kept: Dismissed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dismissed, "MOST_KEPT", 3)
    for mark in ("m1", "m2", "m3", "m1", "m4"):
        kept.add(tmp_path, mark)
    assert kept.of(tmp_path) == {"m3", "m1", "m4"}


def test_damage_counts_as_nothing_and_no_room_is_told(kept: Dismissed, tmp_path: Path) -> None:
    kept.add(tmp_path, "m1")
    (file,) = (tmp_path / "state" / "dismissed").glob("*.txt")
    file.write_bytes(b"\xff\0")
    assert "m1" not in kept.of(tmp_path)
    in_the_way = Dismissed(lambda: file)
    with pytest.raises(StoreUnavailable):
        in_the_way.add(tmp_path, "m1")


def test_mark_is_of_the_text_the_file_and_the_kind_alone() -> None:
    mark = mark_of("a.py", "bug", ["  x = 1", "y"])
    assert mark == mark_of("a.py", "bug", ["x = 1  ", "    y"])
    others = [("b.py", "bug", ["x = 1", "y"]), ("a.py", "nit", ["x = 1", "y"])]
    others += [("a.py", "bug", ["x = 1"]), ("a.py", "bug", ["x = 1y"])]
    assert mark not in {mark_of(*other) for other in others}
    assert len({mark_of(*other) for other in others}) == 4
