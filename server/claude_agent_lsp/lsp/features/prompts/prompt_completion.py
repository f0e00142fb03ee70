"""What can be typed in a prompt document: files, slash commands, and what its header may say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, get_args

from lsprotocol import types

from claude_agent_lsp.base.texts.text import one_line
from claude_agent_lsp.lsp.features.feature import Feature
from claude_agent_lsp.lsp.services.prompts.file_names import FileNames
from claude_agent_lsp.lsp.services.prompts.prompt_text import KEYS
from claude_agent_lsp.sessions.transcripts.terminal_commands import offered
from claude_agent_lsp.workspace.documents.positions import Position, offset_of, position_of
from claude_agent_lsp.workspace.modes import MODES
from claude_agent_lsp.workspace.settings import Effort

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from claude_agent_lsp.lsp.features.feature import Handler
    from claude_agent_lsp.lsp.services.prompts.prompt_text import PromptText
    from claude_agent_lsp.lsp.services.services import Services
    from claude_agent_lsp.workspace.documents.documents import Document

OPTIONS: Final = types.CompletionOptions(trigger_characters=["@", "/", "="])
ABOUT_LENGTH: Final = 400
# Of the sessions of a folder, the newest.
MOST_SESSIONS: Final = 30
# Of a line before the cursor.
MOST_LINE: Final = 500
_MENTION: Final = re.compile(r"(?<![\w`@])@\"?(?P<typed>[^\s\"`<>]*)\Z")
_COMMAND: Final = re.compile(r"\A\s*/(?P<typed>[\w:.-]*)\Z")
_VALUE: Final = re.compile(rf"\b(?P<key>{'|'.join(KEYS)})[=:][ \t]*(?P<typed>[^\s,;]*)\Z")
_KEY: Final = re.compile(r"(?:claude:|[\s,;])[ \t]*(?P<typed>[a-z]*)\Z")
_ABOUT_KEYS: Final = {
    "session": "The conversation that the document is of",
    "mode": "What the agent may do without asking",
    "model": "The model that answers",
    "effort": "How hard it thinks",
}


class PromptCompletion(Feature):
    """Completes it. In other documents there is nothing to complete."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._files = FileNames()

    def handlers(self) -> Mapping[str, Handler]:
        """Handle `textDocument/completion`."""
        return {types.TEXT_DOCUMENT_COMPLETION: self._complete}

    async def _complete(self, params: types.CompletionParams) -> types.CompletionList | None:
        found = await self._services.prompts.parsed(params.text_document.uri)
        if found is None:
            return None
        document, parsed = found
        encoding = self._services.editor.profile.encoding
        at = Position(params.position.line, params.position.character)
        offset = offset_of(document.text, at, encoding)
        items = await self._items(document, parsed, offset)
        if items is None:
            return None
        typed, given = items
        start = position_of(document.text, offset - len(typed), encoding)
        place = types.Range(types.Position(start.line, start.character), params.position)
        for number, item in enumerate(given):
            item.text_edit = types.TextEdit(place, item.insert_text or item.label)
            item.insert_text, item.sort_text = None, f"{number:05}"
        return types.CompletionList(is_incomplete=True, items=given)

    async def _items(
        self, document: Document, parsed: PromptText, offset: int
    ) -> tuple[str, list[types.CompletionItem]] | None:
        """Return what was typed of a word, and what it may become; None where nothing is known."""
        text = document.text
        begins = max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
        line = text[max(begins, offset - MOST_LINE) : offset]
        if offset < parsed.header:
            return await self._in_header(document, line)
        draft = parsed.draft
        if draft is None or offset < draft.body:
            return None
        if (found := _MENTION.search(line)) is not None:
            return found["typed"], await self._mentions(document, found["typed"])
        if (found := _COMMAND.search(text[draft.body : offset][:MOST_LINE])) is not None:
            return found["typed"], self._commands(document)
        return None

    async def _mentions(self, document: Document, typed: str) -> list[types.CompletionItem]:
        folder = self._folder(document)
        if folder is None:
            return []
        return [
            types.CompletionItem(
                name,
                kind=types.CompletionItemKind.File,
                filter_text=name,
                # As the CLI reads a path with blanks.
                insert_text=f'"{name}"' if " " in name else name,
            )
            for name in await self._files.likely(folder, typed)
        ]

    def _commands(self, document: Document) -> list[types.CompletionItem]:
        return [
            types.CompletionItem(
                str(each.get("name")),
                kind=types.CompletionItemKind.Function,
                detail=one_line(str(each.get("argumentHint") or ""), ABOUT_LENGTH) or None,
                documentation=one_line(str(each.get("description") or ""), ABOUT_LENGTH) or None,
            )
            for each in offered(list(self._offered(document, "commands")))
            if each.get("name")
        ]

    async def _in_header(
        self, document: Document, line: str
    ) -> tuple[str, list[types.CompletionItem]] | None:
        if (found := _VALUE.search(line)) is not None:
            return found["typed"], [each async for each in self._values(document, found["key"])]
        if (found := _KEY.search(line)) is not None:
            return found["typed"], [
                types.CompletionItem(
                    key,
                    kind=types.CompletionItemKind.Property,
                    documentation=about,
                    insert_text=f"{key}=",
                )
                for key, about in _ABOUT_KEYS.items()
            ]
        return None

    async def _values(self, document: Document, key: str) -> Any:
        value = types.CompletionItemKind.EnumMember
        if key == "mode":
            for name, mode in MODES.items():
                yield types.CompletionItem(
                    name, kind=value, detail=mode.label, documentation=mode.about
                )
        elif key == "effort":
            for name in get_args(Effort):
                yield types.CompletionItem(name, kind=value)
        elif key == "model":
            for each in self._offered(document, "models"):
                if each.get("value"):
                    yield types.CompletionItem(
                        str(each["value"]),
                        kind=value,
                        detail=one_line(str(each.get("displayName") or ""), ABOUT_LENGTH) or None,
                        documentation=one_line(str(each.get("description") or ""), ABOUT_LENGTH)
                        or None,
                    )
        else:
            for session in await self._sessions(document):
                yield types.CompletionItem(
                    session.session_id,
                    kind=value,
                    detail=one_line(session.title, ABOUT_LENGTH),
                    filter_text=f"{session.session_id} {one_line(session.title, ABOUT_LENGTH)}",
                )

    async def _sessions(self, document: Document) -> Any:
        folder = self._folder(document)
        if folder is None:
            return ()
        catalogue = await self._services.sessions.catalogue()
        lane = self._services.agent.lanes.folder(folder)
        page = await lane.catalogue.read(catalogue.page, folder)
        return page.sessions[:MOST_SESSIONS]

    def _offered(self, document: Document, what: str) -> Iterator[dict[str, Any]]:
        """Yield what a CLI of the folder has told; none is started to be asked."""
        folder = self._folder(document)
        for process in reversed(self._services.agent.processes):
            if folder in (None, process.launch.folder) and process.info:
                told = process.info.get(what)
                yield from (e for e in told or () if isinstance(e, dict))
                return

    def _folder(self, document: Document) -> Path | None:
        folders = self._services.folders
        chosen = folders.spelled(None) or folders.around(document.path)
        if chosen is None:
            chosen = next(iter(folders), None)
        return None if chosen is None else chosen.path
