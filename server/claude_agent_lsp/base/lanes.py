"""The threads that work in place of the loop, and the lanes that keep one from another's way.

    disk         files and modules   one thread for each lane with work, 16 for what has no lane
    parsing      long texts          2 threads: more would only fight for the interpreter
    processes    psutil and signals  16 threads

No other module starts threads but those that own one for good (`base/disk/log_file.py`,
`lsp/wire/reader.py`, `lsp/wire/writer.py`, `loopback/server.py`). ruff bans that, timers with a
thread, and processes of Python.

A disk that hangs keeps its thread for as long as it hangs, and nothing can take it back. So what
works in a folder or in a session goes through its lane. A lane has at most one thread for what must
stay in order and one for what only reads, a folder as many again for its catalogue, and it gets
them whatever other lanes have: however many folders hang, the next one has its thread. What hangs
in a lane is waited for by that lane alone. The number of threads is bounded by that of the lanes,
which is that of folders and sessions in use.

A lane keeps nobody from waiting on it with a time limit. The work itself goes on: what must not
happen after the wait was given up is a job of its own, or is undone by a job behind it.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import deque
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")


class Executor:
    """Threads for one kind of work. They are daemons: none that hangs keeps the server from ending.

    Args:
        name: What its threads are called.
        threads: How many jobs without a lane it does side by side; more wait in order. As many
            threads are kept when they have nothing to do.
    """

    def __init__(self, name: str, threads: int) -> None:
        self._name = name
        self._kept = threads
        self._line = _Line(self, threads)
        self._idle: list[SimpleQueue[Callable[[], None] | None]] = []
        self._ends = 0
        self._changing = threading.Lock()

    async def run(self, work: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Do work that belongs to no folder and no session in a thread, and wait for it.

        If the waiting is cancelled, work that has begun goes on, and other work is never done.

        Returns:
            What the work returns; what it raises is raised.
        """
        return await asyncio.wrap_future(self._line.put(work, arguments, named))

    def begin(self, work: Callable[[], None]) -> None:
        """Begin work, which never raises, in a thread of its own, however many are at work.

        It is the way round the bound of the executor's threads, so whoever takes it has a bound of
        its own: a lane has two threads, a path whose links are followed one, the server's end one.
        """
        with self._changing:
            inbox = self._idle.pop() if self._idle else self._new_thread()
            inbox.put(work)

    def end(self) -> None:
        """End idle threads, and those at work once they are done; later work gets new ones."""
        with self._changing:
            self._ends += 1
            for inbox in self._idle:
                inbox.put(None)
            self._idle.clear()

    def _new_thread(self) -> SimpleQueue[Callable[[], None] | None]:
        inbox: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        threading.Thread(
            target=self._serve, args=(inbox, self._ends), name=self._name, daemon=True
        ).start()
        return inbox

    def _serve(self, inbox: SimpleQueue[Callable[[], None] | None], ends: int) -> None:
        while (work := inbox.get()) is not None:
            work()
            del work  # what it holds must not live until the next one comes
            with self._changing:
                if ends != self._ends or len(self._idle) >= self._kept:
                    return
                self._idle.append(inbox)


class _Line:
    """Jobs that are begun one after the other.

    Args:
        executor: Has the threads.
        width: How many are done at the same time.
    """

    def __init__(self, executor: Executor, width: int = 1) -> None:
        self._executor = executor
        self._width = width
        self._served_by = 0
        self._jobs: deque[Callable[[], None]] = deque()
        self._changing = threading.Lock()

    def put(
        self, work: Callable[..., T], arguments: Any, named: Any, holder: object = None
    ) -> Future[T]:
        """Take the next place, at once.

        Args:
            work: What is done.
            arguments: Its arguments.
            named: Those by name.
            holder: Kept alive until the line is empty.
        """
        future, job = _job(work, arguments, named)
        with self._changing:
            self._jobs.append(job)
            begins = self._served_by < self._width
            self._served_by += begins
        if begins:
            try:
                self._executor.begin(partial(self._work_off, holder))
            except BaseException:
                # The system has no thread left. Those that the line has will do it, if it has any.
                with self._changing:
                    self._served_by -= 1
                    if not self._served_by:
                        self._jobs.remove(job)
                        raise
        return future

    def _work_off(self, _holder: object) -> None:
        while True:
            with self._changing:
                if not self._jobs:
                    self._served_by -= 1
                    return
                job = self._jobs.popleft()
            job()
            del job


