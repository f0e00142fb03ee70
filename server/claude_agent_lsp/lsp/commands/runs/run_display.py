"""What an editor is shown of runs, whoever has begun them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lsprotocol import types

from claude_agent_lsp.agent.events import Ended, Run, RunStatus, Started, Text, Thinking
from claude_agent_lsp.base.abort import AbortController, AbortReason
from claude_agent_lsp.base.texts.text import one_line
from claude_agent_lsp.errors import sentence
from claude_agent_lsp.lsp.convert.to_json import jsonable
from claude_agent_lsp.lsp.services.progress import outcome_of

if TYPE_CHECKING:
    from claude_agent_lsp.agent.background import Task
    from claude_agent_lsp.agent.events import Emit, Event
    from claude_agent_lsp.agent.ownership.session_queue import Waiting
    from claude_agent_lsp.agent.run.context import Backpressure
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

    def to_editor(
        self,
        token: int | str | None,
        progress: WorkDone | None,
        *,
        subagent_text: bool | None = None,
        traceless: bool = False,
    ) -> Emit:
        """Return what shows a run's events wherever the editor shows something of it.

        Args:
            token: Where the editor wants the events themselves, if anywhere.
            progress: The run's progress display, if there is one.
            subagent_text: Whether it wants what subagents say; None if as it has announced.
            traceless: Whether the run has no session that anybody could look at.
        """
        if subagent_text is None:
            subagent_text = self._services.editor.profile.subagent_text
        follow = self._services.documents.follower()
        find = self._services.findings.follower()

        def to_editor(event: Event) -> None:
            if _is_nested(event):
                # Words of their own conversations: nobody else has a place for them.
                if subagent_text and token is not None:
                    self._services.editor.progress(token, jsonable(event))
                return
            follow(event)
            if token is not None:
                self._services.editor.progress(token, jsonable(event))
            if progress is not None:
                progress.show_event(event)
                if isinstance(event, Ended):
                    self._services.progress.end(progress)
            if not traceless:
                find(event)
                self._services.session_events.follow(event)
                self._services.reviews.follow(event)

        return to_editor

    def begin(self, run_id: str, cause: str) -> tuple[AbortSignal, Emit, Backpressure]:
        """Show a run that the agent has begun by itself: see `OwnRuns`."""
        controller = AbortController()
        show = self.unasked(run_id, cause, controller)

        def to_editor(event: Event) -> None:
            show(event)
            if isinstance(event, Ended):
                shows = self._services.editor.profile.shows_results
                self._services.editor.spawn(self.report_end(event.run, shows=shows, waits=False))

        return controller.signal, to_editor, self._services.editor.backpressure

    def unasked(self, run_id: str, title: str, controller: AbortController) -> Emit:
        """Return what shows the events of a run that no request of the editor's is for."""
        progress = self.start(None, title, controller)
        return self.on_own_token(run_id, self.to_editor(None, progress))

    def on_own_token(self, run_id: str, show: Emit, *, subagent_text: bool | None = None) -> Emit:
        """Return what shows the events of a run for which the editor has named no token.

        Args:
            run_id: The run.
            show: Shows them elsewhere.
            subagent_text: See `to_editor`.
        """
        if not self._services.editor.profile.session_events:
            return show
        if subagent_text is None:
            subagent_text = self._services.editor.profile.subagent_text

        def to_editor(event: Event) -> None:
            if _is_nested(event) and not subagent_text:
                return
            if isinstance(event, Started) and event.run.origin == "agent":
                # The editor has to know the run before its events come.
                self._services.session_events.announce(event.run)
            show(event)
            self._services.editor.progress(own_token(run_id), jsonable(event))

        return to_editor

    def show_task(self, task: Task) -> None:
        """Show that a background task has begun or ended: see `OwnRuns`."""
        self._services.session_events.announce_task(task)

    async def report_end(
        self, ended: Run, *, shows: bool, waits: bool, opens: bool = False
    ) -> None:
        """Show how a run ended to somebody who gets no answer any more, or can't see it.

        Args:
            ended: The run.
            shows: Whether its editor shows what came of it.
            waits: Whether somebody waits for the answer.
            opens: Whether it is opened as a document in an editor that shows results, too.
        """
        if ended.error is not None and not (waits and shows):
            text = f"{sentence(ended.error)} {ended.error.hint}"
            self._services.editor.show_message(types.MessageType.Error, text)
        stopped = self._services.agent.shutdown.reason is AbortReason.SHUTDOWN
        if ended.status is RunStatus.FAILED or stopped or not (opens or not shows):
            return
        if shows or await self._opens_answers(ended):
            await self._services.documents.show_result(ended)
        else:
            await self._services.documents.tell_result(ended, outcome_of(ended))

    async def _opens_answers(self, ended: Run) -> bool:
        """Return whether the user wants answers opened, where the editor does not show them."""
        folder = self._services.folders.around(ended.workspace)
        if folder is None:  # closed meanwhile
            return self._services.server_settings.adopted.show_answers == "document"
        settings = await self._services.configuration.settings_in(folder)
        return settings.show_answers == "document"


def _is_nested(event: Event) -> bool:
    return isinstance(event, Text | Thinking) and event.parent_tool_call_id is not None


def queued_run(waiting: Waiting) -> Run:
    """Return the run of a query that waits for its session."""
    status = RunStatus.QUEUED
    return Run(waiting.run_id, waiting.session_id, waiting.folder, status, queued=True)


def own_token(run_id: str) -> str:
    """Return the token on which an editor gets the events of a run that it has not asked for."""
    return f"claudeAgent/run/{run_id}"
