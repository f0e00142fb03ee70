"""The arguments of the commands about code."""

# ruff: noqa: RUF009 - optional and required are dataclasses.field with more to say

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from claude_agent_lsp.agent.run.query import LAST, NEW
from claude_agent_lsp.base.validation import FILE, FLAG, PROMPT, WORD, one_of
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

Task = Literal["explain", "fix", "refactor", "tests", "document", "prompt"]
Subject = Literal["changes", "branch", "file", "selection"]


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


@dataclass(frozen=True, kw_only=True)
class ReviewRunArgument(Argument):
    """Of `claudeAgent.review.run`."""

    subject: Subject = optional(one_of(get_args(Subject)), "changes")
    context: EditorContext | None = optional(CONTEXT)
    base: str | None = optional(WORD)
    instructions: str | None = optional(PROMPT)
    workspace: Path | None = optional(FILE)
    session: str = optional(session(LAST, NEW), LAST)
    model: str | None = optional(WORD)
    partial_result_token: str | int | None = optional(ID)
    wait: bool | None = optional(FLAG)

    def __post_init__(self) -> None:
        context = self.context
        if self.subject in ("file", "selection") and (context is None or context.document is None):
            raise InvalidArgument("context.textDocument: expected a document {uri}")
        if self.subject == "selection" and (context is None or context.range is None):
            raise InvalidArgument("context.range: expected a range {start, end}")
        if self.base is not None and self.subject != "branch":
            raise InvalidArgument('base: expected `subject: "branch"` with it')


@dataclass(frozen=True, kw_only=True)
class ReviewDismissArgument(Argument):
    """Of `claudeAgent.review.dismiss`."""

    finding_id: str = required(WORD)


@dataclass(frozen=True, kw_only=True)
class CommitMessageArgument(Argument):
    """Of `claudeAgent.commitMessage`."""

    workspace: Path | None = optional(FILE)
    instructions: str | None = optional(PROMPT)
    session: str = optional(session(LAST, NEW), LAST)
    model: str | None = optional(WORD)
    partial_result_token: str | int | None = optional(ID)


@dataclass(frozen=True, kw_only=True)
class TracelessArgument(QueryArgument):
    """A query that knows what was said in its session, and is kept nowhere."""

    traceless: ClassVar[bool] = True
