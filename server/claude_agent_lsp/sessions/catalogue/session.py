"""A session as lists have it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from claude_agent_lsp.sessions.catalogue.search.said import Match


class Elsewhere(StrEnum):
    """Whose a session is that is listed in a folder, if not that folder's."""

    WORKTREE = "worktree"  # another worktree's of its repository: it is gone on with there
    GONE = "gone"  # a folder's that is gone: it is gone on with here, once the user has agreed


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation in one folder, under one id that never changes."""

    session_id: str
    title: str
    first_prompt: str | None
    tag: str | None
    workspace: Path
    git_branch: str | None
    created_at: datetime | None
    last_modified: datetime
    running: bool
    current: bool
    interrupted: bool
    origin: str
    cost_usd: float | None = None
    """What it has cost, as far as is known here."""
    goes_at: datetime | None = None
    """When it goes for good, in lists and if that is within a week."""
    elsewhere: Elsewhere | None = None
    """In a list: that it is not of the folder that was asked for, but of its `workspace`."""
    prompts: int | None = None
    """How many prompts the user has written in it, as far as is known here."""
    pinned: bool = False
    archived: bool = False
    matches: tuple[Match, ...] | None = None
    """Of one that was found: the lines that hold what was searched for."""
