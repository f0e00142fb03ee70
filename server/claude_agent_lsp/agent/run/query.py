"""What an editor asks of the agent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.agent.process.launch import Overrides

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from claude_agent_lsp.agent.run.message import EditorContext
    from claude_agent_lsp.base.disk.places import Place
    from claude_agent_lsp.workspace.settings import Settings

LAST: Final = "last"
NEW: Final = "new"


@dataclass(frozen=True)
class Query:
    """One query.

    Attributes:
        session: "last", "new" or a session id.
        trusted: Whether the folder may run what it brings along.
        place: What the folder was when it was found to be trusted.
        resume_at: The message to go back to, in a fork.
    """

    prompt: str
    folder: Path
    settings: Settings
    session: str = LAST
    fork: bool = False
    resume_at: str | None = None
    context: EditorContext | None = None
    attachments: Sequence[Path] = ()
    wanted: Overrides = field(default_factory=Overrides)
    timeout_seconds: float | None = None
    trusted: bool = False
    place: Place | None = None
