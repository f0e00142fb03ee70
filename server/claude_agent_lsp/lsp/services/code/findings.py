"""The findings of agents, as diagnostics that go where their text goes.

    a report ──▶ the text that each is about ──▶ shown ──▶ the text moves ──▶ shown where it is now
                                                       └──▶ the text is gone ──▶ shown no more

What a finding is about is known by its text alone, so that it does not matter who changes the file.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types

from claude_agent_lsp.agent.events import FileChanged, Started, ToolCall
from claude_agent_lsp.base.disk.reading import read_text
from claude_agent_lsp.base.lanes import parsing
from claude_agent_lsp.base.uris import uri_of
from claude_agent_lsp.lsp.services.code.finding import (
    REPORT,
    Finding,
    files_in,
    findings_in,
    lines_of,
    place_of,
    text_at,
)
from claude_agent_lsp.workspace.dismissed import mark_of
from claude_agent_lsp.workspace.documents.positions import units_in

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from claude_agent_lsp.agent.events import Event
    from claude_agent_lsp.base.lanes import Lanes
    from claude_agent_lsp.lsp.buffers.published import PublishedDiagnostics
    from claude_agent_lsp.lsp.editor import Editor
    from claude_agent_lsp.workspace.dismissed import Dismissed
    from claude_agent_lsp.workspace.documents.documents import Documents

logger = logging.getLogger(__name__)

SOURCE: Final = "claude"
OWNER: Final = "findings"
# More than anybody looks at: the oldest go.
MOST_KEPT: Final = 1000
MOST_BYTES: Final = 4 * 2**20


@dataclass(frozen=True)
class KeptFinding:
    """A finding with the text that it is about.

    Attributes:
        finding: It, with its lines as they are now.
        finding_id: Names it.
        folder: Where it was found.
        text: The lines that it is about.
        ends: Where the first of them begins and the last one ends, in the editor's units.
        there: Whether they stand in the file.
    """

    finding: Finding
    folder: Path
    text: tuple[str, ...]
    ends: tuple[int, int] = (0, 0)
    there: bool = True
    finding_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def mark(self) -> str:
        """What it is known by once it is dismissed."""
        path = self.finding.uri.relative_to(self.folder)
        return mark_of(str(path), self.finding.code, self.text)

    @property
    def range(self) -> types.Range:
        """Where its text stands."""
        first, last = self.ends
        return types.Range(
            types.Position(self.finding.line, first), types.Position(self.finding.last_line, last)
        )


class Findings:
    """Those that an editor is shown.

    Args:
        editor: The editor.
        documents: What it has open.
        published: What the editor is shown of documents.
        lanes: Returns those of the folders.
        dismissed: What the user wants to see no more.
    """

    def __init__(
        self,
        editor: Editor,
        documents: Documents,
        published: PublishedDiagnostics,
        lanes: Callable[[], Lanes],
        dismissed: Dismissed,
    ) -> None:
        self._editor = editor
        self._documents = documents
        self._published = published
        self._lanes = lanes
        self._dismissed = dismissed
        self._kept: dict[str, KeptFinding] = {}
        # The files that are looked at, and those that have changed since.
        self._looking: dict[Path, asyncio.Task[None]] = {}
        self._changed: set[Path] = set()

    def follower(self) -> Callable[[Event], None]:
        """Return what a run's events are to be passed to."""
        folder: Path | None = None

        def follow(event: Event) -> None:
            nonlocal folder
            if isinstance(event, Started):
                folder = event.run.workspace
            elif isinstance(event, FileChanged):
                self.changed(event.uri)
            elif isinstance(event, ToolCall) and event.tool == REPORT and folder is not None:
                self._editor.spawn(self._take(event.input, folder))

        return follow

    async def _take(self, told: object, folder: Path) -> None:
        await self.report(findings_in(told, folder), folder, files_in(told, folder))

    async def report(
        self, findings: Collection[Finding], folder: Path, instead: Collection[Path] | None
    ) -> list[KeptFinding]:
        """Show findings, but for those that are dismissed.

        Args:
            findings: What is new.
            folder: Where it was found.
            instead: The files whose earlier findings it replaces; None for all of the folder's.

        Returns:
            Those that are shown.
        """
        dismissed = await self._lanes().folder(folder).read(self._dismissed.of, folder)
        paths = {each.uri for each in findings}
        texts = {path: await self._lines(path, folder) for path in paths}
        kept = [
            self._with_text(each, folder, lines)
            for each in findings
            if (lines := texts[each.uri]) is not None
        ]
        shown = [each for each in kept if each.mark not in dismissed]
        stale = {
            name: old
            for name, old in self._kept.items()
            if old.folder == folder and (instead is None or old.finding.uri in instead)
        }
        for name in stale:
            del self._kept[name]
        known = {(each.finding.message, each.mark) for each in self._kept.values()}
        shown = [each for each in shown if (each.finding.message, each.mark) not in known]
        self._kept |= {each.finding_id: each for each in shown}
        for name in [*self._kept][: max(0, len(self._kept) - MOST_KEPT)]:
            stale[name] = self._kept.pop(name)
        for path in {*paths, *(each.finding.uri for each in stale.values())}:
            self._publish(path)
        return shown

    def changed(self, path: Path) -> None:
        """Look where the text of a file's findings stands now."""
        if not any(each.finding.uri == path for each in self._kept.values()):
            return
        self._changed.add(path)
        if path not in self._looking:
            self._looking[path] = asyncio.create_task(self._look(path))

    def at(self, path: Path, where: types.Range) -> list[KeptFinding]:
        """Return the findings that a piece of a file touches."""
        return [
            each
            for each in self._of(path)
            if each.finding.line <= where.end.line and where.start.line <= each.finding.last_line
        ]

    async def dismiss(self, finding_id: str) -> bool:
        """Show a finding no more, nor what is found of the same text again.

        Returns:
            Whether there was one.

        Raises:
            StoreUnavailable: It could not be written down.
        """
        if (found := self._kept.get(finding_id)) is None:
            return False
        lane = self._lanes().folder(found.folder)
        await lane.run(self._dismissed.add, found.folder, found.mark)
        for name, each in [*self._kept.items()]:
            if (each.folder, each.mark) == (found.folder, found.mark):
                del self._kept[name]
        self._publish(found.finding.uri)
        return True

    async def _look(self, path: Path) -> None:
        try:
            while path in self._changed:
                self._changed.discard(path)
                mine = [each for each in self._kept.values() if each.finding.uri == path]
                lines = await self._lines(path, mine[0].folder) if mine else None
                moved = await parsing.run(self._moved, mine, lines or [])
                # Some may be dismissed by now.
                new = {each.finding_id: each for each in moved if each.finding_id in self._kept}
                if any(self._kept[name] != each for name, each in new.items()):
                    self._kept |= new
                    self._publish(path)
        except Exception:
            logger.exception("The findings in %s could not be moved", path)
        finally:
            del self._looking[path]

    async def _lines(self, path: Path, folder: Path) -> list[str] | None:
        """Return the lines of a file as the editor has it, else as the disk has it."""
        text = self._documents.text_of(path)
        if text is None:
            text = await self._lanes().folder(folder).read(_read, path)
        return None if text is None else await parsing.run(lines_of, text)

    def _with_text(self, finding: Finding, folder: Path, lines: list[str]) -> KeptFinding:
        line, text = text_at(lines, finding.line, finding.last_line)
        return self._placed(KeptFinding(finding, folder, text), lines, line)

    def _moved(self, findings: list[KeptFinding], lines: list[str]) -> list[KeptFinding]:
        moved = []
        for kept in findings:
            line = place_of(kept.text, lines, kept.finding.line)
            moved.append(
                replace(kept, there=False) if line is None else self._placed(kept, lines, line)
            )
        return moved

    def _placed(self, kept: KeptFinding, lines: list[str], line: int) -> KeptFinding:
        """Return a finding whose text stands at a line."""
        last = line + len(kept.text) - 1
        indented = len(lines[line]) - len(lines[line].lstrip(" \t"))
        return replace(
            kept,
            finding=replace(kept.finding, line=line, last_line=last),
            ends=(indented, units_in(lines[last], self._editor.profile.encoding)),
            there=True,
        )

    def _of(self, path: Path) -> Iterator[KeptFinding]:
        return (each for each in self._kept.values() if each.there and each.finding.uri == path)

    def _publish(self, path: Path) -> None:
        document = self._documents.at(path)
        uri = uri_of(path) if document is None else document.uri
        self._published.set(OWNER, uri, [self._diagnostic(each) for each in self._of(path)])

    def _diagnostic(self, kept: KeptFinding) -> types.Diagnostic:
        finding = kept.finding
        related = [
            types.DiagnosticRelatedInformation(
                types.Location(uri_of(each.uri), _line_range(each.line)), each.message
            )
            for each in finding.related
        ]
        return types.Diagnostic(
            kept.range,
            finding.message,
            types.DiagnosticSeverity(finding.severity),
            finding.code,
            source=SOURCE,
            related_information=related if self._editor.profile.related_information else None,
            data={"findingId": kept.finding_id},
        )


def finding_json(kept: KeptFinding) -> dict[str, Any]:
    """Return a finding as docs/protocol.md has it."""
    finding, where = kept.finding, kept.range
    return {
        "findingId": kept.finding_id,
        "uri": finding.uri,
        "range": {
            name: {"line": at.line, "character": at.character}
            for name, at in (("start", where.start), ("end", where.end))
        },
        "severity": finding.severity,
        "code": finding.code,
        "message": finding.message,
        "related": finding.related,
    }


def _line_range(line: int) -> types.Range:
    return types.Range(types.Position(line, 0), types.Position(line + 1, 0))


def _read(path: Path) -> str | None:
    try:
        return read_text(path, "replace", MOST_BYTES)
    except (OSError, ValueError):
        return None
