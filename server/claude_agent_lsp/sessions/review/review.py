"""What the runs of a session have changed and nobody has looked at yet: shown, kept, taken back.

    record + the files now ──▶ hunks ─┬─▶ keep   the user wants it so: noted in the record
                                      └─▶ undo   as a rewind: recorded, and redone

Everything here touches the disk: call it in a thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from claude_agent_lsp.errors import InvalidArgument, StoreUnavailable
from claude_agent_lsp.sessions.changes.record import (
    Change,
    Entry,
    Reviewed,
    Unseen,
    digests_in,
)
from claude_agent_lsp.sessions.journal.run_records import RunRecords
from claude_agent_lsp.sessions.review.tracing import Traced, names_in, partner_of, trace
from claude_agent_lsp.sessions.rewind.applying import FileChange
from claude_agent_lsp.sessions.rewind.merge import CHANGED_SINCE, SAME_LINES
from claude_agent_lsp.sessions.rewind.putting_back import (
    UNDONE,
    RecordedSession,
    not_taken_back,
)
from claude_agent_lsp.sessions.rewind.taking_back import FileNow, Kept, Plan, plan, read_now

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from claude_agent_lsp.sessions.review.traced_file import Hunk


@dataclass(frozen=True, slots=True)
class RunOf:
    """The run that has changed something.

    Attributes:
        message_id: Its prompt's.
        at: When it began.
        cause: Why the agent began it by itself, if it did.
    """

    run_id: str
    message_id: str | None = None
    at: datetime | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class ReviewedFile:
    """A file with something that is to be looked at.

    Attributes:
        change: What runs have done to it: "created", "edited" or "deleted".
        moved: Where it was moved from, or to.
    """

    path: Path
    session_id: str
    change: str
    hunks: tuple[Hunk, ...]
    moved: Path | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked about; what is left out is no matter.

    Attributes:
        run_id: What this run has changed, as if all others were anybody.
        message_id: What the run of this prompt has.
        paths: In these files, which may be named by the real folder, too.
        hunk_ids: These alone.
    """

    run_id: str | None = None
    message_id: str | None = None
    paths: frozenset[Path] | None = None
    hunk_ids: frozenset[str] | None = None


@dataclass(slots=True)
class _File:
    """A file as it is looked at."""

    path: Path
    now: FileNow
    traced: Traced
    chosen: list[Hunk] = field(default_factory=list)


