"""What holds up the loop is named in the log, if that has the level debug.

In a process of its own: what is watched by the system's timer must not be pytest's.
"""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import asyncio, logging, sys, time
from claude_agent_lsp.lsp.hang_report import LoopWatch

def hold_up_the_loop():
    time.sleep(1.0)

async def main():
    watch = LoopWatch()
    loop = asyncio.get_running_loop()
    loop.call_soon(hold_up_the_loop)
    await asyncio.sleep(1.1)  # it is held up, and turns again
    watch.stop()
    hold_up_the_loop()  # would be the end of the process, if the timer still ran

logging.basicConfig(level=sys.argv[1])
asyncio.run(main())
"""


BEFORE = """def before():
    time.sleep(0.15)

def hold_up"""


def log_of(level: str, script: str = SCRIPT) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, level], capture_output=True, text=True, check=True
    )
    return done.stderr


def test_callback_that_holds_up_the_loop_is_named() -> None:
    log = log_of("DEBUG")
    assert "The event loop was blocked for" in log
    assert "in hold_up_the_loop" in log


def test_stack_is_of_the_long_part_of_what_holds_up_the_loop() -> None:
    script = SCRIPT.replace("    time.sleep(1.0)\n", "    before()\n    time.sleep(1.0)\n", 1)
    script = script.replace("def hold_up", BEFORE, 1)
    log = log_of("DEBUG", script)
    assert "in hold_up_the_loop" in log
    assert "in before" not in log


def test_nothing_is_watched_at_another_level() -> None:
    assert log_of("INFO") == ""
