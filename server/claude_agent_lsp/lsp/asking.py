"""Questions shown in an editor that knows nothing of this server."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

from lsprotocol import types

from claude_agent_lsp.agent.questions import Answer

if TYPE_CHECKING:
    from claude_agent_lsp.agent.events import Question
    from claude_agent_lsp.lsp.server import AgentServer


async def ask_by_message(server: AgentServer, question: Question) -> Answer | None:
    """Ask by `window/showMessageRequest`, "Deny" first so that a stray Enter does no harm.

    Returns:
        The answer; None if the editor never answers such requests, or closed it unanswered: then
        it is open until its deadline, can be answered by command, and progress says how.
    """
    if not server.profile.show_message_request:
        server.tokens.ask(question)
        return None
    params = types.ShowMessageRequestParams(
        type=types.MessageType.Warning,
        message=f"{question.title}?\n\n{question.detail}",
        actions=[types.MessageActionItem(title=option.label) for option in question.options],
    )
    message_id = str(uuid.uuid4())
    asked = server.protocol.send_request_async(
        types.WINDOW_SHOW_MESSAGE_REQUEST, params, msg_id=message_id
    )
    try:
        chosen = await asyncio.shield(asked)
    except asyncio.CancelledError:
        # Withdrawn: an answer that still comes is dropped.
        server.protocol.notify(types.CANCEL_REQUEST, types.CancelParams(id=message_id))
        asked.add_done_callback(lambda late: late.cancelled() or late.exception())
        raise
    title = getattr(chosen, "title", None)
    answer = next((Answer(o.value) for o in question.options if o.label == title), None)
    if answer is None:
        server.tokens.ask(question)
    return answer
