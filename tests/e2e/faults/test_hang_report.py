from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

from tests.e2e.editor import SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Open


async def test_a_signal_has_the_server_write_what_its_threads_and_tasks_do(
    editor_with: Open, tmp_path: Path
) -> None:
    log = tmp_path / "server.log"
    editor = await editor_with(arguments=("--log-file", str(log)))
    os.kill(editor.pid, signal.SIGUSR1)

    async def reported() -> str:
        while "The tasks of the event loop" not in (text := log.read_text()):
            await editor.command("status")  # it goes on serving
        return text

    text = await asyncio.wait_for(reported(), SECONDS)
    assert "reader.py" in text.partition("The tasks of the event loop")[0]
    assert "main.py" in text.partition("The tasks of the event loop")[2]
