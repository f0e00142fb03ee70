"""Hooks of the user's, as Claude Code's settings have them."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any


def answering(**answer: Any) -> str:
    """A hook's command that answers this as JSON."""
    return f"echo {shlex.quote(json.dumps(answer))}"


def set_hooks(environment: dict[str, str], **commands: str | dict[str, Any]) -> None:
    """Has the user's hooks run these commands, each by the event that it is run at.

    The agent may run shell commands. A hook with more to it than its command is given as in the
    settings.
    """
    hooks = {
        event: [{"hooks": [{"type": "command", **_fields(command)}]}]
        for event, command in commands.items()
    }
    directory = Path(environment["CLAUDE_CONFIG_DIR"])
    directory.mkdir(exist_ok=True)
    settings = {"hooks": hooks, "permissions": {"allow": ["Bash"]}}
    (directory / "settings.json").write_text(json.dumps(settings))


def _fields(command: str | dict[str, Any]) -> dict[str, Any]:
    return {"command": command} if isinstance(command, str) else command
