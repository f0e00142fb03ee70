"""What an editor is shown of runs, whoever has begun them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lsprotocol import types

from claude_agent_lsp.agent.events import Ended, Run, RunStatus, Started
from claude_agent_lsp.base.abort import AbortController, AbortReason
from claude_agent_lsp.base.texts.text import one_line
from claude_agent_lsp.lsp.convert.to_json import jsonable, sentence

if TYPE_CHECKING:
    from claude_agent_lsp.agent.events import Emit, Event
    from claude_agent_lsp.agent.run.context import Backpressure
    from claude_agent_lsp.agent.session_queue import Waiting
    from claude_agent_lsp.base.abort import AbortSignal
    from claude_agent_lsp.lsp.services.progress import WorkDone
    from claude_agent_lsp.lsp.services.services import Services

# Helix has one line for it and for what the agent does, and asks.
TITLE_LENGTH: Final = 30


class RunDisplay:
    """Shows runs wherever the editor shows something of them.

    Args:
        services: What it is shown with.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    def start(
        self, token: int | str | None, title: str, controller: AbortController
    ) -> WorkDone | None:
        """Be ready to show a run's progress, whose cancel fires the controller."""
        title = f"Claude: {one_line(title, TITLE_LENGTH)}"
        return self._services.progress.start(token, title, controller)

    def to_editor(self, token: int | str | None, progress: WorkDone | None) -> Emit:
        """Return what shows a run's events wherever the editor shows something of it.

        Args:
            token: Where the editor wants the events themselves, if anywhere.
            progress: The run's progress display, if there is one.
        """
        follow = self._services.documents.follower()

        def to_editor(event: Event) -> None:
            follow(event)
            if token is not None:
                self._services.editor.progress(token, jsonable(event))
            if progress is not None:
                progress.show_event(event)
                if isinstance(event, Ended):
                    self._services.progress.end(progress)
            self._services.session_events.follow(event)

        return to_editor

    def begin(self, run_id: str, cause: str) -> tuple[AbortSignal, Emit, Backpressure]:
        """Show a run that the agent has begun by itself: see `OwnRuns`."""
        controller = AbortController()
        progress = self.start(None, cause, controller)
        knows = self._services.editor.profile.session_events
        show = self.to_editor(own_token(run_id) if knows else None, progress)

        def to_editor(event: Event) -> None:
            if isinstance(event, Started):
                # The editor has to know the run before its events come.
                self._services.session_events.announce(event.run)
            show(event)
            if isinstance(event, Ended):
                self._services.editor.spawn(self.report_end(event.run, waits=False))

        return controller.signal, to_editor, self._services.editor.backpressure

    async def report_end(self, ended: Run, *, waits: bool) -> None:
        """Show how a run ended to somebody who gets no answer any more, or can't see it."""
        shows = self._services.editor.profile.shows_results
        if ended.error is not None and not (waits and shows):
            text = f"{sentence(ended.error)} {ended.error.hint}"
            self._services.editor.show_message(types.MessageType.Error, text)
        stopped = self._services.agent.stopped is AbortReason.SHUTDOWN
        if not shows and ended.status is not RunStatus.FAILED and not stopped:
            await self._services.documents.show_result(ended)


def queued_run(waiting: Waiting) -> Run:
    """Return the run of a query that waits for its session."""
    status = RunStatus.QUEUED
    return Run(waiting.run_id, waiting.session_id, waiting.folder, status, queued=True)


def own_token(run_id: str) -> str:
    """Return the token on which an editor gets the events of a run that the agent has begun."""
    return f"claudeAgent/run/{run_id}"
