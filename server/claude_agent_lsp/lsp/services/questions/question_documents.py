"""Questions as Markdown documents, for an editor whose messages are too small for them."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from claude_agent_lsp.agent.permissions.question_detail import texts_of
from claude_agent_lsp.lsp.services.documents import open_document, write_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from claude_agent_lsp.agent.question import Question
    from claude_agent_lsp.base.lanes import Lane
    from claude_agent_lsp.lsp.editor import Editor
    from claude_agent_lsp.workspace.state import State

logger = logging.getLogger(__name__)

_INDENT: Final = "    "


class QuestionDocuments:
    """Writes questions below the state directory, has the editor open them, and knows which it has.

    Args:
        editor: The editor.
        state: Says where.
        lane: Returns the lane of a session.
    """

    def __init__(self, editor: Editor, state: State, lane: Callable[[str], Lane]) -> None:
        self._editor = editor
        self._state = state
        self._lane = lane
        self._cut: set[str] = set()
        self._opened: set[str] = set()

    def note_cut(self, question: Question) -> None:
        """Remember that the user is shown a part of it only."""
        self._cut.add(question.question_id)

    def was_cut(self, question: Question) -> bool:
        """Return whether the user was shown a part of it only."""
        return question.question_id in self._cut

    def was_opened(self, question: Question) -> bool:
        """Return whether the editor has opened a document with all of it."""
        return question.question_id in self._opened

    async def show(self, questions: Sequence[Question]) -> None:
        """Open each question as a document: a new one, Helix shows one that it has as it was."""
        for question in questions:
            name = f"{question.session_id}-{question.question_id[:8]}.md"
            path = self._state.directory / "plans" / name
            await self._lane(question.session_id).run(_write, path, question)
            if await open_document(self._editor, path, 0):
                self._opened.add(question.question_id)
            else:
                text = f"The question is in {path}"
                self._editor.show_message(types.MessageType.Info, text)


def markdown(question: Question) -> str:
    """Return all of a question. Others' words are indented, the server's own are not."""
    return "\n".join(_lines(question)) + "\n"


def _lines(question: Question) -> Iterator[str]:
    action, grants = question.action, question.grants
    yield from ("# A question of the agent", "", *_indented(question.title), "")
    parts: dict[str, str | None] = {
        "What it would run": action.command if action else None,
        "Where": action.path if action else None,
        "What the agent says about it": action.description if action else None,
        "The change": question.diff,
        "The plan": question.document,
        "What can be answered": question.detail if question.kind == "choice" else None,
        "What else there is to know": "\n".join(question.notes),
        "Why it is asked": question.reason,
        "What is allowed for this session": texts_of(grants.session),
        f"What is always allowed, in {grants.saved_in}": texts_of(grants.always),
    }
    for heading, text in parts.items():
        if text:
            yield from (f"## {heading}", "", *_indented(text), "")
    yield from ("## Answer", "")
    if question.kind == "trust":
        yield from (f'{_INDENT}claudeAgent.trust {{"trusted": true}}', "")
        return
    for option in question.options:
        answer = {"answer": option.value, "questionId": question.question_id}
        command = f"claudeAgent.question.answer {json.dumps(answer)}"
        yield from (*_indented(option.label), f"{_INDENT * 2}{command}", "")


def _indented(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        yield f"{_INDENT}{line}"


def _write(path: Path, question: Question) -> None:
    write_document(path, markdown(question))
