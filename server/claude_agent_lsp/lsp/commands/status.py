"""What goes on: the answer of claudeAgent.status, without any secret."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from claude_agent_lsp import __version__
from claude_agent_lsp.agent.process.cli import check, locate, login_of
from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.errors import RequestFailed

if TYPE_CHECKING:
    from claude_agent_lsp.agent.process.process import AgentProcess
    from claude_agent_lsp.lsp.server import AgentServer
    from claude_agent_lsp.sessions.catalogue.index import Index
    from claude_agent_lsp.workspace.folders import Folder
    from claude_agent_lsp.workspace.settings import Settings


async def describe(server: AgentServer, index: Index) -> dict[str, Any]:
    """Server, CLI, login, folders, processes, runs and questions."""
    agent = server.agent
    settings = {folder: await server.configuration.of(folder) for folder in server.folders}
    first = next(iter(settings.values()), server.configuration.initial.restricted())
    folders = [
        {
            "uri": folder.uri,
            "name": folder.name,
            "currentSession": await disk.run(agent.current, folder.path),
            "permissionMode": set_there.permission_mode,
            "trusted": await server.trust.of(folder.path),
            "retention": await disk.run(_retention, folder, set_there, index),
        }
        for folder, set_there in settings.items()
    ]
    known = next((p for p in reversed(agent.processes) if p.info), None)
    return {
        "server": {"name": "claude-agent-lsp", "version": __version__, "pid": os.getpid()},
        "cli": await _cli(first),
        "authentication": _login(known),
        "folders": folders,
        "processes": [_process(server, process) for process in agent.processes],
        "runs": [run.picture() for run in agent.runs],
        "questions": list(agent.questions.pending),
        "stores": agent.sharing.status(),
        "spentTodayUsd": await disk.run(agent.spending.today),
    }


async def _cli(settings: Settings) -> dict[str, Any]:
    """The executable that the first folder's settings lead to."""
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


def _process(server: AgentServer, process: AgentProcess) -> dict[str, Any]:
    if not process.usable:
        state = "ending"
    elif not process.ready:
        state = "starting"
    else:
        state = "running" if server.agent.lent(process) else "idle"
    return {
        "pid": process.pid,
        "sessionId": process.session_id,
        "workspace": process.launch.folder,
        "state": state,
        "backgroundTasks": len(process.background_tasks),
        "costUsd": process.cost_usd,
    }


def _login(process: AgentProcess | None) -> dict[str, Any]:
    """Where the login comes from, as the CLI says once it has started; never the login."""
    if process is None:
        return {"ok": None, "source": None}
    source = login_of(process.info.get("account") or {})
    return {"ok": source is not None, "source": source}
