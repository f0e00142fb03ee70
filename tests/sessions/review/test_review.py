"""Whatever the agent and the user do to a file, a review loses nothing of the user's: on a disk."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.sessions.changes.record import Change, ChangeRecord
from claude_agent_lsp.sessions.review.review import (
    Review,
    Selection,
    last_undo,
    redo,
    undo_name,
)
from claude_agent_lsp.sessions.rewind import putting_back
from claude_agent_lsp.sessions.rewind.putting_back import REDONE, Wanted
from tests.sessions.lines import Disk, Talk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claude_agent_lsp.sessions.review.traced_file import Hunk

WAY = Wanted(keep_conflicts=True)
EDITS = ("agent", "user")
STEPS = st.lists(
    st.tuples(
        st.sampled_from([*EDITS, *EDITS, "keep", "undo", "undo", "redo"]),
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 2),
        st.integers(0, 2),
    ),
    max_size=14,
)


class Work:
    """A session and a file that it has changed."""

    def __init__(self, place: Path) -> None:
        self.folder, self.state = place / "project", place / "state"
        self.folder.mkdir()
        self.file = self.folder / "a.txt"
        self.file.write_text("".join(f"{letter}\n" for letter in "abcdefgh"))
        disk = Disk(place / "config")
        self.session = disk.write(self.folder, Talk().user("Change it"))
        self.record = ChangeRecord(self.state, self.session)

    @property
    def lines(self) -> list[str]:
        return self.file.read_text().splitlines(keepends=True)

    def review(self, *hunks: Hunk) -> Review:
        ids = frozenset(hunk.hunk_id for hunk in hunks) if hunks else None
        return Review(self.session, self.state, Selection(hunk_ids=ids))

    def hunks(self) -> Sequence[Hunk]:
        files = self.review().files()
        return files[0].hunks if files else ()

    def edit(self, who: str, number: int, place: float, gone: int, come: int) -> None:
        before = self.lines
        at = int(place * (len(before) + 1))
        new = [f"{who} {number} {each}\n" for each in range(come)]
        after = [*before[:at], *new, *before[at + gone :]]
        self.file.write_text("".join(after))
        if who == "agent" and after != before:
            was, now = (
                self.record.copies.keep("".join(text).encode(), 0o644) for text in (before, after)
            )
            self.record.append([Change(f"r{number}", datetime.now(UTC), "a.txt", was, now)])

    def undo(self, *hunks: Hunk) -> None:
        review = self.review(*hunks)
        putting_back.Work(review.session, review.undo(), undo_name(), WAY).finish()

    def redo(self) -> None:
        session, name = last_undo(self.session, self.state, None)
        putting_back.Work(session, redo(session, name, {}), f"{REDONE}{name}", WAY).finish()


def users(lines: Sequence[str]) -> set[str]:
    return {line for line in lines if line.startswith("user")}


def agents(lines: Sequence[str]) -> set[str]:
    return {line for line in lines if line.startswith("agent")}


@given(STEPS)
# The user changes one of the agent's own lines.
@example([("agent", 0.0, 1, 2), ("user", 0.0, 1, 1), ("undo", 0.0, 0, 0)])
def test_nothing_of_the_users_is_lost_and_a_redo_is_the_inverse(
    steps: list[tuple[str, float, int, int]],
) -> None:
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        place = Path(name).resolve()
        patch.setenv("CLAUDE_CONFIG_DIR", str(place / "config"))
        work, accepted = Work(place), set[str]()
        for number, (step, where, gone, come) in enumerate(steps):
            before = work.lines
            if step in EDITS:
                work.edit(step, number, where, gone, come)
                accepted |= {
                    line.decode() for each in work.hunks() if each.reason for line in each.new or ()
                }
                continue
            hunks = work.hunks()
            chosen = hunks[int(where * len(hunks))] if hunks else None
            if step == "keep" and chosen is not None:
                accepted |= {line.decode() for line in chosen.new or ()}
                work.review(chosen).keep()
                assert chosen.hunk_id not in {each.hunk_id for each in work.hunks()}
                assert work.lines == before
            elif step == "undo" and chosen is not None:
                work.undo(chosen)
                undone = work.lines
                assert users(before) <= set(undone)
                if chosen.reason is None:
                    work.redo()
                    assert work.lines == before
                    work.undo(chosen)
                assert work.lines == undone
            elif step == "redo":
                try:
                    work.redo()
                except InvalidArgument:
                    continue
                assert users(before) <= set(work.lines)
        before = work.lines
        work.undo()
        assert users(before) <= set(work.lines)
        assert agents(work.lines) <= accepted
        assert all(hunk.reason for hunk in work.hunks())
