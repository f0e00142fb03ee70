"""Questions of followed runs: made of what the server that asks has put out."""

from __future__ import annotations

from dataclasses import MISSING, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from claude_agent_lsp.agent.question import Action, Grant, Grants, Question, QuestionOption
from claude_agent_lsp.workspace.settings import camel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from claude_agent_lsp.sessions.open_questions import OpenQuestion


def question_of(asked: OpenQuestion) -> Question | None:
    """Return a question as its own server has it; None if it makes no sense here."""
    try:
        made: Question = _made(Question, {**asked.content, "heldBy": f"{asked.holder}"})
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return made


def _made(cls: type[Any], told: Mapping[str, Any]) -> Any:
    """Make an object of what `jsonable` has made of one."""
    given = {}
    for field in fields(cls):
        value = told.get(camel(field.name))
        if value is not None:
            given[field.name] = _READERS.get((cls, field.name), _plain)(value)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise KeyError(field.name)
    return cls(**given)


def _plain(value: Any) -> Any:
    if not isinstance(value, str | bool):
        raise TypeError(value)
    return value


def _texts(value: list[Any]) -> tuple[str, ...]:
    return tuple(map(str, value))


def _grants(value: list[Any]) -> tuple[Grant, ...]:
    return tuple(_made(Grant, each) for each in value)


_READERS: dict[tuple[type[Any], str], Any] = {
    (Question, "deadline"): datetime.fromisoformat,
    (Question, "options"): lambda value: tuple(_made(QuestionOption, each) for each in value),
    (Question, "action"): lambda value: _made(Action, value),
    (Question, "notes"): _texts,
    (Question, "grants"): lambda value: _made(Grants, value),
    (Grants, "session"): _grants,
    (Grants, "always"): _grants,
}
