"""Real paths, of disks that answer and of disks that hang."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.base import lanes
from claude_agent_lsp.base.disk import real_paths as module
from claude_agent_lsp.base.disk.real_paths import is_same_path, real_path, real_paths

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 20  # only catches hangs


@pytest.fixture
def hung(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, list[str]]]:
    """A path that nobody can follow until the test ends, and who has tried."""
    follow, answers = os.path.realpath, threading.Event()
    path, tries = tmp_path / "hung", list[str]()

    def realpath(name: str, **how: Any) -> str:
        if name == str(path):
            tries.append(name)
            answers.wait()
        return follow(name, **how)

    monkeypatch.setattr(os.path, "realpath", realpath)
    yield path, tries
    answers.set()
    if (look := module._looks.get(str(path))) is not None:
        look[0].result(SECONDS)


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "there")
    assert real_path(tmp_path / "link") == str(tmp_path.resolve() / "there")
    assert is_same_path(tmp_path / "link", tmp_path / "there")
    assert not is_same_path(tmp_path / "link", tmp_path / "elsewhere")
    assert real_paths([]) == {}


def test_a_path_that_hangs_is_waited_for_once_and_no_other_one_is_lost(
    tmp_path: Path, hung: tuple[Path, list[str]]
) -> None:
    path, tries = hung
    began = time.monotonic()
    for _ in range(20):
        assert real_paths([path, tmp_path]) == {
            str(path): None,
            str(tmp_path): str(tmp_path.resolve()),
        }
        assert is_same_path(path, path)
        assert not is_same_path(path, tmp_path)
    assert time.monotonic() - began < 20 * module.REAL_SECONDS
    assert tries == [str(path)]


def test_a_path_is_followed_again_after_the_system_had_no_thread_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin(_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(lanes.disk, "begin", begin)
        with pytest.raises(RuntimeError):
            real_path(tmp_path)
    assert real_path(tmp_path) == str(tmp_path.resolve())


def test_a_look_that_fails_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def realpath(_: str, **__: Any) -> str:
        raise SystemError("whatever")

    with monkeypatch.context() as patch:
        patch.setattr(os.path, "realpath", realpath)
        patch.setattr(threading, "excepthook", lambda _: None)
        assert real_path(tmp_path) == str(tmp_path)
    assert real_path(tmp_path) == str(tmp_path.resolve())
