"""Copies of the sessions that the user has tagged to be kept, each made in its session's lane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.sessions.catalogue.kept_copies import KeptCopies

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from claude_agent_lsp.base.lanes import Lanes
    from claude_agent_lsp.workspace.state import State


class KeptSessions:
    """The kept sessions of one server.

    Args:
        state: Has the state directory, which a setting may move.
        lanes: Those of sessions.
        begin: Begins work that nobody waits for.
    """

    def __init__(
        self, state: State, lanes: Lanes, begin: Callable[[Awaitable[object]], object]
    ) -> None:
        self._state = state
        self._lanes = lanes
        self._begin = begin

    @property
    def copies(self) -> KeptCopies:
        """The copies on disk."""
        return KeptCopies(self._state.directory)

    def keep_tagged(self, session_ids: Iterable[str]) -> None:
        """Begin to copy these sessions, if their tag wants them kept; nothing waits for it."""
        for session_id in session_ids:
            lane = self._lanes.session(session_id)
            self._begin(lane.run(self.copies.keep_if_tagged, session_id))

    async def refresh(self) -> None:
        """Bring all copies up to date."""
        for session_id in await disk.run(self.copies.sessions):
            await self._lanes.session(session_id).run(self.copies.refresh, session_id)
