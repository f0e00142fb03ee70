"""Documents that the editor has open, and that grow while runs go on with their sessions."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.agent.events import Started, Text, Thinking
from claude_agent_lsp.errors import SessionNotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from claude_agent_lsp.agent.events import Event

logger = logging.getLogger(__name__)

# Between two looks of an editor at a document that grows.
REWRITE_SECONDS: Final = 1.0
# How many documents are followed at the same time: more than anybody looks at.
MOST_FOLLOWED: Final = 16


class GrowingDocuments:
    """Transcripts that the editor has open, written anew while runs go on with their sessions.

    One is written until the editor closes it or its session is deleted. Not every editor tells that
    it has closed a document, so only the newest are followed.

    Args:
        rewrite: Writes a session's document.
    """

    def __init__(self, rewrite: Callable[[str], Awaitable[object]]) -> None:
        self._rewrite = rewrite
        # In the order in which they were shown; of each session, its document's name.
        self._followed: dict[str, str] = {}
        self._due: set[str] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def add(self, session_id: str, path: Path) -> None:
        """Follow a session whose document the editor has just opened."""
        self._followed.pop(session_id, None)
        self._followed[session_id] = path.name
        while len(self._followed) > MOST_FOLLOWED:
            self.remove(next(iter(self._followed)))

    def remove(self, session_id: str) -> None:
        """Follow a session no longer."""
        self._followed.pop(session_id, None)
        self._due.discard(session_id)

    def closed(self, path: Path) -> None:
        """Follow no longer the document that the editor has closed, whichever it is."""
        # An editor may name its folder in another way, with links followed say.
        for session_id in [each for each, name in self._followed.items() if name == path.name]:
            self.remove(session_id)

    def follower(self) -> Callable[[Event], None]:
        """Return what a run's events are to be passed to."""
        session_id = message_id = ""

        def follow(event: Event) -> None:
            nonlocal session_id, message_id
            if isinstance(event, Started):
                session_id = event.run.session_id
            if isinstance(event, Text | Thinking):
                if event.message_id == message_id:
                    return  # it is not over
                message_id = event.message_id
            if session_id in self._followed:
                self._schedule_rewrite(session_id)

        return follow

    def _schedule_rewrite(self, session_id: str) -> None:
        self._due.add(session_id)
        if session_id not in self._tasks:
            task = asyncio.create_task(self._rewrite_while_due(session_id))
            self._tasks[session_id] = task
            task.add_done_callback(lambda _: self._rewritten(session_id))

    def _rewritten(self, session_id: str) -> None:
        del self._tasks[session_id]
        if session_id in self._due:  # since it was looked at last
            self._schedule_rewrite(session_id)

    async def _rewrite_while_due(self, session_id: str) -> None:
        while session_id in self._due:
            self._due.discard(session_id)
            try:
                await self._rewrite(session_id)
            except (OSError, SessionNotFound) as error:
                logger.warning("The document of %s could not be updated: %s", session_id, error)
            except Exception:
                logger.exception("The document of %s could not be updated", session_id)
            await asyncio.sleep(REWRITE_SECONDS)
