"""What is kept about each folder across restarts: its current session, and those just begun."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from claude_agent_lsp.base.disk.files import locked, replace_file
from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.base.system.processes import user_id
from claude_agent_lsp.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ENVIRONMENT_VARIABLE = "CLAUDE_AGENT_LSP_STATE_DIRECTORY"
BEGUN_KEPT = 200

_log = logging.getLogger(__name__)


def state_directory(setting: Path | None = None) -> Path:
    """Return where state is kept; it need not exist yet.

    Args:
        setting: The setting `stateDirectory`.

    Returns:
        The environment variable CLAUDE_AGENT_LSP_STATE_DIRECTORY if it is set and not empty,
        else the setting, else the system's place for state (`$XDG_STATE_HOME/claude-agent-lsp`).
    """
    if named := os.environ.get(ENVIRONMENT_VARIABLE):
        return Path(named).expanduser().absolute()
    if setting is not None:
        return setting
    import platformdirs

    return platformdirs.user_state_path("claude-agent-lsp", appauthor=False)


@dataclass(frozen=True, slots=True)
class _Record:
    current: str | None = None
    begun: tuple[str, ...] = ()  # oldest first
    forks: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)
    cleared: Mapping[str, str] = field(default_factory=dict)  # oldest first


class State:
    """The state directory: a small file for each folder, shared by all servers of this user.

    A folder is known by its real path. Reading never raises: a file that is missing, damaged or
    not ours counts as absent (the latter two are logged). Writing makes the directory (0700) where
    it is missing. The calls are short but touch the disk: make them in a thread.

    Args:
        directory: What `state_directory` returns; nothing is written before the first change.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        # What could not be written holds as long as this server lives.
        self._unwritten: dict[str, _Record] = {}

    def current(self, folder: Path) -> str | None:
        """Return the id of the folder's current session, or None if it has none."""
        return self._read(os.path.realpath(folder)).current

    def begun(self, folder: Path) -> frozenset[str]:
        """Return the ids that were sent to an editor but have no transcript yet."""
        return frozenset(self._read(os.path.realpath(folder)).begun)

    def fork(self, folder: Path, session_id: str) -> tuple[str, str | None] | None:
        """Return which session a begun one is to be a copy of, and up to which line; or None."""
        return self._read(os.path.realpath(folder)).forks.get(session_id)

    def select(self, folder: Path, session_id: str | None) -> None:
        """Make a session the folder's current one, or leave it without (None).

        Raises:
            StoreUnavailable: It could not be written.
        """
        self._update(folder, lambda record: replace(record, current=session_id))

    def leave(self, folder: Path, session_id: str) -> None:
        """Leave a folder without its current session, if that is this one: it was moved.

        Raises:
            StoreUnavailable: It could not be written.
        """

        def change(record: _Record) -> _Record:
            return replace(record, current=None) if record.current == session_id else record

        self._update(folder, change)

    def begin(
        self, folder: Path, session_id: str, source: str | None = None, at: str | None = None
    ) -> None:
        """Record that this id is sent to an editor, which becomes the folder's current session.

        The newest 200 such ids of a folder are kept.

        Args:
            folder: The folder.
            session_id: The id.
            source: The session that it is to be a copy of.
            at: The last line of that one that the copy is to have.

        Raises:
            StoreUnavailable: It could not be written.
        """

        def change(record: _Record) -> _Record:
            begun = (*(other for other in record.begun if other != session_id), session_id)
            kept = begun[-BEGUN_KEPT:]
            forks = {**record.forks, session_id: (source, at)} if source else record.forks
            forks = {i: fork for i, fork in forks.items() if i in kept}
            return replace(record, current=session_id, begun=kept, forks=forks)

        self._update(folder, change)

    def clear(self, folder: Path, session_id: str, next_id: str) -> None:
        """Record that the user has left a session for another one, which is only begun.

        Where it was the folder's current one, the other one is now. The newest 200 are kept.

        Raises:
            StoreUnavailable: It could not be written.
        """

        def change(record: _Record) -> _Record:
            cleared = {i: n for i, n in record.cleared.items() if i != session_id}
            return replace(
                record,
                current=next_id if record.current == session_id else record.current,
                begun=(*record.begun, next_id)[-BEGUN_KEPT:],
                cleared=dict([*cleared.items(), (session_id, next_id)][-BEGUN_KEPT:]),
            )

        self._update(folder, change)

    def cleared(self, folder: Path, session_id: str) -> str | None:
        """Return the session that the user has left this one for, if nobody went on with it yet."""
        return self._read(os.path.realpath(folder)).cleared.get(session_id)

    def reopen(self, folder: Path, session_id: str) -> None:
        """Forget that the user has left a session: they have gone on with it.

        Raises:
            StoreUnavailable: It could not be written.
        """

        def change(record: _Record) -> _Record:
            cleared = {i: n for i, n in record.cleared.items() if i != session_id}
            return replace(record, cleared=cleared)

        self._update(folder, change)

    def settle(self, folder: Path, session_id: str) -> None:
        """Forget that a session was only begun: it has a transcript now.

        Raises:
            StoreUnavailable: It could not be written.
        """

        def change(record: _Record) -> _Record:
            return replace(
                record,
                begun=tuple(b for b in record.begun if b != session_id),
                forks={i: fork for i, fork in record.forks.items() if i != session_id},
            )

        self._update(folder, change)

    def forget(self, session_id: str) -> None:
        """Forget a session in every folder: as the current one, a begun one, a copy's source.

        Raises:
            StoreUnavailable: It could not be written.
        """

        def change(record: _Record) -> _Record:
            forks = record.forks.items()
            return _Record(
                None if record.current == session_id else record.current,
                tuple(begun for begun in record.begun if begun != session_id),
                {i: fork for i, fork in forks if session_id not in (i, fork[0])},
                {i: n for i, n in record.cleared.items() if session_id not in (i, n)},
            )

        # Known by their real paths, which are not looked at: any of their disks may hang.
        for real in {*self._unwritten, *self._known_folders()}:
            self._update_at(real, change)

    def check(self) -> str | None:
        """Try to write to the directory; return what is wrong with it, or None."""
        try:
            with self._writing():
                probe = self.directory / f"check-{os.getpid()}"
                replace_file(probe, b"")
                probe.unlink()
                mode = self._folders.stat().st_mode
        except StoreUnavailable as error:
            return str(error)
        if user_id() is not None and mode & 0o077:
            return f"Other users can read {self._folders}: run `chmod 700` on it."
        return None

    @property
    def _folders(self) -> Path:
        return self.directory / "folders"

    def _file(self, real: str) -> Path:
        return self._folders / f"{hashlib.sha256(os.fsencode(real)).hexdigest()[:16]}.json"

    def _known_folders(self) -> Iterator[str]:
        """Return the folders that have a file; one that makes no sense has nothing to forget."""
        for file in self._folders.glob("*.json"):
            with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
                yield str(json.loads(read_regular(file))["path"])

    def _read(self, real: str) -> _Record:
        if real in self._unwritten:
            return self._unwritten[real]
        file = self._file(real)
        try:
            return _record_in(read_regular(file), real)
        except FileNotFoundError:
            return _Record()
        except (OSError, ValueError, RecursionError) as error:
            _log.warning("%s is ignored: %s", file, error)
            return _Record()

    def _update(self, folder: Path, change: Callable[[_Record], _Record]) -> None:
        self._update_at(os.path.realpath(folder), change)

    def _update_at(self, real: str, change: Callable[[_Record], _Record]) -> None:
        try:
            with self._writing():
                before = self._read(real)
                after = change(before)
                if after != before or real in self._unwritten:
                    self._write(real, after)
        except StoreUnavailable:
            self._unwritten[real] = change(self._read(real))
            raise
        self._unwritten.pop(real, None)

    def _write(self, real: str, record: _Record) -> None:
        content = {
            "path": real,
            "current": record.current,
            "begun": record.begun,
            "forks": record.forks,
            "cleared": record.cleared,
        }
        replace_file(self._file(real), json.dumps(content, indent=1).encode())

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            make_directory(self.directory)
            make_directory(self._folders)
            with locked(self.directory / "lock"):
                yield
        except OSError as error:
            raise StoreUnavailable(
                f"The state directory {self.directory} cannot be written: "
                f"{error.strerror or error}."
            ) from error


def _record_in(content: bytes, real: str) -> _Record:
    match json.loads(content):
        case {"path": path, "current": current, "begun": list(begun)} if (
            path == real
            and (current is None or _is_id(current))
            and all(_is_id(session_id) for session_id in begun)
        ):
            return _Record(current, tuple(begun), _forks_in(content), _cleared_in(content))
    raise ValueError(f"it is not the state of {real}")


def _forks_in(content: bytes) -> dict[str, tuple[str, str | None]]:
    forks = json.loads(content).get("forks") or {}
    found = {}
    for session_id, fork in forks.items():
        match fork:
            case [source, at] if _is_id(source) and (at is None or _is_id(at)):
                found[session_id] = (source, at)
            case _:
                raise ValueError(f"not a fork: {fork!r}")
    return found


def _cleared_in(content: bytes) -> dict[str, str]:
    cleared = json.loads(content).get("cleared") or {}
    if not all(_is_id(session_id) for pair in cleared.items() for session_id in pair):
        raise ValueError(f"no sessions: {cleared!r}")
    return dict(cleared)


def _is_id(value: object) -> bool:
    return isinstance(value, str) and bool(value) and "\0" not in value
