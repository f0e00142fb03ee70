"""What a run has to do, and what it has to do it with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from claude_agent_lsp.sessions.journal.run_records import Given

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Mapping

    from claude_agent_lsp.agent.background import Task
    from claude_agent_lsp.agent.changes.run_changes import RunChanges
    from claude_agent_lsp.agent.events import Emit
    from claude_agent_lsp.agent.permissions.queue import QuestionQueue
    from claude_agent_lsp.agent.permissions.session_grants import SessionGrants
    from claude_agent_lsp.agent.process.launch import Launch, SessionStart
    from claude_agent_lsp.agent.run.run_journal import RunJournal
    from claude_agent_lsp.agent.run.steering import Steering
    from claude_agent_lsp.base.abort import AbortSignal
    from claude_agent_lsp.base.lanes import Lane


class Backpressure(Protocol):
    """The way to the editor, which may be slow."""

    @property
    def congested(self) -> bool:
        """Whether the editor is far behind."""

    def drained(self) -> asyncio.Future[None]:
        """Return a future that is done once it has caught up."""


class OwnRuns(Protocol):
    """Shows the runs that agents begin by themselves."""

    def begin(self, run_id: str, cause: str) -> tuple[AbortSignal, Emit, Backpressure]:
        """Return what the user stops it with, what takes its events, and the way to the editor."""

    def show_task(self, task: Task) -> None:
        """Show that a background task has begun or ended."""


@dataclass(frozen=True)
class RunSpec:
    """What a run has to do.

    Attributes:
        prompt: What the user asks.
        message: All that is sent for it.
        cause: Why the agent has begun it by itself: then nothing is asked, and nothing sent.
        waited: Whether its query has waited for the session.
        warnings: What the user has to know when it begins.
        given: What goes with the prompt.
    """

    prompt: str
    message: Mapping[str, Any]
    launch: Launch
    session: SessionStart
    cause: str | None = None
    waited: bool = False
    warnings: tuple[str, ...] = ()
    given: Given = field(default_factory=Given)

    @property
    def message_id(self) -> str:
        """The id of the user's message, in the session too."""
        return str(self.message["uuid"])


@dataclass(frozen=True)
class RunContext:
    """What a run and its turn share.

    Attributes:
        run_id: The run's id.
        signal: Stops them.
        mode: Returns the permission mode, which may change until the turn begins.
        set_mode: Sets it for the session, from what the user has decided.
        grants: What the user has allowed for the session.
        emit: Takes their events, at once and in order.
        backpressure: Knows whether the editor is too slow for more text.
        questions: The queue for what the user has to decide.
        journal: Takes what is shown.
        on_cost: Called with what the run has cost so far, in US dollars.
        check_budget: Raises a `RequestFailed` if nothing is left of the day's budget.
        folder_lane: Reads the folder's files.
        steering: Has the prompts that go into the turn.
        changes: Sees what tools change.
    """

    run_id: str
    signal: AbortSignal
    mode: Callable[[], str]
    set_mode: Callable[[str], None]
    grants: SessionGrants
    emit: Emit
    backpressure: Backpressure
    questions: QuestionQueue
    journal: RunJournal
    on_cost: Callable[[float], None]
    check_budget: Callable[[], Coroutine[Any, Any, None]]
    folder_lane: Lane
    steering: Steering
    changes: RunChanges
