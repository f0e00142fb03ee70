"""`claudeAgent.ask`: what a code action has the agent do with the code that the user looks at."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.run.query import LAST
from claude_agent_lsp.base.system.paths import shown_in
from claude_agent_lsp.base.texts.text import one_line
from claude_agent_lsp.base.uris import uri_of
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.lsp.commands.arguments import QueryArgument, parse
from claude_agent_lsp.lsp.commands.code.arguments import AskArgument, TaskQueryArgument
from claude_agent_lsp.lsp.commands.registry import CommandGroup, command
from claude_agent_lsp.lsp.commands.runs.asking import Asking, with_text
from claude_agent_lsp.workspace.documents.positions import text_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from claude_agent_lsp.agent.run.message import EditorContext
    from claude_agent_lsp.lsp.commands.registry import Request
    from claude_agent_lsp.workspace.documents.positions import Range

# As much of a document as is searched for the selected lines on the loop.
NAME_LENGTH: Final = 200
PROMPTS: Final = {
    "explain": "Explain {}.",
    "fix": "Fix {}.",
    "refactor": "Refactor {}: make it simpler and easier to read, and keep what it does.",
    "tests": "Write tests for {}, in the way this project has its tests.",
    "document": "Document {}, in the way this project documents its code.",
}


class AskCommands(CommandGroup):
    """Asks the agent about a piece of code."""

    @command("claudeAgent.ask", AskArgument)
    async def ask(self, argument: AskArgument, request: Request) -> object:
        """Have the agent do one of its tasks with a piece of code."""
        asked = self._query(argument, request.given)
        cls = QueryArgument if argument.session is not None else TaskQueryArgument
        asking = Asking(
            self._services,
            self._order,
            self._queries,
            parse(cls, [asked]),
            replace(request, given=asked),
            unasked=True,
        )
        return await asking.answer()

    def _query(self, argument: AskArgument, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the argument of the `claudeAgent.query` that it stands for."""
        if argument.task == "prompt":
            prompt, context = self._selected(argument), None
        else:
            prompt = PROMPTS[argument.task].format(self._what(argument))
            context = with_text(self._services, argument.context, given)
        asked = {
            "prompt": prompt,
            "context": context,
            "session": argument.session or LAST,
            "workspace": self._workspace(argument),
            "partialResultToken": argument.partial_result_token,
            "wait": argument.wait,
            "ifBusy": argument.if_busy,
        }
        return {name: value for name, value in asked.items() if value is not None}

    def _selected(self, argument: AskArgument) -> str:
        """Return what is selected in an open document, as a prompt."""
        document, where = argument.context.document or Path(), argument.context.range
        text = self._services.open_documents.text_of(document)
        encoding = self._services.editor.profile.encoding
        selected = "" if text is None or where is None else text_in(text, where, encoding)
        if not selected.strip():
            raise InvalidArgument("context.range: expected some text of an open document")
        return selected.strip()

    def _workspace(self, argument: AskArgument) -> str | None:
        if argument.workspace is not None:
            return uri_of(argument.workspace)
        around = self._services.folders.around(argument.context.document or Path())
        return None if around is None or argument.task != "prompt" else uri_of(around.path)

    def _what(self, argument: AskArgument) -> str:
        document = argument.context.document or Path()
        folder = self._services.folders.around(document)
        place = place_in(argument.context, None if folder is None else folder.path)
        problems = len(argument.context.diagnostics)
        if argument.task in ("explain", "fix") and problems:
            return f"the problem{'s' if problems > 1 else ''} at {place}"
        return place


def place_in(context: EditorContext, folder: Path | None) -> str:
    """Return in words which piece of code a context is about."""
    name = name_of(context.document or Path(), folder)
    return f"`{name}`" if context.range is None else f"{_lines(context.range)} of `{name}`"


def name_of(document: Path, folder: Path | None) -> str:
    """Return a file's name in one line, relative to its folder."""
    name = document if folder is None else Path(shown_in(document, folder))
    return one_line(os.fsencode(name).decode(errors="replace"), NAME_LENGTH)


def _lines(selected: Range) -> str:
    first, last = selected.start.line + 1, selected.end.line + 1
    if selected.end.character == 0 and last > first:
        last -= 1
    if selected.start == selected.end:
        return f"the code at line {first}"
    return f"line {first}" if first == last else f"lines {first} to {last}"
