"""The processes kept warm: one for each session in use, never more than allowed.

    free ◀──▶ lent ──▶ ending ──▶ forgotten
      └───────────────────▲                     no longer good, too old, or in the way

A process is lent to one run at a time. Free ones wait for the next query of their session, the
least recently used go first when room is needed, and each goes after some idle time. Whoever
waits looks at everything anew after each step: others may have been quicker.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from claude_agent_lsp.agent.buffers.buffer_tools import BufferTools
from claude_agent_lsp.agent.process.process import AgentProcess
from claude_agent_lsp.agent.process.receiver import nobody
from claude_agent_lsp.errors import ProcessDied, RequestFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from claude_agent_lsp.agent.buffers.buffers import Buffers
    from claude_agent_lsp.agent.process.launch import Launch, SessionStart
    from claude_agent_lsp.agent.process.receiver import FindOwner
    from claude_agent_lsp.base.abort import AbortSignal

logger = logging.getLogger(__name__)

# Background tasks may outlive any idle time; this is how often to see whether they are over.
LOOK_AGAIN_SECONDS = 5.0


class ProcessPool:
    """All CLI processes of this server.

    Args:
        before_start: Called in a thread before a process starts.
        find_owner: Has a run own a turn that has begun by itself, of a process that it `take`s.
        on_start: Called with each process as it starts.
        buffers: The editor's documents, which processes read and edit.

    Attributes:
        limit: How many may live at the same time.
        idle_seconds: How long a free one is kept.
    """

    def __init__(
        self,
        *,
        limit: int = 4,
        idle_seconds: float = 300.0,
        before_start: Callable[[], None] = lambda: None,
        find_owner: FindOwner = nobody,
        on_start: Callable[[AgentProcess], None] = lambda _: None,
        buffers: Buffers | None = None,
    ) -> None:
        self._buffers = buffers
        self._on_start = on_start
        self._before_start = before_start
        self._find_owner = find_owner
        self.limit = limit
        self.idle_seconds = idle_seconds
        # In the order of their last use.
        self._processes: dict[str, AgentProcess] = {}
        self._lent: set[AgentProcess] = set()
        self._timers: dict[AgentProcess, asyncio.TimerHandle] = {}
        self._watchers: set[asyncio.Task[None]] = set()
        self._waiters: list[asyncio.Future[None]] = []
        self._closed = False

    def __iter__(self) -> Iterator[AgentProcess]:
        return iter(tuple(self._processes.values()))

    def lent(self, process: AgentProcess) -> bool:
        """Return whether it is lent to a run."""
        return process in self._lent

    def spare(self, launch: Launch) -> str | None:
        """Return the id of a session that is ready for its first prompt and fits this launch."""
        for session_id, process in self._processes.items():
            fits = process.launch.fits(launch) and process.launch.model == launch.model
            fits = fits and self._knows_documents(process)
            if fits and self._is_free(process) and _is_fresh(process):
                return session_id
        return None

    async def borrow(
        self,
        launch: Launch,
        session: SessionStart,
        signal: AbortSignal,
        on_wait: Callable[[], None],
        on_loss: Callable[[str], None] = lambda _: None,
    ) -> AgentProcess:
        """Lend a started process of `session` to a run, a warm one if there is a good one.

        Args:
            launch: What the run needs.
            session: The session, which no other run may have.
            signal: Ends the waiting; a process that is still starting is kept for later.
            on_wait: Called once if the run has to wait for another run's process to be free.
            on_loss: Called with what goes on in the background of a process that can't serve the
                run, and ends with it.

        Raises:
            Aborted: The signal fired.
            RequestFailed: The process could not be started.
        """
        told = False
        while True:
            signal.throw_if_aborted()
            process = self._processes.get(session.session_id)
            if process is not None and self._is_free(process):
                if await self._lend_if_fit(process, launch, session, signal, on_loss):
                    return process
            elif process is None and len(self._processes) < self.limit:
                process = self._start(launch, session)
                with self._released_if_it_raises(process):
                    self._lend(process)
                    await signal.wait_or_abort(process.started)
                if self._knows_documents(process):
                    return process
                self.release(process)
            else:
                if process is None and not self._make_room() and not told:
                    told = True
                    on_wait()
                await self._wait_for_change(signal)

    async def take(self, process: AgentProcess, signal: AbortSignal) -> None:
        """Lend a process to a run for the turn at work in it, once no other run has it.

        Args:
            process: The process.
            signal: Ends the waiting.

        Raises:
            Aborted: The signal fired.
            ProcessDied: It has ended, or is ending.
        """
        while self.lent(process):
            await self._wait_for_change(signal)
        signal.throw_if_aborted()
        if not process.usable:
            raise ProcessDied("The CLI has ended.")
        self._lend(process)

    def release(self, process: AgentProcess) -> None:
        """Take a process back from its run and keep it for the next one."""
        self._lent.discard(process)
        if self._processes.get(process.session_id) is process:
            self._expire_after(self.idle_seconds, process)
        self._wake()

    def prewarm(self, launch: Launch, session: SessionStart) -> None:
        """Start a process ahead of its first query, if there is room for it."""
        known = session.session_id in self._processes
        if not known and not self._closed and len(self._processes) < self.limit:
            process = self._start(launch, session, ahead=True)
            self._expire_after(self.idle_seconds, process)

    async def close(self) -> None:
        """End all processes, side by side; none is started any more."""
        self._closed = True
        await asyncio.gather(*(process.end() for process in self))
        await asyncio.gather(*self._watchers)

    def _is_free(self, process: AgentProcess) -> bool:
        return process.usable and process not in self._lent

    def _make_room(self) -> bool:
        """End an idle process, unless one is ending already; False if all are at work."""
        if all(process.usable for process in self):
            # One with something in its background is at work, too.
            idle = [p for p in self if self._is_free(p) and not p.background.waits_for]
            # What nobody has said anything to yet is missed the least.
            if (oldest := next(iter(sorted(idle, key=_is_fresh, reverse=True)), None)) is None:
                return False
            oldest.end()
        return True

    async def _lend_if_fit(
        self,
        process: AgentProcess,
        launch: Launch,
        session: SessionStart,
        signal: AbortSignal,
        on_loss: Callable[[str], None],
    ) -> bool:
        """Lend a free process if it can serve a run of this launch; if it can't, end it."""
        with self._released_if_it_raises(process):
            self._lend(process)
            await signal.wait_or_abort(process.started)
            fits = process.launch.fits(launch) and self._knows_documents(process)
            if fits and _stands_at(process, session):
                if await signal.wait_or_abort(process.changed_by_others()):
                    logger.info(
                        "Another program has continued the session %s; starting a new process",
                        process.session_id,
                    )
                elif process.usable:
                    return True
            if (lost := process.background.waits_for) and process.usable:
                on_loss(lost)
            process.end()
        return False

    @contextlib.contextmanager
    def _released_if_it_raises(self, process: AgentProcess) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.release(process)
            raise

    async def _wait_for_change(self, signal: AbortSignal) -> None:
        """Wait until a process has been returned or has ended."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await signal.wait_or_abort(waiter)

    def _knows_documents(self, process: AgentProcess) -> bool:
        """Whether it reads what is open in the editor, if there is anything."""
        if process.tools is not None:
            return process.tools.safe
        return self._tools_for(process.launch) is None

    def _tools_for(self, launch: Launch, *, ahead: bool = False) -> BufferTools | None:
        """Return what a process reads and edits documents by, as soon as it may need it."""
        buffers, settings = self._buffers, launch.settings
        if buffers is None or not settings.live_documents or not buffers.wanted(ahead=ahead):
            return None
        return BufferTools(buffers, launch.folder, settings.save_edits)

    def _start(self, launch: Launch, session: SessionStart, *, ahead: bool = False) -> AgentProcess:
        if self._closed:
            raise RequestFailed("The server is shutting down.", hint="Restart the server.")
        tools = self._tools_for(launch, ahead=ahead)
        process = AgentProcess(launch, session, self._before_start, self._find_owner, tools)
        self._on_start(process)
        self._processes[session.session_id] = process
        watcher = asyncio.create_task(self._watch(process))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        return process

    async def _watch(self, process: AgentProcess) -> None:
        await process.gone.wait()
        self._lent.discard(process)
        self._cancel_expiry(process)
        del self._processes[process.session_id]
        self._wake()

    def _lend(self, process: AgentProcess) -> None:
        self._lent.add(process)
        self._cancel_expiry(process)
        # The last one is the one that was used last.
        self._processes[process.session_id] = self._processes.pop(process.session_id)

    def _cancel_expiry(self, process: AgentProcess) -> None:
        """Stop its idle time: it must not expire."""
        timer = self._timers.pop(process, None)
        if timer is not None:
            timer.cancel()

    def _expire_after(self, seconds: float, process: AgentProcess) -> None:
        loop = asyncio.get_running_loop()
        self._cancel_expiry(process)
        self._timers[process] = loop.call_later(seconds, self._expire, process)

    def _expire(self, process: AgentProcess) -> None:
        if process.background.waits_for:
            self._expire_after(max(self.idle_seconds, LOOK_AGAIN_SECONDS), process)
        else:
            process.end()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


def _stands_at(process: AgentProcess, session: SessionStart) -> bool:
    """Return whether a process knows of a session what a run begins with, and no more."""
    return session.at == (None if process.used else process.session.at)


def _is_fresh(process: AgentProcess) -> bool:
    """Return whether its session is yet to be begun."""
    return process.session.source is None and not process.used
