"""The record of what the runs of a session have changed, by whatever tool.

    <state>/changes/<session id>/record.jsonl      one change a line, in their order

Each change names the copies of the file before and after it (`copies.py`). What could not be seen
or kept is named, too. Everything here touches the disk: call it in a thread, for one session in one
thread at a time.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from claude_agent_lsp.base.disk.files import append_lines
from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.base.texts.json_text import parse_json
from claude_agent_lsp.base.texts.redaction import mask_secrets
from claude_agent_lsp.sessions.changes.copies import Copies, Version

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_DIGEST: Final = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Change:
    """A file that a run has changed.

    Attributes:
        run_id: The run, or what else is named so: a rewind.
        at: When it was seen.
        path: The file, below the folder; absolute if it lies elsewhere.
        before: How it was; None if there was none.
        after: How it has been since; None if it is gone.
        moved_from: The file that it was before it was moved here.
        moved_to: Where it has been moved.
    """

    run_id: str
    at: datetime
    path: str
    before: Version | None
    after: Version | None
    moved_from: str | None = None
    moved_to: str | None = None

    @property
    def kept(self) -> bool:
        """Whether there are copies of both."""
        return all(each is None or each.digest for each in (self.before, self.after))


@dataclass(frozen=True, slots=True)
class Unseen:
    """What commands have changed from now on in a run is not known."""

    run_id: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The user has looked at what runs have changed in some lines of a file, and wants it so.

    Attributes:
        at: When.
        path: The file, as of a change.
        now: How it was then; None if there was none.
        lines: Which lines, each stretch from its first to before its last, counted from 0; None
            for the whole file.
    """

    at: datetime
    path: str
    now: Version | None
    lines: tuple[tuple[int, int], ...] | None = None


Entry: TypeAlias = Change | Unseen | Reviewed


class ChangeRecord:
    """The record of one session.

    Args:
        state_directory: The state directory.
        session_id: The session.

    Attributes:
        copies: Of the files.
        file: Where it is.
    """

    def __init__(self, state_directory: Path, session_id: str) -> None:
        self._directory = state_directory / "changes" / session_id
        self.file = self._directory / "record.jsonl"
        self.copies = Copies(self._directory)

    def append(self, entries: Iterable[Entry]) -> None:
        """Write down what was changed.

        Raises:
            OSError: It could not be written.
        """
        lines = b"".join(_line_of(_without_secret(entry)) for entry in entries)
        if lines:
            append_lines(self.file, lines, looks=True)

    def read(self) -> list[Entry]:
        """Return all of it; what can't be read is left out."""
        try:
            content = read_regular(self.file, None)
        except OSError:
            return []
        return [entry for line in io.BytesIO(content) if (entry := _entry_of(line)) is not None]

    def copy(self, copy_id: str, until: datetime | None) -> None:
        """Have a copy of the session know of what was changed before it was made.

        Args:
            copy_id: The copy, which has had no run yet.
            until: When what was said next was said, which the copy lacks; None if it lacks nothing.

        Raises:
            OSError: It could not be written.
        """
        entries = [entry for entry in self.read() if until is None or entry.at <= until]
        if not entries:
            return
        other = ChangeRecord(self._directory.parent.parent, copy_id)
        for digest in digests_in(entries):
            with contextlib.suppress(OSError):  # a copy that is gone is told of when it is wanted
                other.copies.keep(self.copies.read(digest), 0o600)
        other.append(entries)


def digests_in(entries: Iterable[Entry]) -> set[str]:
    """Return which copies are named."""
    versions: list[Version | None] = []
    for entry in entries:
        if isinstance(entry, Change):
            versions += (entry.before, entry.after)
        elif isinstance(entry, Reviewed):
            versions.append(entry.now)
    return {each.digest for each in versions if each is not None and each.digest is not None}


def _without_secret(entry: Entry) -> Entry:
    """Return what may be written down of an entry: a file that is named by a secret is not."""
    if not isinstance(entry, Change):
        return entry  # a file that is named by a secret has no change to be looked at
    names = filter(None, (entry.path, entry.moved_from, entry.moved_to))
    if all(mask_secrets(name) == name for name in names):
        return entry
    return Unseen(entry.run_id, entry.at, "the name of a file holds a secret")


def _line_of(entry: Entry) -> bytes:
    told: dict[str, Any] = {"at": entry.at.isoformat()}
    if isinstance(entry, Unseen):
        told |= {"run": entry.run_id, "unseen": entry.reason}
    elif isinstance(entry, Reviewed):
        told |= {"reviewed": entry.path, "now": _told(entry.now), "lines": entry.lines}
    else:
        told |= {
            "run": entry.run_id,
            "path": entry.path,
            "before": _told(entry.before),
            "after": _told(entry.after),
        }
        moved = {"movedFrom": entry.moved_from, "movedTo": entry.moved_to}
        told |= {name: path for name, path in moved.items() if path is not None}
    return json.dumps(told, separators=(",", ":")).encode() + b"\n"


def _told(version: Version | None) -> dict[str, Any] | None:
    if version is None:
        return None
    kept = {"digest": version.digest} if version.digest else {"lost": version.lost}
    return {"mode": version.mode, **kept}


def _entry_of(line: bytes) -> Entry | None:
    try:
        told = parse_json(line)
        moment = datetime.fromisoformat(told["at"])
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if "reviewed" in told:
            lines = told["lines"]
            stretches = None if lines is None else tuple((int(a), int(b)) for a, b in lines)
            return Reviewed(moment, str(told["reviewed"]), _version(told["now"]), stretches)
        if "unseen" in told:
            return Unseen(str(told["run"]), moment, str(told["unseen"]))
        return Change(
            str(told["run"]),
            moment,
            str(told["path"]),
            _version(told["before"]),
            _version(told["after"]),
            told.get("movedFrom"),
            told.get("movedTo"),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None  # half written, or by a later version


def _version(told: Any) -> Version | None:
    if told is None:
        return None
    digest = told.get("digest")
    if digest is not None and not _DIGEST.fullmatch(digest):
        raise ValueError(digest)
    return Version(digest, int(told["mode"]) & 0o777, told.get("lost"))
