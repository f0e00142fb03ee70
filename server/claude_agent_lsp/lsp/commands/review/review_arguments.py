"""The arguments of the commands that look at what runs have changed."""

# ruff: noqa: RUF009 - as in `arguments.py`

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from claude_agent_lsp.base.validation import FILE, FLAG, WORD, list_of
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.lsp.commands.arguments import ANY_SESSION, Argument, optional

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ReviewArgument(Argument):
    """What is asked about; without any of it, all sessions of the only folder."""

    workspace: Path | None = optional(FILE)
    session_id: str | None = optional(ANY_SESSION)
    run_id: str | None = optional(WORD)
    message_id: str | None = optional(WORD)
    uri: Path | None = optional(FILE)


@dataclass(frozen=True, kw_only=True)
class ReviewListArgument(ReviewArgument):
    """Of `claudeAgent.review.list`."""


@dataclass(frozen=True, kw_only=True)
class ReviewShowArgument(ReviewArgument):
    """Of `claudeAgent.review.show`."""


@dataclass(frozen=True, kw_only=True)
class ReviewChoiceArgument(ReviewArgument):
    """What is to be done something to: it is named, so that nothing is done to all by mistake."""

    hunk_ids: tuple[str, ...] | None = optional(list_of(WORD, "a list of hunks' ids"))

    def __post_init__(self) -> None:
        named = (self.session_id, self.run_id, self.message_id, self.uri, self.hunk_ids)
        if all(each is None for each in named):
            raise InvalidArgument(
                "arguments: expected `sessionId`, `runId`, `messageId`, `uri` or `hunkIds`"
            )


@dataclass(frozen=True, kw_only=True)
class ReviewKeepArgument(ReviewChoiceArgument):
    """Of `claudeAgent.review.keep`."""


@dataclass(frozen=True, kw_only=True)
class ReviewUndoArgument(ReviewChoiceArgument):
    """Of `claudeAgent.review.undo`."""

    preview: bool = optional(FLAG, False)


@dataclass(frozen=True, kw_only=True)
class ReviewRedoArgument(Argument):
    """Of `claudeAgent.review.redo`."""

    session_id: str | None = optional(ANY_SESSION)
    workspace: Path | None = optional(FILE)
    undo_id: str | None = optional(WORD)
    preview: bool = optional(FLAG, False)
