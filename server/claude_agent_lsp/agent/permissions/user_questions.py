"""What the agent asks of the user: the questions of one call of AskUserQuestion (CLI 2.1.330)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from claude_agent_lsp.agent.events import QuestionOption
from claude_agent_lsp.agent.permissions.queue import DENY
from claude_agent_lsp.base.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Choice:
    """One of them.

    Attributes:
        text: The question, under which the CLI wants its answer.
        detail: What the options mean, a line each.
        options: What can be chosen, behind the choice to answer nothing.
        multiple: Whether several of them.
    """

    text: str
    detail: str
    options: tuple[QuestionOption, ...]
    multiple: bool


def choices_in(given: Mapping[str, Any]) -> Iterator[Choice]:
    """The questions of a call, in their order."""
    for question in _objects(given.get("questions")):
        options = [QuestionOption(DENY, "Don't answer")]
        lines = []
        for option in _objects(question.get("options")):
            label, meaning = str(option.get("label", "")), str(option.get("description", ""))
            # An answer is told by its label, and one that says "deny" is an answer all the same.
            value = label if label != DENY else f'"{label}"'
            options.append(QuestionOption(value, visible(label)))
            lines.append(f"{visible(label)}: {visible(meaning)}" if meaning else visible(label))
        yield Choice(
            text=str(question.get("question", "")),
            detail="\n".join(lines),
            options=tuple(options),
            multiple=question.get("multiSelect") is True,
        )


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
