"""Questions on their way to the editor: in our words if it knows this server, else in LSP's."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.agent.permissions.queue import (
    ALLOW,
    CLOSED,
    DENY,
    Answer,
    AnsweredBy,
    answer_to,
)
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.lsp.convert.to_json import jsonable
from claude_agent_lsp.lsp.editor import READ
from claude_agent_lsp.lsp.services.documents import open_document, write_document

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from claude_agent_lsp.agent.permissions.queue import Shown
    from claude_agent_lsp.agent.question import Question
    from claude_agent_lsp.base.lanes import Lane
    from claude_agent_lsp.lsp.editor import Editor
    from claude_agent_lsp.lsp.services.questions.question_documents import QuestionDocuments
    from claude_agent_lsp.workspace.state import State

logger = logging.getLogger(__name__)

REQUEST: Final = "claudeAgent/question"
DONE: Final = "Done"
OPENED: Final = "It is opened as a document."
# How long a question waits for the document beside it.
DOCUMENT_SECONDS: Final = 1.0
# Others' words never look like it.
GRANTED: Final = "\n\nFor this session: "


class AskUser:
    """Shows questions in the editor, however it can.

    Args:
        editor: The editor.
        state: Says where a plan is written for an editor that opens documents.
        documents: Shows a question that a message doesn't hold.
        in_progress: Shows a question where its run is shown, and how to answer it; with True, how
            to read it first.
        lane: Returns the lane of a session.
        offer: Lets a question that the editor does not show be answered from elsewhere.
    """

    def __init__(
        self,
        editor: Editor,
        state: State,
        documents: QuestionDocuments,
        in_progress: Callable[[Question, bool], None],
        lane: Callable[[str], Lane],
        *,
        offer: Callable[[Question], None] = lambda _: None,
    ) -> None:
        self._editor = editor
        self._state = state
        self._documents = documents
        self._in_progress = in_progress
        self._lane = lane
        self._offer = offer

    async def ask(self, question: Question, again: bool) -> Shown:
        """Show a question.

        Args:
            question: The question.
            again: Whether its user has closed it before: then only progress says that it is open.

        Returns:
            The answer; `CLOSED` if the user closed it without one, and None if the editor has no
            way to show it. Then it is open until its deadline, can be answered by command, and
            progress says how.
        """
        answer = None if again else await self._show(question)
        if isinstance(answer, Answer):
            return answer
        if question.kind == "trust":
            # Nothing waits for it, but what waits behind it would.
            return Answer(DENY, by=AnsweredBy.WITHDRAWN)
        self._in_progress(question, self._documents.was_cut(question))
        self._offer(question)
        return answer

    async def _show(self, question: Question) -> Shown:
        profile = self._editor.profile
        if question.document is not None and not profile.questions:
            written = await self._write_document(question, question.document)
            if written and profile.show_document:
                # A message is no place to read it in.
                question = replace(question, detail=OPENED)
        try:
            if profile.questions:
                return await self._ask_by_request(question)
            if profile.show_message_request:
                return await self._ask_by_message(question)
        except Exception as error:  # noqa: BLE001 - whatever it is: the editor can't show it
            logger.warning("The editor can't show a question: %s", error)
        return None

    async def _ask_by_request(self, question: Question) -> Shown:
        """Ask an editor that knows this server."""
        given = await self._editor.request(REQUEST, jsonable(question))
        if getattr(given, "closed", None) is True:
            return CLOSED
        # pygls knows no type for the answer, and makes an object with its fields of it.
        answer, note = getattr(given, "answer", None), getattr(given, "note", None)
        values = [answer] if isinstance(answer, str) else answer
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            return None
        note = note if isinstance(note, str) else None
        edits = getattr(given, "edits", None)
        edits = edits if isinstance(edits, str) else None
        try:
            return answer_to(question, values, note, by=AnsweredBy.EDITOR, edits=edits)
        except InvalidArgument as error:
            logger.warning("The editor's answer is invalid: %s", error)
            return None

    async def _ask_by_message(self, question: Question) -> Shown:
        """Ask by `window/showMessageRequest`; of several options one after the other.

        The first action is the one that does nothing, so that a stray Enter does no harm.
        """
        chosen: list[str] = []
        while True:
            values: dict[str, str | None] = {}
            for option in question.options:
                if option.value not in chosen:
                    taken = (*values, DONE, READ) if question.multiple else (*values, READ)
                    values[_unique_label(option.label, taken)] = option.value
            if chosen:
                values[DONE] = None
            title = await self._choose(question, chosen, values)
            if title == READ:
                self._editor.spawn(self._documents.show([question]))
                return None
            if title is None:
                return CLOSED
            value = values[title]
            if value is None:
                return answer_to(question, chosen, by=AnsweredBy.EDITOR)
            if value == DENY or not question.multiple:
                return Answer(value)
            chosen.append(value)

    async def _choose(
        self, question: Question, chosen: list[str], values: dict[str, str | None]
    ) -> str | None:
        """Return the label that the user has chosen, or `READ`."""
        text, labels = question.detail, list(values)
        if chosen:
            text += f"\n\nChosen: {', '.join(chosen)}"
        box = self._editor.profile.message_box
        if box is not None:
            title = question.title
            if question.kind == "permission":
                text = text.replace(GRANTED, GRANTED[1:])
                if not box.holds(f"{title}\n{text}", labels):
                    # With the answers that allow more than this call, what they allow can go.
                    text = text.partition(GRANTED[1:])[0]
                    labels = [label for label in labels if values[label] in (DENY, ALLOW)] + [READ]
            if not box.holds(f"{title}\n{text}", labels):
                self._documents.note_cut(question)
        return await self._editor.choose(question.title, text, labels)

    async def _write_document(self, question: Question, text: str) -> bool:
        """Open a plan beside its question; when the editor has opened it is not waited for.

        Returns:
            Whether there is a document, which is opened.

        On a disk that hangs it may be written late. What deletes the session is behind it then.
        """
        path = self._state.directory / "plans" / f"{question.session_id}.md"
        try:
            async with asyncio.timeout(DOCUMENT_SECONDS):
                await self._lane(question.session_id).run(write_document, path, text)
        except OSError as error:  # the time limit, too
            logger.warning("The plan can't be shown as a document: %r", error)
            return False
        self._editor.spawn(_open_document(self._editor, path))
        return True


def _unique_label(label: str, taken: Collection[str]) -> str:
    """Return a label that no other action has: the agent may name an option as it likes."""
    label = label or "(nothing)"
    while label in taken:
        label += "\u2019"
    return label


async def _open_document(editor: Editor, path: Path) -> None:
    await open_document(editor, path, 0)
