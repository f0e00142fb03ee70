"""Claude Code's own settings files: where they are, in the order in which a later one counts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from claude_agent_lsp.sessions.transcript import config_directory

MANAGED: Final = "managed"
_MANAGED_FILES: Final = {
    "darwin": "/Library/Application Support/ClaudeCode/managed-settings.json",
    "win32": r"C:\Program Files\ClaudeCode\managed-settings.json",
}


def settings_files(folder: Path) -> dict[str, Path]:
    """The files that hold in a folder, by their source: user, project, local, managed."""
    managed = _MANAGED_FILES.get(sys.platform, "/etc/claude-code/managed-settings.json")
    return {
        "user": config_directory() / "settings.json",
        "project": folder / ".claude" / "settings.json",
        "local": folder / ".claude" / "settings.local.json",
        MANAGED: Path(managed),
    }
