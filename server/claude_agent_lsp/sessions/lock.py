"""One run at a time works in a session, whichever editor and process it belongs to.

    <state>/locks/<session id>.lock     locked while a run is at work, and holds who has it

The system frees a lock when its holder dies, however it dies: there are no stale locks. Its holder
removes the file as it gives the session back. What one that was killed has left tells that its CLI
may still be at work. Between two turns a server may keep a session in which the agent will go on by
itself; its own next run has it then, and nobody else's.

Where no lock can be made, as in a directory that can't be written, the user works on without one.
Where something is in its place that can't be locked, nobody can tell who is at work: no run begins.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import psutil

from claude_agent_lsp.base.disk.files import open_to_read, try_lock, unlock_and_remove
from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.system.file_io import read_at, write_at
from claude_agent_lsp.errors import SessionAtWork, SessionBusy, SessionKept, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

logger = logging.getLogger(__name__)

# A process's start is told with the precision of the system's clock ticks and boot time.
SAME_START_SECONDS = 2.0
# A lock that says of nobody that he has it is being taken, or cleaned away.
CHANGING_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a session.

    Attributes:
        run_id: The run.
        editor: The editor's name, as it calls itself.
        pid: The server's process.
        started: When that process started, in seconds since 1970: ids are used again.
        waits_for: What goes on in its background, if no run is at work.
    """

    run_id: str
    editor: str
    pid: int
    started: float
    waits_for: str = ""

    @property
    def alive(self) -> bool:
        """Whether the process is still there."""
        return is_alive(self.pid, self.started)

    def __str__(self) -> str:
        return f"{self.editor or 'another editor'} (process {self.pid})"


def is_alive(pid: int, started: float) -> bool:
    """Whether the process is there that had this id and started then, or it can't be told."""
    try:
        return abs(psutil.Process(pid).create_time() - started) < SAME_START_SECONDS
    except psutil.NoSuchProcess:
        return False
    except Exception:
        # psutil lets through what the system's calls raise, and on macOS SystemError.
        logger.debug("Whether the process %s is alive is unknown", pid, exc_info=True)
        return True


def has_process(pid: int) -> bool:
    """Whether any process has this id now, or it can't be told."""
    try:
        return psutil.pid_exists(pid)
    except Exception:
        logger.debug("Whether there is a process %s is unknown", pid, exc_info=True)
        return True


def _own_start() -> float:
    try:
        return float(psutil.Process().create_time())
    except Exception:
        # Without it the lock holds all the same; what a killed server left is just not known so.
        logger.debug("The start time of this process is unknown", exc_info=True)
        return 0.0


@dataclass(frozen=True, slots=True)
class _Held:
    """A session that this server has.

    Attributes:
        run_id: The run that has it, or had it last.
        lock: The lock's file; None where none could be made.
        kept: Whether it is kept for what goes on in its background.
    """

    run_id: str
    lock: tuple[int, Path] | None
    kept: bool = False


