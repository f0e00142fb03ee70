"""What the user wrote of the texts that a transcript has in the user's name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# What the CLI and this server add to a prompt, or say in the user's name, the user did not write.
_ADDED = re.compile(
    r"<(system-reminder|ide_opened_file|ide_selection|task-notification"
    r"|local-command-stdout|local-command-stderr|bash-stdout|bash-stderr)>"
)
# How the CLI notes what a slash command, or a command of the user's own, has put out.
_OUTPUTS = ("local-command-stdout", "local-command-stderr", "bash-stdout", "bash-stderr")
_BLANKS = re.compile(r"\s*")


def written(text: str) -> str:
    """Return what the user wrote of a text; of a slash command, the CLI keeps the parts."""
    command = _between(text, "command-name")
    if command is None:
        shell = _between(text, "bash-input") if text.startswith("<bash-input>") else None
        return _without_added(text) if shell is None else f"! {shell}"
    return f"{command} {_between(text, 'command-args') or ''}".strip()


def is_output(text: str) -> bool:
    """Return whether a text in the user's name is what a command of theirs has put out."""
    return text.startswith(tuple(f"<{name}>" for name in _OUTPUTS))


def output(text: str) -> str:
    """Return what a command has put out."""
    parts = (_between(text, name) for name in _OUTPUTS)
    return "\n".join(part.strip("\n") for part in parts if part and part.strip())


def notified(text: str) -> str:
    """Return what the CLI has told the agent of a task that has ended; else an empty text."""
    if not text.startswith("<task-notification>"):
        return ""
    return (_between(text, "summary") or "").strip()


def _between(text: str, name: str) -> str | None:
    """Return what stands in the first element of a name; None where there is none that ends."""
    _, opening, rest = text.partition(f"<{name}>")
    content, closing, _ = rest.partition(f"</{name}>")
    return content if opening and closing else None


def _without_added(text: str) -> str:
    """Return a text without the elements that were added, in a time that grows with its length."""
    kept = []
    at = 0
    unclosed = set()
    for match in _ADDED.finditer(text):
        name = match[1]
        if match.start() < at or name in unclosed:
            continue
        end = text.find(f"</{name}>", match.end())
        if end < 0:
            unclosed.add(name)  # none that begins later ends either
            continue
        kept.append(text[at : match.start()])
        blanks = _BLANKS.match(text, end + len(name) + 3)
        at = end if blanks is None else blanks.end()
    return "".join([*kept, text[at:]])


def prompt_in(entry: Mapping[str, Any]) -> str:
    """Return the prompt that a line of a transcript holds, or an empty text."""
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
