"""What goes on: the answer of claudeAgent.status, without any secret."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp import __version__
from claude_agent_lsp.agent.process.cli import check, locate, login_of
from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.errors import RequestFailed

if TYPE_CHECKING:
    from claude_agent_lsp.agent.process.process import AgentProcess
    from claude_agent_lsp.lsp.services.services import Services
    from claude_agent_lsp.sessions.catalogue.index import Index
    from claude_agent_lsp.workspace.folders import Folder
    from claude_agent_lsp.workspace.settings import Settings

# How long the status waits for what is told of a folder.
FOLDER_SECONDS: Final = 1.0


async def describe(services: Services, index: Index) -> dict[str, Any]:
    """Describe server, CLI, login, folders, processes, runs and questions."""
    agent = services.agent
    usual = services.configuration.initial.restricted()
    open_ones = tuple(services.folders)
    asked = [asyncio.ensure_future(_folder(services, folder, index)) for folder in open_ones]
    if asked:
        await asyncio.wait(asked, timeout=FOLDER_SECONDS)
    answers = [_answer(one) for one in asked]
    folders = [
        _unresponsive(folder, usual) if answer is None else answer[1]
        for folder, answer in zip(open_ones, answers, strict=True)
    ]
    first = answers[0][0] if answers and answers[0] is not None else usual
    known = next((p for p in reversed(agent.processes) if p.info), None)
    return {
        "server": {"name": "claude-agent-lsp", "version": __version__, "pid": os.getpid()},
        "cli": await _cli(first),
        "authentication": _login(known),
        "folders": folders,
        "processes": [_process(services, process) for process in agent.processes],
        "runs": [run.picture() for run in agent.runs],
        "questions": list(agent.questions.pending),
        "stores": agent.sharing.status(),
        "spentTodayUsd": await disk.run(agent.spending.today),
    }


async def _folder(
    services: Services, folder: Folder, index: Index
) -> tuple[Settings, dict[str, Any]]:
    """Return what is set in a folder, and what is told of it."""
    lane = services.agent.lanes.folder(folder.path)
    settings = await services.configuration.settings_in(folder)
    return settings, {
        "uri": folder.uri,
        "name": folder.name,
        "currentSession": await lane.read(services.agent.current, folder.path),
        "permissionMode": settings.permission_mode,
        "trusted": await services.trust.is_trusted(folder.path),
        "retention": await lane.read(_retention, folder, settings, index),
    }


def _answer(
    asked: asyncio.Future[tuple[Settings, dict[str, Any]]],
) -> tuple[Settings, dict[str, Any]] | None:
    if asked.done():
        return asked.result()
    asked.add_done_callback(lambda done: done.cancelled() or done.exception())
    return None


def _unresponsive(folder: Folder, usual: Settings) -> dict[str, Any]:
    """Return what is told of a folder whose disk or settings are too slow to be waited for."""
    return {
        "uri": folder.uri,
        "name": folder.name,
        "currentSession": None,
        "permissionMode": usual.permission_mode,
        "trusted": False,
        "retention": {"days": None, "nextDeletions": []},
        "problem": f"The folder did not answer within {FOLDER_SECONDS:g} second.",
    }


async def _cli(settings: Settings) -> dict[str, Any]:
    """Return the executable that the first folder's settings lead to."""
    try:
        found = await check(await disk.run(locate, settings.cli_path))
    except RequestFailed as error:
        return {"path": None, "version": None, "problem": str(error), "hint": error.hint}
    return {"path": str(found.path), "version": found.version}


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
        "backgroundTasks": len(process.background_tasks),
        "costUsd": process.cost_usd,
    }


def _login(process: AgentProcess | None) -> dict[str, Any]:
    """Return where the login comes from, as the CLI says once it has started; never the login."""
    if process is None:
        return {"ok": None, "source": None}
    source = login_of(process.info.get("account") or {})
    return {"ok": source is not None, "source": source}
