"""Which prompt a line comes of that Claude has changed, when, and what stood there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lsprotocol import types

from claude_agent_lsp.base.uris import path_of
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.lsp.convert.review_json import diff_of
from claude_agent_lsp.lsp.features.feature import Feature
from claude_agent_lsp.lsp.services.reviews.wording import headline, refusal

if TYPE_CHECKING:
    from claude_agent_lsp.lsp.services.reviews.reviews import Found
    from claude_agent_lsp.sessions.review.traced_file import Hunk

# Lines of a change that fit into a popup.
MOST_LINES: Final = 20


class ReviewHover(Feature):
    """Tells it of what is still to be looked at."""

    async def hover(self, params: types.HoverParams) -> types.Hover | None:
        """Return it of the change that the line is in."""
        try:
            path = path_of(params.text_document.uri)
        except InvalidArgument:
            return None
        found, line = await self._services.reviews.at(path), params.position.line
        for file in found.files:
            for hunk in file.hunks:
                if hunk.start <= line < max(hunk.end, hunk.start + 1):
                    return _told(hunk, found)
        return None


def _told(hunk: Hunk, found: Found) -> types.Hover:
    lines = diff_of(hunk).splitlines()
    more = [f"… ({len(lines) - MOST_LINES} more)"] if len(lines) > MOST_LINES else []
    told = filter(None, (headline(hunk, found), refusal(hunk), *lines[:MOST_LINES], *more))
    # As plain text: what others wrote is no markup.
    content = types.MarkupContent(types.MarkupKind.PlainText, "\n".join(told))
    return types.Hover(content, _range(hunk))


def _range(hunk: Hunk) -> types.Range:
    return types.Range(types.Position(hunk.start, 0), types.Position(hunk.end, 0))
