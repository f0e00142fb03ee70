"""What the editor's diagnostics say of open documents, each for the version that it is about.

    the editor tells ──▶ KnownDiagnostics ──▶ those of this very version, or none

What they say comes from language servers and linters, which take their time after an edit: who
wants to know waits a moment for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claude_agent_lsp.workspace.documents.documents import Document, Documents
    from claude_agent_lsp.workspace.documents.positions import Range

# How long after a change of a text its diagnostics are waited for.
WAIT_SECONDS: Final = 3.0
# A fast linter speaks first, and what a slow one said of the old text still stands then.
SETTLE_SECONDS: Final = 0.5
# Of one document; how many more there are is told.
MOST_KEPT: Final = 200
SEVERITIES: Final = ("error", "warning", "information", "hint")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What is wrong at a place, in words that nobody has cleaned.

    Attributes:
        range: Where, in the editor's units.
        message: What is wrong.
        severity: One of `SEVERITIES`.
        source: Who says so.
        code: What it is called there.
    """

    range: Range
    message: str
    severity: str
    source: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What an editor has told of one version of a document.

    Attributes:
        version: The version.
        found: What is wrong.
        more: How many more there are.
        whole: Whether it is about all of the text, and not only where the user has looked.
    """

    version: int
    found: tuple[Diagnostic, ...]
    more: int = 0
    whole: bool = True


@dataclass(slots=True)
class _News:
    changed_at: float
    told: Told | None = None
    told_at: float = 0.0
    waiting: list[asyncio.Future[None]] = field(default_factory=list)

    def tell(self, told: Told) -> None:
        self.told, self.told_at = told, asyncio.get_running_loop().time()
        self.wake()

    def wake(self) -> None:
        for each in self.waiting:
            if not each.done():
                each.set_result(None)
        self.waiting.clear()


class KnownDiagnostics:
    """Those of all open documents.

    Args:
        documents: The documents that are open.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._of: dict[str, _News] = {}

    def document_changed(self, uri: str) -> None:
        """Take it that a document was opened, changed or closed."""
        news = self._of.get(uri)
        if self._documents.of_uri(uri) is None:
            if news is not None:
                del self._of[uri]
                news.wake()
        elif news is None:
            self._of[uri] = _News(asyncio.get_running_loop().time())
        else:
            news.changed_at = asyncio.get_running_loop().time()

    def tell(self, uri: str, version: int, found: Sequence[Diagnostic]) -> None:
        """Take all that there is of a version; what is not open, or older, is nothing."""
        news = self._news(uri, version)
        if news is not None:
            kept = _worst(found)
            news.tell(Told(version, kept, len(found) - len(kept)))

    def tell_part(self, uri: str, place: Range, found: Sequence[Diagnostic]) -> None:
        """Take what there is in some lines, from an editor that tells no more."""
        document = self._documents.of_uri(uri)
        news = None if document is None else self._news(uri, document.version)
        if document is None or news is None:
            return
        told = news.told
        known = told.found if told is not None and told.version == document.version else ()
        # What it names may begin elsewhere; what it no longer names is mended.
        others = [each for each in known if not _touch(each.range, place) and each not in found]
        news.tell(Told(document.version, _worst([*others, *found]), whole=False))

    def now(self, document: Document) -> Told | None:
        """Return what is known of this version of a document; None if nothing is."""
        news = self._of.get(document.uri)
        told = None if news is None else news.told
        return told if told is not None and told.version == document.version else None

    async def wait(self, uri: str) -> Told | None:
        """Return what is known of a document as it is, a moment after it has changed.

        Once something has come, it is waited for what may come right behind it.
        """
        while (document := self._documents.of_uri(uri)) and (news := self._of.get(uri)):
            told, loop = self.now(document), asyncio.get_running_loop()
            until = news.changed_at + WAIT_SECONDS
            if told is not None:
                until = min(until, news.told_at + SETTLE_SECONDS)
            left = until - loop.time()
            if left <= 0:
                return told
            waiting = loop.create_future()
            news.waiting.append(waiting)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await waiting
        return None

    def _news(self, uri: str, version: int) -> _News | None:
        document = self._documents.of_uri(uri)
        return self._of.get(uri) if document is not None and document.version == version else None


def _worst(found: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return as many as are kept, the worst ones, in the order of their places."""
    kept = sorted(found, key=lambda each: SEVERITIES.index(each.severity))[:MOST_KEPT]
    return tuple(sorted(kept, key=lambda each: each.range.start))


def _touch(one: Range, other: Range) -> bool:
    return one.start.line <= other.end.line and other.start.line <= one.end.line
