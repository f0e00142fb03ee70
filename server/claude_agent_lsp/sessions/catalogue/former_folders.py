"""Which folders that are gone now a folder was before, or were other worktrees of its repository.

A folder that is renamed or moved is known by what the disk says of it, its repository likewise, and
one that was copied to another disk or cloned anew by its repository's remote. So each folder that
is worked in is noted as it is now.

    <state>/known-folders.json     by real path; the newest `MOST_FOLDERS`

Everything here reads files: call it in a thread.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.base.disk.files import locked, replace_file
from claude_agent_lsp.base.disk.places import place_of
from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.base.disk.real_paths import is_gone
from claude_agent_lsp.sessions.transcripts.repository import project_key, repository_of

if TYPE_CHECKING:
    from typing import Self

    from claude_agent_lsp.base.disk.places import Place

logger = logging.getLogger(__name__)

FILE: Final = "known-folders.json"
MOST_FOLDERS: Final = 500
# As `project_key` names a folder without a remote: by its path, which is no longer that one's.
_BY_PATH: Final = "path:"


@dataclass(frozen=True, slots=True)
class Identity:
    """By what a folder is known again.

    Attributes:
        folder: What the disk says of it.
        repository: What it says of the directory that all worktrees of its repository share; None
            outside of one.
        below: Where in its worktree it is.
        remote: Which place in which repository it is, on any machine; None without a remote.
    """

    folder: str
    repository: str | None
    below: str
    remote: str | None

    @classmethod
    def of(cls, real: Path) -> Self | None:
        """Look at a folder; None if it is not there."""
        folder = _mark_of(real)
        if folder is None:
            return None
        root, common = repository_of(real) or (real, None)
        key = project_key(real)
        return cls(
            folder,
            None if common is None else _mark_of(common),
            real.relative_to(root).as_posix(),
            None if key.startswith(_BY_PATH) else key,
        )

    def is_of(self, other: Identity) -> bool:
        """Whether it is the same folder, or the same place in another worktree or clone."""
        same_place = self.repository is not None and self.below == other.below
        return (
            self.folder == other.folder
            or (same_place and self.repository == other.repository)
            or (self.remote is not None and self.remote == other.remote)
        )


class FormerFolders:
    """The folders that are known in one state directory.

    Args:
        directory: The state directory.
    """

    def __init__(self, directory: Path) -> None:
        self._file = directory / FILE

    def note(self, folder: Path) -> None:
        """Note a folder as it is now; that it can't be written down is told to the log."""
        real = Path(os.path.realpath(folder))
        identity = Identity.of(real)
        if identity is None or self._read().get(os.fspath(real)) == identity:
            return
        try:
            make_directory(self._file.parent)
            with locked(self._file.with_suffix(".lock")):
                known = self._read()
                known.pop(os.fspath(real), None)
                known[os.fspath(real)] = identity
                newest = list(known.items())[-MOST_FOLDERS:]
                content = {path: _fields(each) for path, each in newest}
                replace_file(self._file, json.dumps(content, indent=1).encode())
        except OSError as error:
            logger.warning("%s could not be written: %s", self._file, error)

    def of(self, folder: Path) -> tuple[Path, ...]:
        """Return the paths of those that are gone, and were this folder or in its repository."""
        real = Path(os.path.realpath(folder))
        identity = Identity.of(real)
        if identity is None:
            return ()
        return tuple(
            Path(path)
            for path, other in self._read().items()
            if path != os.fspath(real) and identity.is_of(other) and is_gone(Path(path))
        )

    def is_renamed(self, former: Path, folder: Path) -> bool:
        """Whether a folder is beyond doubt what another path meant before.

        A disk gives the number of what was deleted to the next one: only a time of birth tells.
        """
        place = place_of(folder)
        known = self._read().get(os.path.realpath(former))
        return (
            place is not None
            and place.born is not None
            and known is not None
            and known.folder == _mark(place)
        )

    def _read(self) -> dict[str, Identity]:
        try:
            content = json.loads(read_regular(self._file))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            logger.warning("%s is ignored: %s", self._file, error)
            return {}
        pairs = content.items() if isinstance(content, dict) else ()
        return {path: one for path, value in pairs if (one := _identity_in(value)) is not None}


def _mark_of(path: Path) -> str | None:
    """Return what stays of a directory when it is renamed; None if it is not there."""
    place = place_of(path)
    return None if place is None else _mark(place)


def _mark(place: Place) -> str:
    # A device may have another number after each start of the system.
    return f"{place.inode}:{place.device if place.born is None else place.born}"


def _fields(identity: Identity) -> dict[str, str | None]:
    return {
        "folder": identity.folder,
        "repository": identity.repository,
        "below": identity.below,
        "remote": identity.remote,
    }


def _identity_in(value: Any) -> Identity | None:
    match value:
        case {
            "folder": str(folder),
            "repository": str() | None as repository,
            "below": str(below),
            "remote": str() | None as remote,
        }:
            return Identity(folder, repository, below, remote)
    return None
