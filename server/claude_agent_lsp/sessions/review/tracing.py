"""Follows the files of a session through its record: what of each is the agent's now.

Everything here touches the disk: call it in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.sessions.changes.record import Change, Reviewed
from claude_agent_lsp.sessions.review.traced_file import Hunk, TracedFile, id_of
from claude_agent_lsp.sessions.rewind.merge import CHANGED_SINCE
from claude_agent_lsp.sessions.rewind.putting_back import REDONE, REWOUND, UNDONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from claude_agent_lsp.sessions.changes.copies import Copies, Version
    from claude_agent_lsp.sessions.changes.record import Entry
    from claude_agent_lsp.sessions.rewind.taking_back import FileNow

    Content = Callable[[Version | None], bytes | None]

NO_COPY: Final = "there is no copy of it"


@dataclass(frozen=True, slots=True)
class Traced:
    """A file that runs have changed.

    Attributes:
        hunks: What of it is to be looked at.
        mode: Its permissions where it comes back.
        without: Returns its content without some of the hunks; None if there is no file then.
        partner: Where it was moved from, or to.
        last: How the record knows it last.
    """

    hunks: Sequence[Hunk]
    mode: int
    without: Callable[[Iterable[Hunk]], bytes | None]
    partner: str | None = None
    last: Version | None = None


class NoTextError(Exception):
    """A file is no text, or there is no copy of it."""


def names_in(entries: Iterable[Entry]) -> list[str]:
    """Return the files that runs have changed, the one that was changed last first."""
    found: dict[str, None] = {}
    for entry in entries:
        if isinstance(entry, Change):
            found.pop(entry.path, None)
            found[entry.path] = None
    return list(found)[::-1]


def partner_of(changes: Iterable[Change]) -> str | None:
    """Return where a file was moved from, or to, the last time that it was."""
    others = [other for each in changes if (other := each.moved_from or each.moved_to)]
    return others[-1] if others else None


def trace(
    name: str,
    entries: Iterable[Entry],
    now: FileNow,
    copies: Copies,
    wanted: Callable[[str], bool] | None = None,
) -> Traced:
    """Return what of a file is still to be looked at.

    Args:
        name: The file, as the record names it.
        entries: The record, in its order.
        now: The file as it is.
        copies: Has what it held.
        wanted: Whether a run's changes are asked about; those of others count as anybody's then.
            Left out, all runs'.
    """
    own = [each for each in entries if isinstance(each, Change | Reviewed) and each.path == name]
    changes = [each for each in own if isinstance(each, Change)]
    if not changes:
        return Traced((), 0o644, lambda _: now.now)
    read = _reader(copies)
    try:
        traced = _traced_lines(name, own, now, read, wanted)
    except NoTextError:
        traced = _traced_whole(name, own, now, read, wanted)
    hunks = traced.hunks
    if now.kept is not None:
        hunks = [replace(hunk, reason=now.kept) for hunk in hunks]
    first, last = changes[0], changes[-1]
    return replace(
        traced,
        hunks=hunks,
        mode=traced.mode if first.before is None else first.before.mode,
        partner=partner_of(changes),
        last=last.after,
    )


def _traced_lines(
    name: str,
    own: Sequence[Change | Reviewed],
    now: FileNow,
    read: Content,
    wanted: Callable[[str], bool] | None,
) -> Traced:
    file = _followed(name, own, read, wanted)
    if now.kept is None:
        file.by_others(_lines(now.now))
    hunks = file.hunks()
    if wanted is not None:
        hunks = [hunk for hunk in hunks if any(map(wanted, hunk.runs))]

    def without(chosen: Iterable[Hunk]) -> bytes | None:
        left = list(chosen)
        if any(hunk.old is None for hunk in left):
            return None
        return b"".join(file.without(left))

    return Traced(hunks, 0o644, without)


def _reader(copies: Copies) -> Content:
    last: dict[str, bytes] = {}

    def read(version: Version | None) -> bytes | None:
        if version is None:
            return None
        if version.digest is None:
            raise NoTextError(f"{NO_COPY}: {version.lost or 'nobody knows why'}")
        if version.digest not in last:
            try:
                content = copies.read(version.digest)
            except OSError as error:
                raise NoTextError(f"{NO_COPY}: {error.strerror or error}") from error
            while len(last) > 1:  # what comes after one change is mostly what is before the next
                del last[next(iter(last))]
            last[version.digest] = content
        return last[version.digest]

    return read


def _lines(content: bytes | None) -> list[bytes] | None:
    if content is None:
        return None
    if b"\0" in content:
        raise NoTextError("it is no text")
    return content.splitlines(keepends=True)


def _followed(
    name: str,
    own: Sequence[Change | Reviewed],
    read: Content,
    wanted: Callable[[str], bool] | None,
) -> TracedFile:
    """Return a file behind the last step that the record knows."""
    file: TracedFile | None = None
    taken_back: dict[str, TracedFile] = {}
    for entry in own:
        before = _lines(read(entry.before if isinstance(entry, Change) else entry.now))
        file = file or TracedFile(name, before)
        file.by_others(before)
        if isinstance(entry, Reviewed):
            file.accept(entry.lines)
            continue
        after, run = _lines(read(entry.after)), entry.run_id
        if run.startswith((REWOUND, UNDONE)):
            taken_back[run] = file.snapshot()
        undone = taken_back.get(run.removeprefix(REDONE))
        if run.startswith(REDONE) and undone is not None and undone.text == after:
            file = undone.snapshot()
        elif run.startswith((REWOUND, UNDONE, REDONE)):
            # Of some runs alone nobody can tell which of them it is about.
            file.restore(after) if wanted is None else file.by_others(after)
        elif wanted is None or wanted(run):
            file.by_run(after, run)
        else:
            file.by_others(after)
    return file or TracedFile(name, None)


def _traced_whole(
    name: str,
    own: Sequence[Change | Reviewed],
    now: FileNow,
    read: Content,
    wanted: Callable[[str], bool] | None,
) -> Traced:
    """Return what is to be looked at of a file that has no lines: all of it, or nothing."""
    before: Version | None = None
    last: Version | None = None
    runs: dict[str, None] = {}
    taken_back: dict[str, dict[str, None]] = {}
    for entry in own:
        if isinstance(entry, Reviewed):
            runs, last = {}, entry.now
            continue
        if not runs or entry.before != last:
            runs, before = {}, entry.before
        last = entry.after
        if entry.run_id.startswith((REWOUND, UNDONE)):
            taken_back[entry.run_id], runs = runs, {}
        elif entry.run_id.startswith(REDONE):
            runs = taken_back.get(entry.run_id.removeprefix(REDONE), {})
            before = entry.before
        elif wanted is None or wanted(entry.run_id):
            runs = {**runs, entry.run_id: None}
    reason = None
    try:
        read(before)
        if now.kept is None and read(last) != now.now:
            reason = CHANGED_SINCE
        if now.kept is None and read(before) == now.now:
            runs = {}
    except NoTextError as why:
        reason = str(why)
    parts = [None if v is None else ((v.digest or "").encode(),) for v in (before, last)]
    old, new = (None if each is None else () for each in (before, last))
    hunk_id = id_of(name, parts[0], parts[1], ())
    hunk = Hunk(hunk_id, 0, 0, old, new, tuple(runs), reason, (hunk_id,))
    return Traced((hunk,) if runs else (), 0o644, lambda _: read(before))
