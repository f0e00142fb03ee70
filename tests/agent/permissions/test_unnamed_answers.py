"""Which answers count without the id of their question: those that its one line tells all of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.agent.permissions.unnamed_answers import TITLE_LENGTH, why_named
from claude_agent_lsp.agent.question import Question, QuestionOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claude_agent_lsp.agent.question import QuestionKind

SAID = Question(
    *("q", "r", "s", "permission", "Run `ls`?", "ls"),
    (QuestionOption("deny", "Deny"), QuestionOption("allow", "Allow once")),
    datetime(2026, 1, 2, tzinfo=UTC),
    title_says_all=True,
)


def taken(question: Question, answer: str | Sequence[str], **given: bool) -> bool:
    return why_named(question, answer, **given) is None


def of(kind: QuestionKind) -> Question:
    return replace(SAID, kind=kind, title_says_all=None)


@pytest.mark.parametrize("answer", ["allow", ["allow"]])
def test_what_a_line_says_is_allowed_without_an_id(answer: str | list[str]) -> None:
    assert taken(SAID, answer)
    assert not taken(replace(SAID, title_says_all=False), answer)
    assert not taken(replace(SAID, title="x" * (TITLE_LENGTH + 1)), answer)


@pytest.mark.parametrize("answer", ["allowSession", "allowAlways", ["allowAlways"]])
def test_what_is_allowed_from_now_on_needs_an_id(answer: str | list[str]) -> None:
    assert not taken(SAID, answer)


def test_a_deny_needs_none() -> None:
    kinds: tuple[QuestionKind, ...] = ("permission", "plan", "choice")
    for kind in kinds:
        said_little = replace(of(kind), title="x" * 500, title_says_all=False)
        assert taken(said_little, "deny")
        assert taken(said_little, ("deny",))
    assert not taken(of("trust"), "deny")
    assert not taken(of("trust"), "allow", plan_shown=True, read=True)


@pytest.mark.parametrize("answer", ["allow", "acceptEdits"])
def test_a_plan_has_to_be_shown(answer: str) -> None:
    assert taken(of("plan"), answer, plan_shown=True)
    assert not taken(of("plan"), answer)


def test_a_choice_is_answered_as_long_as_its_line_is_whole() -> None:
    assert taken(of("choice"), ["A", "B"])
    assert taken(of("choice"), "words of one's own")
    assert not taken(replace(of("choice"), title="x" * 500), "A")


def test_who_has_read_all_of_it_can_allow_all_of_it() -> None:
    said_little = replace(SAID, title_says_all=False)
    for answer in ("allow", "allowSession", "allowAlways"):
        assert taken(said_little, answer, read=True, cut=True)
    assert taken(of("plan"), "allow", read=True)


def test_what_was_cut_has_to_be_read() -> None:
    assert not taken(SAID, "allow", cut=True)
    assert not taken(of("plan"), "allow", cut=True, plan_shown=True)
    assert not taken(of("choice"), "A", cut=True)
    assert taken(SAID, "deny", cut=True)
