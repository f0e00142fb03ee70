"""Which sessions of a folder are asked for, and from where on."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.sessions.catalogue.selection import SessionFilter

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from claude_agent_lsp.sessions.catalogue.search.search import Search

# The rank of a session, when it was changed, negative, in milliseconds since 1970, and its id.
Place: TypeAlias = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sessions are wanted.

    Attributes:
        search: Words that the title or the prompts must hold, whatever their case.
        matches: Whether all that was said is searched, the best come first, and the lines that
            hold the words are told.
        tag: The tag they must have.
        branch: The branch they must have been begun in.
        since: When they must have been changed, at the earliest.
        until: When, at the latest.
        file: What the path of a file that a tool was given must hold, whatever its case.
        archived: Whether those that the user has archived are among them.
        limit: How many at most.
        cursor: `next_cursor` of the page before. It remains valid while sessions come and go.
    """

    search: str | None = None
    matches: bool = False
    tag: str | None = None
    branch: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    file: str | None = None
    archived: bool = False
    limit: int = 50
    cursor: str | None = None

    def words(self) -> list[str]:
        """Return what is searched for, casefolded."""
        # Half of a pair stands in the index as it does here.
        searched = (self.search or "").encode(errors="replace").decode()
        return searched.casefold().split()

    def as_filter(
        self, search: Search | None, pinned: Collection[str], archived: Collection[str]
    ) -> SessionFilter:
        """Return what the index has to look for.

        Args:
            search: The search in all that was said, if it is one.
            pinned: The ids of the pinned sessions.
            archived: Those of the archived ones.

        Raises:
            InvalidArgument: The cursor is none of ours.
        """
        return SessionFilter(
            words=() if search else self.words(),
            tag=self.tag,
            branch=self.branch,
            since=_milliseconds(self.since),
            until=_milliseconds(self.until),
            file=None if self.file is None else self.file.casefold(),
            first=() if search else pinned,
            hidden=() if self.archived else archived,
            rank=None if search is None else search.rank,
            after=None if self.cursor is None else _read_cursor(self.cursor),
            limit=self.limit + 1,
        )


EVERY: Final = Wanted()


def cursor_of(place: Place) -> str:
    """Return what the page behind a place is asked for with."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _read_cursor(cursor: str) -> Place:
    try:
        match json.loads(base64.urlsafe_b64decode(cursor.encode())):
            case [int(rank), int(modified), str(session_id)] if (
                max(abs(rank), abs(modified)) < 2**63
            ):
                return rank, modified, session_id
    except (ValueError, RecursionError):
        pass
    raise InvalidArgument("cursor: expected `nextCursor` of an earlier answer.")


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)
