"""What the agent asks of the user: the questions of one call of AskUserQuestion (CLI 2.1.330)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from claude_agent_lsp.agent.permissions.question_title import SUBJECT_LENGTH, one_line_of
from claude_agent_lsp.agent.permissions.queue import DENY
from claude_agent_lsp.agent.question import Action, QuestionOption
from claude_agent_lsp.base.texts.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Choice:
    """One of them.

    Attributes:
        text: The question, under which the CLI wants its answer.
        title: The same, as the user may be shown it.
        detail: What the options mean, a line each.
        action: What it is about, in a word or two.
        options: What can be chosen, behind the choice to answer nothing.
        multiple: Whether several of them.
    """

    text: str
    title: str
    detail: str
    action: Action
    options: tuple[QuestionOption, ...]
    multiple: bool


def choices_in(tool_input: Mapping[str, Any]) -> Iterator[Choice]:
    """Return the questions of a call, in their order."""
    for question in _objects(tool_input.get("questions")):
        options = [QuestionOption(DENY, "Don't answer")]
        for option in _objects(question.get("options")):
            label, meaning = str(option.get("label", "")), str(option.get("description", ""))
            # An answer is known by its label, and one that says "deny" is an answer all the same.
            value = label if label != DENY else f'"{label}"'
            options.append(QuestionOption(value, visible(label), visible(meaning) or None))
        text, header = str(question.get("question", "")), str(question.get("header") or "")
        yield Choice(
            text=text,
            title=visible(text),
            detail="\n".join(
                f"{option.label}: {option.description}" if option.description else option.label
                for option in options[1:]
            ),
            action=Action(one_line_of(header or text, SUBJECT_LENGTH), tool="AskUserQuestion"),
            options=tuple(options),
            multiple=question.get("multiSelect") is True,
        )


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
