"""What is to be looked at as a document: a unified diff, and where in it each hunk is."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.texts.visible import visible
from claude_agent_lsp.errors import RequestFailed
from claude_agent_lsp.lsp.convert.review_json import signed
from claude_agent_lsp.lsp.services.documents import open_document, write_document
from claude_agent_lsp.lsp.services.reviews.wording import asked, refusal
from claude_agent_lsp.sessions.review.review import Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from claude_agent_lsp.base.lanes import Lane
    from claude_agent_lsp.lsp.editor import Editor
    from claude_agent_lsp.lsp.services.reviews.reviews import Found, Reviews
    from claude_agent_lsp.sessions.review.review import ReviewedFile
    from claude_agent_lsp.sessions.review.traced_file import Hunk
    from claude_agent_lsp.workspace.state import State

# As many as are told apart; the oldest one only loses its actions.
MOST_DOCUMENTS: Final = 16
NOTHING: Final = "Nothing is left to be looked at.\n"


@dataclass(frozen=True, slots=True)
class ShownPart:
    """A part of a document: a file, or a hunk of it.

    Attributes:
        start: Its first line, counted from 0.
        end: The line behind its last one.
        uri: The file.
        session_id: Whose work it is.
        hunk_id: The hunk; None for the whole file.
        can_go: Whether it can be taken back.
        asked: Of which run it is, if that was asked: as commands name it.
    """

    start: int
    end: int
    uri: Path
    session_id: str
    hunk_id: str | None = None
    can_go: bool = True
    asked: Mapping[str, str] = field(default_factory=dict)


class ReviewDocuments:
    """Writes them below the state directory, and has the editor open them.

    Args:
        editor: The editor.
        state: Says where.
        lane: Returns the lane of a session.
        reviews: Knows what is left to be looked at.
    """

    def __init__(
        self, editor: Editor, state: State, lane: Callable[[str], Lane], reviews: Reviews
    ) -> None:
        self._reviews = reviews
        self._editor = editor
        self._state = state
        self._lane = lane
        self._shown: dict[Path, tuple[ShownPart, ...]] = {}

    async def show(self, session_id: str, found: Found, selection: Selection) -> tuple[Path, bool]:
        """Open what is to be looked at of a session; return where it is, and whether it is open.

        Raises:
            OSError: It can't be written.
        """
        path = self._state.directory / "reviews" / f"{session_id}.diff"
        parts = await self._lane(session_id).run(_write, path, found, _named(selection))
        self._shown.pop(path, None)
        self._shown[path] = parts
        while len(self._shown) > MOST_DOCUMENTS:
            del self._shown[next(iter(self._shown))]
        return path, await open_document(self._editor, path, 0)

    @property
    def shown(self) -> bool:
        """Whether the editor has opened any."""
        return bool(self._shown)

    def parts(self, path: Path) -> tuple[ShownPart, ...]:
        """Return the parts of a document, in order; none of any other file."""
        return self._shown.get(path, ())

    async def open_parts(self, path: Path) -> list[ShownPart]:
        """Return those parts of a document that are still to be looked at."""
        parts = self.parts(path)
        if not parts:
            return []
        named = parts[0].asked
        selection = Selection(
            named.get("runId"), named.get("messageId"), frozenset(part.uri for part in parts)
        )
        try:
            found = await self._reviews.look([parts[0].session_id], selection)
        except RequestFailed:  # the session was deleted
            return []
        files = {file.path for file in found.files}
        return [
            part
            for part in parts
            if (part.uri in files if part.hunk_id is None else part.hunk_id in found.names)
        ]


def _write(path: Path, found: Found, named: Mapping[str, str]) -> tuple[ShownPart, ...]:
    lines: list[str] = []
    parts: list[ShownPart] = []
    for file in found.files:
        start = len(lines)
        lines += _head(file)
        of_file = []
        moved = told = 0
        for hunk in file.hunks:
            first = len(lines)
            lines += _hunk(hunk, told, moved, _heading(hunk, found))
            told = hunk.end + len(hunk.behind)
            moved += len(hunk.old or ()) - len(hunk.new or ())
            of_file.append(
                ShownPart(
                    first,
                    len(lines),
                    file.path,
                    file.session_id,
                    hunk.hunk_id,
                    hunk.reason is None,
                    named,
                )
            )
        parts.append(ShownPart(start, len(lines), file.path, file.session_id, asked=named))
        parts += of_file
    write_document(path, "\n".join([*lines, ""]) if lines else NOTHING)
    return tuple(parts)


def _head(file: ReviewedFile) -> Iterator[str]:
    name = visible(os.fspath(file.path).lstrip("/"))
    yield "--- /dev/null" if file.change == "created" else f"--- a/{name}"
    yield "+++ /dev/null" if file.change == "deleted" else f"+++ b/{name}"


def _hunk(hunk: Hunk, told: int, moved: int, heading: str) -> Iterator[str]:
    """Return a hunk, with the lines around it that were not told with the one before."""
    before = hunk.before[max(0, told - (hunk.start - len(hunk.before))) :]
    start, around = hunk.start - len(before), len(before) + len(hunk.behind)
    counts = len(hunk.old or ()) + around, len(hunk.new or ()) + around
    places = zip((start + moved, start), counts, strict=True)
    ranges = (f"{start + bool(count)},{count}" for start, count in places)
    yield "@@ -{} +{} @@{}".format(*ranges, f" {heading}" if heading else "")
    yield from signed(" ", before)
    yield from signed("-", hunk.old)
    yield from signed("+", hunk.new)
    yield from signed(" ", hunk.behind)


def _heading(hunk: Hunk, found: Found) -> str:
    """Return which prompt it is of, and when that was, or why it can't be taken back."""
    return ", ".join(filter(None, (asked(hunk, found), refusal(hunk))))


def _named(selection: Selection) -> dict[str, str]:
    asked_for = {"runId": selection.run_id, "messageId": selection.message_id}
    return {name: value for name, value in asked_for.items() if value is not None}