class Review:
    """What is to be looked at of one session's work, as it is at one moment.

    Args:
        session_id: The session.
        state: The state directory.
        selection: What is asked about.
        unsaved: What an editor has of some files that their disk has not.

    Raises:
        SessionNotFound: There is no such session.
    """

    def __init__(
        self,
        session_id: str,
        state: Path,
        selection: Selection | None = None,
        unsaved: Mapping[Path, bytes] | None = None,
    ) -> None:
        self.session = RecordedSession.find(session_id, state)
        self._state = state
        self._selection = selection or Selection()
        self._unsaved = unsaved or {}

    @cached_property
    def runs(self) -> dict[str, RunOf]:
        """The session's runs."""
        records = RunRecords(lambda: self._state).each(self.session.session_id)
        begun = (record.begun for record in records)
        return {b.run_id: RunOf(b.run_id, b.message_id, b.at, b.cause) for b in begun}

    @cached_property
    def unseen(self) -> tuple[str, ...]:
        """Why it is not known what commands have changed, where it isn't."""
        found = (entry.reason for entry in self._entries if isinstance(entry, Unseen))
        return tuple(dict.fromkeys(found))

    @cached_property
    def found(self) -> frozenset[str]:
        """The names of all hunks that are chosen."""
        return frozenset(
            name for file in self._files for hunk in file.chosen for name in hunk.names
        )

    def files(self) -> list[ReviewedFile]:
        """Return the files with what is chosen, the one that was changed last first."""
        return [self._told(file) for file in self._files if file.chosen]

    def keep(self) -> list[ReviewedFile]:
        """Note that the user has looked at what is chosen, and wants it so.

        Raises:
            StoreUnavailable: It can't be noted.
        """
        entries: list[Entry] = []
        moment = datetime.now(UTC)
        try:
            entries += [self._noted(file, moment) for file in self._files if file.chosen]
            self.session.record.append(entries)
        except OSError as error:
            raise StoreUnavailable(
                f"What was looked at can't be noted: {error.strerror or error}.",
                hint="Check the free space on the disk.",
            ) from error
        return self.files()

    def undo(self) -> Plan:
        """Return what takes back what is chosen; what can't be is among what is kept."""
        found = Plan()
        whole = self._with_partners()
        for file in self._files:
            chosen = whole.get(file.path, file.chosen)
            reasons = dict.fromkeys(hunk.reason for hunk in chosen if hunk.reason is not None)
            found.kept += [
                Kept(file.path, reason, reason in (CHANGED_SINCE, SAME_LINES)) for reason in reasons
            ]
            clean = [hunk for hunk in chosen if hunk.reason is None]
            if clean:
                wanted = file.traced.without(clean)
                mode = file.traced.mode if file.now.now is None else file.now.mode
                found.changes.append(FileChange(file.path, file.now.now, wanted, mode))
        return found

    @cached_property
    def _entries(self) -> list[Entry]:
        return self.session.record.read()

    @cached_property
    def _files(self) -> list[_File]:
        return list(self._looked_at())

    def _looked_at(self) -> Iterator[_File]:
        asked, folder = self._selection, self.session.folder
        wanted = None
        if asked.run_id is not None or asked.message_id is not None:
            wanted = frozenset(
                run.run_id
                for run in self.runs.values()
                if asked.run_id in (None, run.run_id) and asked.message_id in (None, run.message_id)
            ).__contains__
        for name in names_in(self._entries):
            named = self._is_named(name)
            if not named and not ((other := self._partner(name)) and self._is_named(other)):
                continue
            now = read_now(name, folder, self._newer(name))
            traced = trace(name, self._entries, now, self.session.record.copies, wanted)
            file = _File(folder / name, now, traced)
            if named:
                ids = asked.hunk_ids
                file.chosen = [
                    hunk for hunk in traced.hunks if ids is None or not ids.isdisjoint(hunk.names)
                ]
            yield file

    def _is_named(self, name: str) -> bool:
        paths = self._selection.paths
        return paths is None or any(folder / name in paths for folder in self._folders)

    @cached_property
    def _folders(self) -> tuple[Path, Path]:
        folder = self.session.folder
        return folder, Path(os.path.realpath(folder))

    def _newer(self, name: str) -> dict[Path, bytes]:
        """Return what an editor has of a file, unless it is only late with what the disk has."""
        texts = [self._unsaved[f / name] for f in self._folders if f / name in self._unsaved]
        if not texts:
            return {}
        digest = hashlib.sha256(texts[0]).hexdigest()
        own = [entry for entry in self._entries if getattr(entry, "path", None) == name]
        last = next((entry for entry in reversed(own) if isinstance(entry, Change)), None)
        # What was edited or taken back in the editor is newer than the disk, and in the record all
        # the same: an edit of unsaved text is not saved.
        newest = None if last is None or last.after is None else last.after.digest
        late = digest != newest and digest in digests_in(own)
        return {} if late else {self.session.folder / name: texts[0]}

    def _partner(self, name: str) -> str | None:
        own = (each for each in self._entries if isinstance(each, Change) and each.path == name)
        return partner_of(own)

    def _told(self, file: _File) -> ReviewedFile:
        first = file.chosen[0]
        change = "created" if first.old is None else "deleted" if first.new is None else "edited"
        partner = file.traced.partner
        moved = None if partner is None else self.session.folder / partner
        return ReviewedFile(file.path, self.session.session_id, change, tuple(file.chosen), moved)

    def _noted(self, file: _File, moment: datetime) -> Reviewed:
        name = self.session.named(file.path)
        if file.now.kept is not None:
            return Reviewed(moment, name, file.traced.last)
        content = file.now.now
        now = None if content is None else self.session.record.copies.keep(content, file.now.mode)
        everything = len(file.chosen) == len(file.traced.hunks)
        if everything and self._selection.run_id is None and self._selection.message_id is None:
            return Reviewed(moment, name, now)
        return Reviewed(moment, name, now, tuple((each.start, each.end) for each in file.chosen))

    def _with_partners(self) -> dict[Path, list[Hunk]]:
        """Return what else goes back: a file that was moved is not taken back by halves."""
        files = {file.path: file for file in self._files}
        found: dict[Path, list[Hunk]] = {}
        for file in self._files:
            partner = file.traced.partner and files.get(self.session.folder / file.traced.partner)
            if not partner or not file.chosen:
                continue
            halves = [*file.chosen, *partner.traced.hunks]
            if {hunk.old is None for hunk in halves} != {True, False}:
                continue
            if any(hunk.new is not None and hunk.old is not None for hunk in halves):
                continue
            why = next((hunk.reason for hunk in halves if hunk.reason), None)
            for each, hunks in ((file, file.chosen), (partner, partner.traced.hunks)):
                found[each.path] = [replace(hunk, reason=why) for hunk in hunks]
        return found


def undo_name() -> str:
    """Return what the next undo is called in the record, and by whoever wants it redone."""
    return f"{UNDONE}{uuid.uuid4()}"


def last_undo(session_id: str, state: Path, undo_id: str | None) -> tuple[RecordedSession, str]:
    """Return which undo is to be redone: the one that is named, or the last one.

    Raises:
        SessionNotFound: There is no such session.
        InvalidArgument: There is no such undo, or it was redone.
    """
    session = RecordedSession.find(session_id, state)
    names = (entry.run_id for entry in session.record.read() if isinstance(entry, Change))
    open_ones = not_taken_back(names, UNDONE)
    if not open_ones or undo_id not in (None, *open_ones):
        raise InvalidArgument(
            f"undoId: the session {session_id} has no undo "
            + ("to be redone." if undo_id is None else f"{undo_id} to be redone.")
        )
    return session, undo_id or open_ones[-1]


def redo(session: RecordedSession, name: str, unsaved: Mapping[Path, bytes]) -> Plan:
    """Return what takes an undo back; what others have changed since stays."""
    changes = [entry for entry in session.record.read() if isinstance(entry, Change)]
    own = [each for each in changes if each.run_id == name]
    return plan(own, session.folder, session.record.copies, unsaved)


def recorded_sessions(state: Path, most: int) -> list[str]:
    """Return the sessions whose runs have changed something, that of the last change first.

    Args:
        state: The state directory.
        most: How many at most.
    """
    found = []
    for record in (state / "changes").glob("*/record.jsonl"):
        with contextlib.suppress(OSError):
            found.append((record.stat().st_mtime_ns, record.parent.name))
    return [name for _, name in sorted(found, reverse=True)[:most]]
