"""A session as Markdown that a person would want to read."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from claude_agent_lsp.sessions.reading import Message, RecordedCall

RESULT_LENGTH: Final = 10_000


def as_markdown(session_id: str, folder: Path, messages: Iterable[Message]) -> str:
    """The whole conversation, with tool calls folded away."""
    blocks = [f"# Session {session_id}", f"Folder: `{folder}`"]
    for message in messages:
        blocks.extend(_message(message))
    return "\n\n".join(blocks) + "\n"


def _message(message: Message) -> Iterator[str]:
    who = "You" if message.role == "user" else "Claude"
    when = f" · {message.timestamp.astimezone():%Y-%m-%d %H:%M}" if message.timestamp else ""
    recovered = " · recovered: the connection was cut off" if message.recovered else ""
    yield f"## {who}{when}{recovered}"
    if message.thinking:
        yield _folded("Thinking", message.thinking)
    if message.text:
        yield message.text
    for call in message.tool_calls:
        yield _call(call)


def _call(call: RecordedCall) -> str:
    given = json.dumps(call.input, indent=2, ensure_ascii=False)
    parts = [_fenced(given, "json")]
    if call.text:
        parts.append(_fenced(_shortened(call.text), ""))
    status = f" ({call.status})" if call.status else ""
    return _folded(f"{call.tool}{status}", "\n\n".join(parts))


def _shortened(text: str) -> str:
    left_out = len(text) - RESULT_LENGTH
    return text if left_out <= 0 else f"{text[:RESULT_LENGTH]}\n… ({left_out} more characters)"


def _folded(title: str, body: str) -> str:
    return f"<details>\n<summary>{html.escape(title)}</summary>\n\n{body}\n\n</details>"


def _fenced(text: str, language: str) -> str:
    """A code block whose fence is longer than any that the text holds."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"
