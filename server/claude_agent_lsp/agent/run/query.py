"""What an editor asks of the agent."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.agent.process.launch import Overrides
from claude_agent_lsp.sessions.journal.run_records import Given, GivenContext

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from claude_agent_lsp.agent.run.message import EditorContext
    from claude_agent_lsp.base.disk.places import Place
    from claude_agent_lsp.workspace.settings import Settings

LAST: Final = "last"
NEW: Final = "new"
START: Final = "start"


@dataclass(frozen=True)
class Query:
    """One query.

    Attributes:
        session: "last", "new" or a session id.
        trusted: Whether the folder may run what it brings along.
        place: What the folder was when it was found to be trusted.
        resume_at: The message to go back to, in a fork or in place; `START` for before the first.
        in_place: Whether the session itself goes back; a copy keeps what is left.
        traceless: Whether it knows what was said in the session, changes nothing, and is kept
            nowhere.
        new_id: The id that a new session gets, if whoever asks has chosen one.
    """

    prompt: str
    folder: Path
    settings: Settings
    session: str = LAST
    fork: bool = False
    resume_at: str | None = None
    in_place: bool = False
    context: EditorContext | None = None
    attachments: Sequence[Path] = ()
    wanted: Overrides = field(default_factory=Overrides)
    timeout_seconds: float | None = None
    trusted: bool = False
    place: Place | None = None
    traceless: bool = False
    new_id: str | None = None

    @property
    def store(self) -> str | None:
        """The store that its session is shared by."""
        return None if self.traceless else self.settings.session_store

    @property
    def given(self) -> Given:
        """What goes with the prompt, as it is kept with the run."""
        context = self.context
        if context is not None:
            at = None if context.range is None else asdict(context.range)
            known = GivenContext(context.document, at, len(context.diagnostics) or None)
            return Given(known, tuple(self.attachments))
        return Given(None, tuple(self.attachments))