@dataclass
class _Change:
    """Who has a session is just changing.

    Attributes:
        lock: Held by the thread that changes it.
        threads: How many do so, or wait to.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    threads: int = 0


class SessionLocks:
    """Which run has which session. Its calls are short but touch the disk.

    A disk that hangs holds up the calls for its own session, and those for no other one.

    Args:
        state_directory: Gives the state directory, which a setting may move.
        editor: The editor's name, told to whoever is refused.
    """

    def __init__(self, state_directory: Callable[[], Path], editor: str = "") -> None:
        self._state_directory = state_directory
        self._editor = editor
        self._held: dict[str, _Held] = {}
        self._changes: dict[str, _Change] = {}
        self._on_their_way = 0
        # Held for a look at these, and never while the disk is touched.
        self._counting = threading.Lock()
        self._started = _own_start()

    def this_server(self) -> Holder:
        """Return who this server is to others."""
        return Holder("", self._editor, os.getpid(), self._started)

    def owner(self, session_id: str) -> str | None:
        """Return the id of this server's run at work in a session, or None."""
        held = self._held.get(session_id)
        return held.run_id if held is not None and not held.kept else None

    def busy(self, session_id: str) -> bool:
        """Whether a run is at work in a session, here or in another server."""
        holder = None if session_id in self._held else self._read(session_id)
        return session_id in self._held or (holder is not None and holder.alive)

    def elsewhere(self, session_id: str) -> Holder | None:
        """Return who has a session in another server that is there; None if nobody does."""
        holder = None if session_id in self._held else self._read(session_id)
        return holder if holder is not None and holder.alive else None

    def while_at_rest(self, change: Callable[[], None]) -> bool:
        """Do something short, unless a session is in use or somebody is on the way to one.

        None is claimed or given back meanwhile.

        Returns:
            Whether it was done.
        """
        with self._counting:
            at_rest = not (self._held or self._changes or self._on_their_way)
            if at_rest:
                change()
        return at_rest

    @contextlib.contextmanager
    def on_the_way(self) -> Iterator[None]:
        """Count as on the way to a session: what was read for it is what will be used."""
        with self._counting:
            self._on_their_way += 1
        try:
            yield
        finally:
            with self._counting:
                self._on_their_way -= 1

    def claim(self, session_id: str, run_id: str) -> bool:
        """Give a session to a run until `release`; one that this server has kept, too.

        Returns:
            Whether the one before was killed at work, so that its CLI may still be there.

        Raises:
            SessionAtWork: Another run of this server has it.
            SessionBusy: One of another server has it.
            SessionKept: Another server keeps it.
            StoreUnavailable: What is in its lock's place is no lock.
        """
        with self._changing(session_id):
            held = self._held.get(session_id)
            if held is not None and not held.kept:
                message = f"The run {held.run_id} is active in the session {session_id}."
                raise SessionAtWork(message, session_id)
            lock = self._lock(session_id) if held is None else held.lock
            before = None if held is not None or lock is None else _holder_in(lock[0])
            self._hold(session_id, _Held(run_id, lock))
        return before is not None

    def keep(self, session_id: str, run_id: str, waits_for: str) -> bool:
        """Keep it after a run that has it, for what goes on in its background, until `release`.

        Returns:
            Whether the run has it, or it was kept after it.
        """
        with self._changing(session_id):
            held = self._held.get(session_id)
            if held is None or held.run_id != run_id:
                return False
            self._hold(session_id, _Held(run_id, held.lock, kept=True), waits_for)
            return True

    def release(self, session_id: str, run_id: str) -> bool:
        """Give it back, if the run has it, or it is still kept after it; return whether it was."""
        with self._changing(session_id):
            held = self._held.get(session_id)
            if held is None or held.run_id != run_id:
                return False
            del self._held[session_id]
            if held.lock is not None:
                unlock_and_remove(*held.lock)
            return True

    def _hold(self, session_id: str, held: _Held, waits_for: str = "") -> None:
        """Write down who has it, and that it is had."""
        if held.lock is not None:
            pid = os.getpid()
            _write(held.lock[0], Holder(held.run_id, self._editor, pid, self._started, waits_for))
        self._held[session_id] = held

    @contextlib.contextmanager
    def _changing(self, session_id: str) -> Iterator[None]:
        """Let one thread at a time change who has a session."""
        with self._counting:
            change = self._changes.setdefault(session_id, _Change())
            change.threads += 1
        try:
            with change.lock:
                yield
        finally:
            with self._counting:
                change.threads -= 1
                if not change.threads:
                    del self._changes[session_id]

    def _lock(self, session_id: str) -> tuple[int, Path] | None:
        path = self._path(session_id)
        try:
            make_directory(path.parent)
            handle = self._try(path, session_id)
        except OSError as error:
            if os.path.lexists(path):
                raise StoreUnavailable(
                    f"The session {session_id} can't be locked: {path}: {error.strerror or error}.",
                    hint=(
                        "It has to be a file that you may read and write. Make sure that no other "
                        f"editor is at work in this session, then remove {path}."
                    ),
                ) from error
            # A state directory that can't be written must not keep the user from working.
            logger.warning("%s can't be locked: %s", path, error)
            return None
        if handle is None:
            raise _refusal(session_id, self._read(session_id))
        return handle, path

    def _try(self, path: Path, session_id: str) -> int | None:
        until = time.monotonic() + CHANGING_SECONDS
        while (handle := try_lock(path)) is None and time.monotonic() < until:
            if (holder := self._read(session_id)) is not None and holder.alive:
                break
            time.sleep(CHANGING_SECONDS / 20)  # somebody takes it just now, or removes it
        return handle

    def _read(self, session_id: str) -> Holder | None:
        try:
            handle = open_to_read(self._path(session_id))
        except OSError:
            return None
        try:
            return _holder_in(handle)
        finally:
            os.close(handle)

    def _path(self, session_id: str) -> Path:
        return self._state_directory() / "locks" / f"{session_id}.lock"


def _refusal(session_id: str, holder: Holder | None) -> SessionBusy:
    """Return why a session that another server has is refused."""
    who = f"{holder}" if holder is not None else "Another server"
    who = f"{who[0].upper()}{who[1:]}"
    if holder is None or not holder.waits_for:
        return SessionBusy(f"{who} has an active run in the session {session_id}.")
    waits_for = holder.waits_for
    kept = f"keeps the session {session_id} for what runs in its background: {waits_for}"
    return SessionKept(f"{who} {kept}.", session_id, keeper=who, waits_for=waits_for)


def _holder_in(handle: int) -> Holder | None:
    try:
        return parse_holder(read_at(handle, 4096, 0))
    except OSError:  # the lock holds all the same
        return None


def _write(handle: int, holder: Holder) -> None:
    content = json.dumps(asdict(holder)).encode()
    with contextlib.suppress(OSError):  # a full disk: the lock holds all the same
        os.ftruncate(handle, 0)
        write_at(handle, content, 0)


def parse_holder(content: bytes) -> Holder | None:
    """Return who is written down; None where it makes no sense."""
    try:
        match json.loads(content):
            case {
                "run_id": str(run_id),
                "editor": str(editor),
                "pid": int(pid),
                "started": float(started),
                **rest,
            }:
                return Holder(run_id, editor, pid, started, str(rest.get("waits_for", "")))
    except ValueError:
        pass
    return None
