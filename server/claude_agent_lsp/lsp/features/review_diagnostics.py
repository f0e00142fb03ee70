"""What Claude has changed, as information among the diagnostics, where a setting wants it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from claude_agent_lsp.lsp.features.feature import Feature
from claude_agent_lsp.lsp.services.reviews.wording import headline, refusal

if TYPE_CHECKING:
    from claude_agent_lsp.lsp.services.reviews.reviews import Found
    from claude_agent_lsp.lsp.services.services import Services
    from claude_agent_lsp.sessions.review.traced_file import Hunk
    from claude_agent_lsp.workspace.documents.documents import Document

OWNER: Final = "review"
CHANGED: Final = "claudeAgent/reviewChanged"


class ReviewDiagnostics(Feature):
    """Keeps them as things are, and tells who else shows what is to be looked at."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._published = services.diagnostics
        self._at_work = self._again = self._others = False
        services.review_watchers.append(self._changed)

    def document_changed(self, _: str) -> None:
        """Look again at what is open, once it is known what is."""
        self._look_again()

    def _look_again(self) -> None:
        self._again = True
        if not self._at_work:
            self._at_work = True
            self._services.editor.spawn(self._refresh())

    def _changed(self) -> None:
        self._others = True
        self._look_again()

    async def _refresh(self) -> None:
        """Do it as often as is needed: of many changes in a row, once for those that came by."""
        try:
            while self._again:
                self._again = False
                if self._others:
                    self._others = False
                    await self._tell_others()
                await self._publish()
        finally:
            self._at_work = False

    async def _tell_others(self) -> None:
        """Have those know that look for themselves: lenses, and a client that knows this server."""
        editor = self._services.editor
        if editor.profile.review_events:
            editor.notify(CHANGED, {})
        if editor.profile.code_lens_refresh and self._services.review_documents.shown:
            with contextlib.suppress(Exception):  # they stay as they are, then
                await editor.request(types.WORKSPACE_CODE_LENS_REFRESH, None)

    async def _publish(self) -> None:
        wanted = [
            folder
            for folder in self._services.folders
            if (await self._services.configuration.settings_as_sent(folder)).review_diagnostics
        ]
        left = set(self._published.documents(OWNER))
        if not wanted and not left:
            return
        for text in self._services.reviews.texts.all():
            if self._services.folders.around(text.path) in wanted:
                left.discard(text.uri)
                await self._look_at(text)
        for uri in left:
            self._published.set(OWNER, uri, ())

    async def _look_at(self, text: Document) -> None:
        found = await self._services.reviews.at(text.path)
        told = [_told(hunk, found) for file in found.files for hunk in file.hunks]
        self._published.set(OWNER, text.uri, told)


def _told(hunk: Hunk, found: Found) -> types.Diagnostic:
    lines = ". ".join(filter(None, (headline(hunk, found), refusal(hunk))))
    return types.Diagnostic(
        types.Range(types.Position(hunk.start, 0), types.Position(hunk.end, 0)),
        lines,
        severity=types.DiagnosticSeverity.Information,
        code="changed",
        source="Claude",
    )
