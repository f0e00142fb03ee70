"""Claude Code's own settings files: where they are, in the order in which a later one counts."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.sessions.transcripts.transcript import config_directory

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MANAGED: Final = "managed"
_MANAGED_FILES: Final = {
    "darwin": "/Library/Application Support/ClaudeCode/managed-settings.json",
    "win32": r"C:\Program Files\ClaudeCode\managed-settings.json",
}


def settings_files(folder: Path) -> dict[str, Path]:
    """Return the files that hold in a folder, by their source: user, project, local, managed."""
    managed = _MANAGED_FILES.get(sys.platform, "/etc/claude-code/managed-settings.json")
    return {
        "user": config_directory() / "settings.json",
        "project": folder / ".claude" / "settings.json",
        "local": folder / ".claude" / "settings.local.json",
        MANAGED: Path(managed),
    }


def settings_in(file: Path) -> Mapping[str, Any]:
    """Return what a settings file says; nothing if it can't be read."""
    try:
        content = json.loads(read_regular(file) or b"{}")
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def setting(folder: Path, name: str, sources: Collection[str]) -> Any:
    """Return what counts of a setting in a folder: the last file's that has it, or None.

    Args:
        folder: The folder that the CLI is started in.
        name: The setting's.
        sources: Which settings files the CLI reads, beside the managed one.
    """
    files = settings_files(folder).items()
    read = (settings_in(file) for source, file in files if source in (*sources, MANAGED))
    return next((each[name] for each in reversed([*read]) if name in each), None)
