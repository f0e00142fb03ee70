"""Does what takes changes back: in the editor where it has a file open, else on the disk.

plan ──▶ the editor changes what it has open ──▶ the rest is written ──▶ recorded
└─ it doesn't: the file is left alone, and named
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.lsp.services.reviews.open_texts import content_on_disk, contents_of, real
from claude_agent_lsp.sessions.rewind.taking_back import Kept

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claude_agent_lsp.base.lanes import Lane
    from claude_agent_lsp.lsp.services.reviews.open_texts import OpenTexts
    from claude_agent_lsp.sessions.rewind.applying import FileChange
    from claude_agent_lsp.sessions.rewind.putting_back import Rewind, Work
    from claude_agent_lsp.sessions.rewind.taking_back import Plan
    from claude_agent_lsp.workspace.documents.documents import Document

NOT_TAKEN: Final = "the editor has it open, and did not change its text"
UNSAVED: Final = "it is open in the editor with unsaved text"


@dataclass(frozen=True, slots=True)
class _Place:
    """A file that is to be changed.

    Attributes:
        opened: The text that the editor has of it, if that is what was looked at.
        saved: Whether the disk has the same.
    """

    change: FileChange
    opened: Document | None
    saved: bool


async def take_back(work: Work, texts: OpenTexts, opened: Sequence[Document], lane: Lane) -> Rewind:
    """Do some work.

    Args:
        work: What is to be done.
        texts: Has the editor change what is open.
        opened: The texts that were looked at.
        lane: The session's.

    Raises:
        Conflict, StoreUnavailable: As `Work.check` and `Work.finish` do.
    """
    work.check()
    if work.wanted.preview or work.wanted.dry_run:
        return await lane.read(work.finish)
    done = []
    for place in await lane.read(_places, work.plan, opened):
        change = place.change
        reason = None
        if place.opened is None:
            continue
        if change.wanted is None:
            reason = None if place.saved else UNSAVED
        elif await texts.change(place.opened, change.wanted):
            done.append(change.path)
        elif not place.saved:
            reason = NOT_TAKEN
        if reason is not None:
            work.plan.changes.remove(change)
            work.plan.kept.append(Kept(change.path, reason))
    return await lane.run(work.finish, done)


def _places(plan: Plan, opened: Sequence[Document]) -> list[_Place]:
    contents = contents_of(opened)
    by_path = {path: text for text in opened for path in (text.path, real(text.path))}
    places = []
    for change in plan.changes:
        path = next((p for p in (change.path, real(change.path)) if p in contents), None)
        # A text that is late with what the disk has is none that was looked at.
        looked_at = path is not None and contents[path] == change.now
        text = by_path[path] if path is not None and looked_at else None
        places.append(_Place(change, text, content_on_disk(change.path) == change.now))
    return places
