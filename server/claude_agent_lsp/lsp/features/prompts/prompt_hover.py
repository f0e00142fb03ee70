"""What is to be known of a place in a prompt document: an open question, or what was spent."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from claude_agent_lsp.base.texts.visible import visible
from claude_agent_lsp.errors import SessionNotFound
from claude_agent_lsp.lsp.features.feature import Feature
from claude_agent_lsp.workspace.modes import MODES

if TYPE_CHECKING:
    from claude_agent_lsp.agent.question import Question
    from claude_agent_lsp.lsp.services.prompts.prompt_text import PromptText

# Lines of a question that fit into a popup; all of it stands in the document.
MOST_LINES: Final = 30


class PromptHover(Feature):
    """Tells it."""

    async def hover(self, params: types.HoverParams) -> types.Hover | None:
        """Return the open question where there is one, and in the first line how things stand."""
        uri, line = params.text_document.uri, params.position.line
        found = await self._services.prompts.parsed(uri)
        if found is None:
            return None
        parsed = found[1]
        if line == 0 and parsed.header:
            return _hover(await self._standing(uri, parsed))
        for answer in self._services.prompts.answers_in(uri):
            at = parsed.working.get(answer.run_id)
            section = None if at is None else parsed.at(at)
            if answer.question is None or section is None or at is None:
                continue
            if parsed.line_of(section.start) <= line <= parsed.line_of(at):
                return _hover(_asked(answer.question))
        return None

    async def _standing(self, uri: str, parsed: PromptText) -> str:
        mode = parsed.fields.get("mode")
        told = [f"{each.label}: {each.about}." for name, each in MODES.items() if name == mode]
        session_id = parsed.fields.get("session")
        if session_id is not None:
            with contextlib.suppress(SessionNotFound):
                session = await self._services.sessions.find(session_id)
                told.append(f"This conversation has cost ${session.cost_usd or 0:.2f}.")
        usage = self._services.prompts.usage_in(uri)
        if usage is not None and usage.context_window:
            part = round(100 * usage.context_tokens / usage.context_window)
            told.append(f"Its context is {part} % full ({usage.context_tokens:,} tokens).")
        return "\n".join(told) or "A new conversation."


def _asked(question: Question) -> str:
    lines = [visible(question.title), "", *visible(question.detail, lines=True).split("\n")]
    if question.diff:
        lines += ["", *visible(question.diff, lines=True).split("\n")]
    more = len(lines) - MOST_LINES
    return "\n".join([*lines[:MOST_LINES], *([f"… ({more} more lines)"] if more > 0 else [])])


def _hover(text: str) -> types.Hover:
    # As plain text: what others wrote is no markup.
    return types.Hover(types.MarkupContent(types.MarkupKind.PlainText, text))
