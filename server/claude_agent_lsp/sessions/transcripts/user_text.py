"""What the user wrote of the texts that a transcript has in the user's name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# What the CLI and this server add to a prompt, or say in the user's name, the user did not write.
_ADDED = re.compile(
    r"<(system-reminder|ide_opened_file|ide_selection|task-notification"
    r"|local-command-stdout|local-command-stderr)>.*?</\1>\s*",
    re.DOTALL,
)
_COMMAND = re.compile(r"<command-name>(.*?)</command-name>", re.DOTALL)
_COMMAND_ARGUMENTS = re.compile(r"<command-args>(.*?)</command-args>", re.DOTALL)


def written(text: str) -> str:
    """What the user wrote of a text; of a slash command, the CLI keeps the parts."""
    command = _COMMAND.search(text)
    if command is None:
        return _ADDED.sub("", text)
    given = _COMMAND_ARGUMENTS.search(text)
    return f"{command[1]} {given[1] if given else ''}".strip()


def prompt_in(entry: Mapping[str, Any]) -> str:
    """The prompt that a line of a transcript holds, or an empty text."""
    if entry.get("type") != "user" or entry.get("isMeta") or entry.get("isSidechain"):
        return ""
    message = entry.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, str):
        return written(content).strip()
    if not isinstance(content, list):
        return ""
    texts = [
        written(block["text"])
        for block in content
        if isinstance(block, dict) and isinstance(block.get("text"), str)
    ]
    return "\n".join(texts).strip()
