"""How a CLI is ended, gently first, by rungs 2 to 4 of the abort ladder (`interrupt.py`).

One that has come up has a conversation to write down: its input ends, after 1.5 s comes SIGTERM,
and after 0.5 s more SIGKILL. One that has not come up yet gets SIGKILL until it is gone.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from claude_agent_lsp.agent.os_processes.tree import ProcessTree

# After the end of its input an idle CLI needs 50 ms to write and exit (CLI 2.1.330).
EXIT_SECONDS = 1.5
TERMINATE_SECONDS = 0.5
LOOK_AGAIN_SECONDS = 0.05


async def end_started(tree: ProcessTree, gone: asyncio.Event) -> None:
    """Wait for a CLI whose input has ended to exit by itself; then SIGTERM, then SIGKILL.

    Args:
        tree: It and everything below it, from before its input ended.
        gone: Set once it has exited.
    """
    if not await _is_set_within(EXIT_SECONDS, gone):
        tree.terminate()
        if not await _is_set_within(TERMINATE_SECONDS, gone):
            tree.kill()
    await gone.wait()


async def end_starting(
    tree: ProcessTree, look: Callable[[], Awaitable[ProcessTree]], gone: asyncio.Event
) -> None:
    """End a CLI that reads no input yet: nothing of a conversation is lost.

    Args:
        tree: It and everything below it, as far as it is there.
        look: Looks at them anew.
        gone: Set once it has exited.
    """
    tree.kill()
    # It may be starting just now, so look again until it is gone.
    while not await _is_set_within(LOOK_AGAIN_SECONDS, gone):
        (await look()).kill()


async def _is_set_within(seconds: float, event: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
