"""A session as Markdown that a person would want to read."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.texts.text import cut
from claude_agent_lsp.sessions.reading.outline import Kind
from claude_agent_lsp.sessions.reading.prose import code, fenced, one_line, prose

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from claude_agent_lsp.sessions.catalogue.session import Session
    from claude_agent_lsp.sessions.reading.messages import Message, RecordedCall

RESULT_LENGTH: Final = 10_000
# What the CLI notes where there is none.
NO_BRANCH: Final = "HEAD"
# What stands between the messages, in other words than the CLI's where there are some.
_ASIDE: Final = {
    Kind.GAP: None,
    Kind.WOKEN: None,
    Kind.INTERRUPTED: "You stopped Claude here.",
    Kind.NOTICE: None,
    Kind.OUTCOME: None,
}


def as_markdown(session: Session, messages: Iterable[Message]) -> str:
    """Return the whole conversation, with tool calls folded away."""
    blocks = [f"# {one_line(session.title)}", "  \n".join(_facts(session))]
    for message in messages:
        blocks.extend(_message(message))
    return "\n\n".join(blocks) + "\n"


def _facts(session: Session) -> Iterator[str]:
    yield f"Folder: {code(str(session.workspace))}"
    if session.git_branch and session.git_branch != NO_BRANCH:
        yield f"Branch: {code(session.git_branch)}"
    if session.created_at is not None:
        yield f"Started: {_local(session.created_at)}"
    yield f"Last changed: {_local(session.last_modified)}"
    if session.tag:
        yield f"Tag: {one_line(session.tag)}"
    yield f"Session: {session.session_id}"


def _message(message: Message) -> Iterator[str]:
    when = f" · {_local(message.timestamp)}" if message.timestamp else ""
    if message.kind is Kind.COMPACTION:
        yield f"## Compacted{when}"
        yield _folded("What the agent was left with", prose(message.text))
        return
    if message.kind in _ASIDE:
        yield f"*{one_line(_ASIDE[message.kind] or message.text)}*"
        return
    if message.kind is Kind.RETRACTED:
        yield _folded("An answer that broke off", prose(message.text))
        return
    recovered = " · recovered after an interruption" if message.recovered else ""
    yield f"## {_who(message)}{when}{recovered}"
    if message.thinking:
        yield _folded("Thinking", prose(message.thinking))
    if message.text:
        yield prose(message.text)
    for call in message.tool_calls:
        yield _call(call)


def _who(message: Message) -> str:
    if message.kind is Kind.COMMAND:
        return "Command output"
    return "You" if message.role == "user" else "Claude"


def _call(call: RecordedCall) -> str:
    given = json.dumps(call.input, indent=2, ensure_ascii=False)
    parts = [fenced(given, "json")]
    if call.text:
        parts.append(fenced(cut(call.text, RESULT_LENGTH)))
    status = f" ({call.status})" if call.status else ""
    return _folded(f"{' '.join(call.tool.split())}{status}", "\n\n".join(parts))


def _folded(title: str, body: str) -> str:
    return f"<details>\n<summary>{html.escape(title)}</summary>\n\n{body}\n\n</details>"


def _local(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
