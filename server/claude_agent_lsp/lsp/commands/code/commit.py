"""`claudeAgent.commitMessage`: what the staged changes are, in the words of their commit."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.changes.git_changes import staged
from claude_agent_lsp.base.uris import uri_of
from claude_agent_lsp.errors import ModelError
from claude_agent_lsp.lsp.commands.code.arguments import CommitMessageArgument
from claude_agent_lsp.lsp.commands.code.traceless import TracelessCommands
from claude_agent_lsp.lsp.commands.registry import command
from claude_agent_lsp.lsp.convert.to_errors import fault_of

if TYPE_CHECKING:
    from claude_agent_lsp.lsp.commands.registry import Request

SCHEMA: Final = {
    "type": "object",
    "properties": {"message": {"type": "string"}},
    "required": ["message"],
}
PROMPT: Final = (
    "Write the message of the commit that these staged changes will be: a subject of at most 72 "
    "characters, and where it is not plain from the changes a body that says why, in lines of at "
    "most 72 characters. Follow the manner of the last commits. Use no tools but the one for the "
    "answer."
)


class CommitCommands(TracelessCommands):
    """Writes the messages of commits."""

    @command("claudeAgent.commitMessage", CommitMessageArgument)
    async def message(self, argument: CommitMessageArgument, request: Request) -> object:
        """Write the message of a commit of the staged changes."""
        folder = await self._order.folder(argument.workspace)
        view, diff = await request.signal.wait_or_abort(
            asyncio.ensure_future(self._changes(folder, staged))
        )
        subjects = await view.subjects()
        parts = [
            PROMPT,
            argument.instructions,
            f"The subjects of the last commits:\n\n{subjects}" if subjects else None,
            f"The staged changes:\n\n{diff}",
        ]
        asked: dict[str, Any] = {
            "prompt": "\n\n".join(part for part in parts if part),
            "workspace": uri_of(folder.path),
            "session": argument.session,
            "model": argument.model,
            "outputSchema": SCHEMA,
            "partialResultToken": argument.partial_result_token,
        }
        run = await self._begin(asked, "Commit message", request)
        ended = await asyncio.shield(run.ended)
        if (fault := fault_of(ended)) is not None:
            raise fault
        told = ended.structured_output
        message = told.get("message") if isinstance(told, dict) else None
        if not isinstance(message, str) or not message.strip():
            raise ModelError("The agent has written no message.")
        return {"message": message.strip()}
