"""Answers that name no question: who gives one may have seen nothing of it but its title.

So what the title does not say is allowed by an answer with the question's id alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claude_agent_lsp.agent.permissions.queue import ALLOW_ALWAYS, ALLOW_SESSION, DENY
from claude_agent_lsp.base.texts.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claude_agent_lsp.agent.question import Question

# As much of a title is shown in one line.
TITLE_LENGTH: Final = 180


def why_named(
    question: Question,
    answer: str | Sequence[str],
    *,
    read: bool = False,
    cut: bool = False,
    plan_shown: bool = False,
) -> str | None:
    """Return why an answer has to name its question; None if it need not.

    Args:
        question: What is answered.
        answer: The value of an option, several of them, or words of the user's own.
        read: Whether the user had all of it before them, as a document.
        cut: Whether they were shown a part of it.
        plan_shown: Whether the client shows a plan beside its question.
    """
    if question.kind == "trust":
        return "this question can't be answered without its id"
    values = [answer] if isinstance(answer, str) else [*answer]
    if read or values == [DENY]:
        return None
    if question.kind == "plan" and not plan_shown:
        return "the plan is not shown, so it is carried out with the question's id alone"
    permission = question.kind == "permission"
    whole = not cut and len(one_line(question.title, 2 * TITLE_LENGTH)) <= TITLE_LENGTH
    if not whole or (permission and not question.title_says_all):
        return "what shows it does not say all that it is about, so it needs the question's id"
    if permission and {ALLOW_SESSION, ALLOW_ALWAYS}.intersection(values):
        return "its line does not say what is allowed from now on, so that needs the question's id"
    return None
