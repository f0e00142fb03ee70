"""Asks the user whether a session that another server keeps is to be taken over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claude_agent_lsp.lsp.commands.runs.consent import consents

if TYPE_CHECKING:
    from claude_agent_lsp.base.abort import AbortSignal
    from claude_agent_lsp.errors import SessionKept
    from claude_agent_lsp.lsp.services.services import Services

LEAVE: Final = "Leave it running"
TAKE: Final = "End it, and go on here"


async def take_over(
    services: Services, kept: SessionKept, signal: AbortSignal, seconds: float
) -> None:
    """Have another server give a session, if the user agrees.

    Args:
        services: Ask the user.
        kept: Why the session can't be had.
        signal: Ends the waiting.
        seconds: How long the question stays open.

    Raises:
        Aborted: The signal fired.
        SessionBusy: The user does not agree, or the session is not given.
    """
    title = f"{kept.keeper} keeps this session for what runs in its background. Go on here?"
    text, choices = f"It would end:\n{kept.waits_for}", (LEAVE, TAKE)
    if not await consents(services.editor, title, text, choices, signal=signal, seconds=seconds):
        raise kept
    await services.agent.custody.takeovers.get(kept.session_id, signal)
