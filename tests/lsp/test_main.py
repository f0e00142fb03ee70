"""The end of the server process, where nothing else ends it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HANGS = """
import time
from claude_agent_lsp.lsp import main

async def close(_):
    time.sleep(60)

main.FORCE_SECONDS = 0.2
main.AgentServer.close = close
main.serve()
"""


def test_a_loop_that_hangs_as_the_server_ends_is_ended_by_force(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HANGS],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        env={"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)},
    )
    assert ended.returncode == 1
    assert b"could not shut down cleanly" in ended.stderr
