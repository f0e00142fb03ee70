"""A process that stands ready for a folder's next new session.

    a run ends ──▶ it is quiet in the folder ──▶ one stands ready ──┬─▶ a new session has it
                                  ▲                                 └─▶ ended: stale, in the way,
                                  └───────── one is stale ◀──┘          idle too long, no memory

It has a session id, and nothing else of a session: no lock, no journal, no transcript. Whoever has
it finds what a process of its own would have read at its start: see `start_of`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.os_processes.output import output_of
from claude_agent_lsp.agent.os_processes.tree import available_memory
from claude_agent_lsp.agent.process.launch import Launch, SessionStart
from claude_agent_lsp.base.lanes import disk, processes
from claude_agent_lsp.base.system.programs import find_program
from claude_agent_lsp.errors import RequestFailed
from claude_agent_lsp.sessions.claude_settings.start_files import hooks_at_start, start_files
from claude_agent_lsp.sessions.transcripts.transcript import config_directory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from claude_agent_sdk import ClaudeSDKClient

    from claude_agent_lsp.agent.ownership.runs import Runs
    from claude_agent_lsp.agent.pool_loader import PoolLoader
    from claude_agent_lsp.agent.process.pool import ProcessPool
    from claude_agent_lsp.agent.process.process import AgentProcess
    from claude_agent_lsp.agent.run.run import ActiveRun
    from claude_agent_lsp.base.lanes import Lanes

logger = logging.getLogger(__name__)

# How long it is quiet in a folder before one is started: the user's next prompt comes first.
QUIET_SECONDS: Final = 1.5
# How much memory has to be left to the machine, and how often that is looked at.
LEAST_MEMORY: Final = 2**30
LOOK_SECONDS: Final = 15.0
# To look at a large repository takes as long as to start a process.
STATUS_SECONDS: Final = 0.5
STATUS_BYTES: Final = 2**18


class SpareProcesses:
    """Those of one server.

    Args:
        pools: Has the pool, which is loaded by the first run.
        lanes: Those of folders.
        runs: Those at work.
    """

    def __init__(self, pools: PoolLoader, lanes: Lanes, runs: Runs) -> None:
        self._pools = pools
        self._lanes = lanes
        self._runs = runs
        # What each of them has read at its start, by its session; and those that a query has had.
        self._starts: dict[str, object] = {}
        self._claimed: set[str] = set()
        self._waiting: dict[Path, asyncio.TimerHandle] = {}

    def follow(self, run: ActiveRun) -> None:
        """See to it that one stands ready some time after this run, if the settings want it."""
        launch = run.spec.launch
        settings = launch.settings
        budget = settings.max_budget_usd is not None or settings.daily_budget_usd is not None
        if not settings.spare_process or not launch.trusted or budget:
            return
        revoked = self._lanes.folder(launch.folder).revoked
        plain = replace(Launch.build(launch.folder, settings), place=launch.place)
        run.ended.add_done_callback(lambda _: self._renew_soon(plain, revoked))

    def of(self, process: AgentProcess) -> bool:
        """Return whether this one waits for a new session that nobody has begun."""
        fresh = process.session.source is None and not process.used
        return fresh and process.session_id not in self._claimed

    def any_for(self, launch: Launch) -> bool:
        """Return whether one stands ready that was started like this."""
        return self._found(launch) is not None

    async def claim(self, launch: Launch) -> str | None:
        """Return the session of one that is as good as one that was started like this now.

        Nobody else gets it, whatever becomes of the query.
        """
        if (session := self._found(launch)) is None:
            return None
        # In a folder that is not trusted, a process reads nothing of it, and git is not asked.
        if launch.trusted:
            start = await self.start_of(launch)
            if start is None or start != self._starts.get(session):
                return None
            if self._found(launch) != session:
                return None  # it has ended meanwhile
        self._claimed.add(session)
        return session

    def stand(self, process: AgentProcess, start: object | None) -> None:
        """Have a process claimed by the next new session, and nothing left of it otherwise.

        Args:
            process: The process, which has had no prompt.
            start: What `start_of` has returned before its start.
        """
        if start is not None:
            self._starts[process.session_id] = start
        self._runs.begin(self._watch(process))

    async def start_of(self, launch: Launch) -> object | None:
        """Return what a process would find at its start now, and keeps for its session.

        Returns:
            None if it can't be told.
        """
        lane = self._lanes.folder(launch.folder)
        files = await lane.read(start_files, launch.folder)
        in_repository = await lane.read(_in_repository, launch.folder)
        status = await _git_status(launch.folder) if in_repository else b""
        return None if files is None or status is None else (files, status)

    def _found(self, launch: Launch) -> str | None:
        pool = self._pools.loaded
        session = None if pool is None else pool.spare(launch)
        return None if session in self._claimed else session

    def _renew_soon(self, launch: Launch, revoked: asyncio.Future[None]) -> None:
        def begin() -> None:
            del self._waiting[launch.folder]
            self._runs.begin(self._renew(launch, revoked))

        if (timer := self._waiting.pop(launch.folder, None)) is not None:
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._waiting[launch.folder] = loop.call_later(QUIET_SECONDS, begin)

    async def _renew(self, launch: Launch, revoked: asyncio.Future[None]) -> None:
        if any(run.spec.launch.folder == launch.folder for run in self._runs):
            return  # its end is followed, too
        pool = self._pools.loaded
        if pool is None or pool.idle_seconds == 0:
            return
        try:
            start = await self.start_of(launch)
            if not await self._keep_good(pool, launch, start) and start is not None:
                await self._start(pool, launch, start, revoked)
        except RequestFailed as error:
            logger.info("No process could be kept ready in %s: %s", launch.folder, error)
        except Exception:
            logger.exception("No process could be kept ready in %s", launch.folder)

    async def _keep_good(self, pool: ProcessPool, launch: Launch, start: object | None) -> bool:
        """Give one that is good its idle time anew, and end all others; return whether one is."""
        good = None if start is None else self._found(launch)
        for process in pool:
            if process.launch.folder != launch.folder or not self.of(process) or pool.lent(process):
                continue
            if process.session_id == good and self._starts.get(good) == start:
                pool.release(process)
                return True
            await process.end()
        return False

    async def _start(
        self, pool: ProcessPool, launch: Launch, start: object, revoked: asyncio.Future[None]
    ) -> None:
        lane, sources = self._lanes.folder(launch.folder), launch.settings.setting_sources
        # Nobody would see what they do, and have done once it is ended unused.
        why_not = ""
        if await lane.read(hooks_at_start, launch.folder, sources):
            why_not = "its hooks would run"
        elif not await processes.run(_memory_left):
            why_not = "memory is short"
        elif len(tuple(pool)) >= pool.limit:
            why_not = "there are as many processes as may be"
        if why_not or revoked.done():
            logger.debug("No process is kept ready in %s: %s", launch.folder, why_not or "revoked")
            return
        session = SessionStart(str(uuid.uuid4()))
        pool.prewarm(launch, session)
        if (process := self._pools.process_of(session.session_id)) is not None:
            self.stand(process, start)

    async def _watch(self, process: AgentProcess) -> None:
        """End it once memory is short; leave nothing of it, unless it was claimed."""
        session_id = process.session_id
        await asyncio.wait({process.started})
        if process.usable and process.launch.settings.cli_path is None:
            with contextlib.suppress(RequestFailed):
                await process.call(_rehearse)
        gone = asyncio.ensure_future(process.gone.wait())
        while not gone.done() and self.of(process):
            await asyncio.wait({gone}, timeout=LOOK_SECONDS)
            short = not await processes.run(_memory_left)
            # Looked at last: a session may have got it meanwhile.
            if short and self._idle(process):
                logger.info("Memory is short: the process kept ready ends")
                process.end()
        await gone
        self._starts.pop(session_id, None)
        if self.of(process) and self._pools.process_of(session_id) is None:
            await self._lanes.session(session_id).run(_remove_environment, session_id)
        self._claimed.discard(session_id)

    def _idle(self, process: AgentProcess) -> bool:
        return self.of(process) and process.usable and not self._pools.lent(process)


async def _git_status(folder: Path) -> bytes | None:
    """Return branch, commit and changes of the folder's repository, as the agent is told them.

    Returns:
        Empty if there is no git; None if it can't be told in time.
    """
    git = await disk.run(find_program, "git")
    if git is None:
        return b""
    try:
        said, all_of_it = await output_of(
            git,
            *("status", "--porcelain=v2", "--branch"),
            environment={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
            seconds=STATUS_SECONDS,
            most_bytes=STATUS_BYTES,
            folder=folder,
        )
    except OSError:
        return None
    return said if all_of_it else None


def _in_repository(folder: Path) -> bool:
    return any((above / ".git").exists() for above in (folder, *folder.parents))


def _memory_left() -> bool:
    available = available_memory()
    return available is None or available >= LEAST_MEMORY


async def _rehearse(client: ClaudeSDKClient) -> None:
    """Have the CLI put together what a first prompt needs: a fifth of the time until its answer.

    A summary is counted by itself, and asks no model (CLI 2.1.330); its answer comes to nobody.
    """
    await client.query(_summary())


async def _summary() -> AsyncIterator[dict[str, Any]]:
    request = {"subtype": "get_context_usage", "detail": "summary"}
    yield {"type": "control_request", "request_id": str(uuid.uuid4()), "request": request}


def _remove_environment(session_id: str) -> None:
    """Remove the one thing that the CLI leaves of a session without a prompt (CLI 2.1.330)."""
    with contextlib.suppress(OSError):
        (config_directory() / "session-env" / session_id).rmdir()
