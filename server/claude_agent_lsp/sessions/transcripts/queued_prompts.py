"""Prompts that the CLI has taken into a turn at work.

It notes one as an attachment (CLI 2.1.330), with the message's id in it. For whoever reads a
conversation it is a line of the user's like any other.
"""

from __future__ import annotations

from typing import Any, Final

QUEUED: Final = b'"type":"queued_command"'


def with_prompt(entry: Any) -> Any:
    """Return the entry of a transcript; one of such a prompt as a user's line that holds it.

    Its `message` then has the message's id, which is another one than the line's.
    """
    attachment = entry.get("attachment") if isinstance(entry, dict) else None
    match attachment:
        case {
            "type": "queued_command",
            "commandMode": "prompt",
            "source_uuid": str(message_id),
            "prompt": str() | list() as content,
        }:
            message = {"role": "user", "id": message_id, "content": content}
            return {**entry, "type": "user", "message": message}
    return entry
