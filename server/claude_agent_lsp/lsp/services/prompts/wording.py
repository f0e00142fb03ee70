"""A conversation as text of a prompt document: read back, or as it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claude_agent_lsp.agent.events import (
    Compacted,
    Notice,
    QuestionAnswered,
    QuestionAsked,
    Queued,
    Retracted,
)
from claude_agent_lsp.agent.permissions.tool_titles import title_of
from claude_agent_lsp.base.texts.results import plain
from claude_agent_lsp.base.texts.text import one_line
from claude_agent_lsp.base.texts.visible import visible
from claude_agent_lsp.lsp.services.prompts.escaping import escaped
from claude_agent_lsp.lsp.services.prompts.prompt_text import Speaker, header_of
from claude_agent_lsp.sessions.reading.outline import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from claude_agent_lsp.agent.events import Event
    from claude_agent_lsp.agent.question import Question
    from claude_agent_lsp.sessions.reading.messages import Message

_ASIDE: Final = {
    Kind.COMPACTION: "The conversation was compacted here.",
    Kind.INTERRUPTED: "You stopped Claude here.",
    Kind.RETRACTED: "An answer broke off here.",
}
_EVENTS: Final[dict[type[object], str]] = {
    Queued: "Waiting for the run before it",
    Compacted: "The conversation was compacted",
    Retracted: "What was said last broke off, and does not stand",
}
LINE_LENGTH: Final = 200


def document_of(fields: Mapping[str, str], messages: Iterable[Message], draft: str) -> str:
    """Return a whole document, with what is to be sent at its end."""
    blocks = [header_of(fields), *_conversation(messages), Speaker.YOU.heading]
    return "\n\n".join(blocks) + f"\n\n{escaped(draft)}\n"


def call_line(title: str) -> str:
    """Return the line of a tool call."""
    return f"- {one_line(title, LINE_LENGTH)}"


def result_line(status: str, text: str) -> str:
    """Return the line below a tool call that did not do what it should."""
    first = one_line(plain(text).strip().partition("\n")[0], LINE_LENGTH)
    return f"  - {status}: {first}" if first else f"  - {status}"


def aside(text: str) -> str:
    """Return something that neither says."""
    return f"*{one_line(text, LINE_LENGTH)}*"


def question_block(question: Question) -> str:
    """Return a question, as a quotation: nothing in it ends it."""
    title = f"**{one_line(question.title, LINE_LENGTH)}**"
    detail = visible(question.detail, lines=True).split("\n")
    return "\n".join(f"> {line}".rstrip() for line in (title, "", *detail))


def block_of(event: Event) -> str | None:
    """Return what an event adds beside words and calls; None if nothing."""
    match event:
        case QuestionAsked():
            return question_block(event.question)
        case QuestionAnswered():
            return f"> {aside(f'Answered: {event.answer}')}"
        case Notice():
            return aside(event.text)
    said = _EVENTS.get(type(event))
    return None if said is None else aside(said)


def _conversation(messages: Iterable[Message]) -> Iterator[str]:
    speaker = None
    for message in messages:
        said = _speaker(message)
        if said is Speaker.YOU or said not in (None, speaker):
            speaker = said
            yield said.heading
        yield from _blocks(message)


def _speaker(message: Message) -> Speaker | None:
    if message.kind not in (None, Kind.COMMAND):
        return None
    return Speaker.YOU if message.role == "user" else Speaker.CLAUDE


def _blocks(message: Message) -> Iterator[str]:
    if message.kind not in (None, Kind.COMMAND):
        yield aside(_ASIDE.get(message.kind, message.text))
        return
    if message.text.strip():
        yield escaped(message.text.strip())
    lines = []
    for call in message.tool_calls:
        lines.append(call_line(title_of(call.tool, call.input)))
        if call.status in ("failed", "denied"):
            lines.append(result_line(call.status, call.text or ""))
    if lines:
        yield "\n".join(lines)
