"""What a session's transcript records of the files that the agent has changed.

    file-history-snapshot   at each prompt: which copy holds each known file as it is then
    file-history-delta      before the first change of a file: the copy of it as it was
    toolUseResult           after each change: what the file holds now

The copies lie in `file-history/<session>/` of Claude Code's directory (CLI 2.1.330). A shell
command's changes are none of these.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.base.disk.reading import open_regular
from claude_agent_lsp.base.texts.json_text import parse_json
from claude_agent_lsp.base.texts.moments import read_moment
from claude_agent_lsp.sessions.transcripts.transcript import config_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

FIRST: Final = 1
_KINDS: Final = (b'"file-history-snapshot"', b'"file-history-delta"', b'"toolUseResult"')


@dataclass(frozen=True, slots=True)
class Backup:
    """A file as it was at one time.

    Attributes:
        copy: Where that stands; None if there was no such file.
        parent: The real directory that it was in.
        version: Counted from 1, which is how it was before the agent's first change.
    """

    copy: Path | None
    parent: str | None
    version: int


@dataclass(frozen=True, slots=True)
class Write:
    """A change by one of the agent's own tools.

    Attributes:
        content: What the file holds since, with line ends as LF; None if that is not known.
        at: When it was over.
    """

    content: str | None
    at: datetime


@dataclass
class Checkpoints:
    """The known files of a session.

    Attributes:
        snapshots: For each prompt, by its id, the files that were known then or became known in
            its turn.
        writes: The last change of each file.
    """

    snapshots: dict[str, dict[Path, Backup]] = field(default_factory=dict)
    writes: dict[Path, Write] = field(default_factory=dict)

    @classmethod
    def read(cls, transcript: Path, folder: Path) -> Checkpoints:
        """Read a transcript, and those of the session's subagents.

        Args:
            transcript: The session's file.
            folder: The folder that it was begun in, which paths are relative to.

        Raises:
            OSError: It can't be read.
        """
        found = cls()
        copies = config_directory() / "file-history" / transcript.stem
        others = sorted((transcript.parent / transcript.stem).rglob("*.jsonl"))
        for file in (transcript, *others):
            for entry in _entries(file):
                match entry:
                    case {"type": "file-history-snapshot", "snapshot": dict(snapshot)}:
                        found._take_snapshot(snapshot, folder, copies)
                    case {"type": "file-history-delta"}:
                        found._take_delta(entry, folder, copies)
                    case {"toolUseResult": dict(result), "timestamp": str(stamp)}:
                        found._take_write(result, stamp, folder)
        return found

    def before(self, prompt_id: str) -> dict[Path, Backup]:
        """Return how each known file was before a prompt, as far as there is a copy.

        A file that was first changed later is taken as it was before that change.

        Raises:
            KeyError: There is no snapshot of this prompt.
        """
        wanted = dict(self.snapshots[prompt_id])
        for files in self.snapshots.values():
            for path, backup in files.items():
                if backup.version == FIRST:
                    wanted.setdefault(path, backup)
        return wanted

    def _take_snapshot(self, snapshot: Mapping[str, Any], folder: Path, copies: Path) -> None:
        files = snapshot.get("trackedFileBackups")
        if isinstance(files, dict):
            known = {folder / path: _backup(told, copies) for path, told in files.items()}
            self.snapshots[str(snapshot.get("messageId"))] = {
                path: backup for path, backup in known.items() if backup is not None
            }

    def _take_delta(self, entry: Mapping[str, Any], folder: Path, copies: Path) -> None:
        backup = _backup(entry.get("backup"), copies)
        if backup is not None:
            files = self.snapshots.setdefault(str(entry.get("snapshotMessageId")), {})
            files[folder / str(entry.get("trackingPath"))] = backup

    def _take_write(self, result: Mapping[str, Any], stamp: str, folder: Path) -> None:
        path = result.get("filePath") or result.get("notebook_path")
        changed = "structuredPatch" in result or "updated_file" in result
        at = read_moment(stamp)
        if isinstance(path, str) and changed and at is not None:
            write = Write(_content_after(result), at)
            last = self.writes.get(folder / path)
            if last is None or last.at <= write.at:
                self.writes[folder / path] = write


def _entries(file: Path) -> Iterator[dict[str, Any]]:
    with open_regular(file) as lines:
        for line in lines:
            if any(kind in line for kind in _KINDS):
                try:
                    entry = parse_json(line)
                except ValueError:
                    continue
                if isinstance(entry, dict):
                    yield entry


def _backup(told: object, copies: Path) -> Backup | None:
    match told:
        case {"backupFileName": str() | None as name, "version": int(version), **more}:
            # The name is the CLI's, but the line may be anybody's.
            if name is not None and not _is_plain(name):
                return None
            parent = more.get("realParentDir")
            copy = None if name is None else copies / name
            return Backup(copy, parent if isinstance(parent, str) else None, version)
    return None


def _is_plain(name: str) -> bool:
    """Return whether a name leads nowhere else, and a file can be called so."""
    try:
        return Path(name).name == name and b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:
        return False


def _content_after(result: Mapping[str, Any]) -> str | None:
    """Return a file's content after a tool's change, by its result (Write, Edit, NotebookEdit)."""
    match result:
        case {"content": str(content)} | {"updated_file": str(content)}:
            return with_lf(content)
        case {"originalFile": str(before), "oldString": str(old), "newString": str(new)}:
            before, old, new = with_lf(before), with_lf(old), with_lf(new)
            if old in before and not result.get("userModified"):
                return before.replace(old, new, -1 if result.get("replaceAll") else 1)
    return None


def with_lf(text: str) -> str:
    """Return a text with LF as line ends and no byte order mark, as the CLI reads files."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n")
