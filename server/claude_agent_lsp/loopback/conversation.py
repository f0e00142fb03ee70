"""Reading the conversation that a request carries.

What the CLI (2.1.330) sends around a prompt: reminders, and what an editor tells, as text blocks
before and after it, or appended to it; the environment as a message of role "system" after it;
and after an interrupt the marker and the next prompt in one message. It also asks on its own
account, for a session's title or for a summary of what was said, in prompts that quote the user's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Json: TypeAlias = Mapping[str, Any]

_REMINDER = re.compile(
    r"<(system-reminder|ide_opened_file|ide_selection)>.*?</\1>",
    re.DOTALL,
)
_INTERRUPTED = re.compile(r"\[Request interrupted by user[^\]]*\]")
_OWN = re.compile(
    r"<session>.*</session>\s+Write the title|CRITICAL: Respond with TEXT ONLY.*detailed summary",
    re.DOTALL,
)


@dataclass(frozen=True)
class Said:
    """A piece of a conversation: a block of text, a tool call or a tool's result."""

    role: str
    text: str


@dataclass(frozen=True)
class Conversation:
    """What a request carries.

    Attributes:
        prompt: The current prompt, with no reminder and no mark of an interrupt.
        turn: How many turns the assistant has taken since that prompt.
        own: Whether the CLI asks on its own account, which no rule is for.
        said: All text, the system prompt first, in order.
        other: The same without the current prompt.
    """

    prompt: str
    turn: int
    own: bool
    said: tuple[Said, ...]
    other: tuple[Said, ...]

    def last(self, pattern: re.Pattern[str]) -> str | None:
        """Return the last match of a pattern in all but the current prompt."""
        for said in reversed(self.other):
            found = [match[0] for match in pattern.finditer(said.text)]
            if found:
                return found[-1]
        return None


def read(body: Json) -> Conversation:
    """Read the body of a request to /v1/messages."""
    messages = list(body.get("messages", ()))
    where, prompt = _prompt(messages)
    said: list[Said] = [Said("system", text) for text in _texts(body.get("system") or ())]
    other = list(said)
    for index, message in enumerate(messages):
        for text in _texts(message["content"]):
            said.append(Said(message["role"], text))
            rest = text.replace(prompt, "") if index == where and prompt else text
            if rest:
                other.append(Said(message["role"], rest))
    turn = sum(message["role"] == "assistant" for message in messages[where + 1 :])
    # The CLI probes a key's quota with a single token.
    own = body.get("max_tokens") == 1 or _OWN.match(prompt) is not None
    return Conversation(prompt, turn, own, tuple(said), tuple(other))


def _prompt(messages: list[Json]) -> tuple[int, str]:
    """Return the place and the text of the last message that holds a prompt."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index]["role"] == "user":
            text = _newest(messages[index])
            if text:
                return index, text
    return -1, ""


def _newest(message: Json) -> str:
    """Return what the user said last in a message.

    The CLI merges messages of the user that have no answer between them, as after an error, and
    ends each but the last with a line break.
    """
    texts = [_REMINDER.sub("", text) for text in _texts(message["content"], tools=False)]
    newest = ""
    for text in filter(str.strip, texts):
        newest = text if newest.endswith("\n") else newest + "\n" * bool(newest) + text
    return _INTERRUPTED.split(newest)[-1].strip()


def _texts(content: Any, *, tools: bool = True) -> Iterator[str]:
    """Yield the text of each block of a message, or of the system prompt."""
    if isinstance(content, str):
        yield content
        return
    for block in content:
        match block["type"]:
            case "text":
                yield block["text"]
            case "thinking" if tools:
                yield block["thinking"]
            case "tool_use" if tools:
                yield f"{block['name']}({json.dumps(block['input'], ensure_ascii=False)})"
            case "tool_result" if tools:
                yield "\n".join(_texts(block.get("content") or ""))
