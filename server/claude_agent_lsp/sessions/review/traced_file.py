"""What of a file's text is the agent's, told by the steps that the text has taken.

    base ── what runs have changed, and is still to be looked at ──▶ text

What a run changes is a step of the text alone. What anybody else changes is a step of both, so that
the difference stays the agent's. Where somebody has changed the agent's own lines, theirs are in
both: nobody can tell what taking the agent's back would mean there.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.texts.line_diff import LineDiff
from claude_agent_lsp.sessions.review.three_texts import edits, with_both
from claude_agent_lsp.sessions.rewind.merge import CHANGED_SINCE, SAME_LINES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ID_CHARACTERS: Final = 16
# Lines that are told around a hunk.
AROUND: Final = 3


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that runs have changed.

    Attributes:
        hunk_id: Made of what it is, so that it stays the same whatever else becomes of the file.
        start: Its first line in the text, counted from 0.
        end: The line behind its last one; the first one again where lines were deleted.
        old: The lines that stood there; None if there was no file.
        new: Those that stand there; None if there is no file.
        runs: Which runs have changed it, the first one first.
        reason: Why it can't be taken back; None if it can.
        names: What it may be called as well: where others are like it, its id tells the lines
            around it, too.
        before: Up to three lines before it, as far as they are of no other hunk.
        behind: Likewise, behind it.
    """

    hunk_id: str
    start: int
    end: int
    old: tuple[bytes, ...] | None
    new: tuple[bytes, ...] | None
    runs: tuple[str, ...]
    reason: str | None = None
    names: tuple[str, ...] = ()
    before: tuple[bytes, ...] = ()
    behind: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class _Mixed:
    """Lines of the agent's that others have changed since: what they stand for, and whose."""

    old: tuple[bytes, ...]
    runs: tuple[str, ...]


