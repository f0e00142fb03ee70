"""Whether there is room in a pipe, and whether it has a reader."""

from __future__ import annotations

import contextlib
import os
import select
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.base.system.descriptors import PIPE_BYTES, Room, watch_for_hang_up
from claude_agent_lsp.lsp.wire import writer as writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.base.system.conftest import Load


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):
            os.close(end)


def test_a_full_pipe_has_no_room(pipe: tuple[int, int]) -> None:
    room = Room(pipe[1])
    assert room
    os.set_blocking(pipe[1], False)
    while room:
        os.write(pipe[1], bytes(PIPE_BYTES))
    with pytest.raises(BlockingIOError):
        os.write(pipe[1], bytes(2**20))
    os.read(pipe[0], 65536)
    assert room


def test_on_linux_a_reader_that_goes_is_noticed(pipe: tuple[int, int], tmp_path: Path) -> None:
    watched = watch_for_hang_up(pipe[1])
    assert watched is not None
    assert select.select([watched], [], [], 0)[0] == []
    os.close(pipe[0])
    assert select.select([watched], [], [], 5)[0] == [watched]
    os.close(watched)
    with (tmp_path / "file").open("wb") as file:
        assert watch_for_hang_up(file.fileno()) is None


@pytest.mark.parametrize("name", ["win32", "darwin"])
def test_elsewhere_it_is_not_watched(
    name: str, on: Callable[[str], Load], pipe: tuple[int, int]
) -> None:
    assert on(name)("descriptors").watch_for_hang_up(pipe[1]) is None


async def test_on_windows_all_is_left_to_the_thread(
    windows: Load, pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = windows("descriptors")
    assert not there.Room.known
    assert not there.Room(pipe[1])
    monkeypatch.setattr(writing, "Room", there.Room)
    monkeypatch.setattr(writing, "watch_for_hang_up", there.watch_for_hang_up)
    writer = writing.MessageWriter(pipe[1])
    writer.write(b"short")
    assert await writer.flush(5)
    assert os.read(pipe[0], 10) == b"short"
    writer.close()
