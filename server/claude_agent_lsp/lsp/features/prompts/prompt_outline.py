"""The shape of a prompt document: what folds, what its prompts are, and which files it names."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from claude_agent_lsp.base.lanes import Lane, parsing
from claude_agent_lsp.base.texts.text import one_line
from claude_agent_lsp.base.uris import uri_of
from claude_agent_lsp.lsp.features.feature import Feature
from claude_agent_lsp.lsp.services.prompts.prompt_text import Speaker
from claude_agent_lsp.workspace.documents.positions import position_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from claude_agent_lsp.lsp.features.feature import Handler
    from claude_agent_lsp.lsp.services.prompts.prompt_text import PromptText

NAME_LENGTH: Final = 80
# Files that a document names are looked for on the disk.
MOST_LINKS: Final = 500
_MENTION: Final = re.compile(r"(?<![\w`@])@(?P<path>[^\s#@`<>()\[\]]+)(?:#L?(?P<line>\d+))?")
_CALLS: Final = re.compile(r"(?:^(?:  )?- [^\r\n]*(?:\r?\n|\Z))+", re.MULTILINE)


class PromptOutline(Feature):
    """Tells it. Of other documents there is nothing to say."""

    def handlers(self) -> Mapping[str, Handler]:
        """Handle `textDocument/foldingRange`, `documentSymbol` and `documentLink`."""
        return {
            types.TEXT_DOCUMENT_FOLDING_RANGE: self._folds,
            types.TEXT_DOCUMENT_DOCUMENT_SYMBOL: self._symbols,
            types.TEXT_DOCUMENT_DOCUMENT_LINK: self._links,
        }

    async def _folds(self, params: types.FoldingRangeParams) -> list[types.FoldingRange] | None:
        found = await self._services.prompts.parsed(params.text_document.uri)
        return None if found is None else await parsing.run(_folds, found[1])

    async def _symbols(
        self, params: types.DocumentSymbolParams
    ) -> list[types.DocumentSymbol] | None:
        found = await self._services.prompts.parsed(params.text_document.uri)
        if found is None:
            return None
        _, parsed = found
        return await parsing.run(_symbols, parsed)

    async def _links(self, params: types.DocumentLinkParams) -> list[types.DocumentLink] | None:
        found = await self._services.prompts.parsed(params.text_document.uri)
        if found is None:
            return None
        document, parsed = found
        folders = tuple(folder.path for folder in self._services.folders)
        mentions = [*_MENTION.finditer(parsed.text)][:MOST_LINKS]
        # A lane of its own: a disk that hangs holds up nothing else.
        known = await Lane().read(_files, folders, {each["path"] for each in mentions})
        encoding = self._services.editor.profile.encoding
        links = []
        for each in mentions:
            if (path := known.get(each["path"])) is not None:
                start, end = (
                    position_of(document.text, offset, encoding) for offset in each.span()
                )
                line = f"#L{each['line']}" if each["line"] else ""
                place = types.Range(
                    types.Position(start.line, start.character),
                    types.Position(end.line, end.character),
                )
                links.append(types.DocumentLink(place, f"{uri_of(path)}{line}"))
        return links


def _symbols(parsed: PromptText) -> list[types.DocumentSymbol]:
    symbols = []
    for section in parsed.sections:
        said = one_line(parsed.said(section), NAME_LENGTH)
        if section.speaker is Speaker.YOU and said:
            start = types.Position(parsed.line_of(section.start), 0)
            end = types.Position(parsed.line_of(section.end - 1), 0)
            symbols.append(
                types.DocumentSymbol(
                    said,
                    types.SymbolKind.String,
                    types.Range(start, end),
                    types.Range(start, start),
                )
            )
    return symbols


def _folds(parsed: PromptText) -> list[types.FoldingRange]:
    return list(_each_fold(parsed))


def _each_fold(parsed: PromptText) -> Iterator[types.FoldingRange]:
    for section in parsed.sections:
        said = parsed.text[section.start : section.end].rstrip()
        first, last = parsed.line_of(section.start), parsed.line_of(section.start + len(said))
        if last > first:
            yield types.FoldingRange(first, last, kind=types.FoldingRangeKind.Region)
        if section.speaker is Speaker.CLAUDE:
            for calls in _CALLS.finditer(parsed.text, section.body, section.end):
                first, last = parsed.line_of(calls.start()), parsed.line_of(calls.end() - 1)
                if last > first:
                    yield types.FoldingRange(first, last)


def _files(folders: Iterable[Path], names: Iterable[str]) -> dict[str, Path]:
    """Return the files that some names mean; call it in a thread."""
    found = {}
    for name in names:
        for folder in folders:
            path = Path(os.path.normpath(folder / name))
            # Whatever is named, nothing outside of the folder is looked for.
            if "\0" not in name and path.is_relative_to(folder) and path.exists():
                found[name] = path
                break
    return found
