"""The settings that are the whole server's, whichever folder has them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from claude_agent_lsp.workspace.settings import Settings
from claude_agent_lsp.workspace.state import state_directory

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_agent_lsp.workspace.state import State


class ServerSettings:
    """Applies them.

    Args:
        state: What is kept across restarts.
        while_at_rest: Does something unless a session is in use, and lets none be taken meanwhile.

    Attributes:
        adopted: The ones that were taken last; of them the limits of the pool of processes hold.
    """

    def __init__(self, state: State, while_at_rest: Callable[[Callable[[], None]], object]) -> None:
        self._state = state
        self._while_at_rest = while_at_rest
        self._wanted = state.directory
        self.adopted = Settings()

    def adopt(self, settings: Settings) -> None:
        """Take them from the settings of `initialize`, or of a trusted folder."""
        self.adopted = settings
        if settings.log_level is not None:
            logging.getLogger("claude_agent_lsp").setLevel(settings.log_level.upper())
        if settings.state_directory is not None:
            self._wanted = state_directory(settings.state_directory)
            self.move_state()

    def move_state(self) -> None:
        """Keep the state where the settings want it, unless somebody is at work where it is now.

        What a run has is in one directory from its beginning to its end. The move is made up for
        before the next run that finds none at work.
        """
        self._while_at_rest(self._move)

    def _move(self) -> None:
        self._state.directory = self._wanted
