"""What goes on: the answer of claudeAgent.status, without any secret."""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from claude_agent_lsp import __version__
from claude_agent_lsp.agent.background import Task, TaskState
from claude_agent_lsp.agent.cli import check, find, login_of
from claude_agent_lsp.base.texts.redaction import mask_secrets
from claude_agent_lsp.errors import RequestFailed
from claude_agent_lsp.lsp.commands.runs.run_display import queued_run

if TYPE_CHECKING:
    from claude_agent_lsp.agent.process.process import AgentProcess
    from claude_agent_lsp.lsp.services.services import Services
    from claude_agent_lsp.sessions.catalogue.index import Index
    from claude_agent_lsp.workspace.folders import Folder
    from claude_agent_lsp.workspace.settings import Settings

logger = logging.getLogger(__name__)

T = TypeVar("T")

# How long the status waits for what is reported of a folder, and for today's cost.
FOLDER_SECONDS: Final = 1.0
# And for the executable, which is started to print its version, once.
CLI_SECONDS: Final = 4.0


async def describe(services: Services) -> dict[str, Any]:
    """Describe server, CLI, login, folders, processes, runs and questions."""
    agent = services.agent
    usual = services.configuration.initial.restricted()
    open_ones = tuple(services.folders)
    asked = [asyncio.ensure_future(_folder(services, folder)) for folder in open_ones]
    spent = asyncio.ensure_future(agent.daily_budget.lane.read(agent.daily_budget.known_today))
    first = asked[0] if asked else None
    cli = asyncio.ensure_future(_cli(first, usual))
    kept = asyncio.ensure_future(agent.kept.status())
    await asyncio.wait([*asked, spent, kept], timeout=FOLDER_SECONDS)
    await asyncio.wait({cli}, timeout=CLI_SECONDS)
    answers = [_answer(one) for one in asked]
    folders = [
        _unresponsive(folder, usual, _problem(one)) if answer is None else answer[1]
        for folder, one, answer in zip(open_ones, asked, answers, strict=True)
    ]
    known = next((p for p in reversed(agent.processes) if p.info), None)
    return {
        "server": {"name": "claude-agent-lsp", "version": __version__, "pid": os.getpid()},
        "cli": _answer(cli) or _silent_cli(),
        "authentication": _login(known),
        "folders": folders,
        "processes": [_process(services, process) for process in agent.processes],
        "runs": [*(run.snapshot() for run in agent.runs), *map(queued_run, agent.queue)],
        "questions": list(agent.questions.pending),
        "tasks": [_task(task) for task in agent.tasks.list() if task.state is TaskState.RUNNING],
        "stores": agent.sharing.status(),
        "spentTodayUsd": _answer(spent),
        "kept": _answer(kept),
    }


async def _folder(services: Services, folder: Folder) -> tuple[Settings, dict[str, Any]]:
    """Return what is set in a folder, and what else is reported of it."""
    lane = services.agent.lanes.folder(folder.path)
    index = await services.sessions.index()
    settings = await services.configuration.settings_in(folder)
    return settings, {
        "uri": folder.uri,
        "name": folder.name,
        "currentSession": await lane.read(services.agent.current, folder.path),
        "permissionMode": settings.permission_mode,
        "trusted": await services.trust.is_trusted(folder.path),
        "retention": await lane.catalogue.read(_retention, folder, settings, index),
    }


def _answer(asked: asyncio.Future[T]) -> T | None:
    if not asked.done():
        asked.add_done_callback(lambda done: done.cancelled() or done.exception())
        return None
    error = asked.exception()
    if error is None:
        return asked.result()
    logger.error("A part of the status could not be read", exc_info=error)
    return None


def _problem(asked: asyncio.Future[T]) -> str:
    """Return why there is no answer."""
    if asked.done():
        return f"The folder could not be read: {asked.exception()}"
    return f"The folder did not answer within {FOLDER_SECONDS:g} second."


def _unresponsive(folder: Folder, usual: Settings, problem: str) -> dict[str, Any]:
    """Return what is reported of a folder that can't be read, or is too slow to be waited for."""
    return {
        "uri": folder.uri,
        "name": folder.name,
        "currentSession": None,
        "permissionMode": usual.permission_mode,
        "trusted": False,
        "retention": {"days": None, "nextDeletions": []},
        "problem": problem,
    }


async def _cli(
    first: asyncio.Future[tuple[Settings, dict[str, Any]]] | None, usual: Settings
) -> dict[str, Any]:
    """Return the executable that the first folder's settings lead to."""
    settings = usual
    if first is not None:
        await asyncio.wait({first}, timeout=FOLDER_SECONDS)
        if first.done():
            settings, _ = first.result()
    try:
        found = await check(await find(settings.cli_path))
    except RequestFailed as error:
        return {"path": None, "version": None, "problem": str(error), "hint": error.hint}
    return {"path": str(found.path), "version": found.version}


def _silent_cli() -> dict[str, Any]:
    """Return what is reported of an executable that hangs, or is on a disk that does."""
    return {
        "path": None,
        "version": None,
        "problem": f"The CLI did not tell its version within {CLI_SECONDS:g} seconds.",
        "hint": "Run `claude --version` in a terminal to see what holds it up.",
    }


def _retention(folder: Folder, settings: Settings, index: Index) -> dict[str, Any]:
    from claude_agent_lsp.sessions.catalogue.retention import retention, retention_days
    from claude_agent_lsp.sessions.transcripts.projects import projects_of

    days = retention_days(folder.path, settings.setting_sources)
    found = retention(projects_of(folder.path), days, index)
    return {"days": found.days, "nextDeletions": found.next_deletions}


def _process(services: Services, process: AgentProcess) -> dict[str, Any]:
    if not process.usable:
        state = "ending"
    elif not process.ready:
        state = "starting"
    else:
        state = "running" if services.agent.lent(process) else "idle"
    return {
        "pid": process.pid,
        "sessionId": process.session_id,
        "workspace": process.launch.folder,
        "state": state,
        "spare": services.agent.idle_processes.spares.of(process),
        "backgroundTasks": len(process.background.ids),
        "liveDocuments": process.tools is not None and process.tools.ready,
        "costUsd": process.cost_usd,
    }


def _task(task: Task) -> Task:
    """Return a task without what is secret in its command."""
    command = None if task.command is None else mask_secrets(task.command)
    return replace(task, title=mask_secrets(task.title), command=command)


def _login(process: AgentProcess | None) -> dict[str, Any]:
    """Return where the login comes from, as the CLI says once it has started; never the login."""
    if process is None:
        return {"ok": None, "source": None}
    source = login_of(process.info.get("account") or {})
    return {"ok": source is not None, "source": source}