class TracedFile:
    """A text, of which it is known what in it is the agent's.

    Args:
        name: The file's, for its hunks' ids.
        text: Its lines; None if there is no file.

    Attributes:
        text: Its lines now.
    """

    def __init__(self, name: str, text: Sequence[bytes] | None) -> None:
        self._name = name
        self._base = self.text = text
        # Of each line the run that has written it; of each place between two lines the run that has
        # deleted what stood there; of each line what it stands for.
        self._writers: list[str | None] = [None] * len(text or ())
        self._deleters: list[str | None] = [None] * (len(text or ()) + 1)
        self._mixed: list[_Mixed | None] = [None] * len(text or ())
        self._runs: dict[str, int] = {}

    def snapshot(self) -> TracedFile:
        """Return it as it is now, whatever steps it takes later."""
        return copy(self)  # each step makes new lists

    def by_run(self, text: Sequence[bytes] | None, run_id: str) -> None:
        """Take the step of a run."""
        self._runs = {**self._runs, run_id: self._runs.get(run_id, len(self._runs))}
        self._carry(text, run_id)

    def by_others(self, text: Sequence[bytes] | None) -> None:
        """Take a step that is nobody's business here."""
        if text == self.text:
            return
        if self._base is None or self.text is None or text is None:
            self._created_or_deleted(text)
            return
        self._base, meetings = with_both(self.text, self._base, text)
        # Whose lines those were is asked before they are others'.
        mixed = [_Mixed(meeting.one, self._runs_in(*meeting.was)) for meeting in meetings]
        self._carry(text, None)
        for meeting, what in zip(meetings, mixed, strict=True):
            self._mixed[meeting.start : meeting.end] = [what] * (meeting.end - meeting.start)

    def _created_or_deleted(self, text: Sequence[bytes] | None) -> None:
        base, was = self._base, self.text
        back = _Mixed(tuple(base or ()), self._runs_in(0, 0))
        self._carry(text, None)
        if base is None and was is not None and text is not None:
            return  # it stays what a run has created
        self._base = text
        if was is None and base is not None and text is not None and text != base:
            self._mixed = [back] * len(text)

    def restore(self, text: Sequence[bytes] | None) -> None:
        """Take the step of a rewind, or of what takes one back: between the base and the text."""
        self._carry(text, max(self._runs, key=self._runs.__getitem__, default=None))

    def accept(self, lines: Iterable[tuple[int, int]] | None) -> None:
        """Count what stands in some lines, or all of them, as what the user wants."""
        if lines is None or self._base is None or self.text is None:
            self._base = self.text
            self._mixed = [None] * len(self.text or ())
            return
        stretches = list(lines)
        base: list[bytes] = []
        at = 0
        for edit in edits(self._base, self.text):
            base += self._base[at : edit.start]
            at = edit.end
            if any(_touch((edit.other_start, edit.other_end), each) for each in stretches):
                base += self.text[edit.other_start : edit.other_end]
            else:
                base += self._base[edit.start : edit.end]
        self._base = base + list(self._base[at:])
        self._mixed = [
            None if any(start <= number < end for start, end in stretches) else mixed
            for number, mixed in enumerate(self._mixed)
        ]

    def hunks(self) -> list[Hunk]:
        """Return what is the agent's, in the order of the lines."""
        base, text = self._base, self.text
        if base is None and text is None:
            return []
        if base is None or text is None:
            return self._whole(base, text)
        found: list[tuple[int, int, tuple[bytes, ...], tuple[str, ...], str | None]] = [
            (
                edit.other_start,
                edit.other_end,
                tuple(base[edit.start : edit.end]),
                self._runs_in(edit.other_start, edit.other_end),
                None,
            )
            for edit in edits(base, text)
        ]
        found += self._mixed_ones()
        found.sort(key=lambda each: each[:2])
        plain = [id_of(self._name, old, text[start:end], ()) for start, end, old, *_ in found]
        starts = [*(start for start, *_ in found), len(text)][1:]
        last = 0
        seen: Counter[str] = Counter()
        hunks = []
        for hunk_id, next_one, (start, end, old, runs, reason) in zip(
            plain, starts, found, strict=True
        ):
            new = tuple(text[start:end])
            around = *text[max(0, start - 1) : start], *text[end : end + 1]
            exact = id_of(self._name, old, new, around)
            seen[exact] += 1
            if seen[exact] > 1:
                exact = f"{exact}-{seen[exact]}"
            names = (exact,) if plain.count(hunk_id) > 1 else (hunk_id, exact)
            before = tuple(text[max(last, start - AROUND) : start])
            behind = tuple(text[end : min(next_one, end + AROUND)])
            hunks.append(Hunk(names[0], start, end, old, new, runs, reason, names, before, behind))
            last = end
        return hunks

    def without(self, hunks: Iterable[Hunk]) -> list[bytes]:
        """Return the lines of the text without some of its hunks, all of which have both texts."""
        lines = list(self.text or ())
        for hunk in sorted(hunks, key=lambda each: each.start, reverse=True):
            lines[hunk.start : hunk.end] = hunk.old or ()
        return lines

    def _whole(self, base: Sequence[bytes] | None, text: Sequence[bytes] | None) -> list[Hunk]:
        """Return the one hunk of a file that a run has created, or deleted."""
        reason = None
        if text is not None and None in self._writers:
            reason = CHANGED_SINCE
        old, new = (None if each is None else tuple(each) for each in (base, text))
        runs = self._runs_in(0, len(text or ()))
        hunk_id = id_of(self._name, old, new, ())
        return [Hunk(hunk_id, 0, len(text or ()), old, new, runs, reason, (hunk_id,))]

    def _mixed_ones(self) -> Iterable[tuple[int, int, tuple[bytes, ...], tuple[str, ...], str]]:
        start = 0
        while start < len(self._mixed):
            end = start + 1
            what = self._mixed[start]
            while what is not None and end < len(self._mixed) and self._mixed[end] is what:
                end += 1
            if what is not None:
                yield start, end, what.old, what.runs, SAME_LINES
            start = end

    def _runs_in(self, start: int, end: int) -> tuple[str, ...]:
        found = self._ordered({*self._writers[start:end], *self._deleters[start : end + 1]})
        return found or tuple(self._runs)[-1:]

    def _ordered(self, runs: Iterable[str | None]) -> tuple[str, ...]:
        return tuple(sorted({run for run in runs if run}, key=self._runs.__getitem__))

    def _carry(self, text: Sequence[bytes] | None, writer: str | None) -> None:
        """Take the next text, and with each line that stays what is known of it."""
        count = len(text or ())
        writers: list[str | None] = [writer] * count
        deleters: list[str | None] = [None] * (count + 1)
        mixed: list[_Mixed | None] = [None] * count
        opcodes = LineDiff(self.text or (), text or ()).get_opcodes()
        for kind, i1, i2, j1, j2 in opcodes:
            if kind == "equal":
                writers[j1:j2] = self._writers[i1:i2]
                mixed[j1:j2] = self._mixed[i1:i2]
                for i, j in zip(range(i1, i2 + 1), range(j1, j2 + 1), strict=True):
                    deleters[j] = deleters[j] or self._deleters[i]
            elif writer is not None and kind != "insert":
                deleters[j1] = writer
        if writer is not None and text is None:
            deleters[0] = writer
        self.text = text
        self._writers, self._deleters, self._mixed = writers, deleters, mixed


def _touch(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Return whether two stretches have lines in common, or one without lines lies in the other."""
    if one[0] == one[1] or other[0] == other[1]:
        return one[0] <= other[1] and other[0] <= one[1]
    return one[0] < other[1] and other[0] < one[1]


def id_of(
    name: str,
    old: Sequence[bytes] | None,
    new: Sequence[bytes] | None,
    around: Sequence[bytes],
) -> str:
    """Return what a hunk of a file is called.

    Args:
        name: The file.
        old: What stood there; None if there was no file.
        new: What stands there; likewise.
        around: What stands before and behind, where that counts.
    """
    digest = hashlib.sha256(name.encode(errors="surrogateescape"))
    for part in (old, new, around):
        lines = b"".join(part or ())
        digest.update(b"%d %d\0%b" % (part is None, len(lines), lines))
    return digest.hexdigest()[:ID_CHARACTERS]
