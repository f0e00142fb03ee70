"""What an editor is sent about runs and sessions without asking, if it knows this server."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.agent.events import Ended, Queued, Started
from claude_agent_lsp.errors import RequestFailed
from claude_agent_lsp.lsp.convert.to_json import jsonable, waiting_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from claude_agent_lsp.agent.background import Task
    from claude_agent_lsp.agent.events import Event, Run
    from claude_agent_lsp.agent.ownership.session_queue import Waiting
    from claude_agent_lsp.lsp.editor import Editor
    from claude_agent_lsp.sessions.catalogue.session import Session

logger = logging.getLogger(__name__)

RUN: Final = "claudeAgent/runChanged"
TASK: Final = "claudeAgent/taskChanged"
SESSION: Final = "claudeAgent/sessionChanged"
QUEUE: Final = "claudeAgent/queueChanged"
# All that is sent again at each change: a list has the whole prompts.
PROMPT_LENGTH: Final = 500


class SessionEvents:
    """Reports what this server's runs and commands change, not what others do.

    Args:
        editor: The editor that gets it.
        find: Looks a session up.
    """

    def __init__(self, editor: Editor, find: Callable[[str], Awaitable[Session]]) -> None:
        self._editor = editor
        self._find = find

    def follow(self, event: Event) -> None:
        """Report a run's beginning and end, and then its session."""
        if isinstance(event, Queued):
            self.announce(event.run)
        elif isinstance(event, Started | Ended) and self._editor.profile.session_events:
            if isinstance(event, Ended) or event.run.origin == "user":
                self.announce(event.run)
            self._editor.spawn(self._look_up(event.run.session_id))

    def announce(self, run: Run) -> None:
        """Report how a run stands."""
        if self._editor.profile.session_events:
            self._editor.notify(RUN, jsonable(run))

    def announce_task(self, task: Task) -> None:
        """Report how a background task stands."""
        if self._editor.profile.session_events:
            self._editor.notify(TASK, jsonable(task))

    def changed(self, session: Session) -> Session:
        """Report a session that a command has changed; return it."""
        if self._editor.profile.session_events:
            self._editor.notify(SESSION, jsonable(session))
        return session

    def queue_changed(self, session_id: str, queue: Iterable[Waiting]) -> None:
        """Report what waits for a session now."""
        if self._editor.profile.session_events:
            waiting = [waiting_json(each, PROMPT_LENGTH) for each in queue]
            self._editor.notify(QUEUE, {"sessionId": session_id, "queue": waiting})

    def deleted(self, session: Session) -> None:
        """Report that a session is deleted."""
        if self._editor.profile.session_events:
            gone = {"sessionId": session.session_id, "workspace": session.workspace}
            self._editor.notify(SESSION, jsonable({**gone, "deleted": True}))

    async def _look_up(self, session_id: str) -> None:
        try:
            self.changed(await self._find(session_id))
        except RequestFailed as error:  # one that has just begun has nothing on disk
            logger.debug("No event is sent for the session %s: %s", session_id, error)
