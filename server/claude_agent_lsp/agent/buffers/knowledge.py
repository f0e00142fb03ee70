"""What an editor can tell of code, and do with it, as the tools see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from claude_agent_lsp.workspace.documents.diagnostics import KnownDiagnostics
    from claude_agent_lsp.workspace.documents.edits import RangeEdit
    from claude_agent_lsp.workspace.documents.positions import (
        Position,
        PositionEncoding,
        Range,
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """A document that the user can see.

    Attributes:
        uri: As the editor calls it.
        active: Whether the user works in it.
        selection: What is selected there, or where the cursor is; None if the editor doesn't say.
    """

    uri: str
    active: bool = False
    selection: Range | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A piece of a file.

    Attributes:
        path: The file.
        first: Its first line, from 0.
        last: Its last one.
    """

    path: Path
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Symbol:
    """Something that has a name in code.

    Attributes:
        name: The name, as somebody has written it.
        kind: What it is: "function", "class".
        place: Where it stands.
        within: The name of what it stands in.
    """

    name: str
    kind: str
    place: Place
    within: str | None = None


@dataclass(frozen=True, slots=True)
class Renaming:
    """What a language server would have changed for a new name.

    Attributes:
        edits: By file; none of them overlap.
        encoding: In which units they count.
    """

    edits: Mapping[Path, Sequence[RangeEdit]]
    encoding: PositionEncoding


class EditorKnowledge(Protocol):
    """What an editor knows. What it can't do, or does not do in time, is a `ToolRefusedError`."""

    @property
    def diagnostics(self) -> KnownDiagnostics:
        """What its diagnostics say."""

    @property
    def encoding(self) -> PositionEncoding:
        """In which units it counts characters."""

    @property
    def tells_diagnostics(self) -> bool:
        """Whether it tells of all diagnostics by itself."""

    @property
    def tells_visible(self) -> bool:
        """Whether it says what its user sees."""

    @property
    def knows_language(self) -> bool:
        """Whether it asks its language servers."""

    @property
    def reveals(self) -> bool:
        """Whether it shows places."""

    async def visible(self) -> Sequence[Shown]:
        """Return what its user sees now."""

    async def reveal(self, path: Path, first: int, last: int) -> bool:
        """Show some lines of a file, and take no focus; return whether it did."""

    async def definition(self, path: Path, at: Position) -> Sequence[Place]:
        """Return where something is defined."""

    async def references(self, path: Path, at: Position) -> Sequence[Place]:
        """Return where something is used."""

    async def symbols(self, path: Path) -> Sequence[Symbol]:
        """Return what a file defines."""

    async def symbols_like(self, query: str) -> Sequence[Symbol]:
        """Return what is called so in the whole project, or nearly so."""

    async def rename(self, path: Path, at: Position, name: str) -> Renaming:
        """Return what would have to be changed for a new name; nothing is changed."""