disk: Final = Executor("disk", 16)
parsing: Final = Executor("parsing", 2)
processes: Final = Executor("processes", 16)


def end() -> None:
    """End all idle threads: the server ends."""
    for executor in (disk, parsing, processes):
        executor.end()


class Lane:
    """The disk work of one folder, or of one session."""

    def __init__(self) -> None:
        self._ordered = _Line(disk)
        self._reading = _Line(disk)

    def put(self, work: Callable[..., T], *arguments: Any, **named: Any) -> asyncio.Future[T]:
        """Do work behind all that was put here before; its place is taken at once.

        Returns:
            Done with what the work returns or raises. Cancelling it cancels what has not begun.
        """
        return asyncio.wrap_future(self._ordered.put(work, arguments, named, self))

    async def run(self, work: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Do work behind all that was put here before, and wait for it."""
        return await self.put(work, *arguments, **named)

    async def read(self, work: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Do work that changes nothing and may take long, beside what is done in order."""
        return await asyncio.wrap_future(self._reading.put(work, arguments, named, self))


class SessionLane(Lane):
    """The disk work of one session: its journal, its lock, its transcript."""


class FolderLane(Lane):
    """The disk work of one folder, and the order of what is done there.

    Attributes:
        catalogue: What looks through all of its sessions: that may take long, by their number or
            since another process holds their index, and no query waits for it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.catalogue = Lane()
        self._places: deque[Place] = deque()
        self._left: asyncio.Future[None] | None = None

    @property
    def revoked(self) -> asyncio.Future[None]:
        """Done when the folder loses its trust: what is on its way there must not get there."""
        if self._left is None:
            self._left = asyncio.get_running_loop().create_future()
        return self._left

    def revoke(self) -> None:
        """Signal to all who are on their way that they must not get there."""
        if self._left is not None:
            self._left.set_result(None)
            self._left = None

    def place(self) -> Place:
        """Return the next place in the order, taken at once: enter it or give it up.

        Whoever cancels has no business here: it fires a signal.
        """
        return Place(self._places)


class Place:
    """A place in a lane: `async with` waits until all who came before have left theirs."""

    def __init__(self, places: deque[Place]) -> None:
        self._places = places
        self._turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        places.append(self)
        self._call_first()

    async def __aenter__(self) -> None:
        try:
            await self._turn
        except BaseException:
            self.give_up()
            raise

    async def __aexit__(self, *_: object) -> None:
        self.give_up()

    def give_up(self) -> None:
        """Let the next one in."""
        self._places.remove(self)
        self._call_first()

    def _call_first(self) -> None:
        if self._places and not self._places[0]._turn.done():  # noqa: SLF001 - of this class
            self._places[0]._turn.set_result(None)  # noqa: SLF001


class Lanes:
    """The lanes of one server."""

    def __init__(self) -> None:
        self._folders: dict[Path, FolderLane] = {}
        # One is kept as long as somebody refers to it, or it has work.
        self._sessions: WeakValueDictionary[str, SessionLane] = WeakValueDictionary()

    def folder(self, path: Path) -> FolderLane:
        """Return the lane of a folder."""
        return self._folders.setdefault(path, FolderLane())

    def session(self, session_id: str) -> SessionLane:
        """Return the lane of a session."""
        lane = self._sessions.get(session_id)
        if lane is None:
            lane = self._sessions[session_id] = SessionLane()
        return lane


def _job(
    work: Callable[..., T], arguments: Any, named: Any
) -> tuple[Future[T], Callable[[], None]]:
    """Return the future of some work, and what does the work and settles it; that never raises."""
    future: Future[T] = Future()
    context = contextvars.copy_context()

    def job() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = context.run(work, *arguments, **named)
        except BaseException as error:  # noqa: BLE001 - raised where it is awaited
            future.set_exception(error)
        else:
            future.set_result(result)

    return future, job
