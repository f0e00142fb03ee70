"""Open folders, settings, and what is kept about a folder across restarts.

It knows neither LSP nor the SDK, and imports nothing that is slow to load.
"""

from __future__ import annotations

from claude_agent_lsp.base.problems import Problem
from claude_agent_lsp.base.uris import path_of, uri_of
from claude_agent_lsp.workspace.folders import Folder, Folders
from claude_agent_lsp.workspace.modes import PermissionMode
from claude_agent_lsp.workspace.setting import Setting
from claude_agent_lsp.workspace.settings import Effort, LogLevel, Settings, SettingSource
from claude_agent_lsp.workspace.state import State, state_directory

__all__ = [
    "Effort",
    "Folder",
    "Folders",
    "LogLevel",
    "PermissionMode",
    "Problem",
    "Setting",
    "SettingSource",
    "Settings",
    "State",
    "path_of",
    "state_directory",
    "uri_of",
]
