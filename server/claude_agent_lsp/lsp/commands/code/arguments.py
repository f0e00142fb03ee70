"""The arguments of the commands about code."""

# ruff: noqa: RUF009 - optional and required are dataclasses.field with more to say

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from claude_agent_lsp.agent.run.query import LAST, NEW
from claude_agent_lsp.base.validation import FILE, FLAG, one_of
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.lsp.commands.arguments import (
    CONTEXT,
    ID,
    Argument,
    IfBusy,
    QueryArgument,
    optional,
    required,
    session,
)

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.agent.run.message import EditorContext
    from claude_agent_lsp.workspace.settings import Settings

Task = Literal["explain", "fix", "refactor", "tests", "document"]


@dataclass(frozen=True, kw_only=True)
class AskArgument(Argument):
    """Of `claudeAgent.ask`."""

    task: Task = required(one_of(get_args(Task)))
    context: EditorContext = required(CONTEXT)
    workspace: Path | None = optional(FILE)
    session: str | None = optional(session(LAST, NEW))
    partial_result_token: str | int | None = optional(ID)
    wait: bool | None = optional(FLAG)
    if_busy: IfBusy = optional(one_of(get_args(IfBusy)), "queue")

    def __post_init__(self) -> None:
        if self.context.document is None:
            raise InvalidArgument("context.textDocument: expected a document {uri}")


@dataclass(frozen=True, kw_only=True)
class TaskQueryArgument(QueryArgument):
    """The query of a task that names no session: it is the user's setting which one."""

    def session_by(self, settings: Settings) -> str:
        """Return the session that it is for, by what is set in its folder."""
        # One that has waited has its session.
        new = settings.code_action_session == "new" and self.session == LAST
        return NEW if new else self.session
