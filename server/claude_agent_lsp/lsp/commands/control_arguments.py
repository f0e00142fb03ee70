"""The arguments of the commands about queues, background tasks, and what the CLI is run with."""

# ruff: noqa: RUF009 - as in arguments.py

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from claude_agent_lsp.base.validation import FILE, FLAG, PROMPT, WORD, whole
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.lsp.commands.arguments import (
    ANY_SESSION,
    Argument,
    optional,
    required,
)
from claude_agent_lsp.sessions.reading.task_output import MOST_BYTES

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class TaskListArgument(Argument):
    """Of `claudeAgent.task.list`; without a session, the tasks of all."""

    session_id: str | None = optional(ANY_SESSION)


@dataclass(frozen=True, kw_only=True)
class TaskOutputArgument(Argument):
    """Of `claudeAgent.task.output`."""

    task_id: str = required(WORD)
    session_id: str | None = optional(ANY_SESSION)
    cursor: str | None = optional(WORD)
    from_end: bool = optional(FLAG, False)
    limit: int = optional(whole(least=1, most=MOST_BYTES), 65536)


@dataclass(frozen=True, kw_only=True)
class TaskStopArgument(Argument):
    """Of `claudeAgent.task.stop`."""

    task_id: str = required(WORD)
    session_id: str | None = optional(ANY_SESSION)


@dataclass(frozen=True, kw_only=True)
class McpListArgument(Argument):
    """Of `claudeAgent.mcp.list`."""

    workspace: Path | None = optional(FILE)


@dataclass(frozen=True, kw_only=True)
class McpToggleArgument(Argument):
    """Of `claudeAgent.mcp.toggle`."""

    workspace: Path | None = optional(FILE)
    name: str = required(WORD)
    enabled: bool = required(FLAG)


@dataclass(frozen=True, kw_only=True)
class McpReconnectArgument(Argument):
    """Of `claudeAgent.mcp.reconnect`."""

    workspace: Path | None = optional(FILE)
    name: str = required(WORD)


@dataclass(frozen=True, kw_only=True)
class ContextArgument(Argument):
    """Of `claudeAgent.context`; without a session, the current one of the folder."""

    workspace: Path | None = optional(FILE)
    session_id: str | None = optional(ANY_SESSION)


@dataclass(frozen=True, kw_only=True)
class LimitsArgument(Argument):
    """Of `claudeAgent.limits`."""


@dataclass(frozen=True, kw_only=True)
class QueueListArgument(Argument):
    """Of `claudeAgent.queue.list`; without a session, of all."""

    session_id: str | None = optional(ANY_SESSION)


@dataclass(frozen=True, kw_only=True)
class QueueRemoveArgument(QueueListArgument):
    """Of `claudeAgent.queue.remove`."""

    run_id: str = required(WORD)


@dataclass(frozen=True, kw_only=True)
class QueueEditArgument(QueueRemoveArgument):
    """Of `claudeAgent.queue.edit`."""

    prompt: str = required(PROMPT)


@dataclass(frozen=True, kw_only=True)
class QueueSendNowArgument(QueueListArgument):
    """Of `claudeAgent.queue.sendNow`; without a run, all that wait for the session."""

    run_id: str | None = optional(WORD)

    def __post_init__(self) -> None:
        if self.run_id is None and self.session_id is None:
            raise InvalidArgument("sessionId: expected a session, or `runId`")
