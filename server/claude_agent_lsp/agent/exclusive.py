"""Work on a session that no run may do at the same time."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from claude_agent_lsp.agent.agent import Agent


@contextlib.asynccontextmanager
async def hold_session(agent: Agent, session_id: str) -> AsyncIterator[None]:
    """Keep runs out of a session.

    Raises:
        SessionBusy: A run is at work in it.
    """
    holder = str(uuid.uuid4())
    await agent.custody.take(session_id, holder)
    try:
        yield
    finally:
        await agent.custody.after(session_id, holder)


@contextlib.asynccontextmanager
async def hold_and_end_process(agent: Agent, session_id: str) -> AsyncIterator[None]:
    """Keep runs out of a session, and end the process that is kept warm for it.

    Raises:
        SessionBusy: A run is at work in it.
    """
    async with hold_session(agent, session_id):
        warm = [process for process in agent.processes if process.session_id == session_id]
        await asyncio.gather(*(process.end() for process in warm))
        yield
