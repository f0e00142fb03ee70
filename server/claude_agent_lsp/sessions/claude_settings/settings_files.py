"""Claude Code's own settings files: where they are, in the order in which a later one counts."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.base.texts.json_text import parse_json
from claude_agent_lsp.sessions.transcripts.transcript import config_directory

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MANAGED: Final = "managed"
# A repository may bring along any file. What is larger than this is no settings file.
MOST_BYTES: Final = 2**20
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


def read_settings(file: Path) -> Mapping[str, Any]:
    """Return what a settings file says.

    Raises:
        OSError: It can't be read, or it is too large.
        ValueError: It makes no sense.
    """
    match parse_json(read_regular(file, MOST_BYTES) or b"{}"):
        case dict(content):
            return content
    raise ValueError("it does not hold a JSON object")


def setting(folder: Path, name: str, sources: Collection[str]) -> Any:
    """Return what counts of a setting in a folder: the last file's that has it, or None.

    Args:
        folder: The folder that the CLI is started in.
        name: The setting's.
        sources: Which settings files the CLI reads, beside the managed one.
    """
    files = settings_files(folder).items()
    found = None
    for source, file in files:
        if source in (*sources, MANAGED):
            with contextlib.suppress(OSError, ValueError):
                found = read_settings(file).get(name, found)
    return found
