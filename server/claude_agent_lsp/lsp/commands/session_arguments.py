"""The arguments of the commands about sessions; `arguments.py` says how they are read."""

# ruff: noqa: RUF009 - as there

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from claude_agent_lsp.agent.run.query import NEW
from claude_agent_lsp.base.texts.results import MOST_CHARACTERS
from claude_agent_lsp.base.validation import (
    FILE,
    FLAG,
    STRING,
    WORD,
    Rule,
    UnfitError,
    one_of,
    whole,
)
from claude_agent_lsp.lsp.commands.arguments import (
    ANY_SESSION,
    Argument,
    optional,
    required,
    session,
)

if TYPE_CHECKING:
    from pathlib import Path


def _time(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise UnfitError from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _name(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UnfitError
    WORD.read(value)
    if len(value) > _LONGEST_NAME:
        raise UnfitError(f"{len(value):,} characters")
    return value


_TIME = Rule("a time as ISO 8601 has it", _time, {"type": "string"})
_LIMIT = whole(least=1, most=1000)
_LONGEST_NAME = 500
_NAME = Rule(
    f"a string that is not blank, of at most {_LONGEST_NAME} characters",
    _name,
    {"type": "string", "maxLength": _LONGEST_NAME},
)


@dataclass(frozen=True, kw_only=True)
class SessionListArgument(Argument):
    """Of `claudeAgent.session.list`."""

    workspace: Path | None = optional(FILE)
    search: str | None = optional(STRING)
    matches: bool = optional(FLAG, False)
    tag: str | None = optional(STRING)
    branch: str | None = optional(STRING)
    since: datetime | None = optional(_TIME)
    until: datetime | None = optional(_TIME)
    file: str | None = optional(STRING)
    archived: bool = optional(FLAG, False)
    limit: int = optional(_LIMIT, 50)
    cursor: str | None = optional(WORD)


@dataclass(frozen=True, kw_only=True)
class SessionReadArgument(Argument):
    """Of `claudeAgent.session.read`."""

    session_id: str = required(ANY_SESSION)
    limit: int = optional(whole(least=0, most=1000), 50)
    cursor: str | None = optional(WORD)
    subagent_text: bool | None = optional(FLAG)


@dataclass(frozen=True, kw_only=True)
class SessionResultArgument(Argument):
    """Of `claudeAgent.session.result`."""

    session_id: str = required(ANY_SESSION)
    tool_call_id: str = required(WORD)
    cursor: str | None = optional(WORD)
    limit: int = optional(whole(least=1, most=MOST_CHARACTERS), 65536)


@dataclass(frozen=True, kw_only=True)
class SessionFollowArgument(Argument):
    """Of `claudeAgent.session.follow`."""

    session_id: str = required(ANY_SESSION)


@dataclass(frozen=True, kw_only=True)
class SessionUnfollowArgument(Argument):
    """Of `claudeAgent.session.unfollow`."""

    session_id: str = required(ANY_SESSION)


@dataclass(frozen=True, kw_only=True)
class SessionTakeOverArgument(Argument):
    """Of `claudeAgent.session.takeOver`."""

    session_id: str = required(ANY_SESSION)
    end_background: bool = optional(FLAG, False)


@dataclass(frozen=True, kw_only=True)
class SessionSelectArgument(Argument):
    """Of `claudeAgent.session.select`."""

    workspace: Path | None = optional(FILE)
    session_id: str = required(session(NEW))


@dataclass(frozen=True, kw_only=True)
class SessionRenameArgument(Argument):
    """Of `claudeAgent.session.rename`."""

    session_id: str = required(ANY_SESSION)
    title: str = required(_NAME)


@dataclass(frozen=True, kw_only=True)
class SessionTagArgument(Argument):
    """Of `claudeAgent.session.tag`; without a tag, it is cleared."""

    session_id: str = required(ANY_SESSION)
    tag: str | None = optional(_NAME)


@dataclass(frozen=True, kw_only=True)
class SessionPinArgument(Argument):
    """Of `claudeAgent.session.pin`."""

    session_id: str = required(ANY_SESSION)
    pinned: bool = optional(FLAG, True)


@dataclass(frozen=True, kw_only=True)
class SessionArchiveArgument(Argument):
    """Of `claudeAgent.session.archive`."""

    session_id: str = required(ANY_SESSION)
    archived: bool = optional(FLAG, True)


@dataclass(frozen=True, kw_only=True)
class SessionForkArgument(Argument):
    """Of `claudeAgent.session.fork`."""

    session_id: str = required(ANY_SESSION)
    at: str | None = optional(WORD)
    title: str | None = optional(_NAME)


@dataclass(frozen=True, kw_only=True)
class SessionDeleteArgument(Argument):
    """Of `claudeAgent.session.delete`."""

    session_id: str = required(ANY_SESSION)


@dataclass(frozen=True, kw_only=True)
class SessionExportArgument(Argument):
    """Of `claudeAgent.session.export`."""

    session_id: str = required(ANY_SESSION)
    format: str = required(one_of(("markdown", "jsonl", "html")))
    uri: Path | None = optional(FILE)


@dataclass(frozen=True, kw_only=True)
class SessionImportArgument(Argument):
    """Of `claudeAgent.session.import`."""

    workspace: Path | None = optional(FILE)
    uri: Path = required(FILE)


@dataclass(frozen=True, kw_only=True)
class SessionShowArgument(Argument):
    """Of `claudeAgent.session.show`; without a session, the current one of the only folder."""

    session_id: str | None = optional(ANY_SESSION)


@dataclass(frozen=True, kw_only=True)
class SessionRewindArgument(Argument):
    """Of `claudeAgent.session.rewind`."""

    session_id: str = required(ANY_SESSION)
    message_id: str = required(WORD)
    what: str = optional(one_of(("files", "conversation", "both")), "files")
    dry_run: bool = optional(FLAG, False)
    preview: bool = optional(FLAG, False)
    keep_conflicts: bool = optional(FLAG, False)


@dataclass(frozen=True, kw_only=True)
class SessionRedoArgument(Argument):
    """Of `claudeAgent.session.redo`."""

    session_id: str = required(ANY_SESSION)
    preview: bool = optional(FLAG, False)
    keep_conflicts: bool = optional(FLAG, False)
