"""A question that another server has put out is the one that it asks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from claude_agent_lsp.agent.following.asked import question_of
from claude_agent_lsp.agent.question import Action, Grant, Grants, Question, QuestionOption
from claude_agent_lsp.lsp.convert.to_json import jsonable
from claude_agent_lsp.sessions.lock import Holder
from claude_agent_lsp.sessions.open_questions import OpenQuestion

QUESTION = Question(
    "q",
    "run",
    "session",
    "permission",
    "Run `ls`?",
    "ls\n",
    (QuestionOption("deny", "Deny"), QuestionOption("allow", "Allow once", "This one.")),
    datetime(2026, 1, 1, tzinfo=UTC),
    diff="+x",
    multiple=True,
    tool_call_id="call",
    action=Action("ls", "Bash", "ls", None, "Look."),
    notes=("In the background",),
    reason="Because.",
    grants=Grants((Grant("rule", "`ls *`", "Bash", "ls *"),), (Grant("mode", "all", mode="m"),)),
    title_says_all=False,
    held_by="Helix (process 7)",
)


def put_out(**changes: Any) -> OpenQuestion:
    content = {**jsonable(QUESTION), **changes}
    return OpenQuestion("session", "q", content, Holder("", "Helix", 7, 1.0))


def test_it_is_the_same_with_all_that_it_says() -> None:
    assert question_of(put_out()) == QUESTION


@pytest.mark.parametrize(
    "change",
    [
        *({"title": None}, {"title": 7}, {"options": "x"}, {"options": [1]}, {"deadline": "soon"}),
        *({"grants": []}, {"action": {"tool": 1}}, {"notes": 5}),
    ],
)
def test_what_makes_no_sense_is_none(change: dict[str, Any]) -> None:
    assert question_of(put_out(**change)) is None


def test_what_a_later_version_adds_is_left_out() -> None:
    assert question_of(put_out(later={"x": 1})) == QUESTION
