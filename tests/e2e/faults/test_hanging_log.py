"""A log file whose disk hangs: the server serves, and ends, as if there was none."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

import pytest

from tests.e2e.editor import SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.conftest import Open

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")


def fill(path: Path) -> None:
    """Leaves no room in a pipe."""
    writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"\n" * 4096)
    os.close(writer)


@pytest.fixture(params=["from the start", "after some lines"])
def log(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A named pipe: nobody has it open to read, or somebody has and does not read."""
    path = tmp_path / "server.log"
    os.mkfifo(path)
    reader = None
    if request.param == "after some lines":
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        fill(path)
    yield path
    if reader is not None:
        os.close(reader)


async def test_it_holds_up_nothing(editor_with: Open, log: Path) -> None:
    editor = await editor_with(arguments=("--log-file", str(log), "--log-level", "debug"))
    assert (await editor.query("hello"))["status"] == "completed"
    assert await asyncio.wait_for(editor.quit(), SECONDS) == 0
