"""What is told of a hunk in a line or a few."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.texts.visible import visible

if TYPE_CHECKING:
    from claude_agent_lsp.lsp.services.reviews.reviews import Found
    from claude_agent_lsp.sessions.review.traced_file import Hunk

PROMPT_LENGTH: Final = 60


def asked(hunk: Hunk, found: Found) -> str:
    """Return which prompt a hunk is of, and when that was; what is not known is left out."""
    run = found.runs.get(hunk.runs[-1]) if hunk.runs else None
    if run is None:
        return ""
    prompt = visible(found.prompts.get(run.message_id or "", "") or run.cause or "")
    at = f"{run.at.astimezone():%Y-%m-%d %H:%M}" if run.at else ""
    return ", ".join(filter(None, (prompt[:PROMPT_LENGTH], at)))


def headline(hunk: Hunk, found: Found) -> str:
    """Return that Claude has changed something, for which prompt and when."""
    return f"Changed by Claude: {asked(hunk, found) or 'nobody knows for which prompt'}"


def refusal(hunk: Hunk) -> str:
    """Return why a hunk can't be taken back; nothing where it can."""
    return f"can't be taken back: {hunk.reason}" if hunk.reason else ""
