"""What is the user's alone is so from its making, whatever the umask."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.base.disk.private import WRITE, keep_private, make_directory, others_may

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")


@pytest.fixture(params=[0o000, 0o002, 0o022, 0o077, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.usefixtures("umask")
def test_a_directory_is_the_owners_alone_with_all_above_it_that_was_missing(tmp_path: Path) -> None:
    make_directory(tmp_path / "a" / "b" / "c")
    assert [mode(tmp_path / name) for name in ("a", "a/b", "a/b/c")] == [0o700] * 3
    make_directory(tmp_path / "a" / "b")
    assert others_may(tmp_path / "a") is None


def test_one_that_is_there_stays_until_it_is_mended(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    make_directory(tmp_path)
    assert others_may(tmp_path) == "other users may write there (mode 0777)"
    keep_private(tmp_path)
    assert mode(tmp_path) == 0o700
    keep_private(tmp_path / "missing")
    assert not (tmp_path / "missing").exists()


def test_what_others_may_is_said(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    file.chmod(0o644)
    assert others_may(file) == "other users may read there (mode 0644)"
    assert others_may(file, WRITE) is None
    file.chmod(0o620)
    assert others_may(file, WRITE) == "other users may write there (mode 0620)"
    with pytest.raises(FileNotFoundError):
        others_may(tmp_path / "missing")


def test_a_file_in_the_place_of_a_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        make_directory(tmp_path / "file" / "below")
    with pytest.raises(FileExistsError):
        make_directory(tmp_path / "file")
