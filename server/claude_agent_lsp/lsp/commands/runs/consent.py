"""Asks the user for their consent by a message. No answer is no.

The question ends with its editor: nobody else can answer it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from claude_agent_lsp.base.abort import Aborted

if TYPE_CHECKING:
    from claude_agent_lsp.base.abort import AbortSignal
    from claude_agent_lsp.lsp.editor import Editor

logger = logging.getLogger(__name__)


async def consents(
    editor: Editor,
    title: str,
    text: str,
    choices: tuple[str, str],
    *,
    signal: AbortSignal,
    seconds: float,
) -> bool:
    """Return whether the user agrees.

    Args:
        editor: Asks them.
        title: The question.
        text: What there is to know of it.
        choices: How a no is called, and how a yes.
        signal: Ends the waiting.
        seconds: How long the question stays open.

    Raises:
        Aborted: The signal fired.
    """
    no_yes = asyncio.ensure_future(editor.choose(title, text, choices))
    try:
        async with asyncio.timeout(seconds):
            return await signal.wait_or_abort(no_yes) == choices[1]
    except Aborted:
        raise
    except Exception:  # in time, or because the editor can't ask
        logger.debug("Nobody says: %s", title, exc_info=True)
        return False
    finally:
        no_yes.cancel()  # the question is withdrawn
