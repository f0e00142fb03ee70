"""What a CLI is told at its start and nobody else may read: not on its command line.

Every user of the machine sees the command line of a process, and so does the agent itself. Keys of
MCP servers, the user's words for the system prompt, and rules made of commands go by files that
only this user can read. The CLI (2.1.330) reads them once, before it tells that it has started;
then they are removed. A file also takes what no command line does: a rule as long as a repository
likes, or with a NUL in it.
"""

from __future__ import annotations

import json
import logging
import os
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.process.restraint import rules_on_the_clis_own
from claude_agent_lsp.base.disk.scratch import scratch
from claude_agent_lsp.workspace.temporary import own_directory

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from claude_agent_lsp.agent.process.launch import Launch

logger = logging.getLogger(__name__)

SETTINGS: Final = "settings.json"
SERVERS: Final = "mcp.json"
PROMPT: Final = "system-prompt.md"
# No file, but the directory for the CLI's own ones (`workspace/temporary.py`).
TEMPORARY: Final = "tmp"


class PrivateFiles:
    """The files of one start, and the options that name them. It touches the disk: in a thread."""

    def __init__(self) -> None:
        self._directory: Path | None = None
        self.paths: dict[str, Path] = {}
        self.restraint: dict[str, str] = {}

    def write(self, launch: Launch, named: Collection[str] = ()) -> None:
        """Write what a launch needs, if it needs anything.

        Args:
            launch: What is started.
            named: What of the folder's git configuration must be overridden.

        Raises:
            OSError: There is no room, or no place.
        """
        self.paths = self._temporary(launch)
        self.restraint = launch.restraint(named)
        contents = contents_of(launch, self.restraint)
        if not contents:
            return
        self._directory = scratch.make()
        self.paths |= {name: self._directory / name for name in contents}
        for name, content in contents.items():
            self.paths[name].touch(0o600)
            self.paths[name].write_text(content, encoding="utf-8")

    @staticmethod
    def _temporary(launch: Launch) -> dict[str, Path]:
        try:
            directory = own_directory(os.environ | launch.settings.env)
        except OSError as error:  # a full disk: the CLI may start all the same
            logger.warning("The CLI gets no temporary directory of its own: %s", error)
            return {}
        return {} if directory is None else {TEMPORARY: directory}

    def remove(self) -> None:
        """Remove them; any number of times."""
        if self._directory is not None:
            scratch.remove(self._directory)


def contents_of(launch: Launch, restraint: Mapping[str, str]) -> dict[str, str]:
    """Return what is written for a launch, by the names of the files."""
    settings = launch.settings
    contents = {}
    permissions: dict[str, Any] = {
        "allow": sorted(launch.granted_rules),
        "additionalDirectories": sorted(launch.granted_directories),
        "deny": list(launch.denied),
        "ask": [] if launch.trusted else rules_on_the_clis_own(),
    }
    if restraint or any(permissions.values()):
        contents[SETTINGS] = json.dumps({"permissions": permissions, "env": dict(restraint)})
    if settings.mcp_servers:
        contents[SERVERS] = json.dumps(
            {"mcpServers": {name: dict(server) for name, server in settings.mcp_servers.items()}}
        )
    if settings.append_system_prompt:
        contents[PROMPT] = settings.append_system_prompt
    return contents
