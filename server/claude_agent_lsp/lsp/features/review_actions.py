"""Keep and Undo where a change stands: in the changed file, and in the document of a review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types

from claude_agent_lsp.base.uris import path_of, uri_of
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.lsp.features.feature import Feature

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from claude_agent_lsp.lsp.services.reviews.review_documents import ShownPart
    from claude_agent_lsp.sessions.review.traced_file import Hunk

KEEP: Final = "claudeAgent.review.keep"
UNDO: Final = "claudeAgent.review.undo"
_WHOLE_FILE: Final = {KEEP: "Keep all of Claude's changes", UNDO: "Undo all of Claude's changes"}
_HUNK: Final = {KEEP: "Keep Claude's change", UNDO: "Undo Claude's change"}


class ReviewActions(Feature):
    """Offers them for what is still to be looked at."""

    async def code_actions(self, params: types.CodeActionParams) -> Sequence[types.CodeAction]:
        """Return what can be done with the changes in some lines, and with all of the file's."""
        uri = params.text_document.uri
        try:
            path = path_of(uri)
        except InvalidArgument:
            return ()
        first, last = params.range.start.line, params.range.end.line
        if self._services.review_documents.parts(path):
            parts = [
                part
                for part in await self._services.review_documents.open_parts(path)
                if part.start <= last and first < part.end
            ]
            return [_action(each) for part in parts for each in _commands(part)]
        found = await self._services.reviews.at(path)
        hunks = [hunk for file in found.files for hunk in file.hunks]
        touched = [hunk for hunk in hunks if _touches(hunk, first, last)]
        if not touched:
            return ()
        return [_action(each) for each in _in_source(uri, touched, hunks)]

    async def code_lenses(self, params: types.CodeLensParams) -> Sequence[types.CodeLens]:
        """Return them above each part of a review's document."""
        try:
            path = path_of(params.text_document.uri)
        except InvalidArgument:
            return ()
        return [
            types.CodeLens(_line(part.start), command)
            for part in await self._services.review_documents.open_parts(path)
            for command in _commands(part)
        ]


def _in_source(uri: str, touched: Sequence[Hunk], hunks: Sequence[Hunk]) -> Iterator[types.Command]:
    clean = [hunk for hunk in touched if hunk.reason is None]
    for name, chosen in ((KEEP, touched), (UNDO, clean)):
        if chosen:
            argument = {"uri": uri, "hunkIds": [hunk.hunk_id for hunk in chosen]}
            yield types.Command(_HUNK[name], name, arguments=[argument])
    if len(hunks) > len(touched):
        for name, title in _WHOLE_FILE.items():
            yield types.Command(title, name, arguments=[{"uri": uri}])


def _commands(part: ShownPart) -> Iterator[types.Command]:
    argument: dict[str, Any] = {"sessionId": part.session_id, **part.asked}
    if part.hunk_id is None:
        argument["uri"] = uri_of(part.uri)
    else:
        argument["hunkIds"] = [part.hunk_id]
    for name, title in (_HUNK if part.hunk_id else _WHOLE_FILE).items():
        if name == KEEP or part.can_go:
            where = "" if part.hunk_id else f" in {part.uri.name}"
            yield types.Command(f"{title}{where}", name, arguments=[argument])


def _action(command: types.Command) -> types.CodeAction:
    return types.CodeAction(command.title, kind=types.CodeActionKind.QuickFix, command=command)


def _touches(hunk: Hunk, first: int, last: int) -> bool:
    """Return whether a hunk has one of some lines, or has deleted something before one."""
    return hunk.start <= last and first < max(hunk.end, hunk.start + 1)


def _line(number: int) -> types.Range:
    return types.Range(types.Position(number, 0), types.Position(number, 0))
