"""The arguments of the commands about prompt documents."""

# ruff: noqa: RUF009 - as in arguments.py

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from claude_agent_lsp.agent.run.query import LAST, NEW
from claude_agent_lsp.base.validation import FILE, whole
from claude_agent_lsp.lsp.commands.arguments import (
    ANY_SESSION,
    Argument,
    QueryArgument,
    optional,
    required,
    session,
)

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class SessionOpenArgument(Argument):
    """Of `claudeAgent.session.open`."""

    session: str = optional(session(LAST, NEW), LAST)
    workspace: Path | None = optional(FILE)


@dataclass(frozen=True, kw_only=True)
class PromptArgument(Argument):
    """Of `claudeAgent.prompt.send` and `.update`."""

    uri: Path = required(FILE)


@dataclass(frozen=True, kw_only=True)
class PromptPlaceArgument(Argument):
    """Of `claudeAgent.prompt.fork` and `.rewind`: the prompt that a line stands in, from 0."""

    uri: Path = required(FILE)
    line: int = required(whole(least=0))


@dataclass(frozen=True, kw_only=True)
class PromptQueryArgument(QueryArgument):
    """What a document asks: its session may be yet to begin, and has its id already."""

    new_session: str | None = optional(ANY_SESSION)

    def new_id(self) -> str | None:
        """Return the id that a new session gets."""
        return self.new_session
