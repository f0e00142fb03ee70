"""Connects an SDK client with its CLI, and ends that, whatever the SDK waits for."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from claude_agent_sdk import ClaudeSDKClient

    from claude_agent_lsp.agent.os_processes.tree import ProcessTree
    from claude_agent_lsp.base.abort import AbortSignal

logger = logging.getLogger(__name__)


async def connect(client: ClaudeSDKClient, given_up: AbortSignal) -> None:
    """Start the CLI; where that is given up, stop waiting for what the SDK waits for.

    The one task that is cancelled: connecting, the SDK (0.2.187) waits for an answer of the CLI
    for a minute, also of one that is gone. What it has started by then are tasks of their own,
    which the disconnect ends.
    """
    connecting = asyncio.ensure_future(client.connect())
    try:
        await given_up.wait_or_abort(connecting)
    finally:
        connecting.cancel()
        await asyncio.wait({connecting})


async def disconnect(client: ClaudeSDKClient, tree: Callable[[], Awaitable[ProcessTree]]) -> None:
    """End the connection, or the CLI itself.

    Args:
        client: The client.
        tree: Returns the CLI and all below it.
    """
    try:
        await client.disconnect()
    except BaseException as error:
        # The SDK has not seen its end, so it may still be there.
        (await tree()).kill()
        if not isinstance(error, Exception):
            raise
        logger.debug("The SDK could not disconnect", exc_info=True)
