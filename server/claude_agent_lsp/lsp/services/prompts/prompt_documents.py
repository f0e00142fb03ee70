"""Prompt documents: opened, sent, and grown by what the agent says."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.disk.reading import MOST_BYTES, read_own
from claude_agent_lsp.base.lanes import parsing
from claude_agent_lsp.lsp.services.documents import open_document, write_document
from claude_agent_lsp.lsp.services.prompts.growing_answer import GrowingAnswer
from claude_agent_lsp.lsp.services.prompts.prompt_text import (
    SUFFIX,
    PromptText,
    Speaker,
    header_of,
    working_line,
)
from claude_agent_lsp.workspace.documents.edits import Edit, edits_between

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from claude_agent_lsp.agent.events import UsageReport
    from claude_agent_lsp.base.lanes import Lane
    from claude_agent_lsp.lsp.buffers.buffer_editor import DocumentEditor
    from claude_agent_lsp.sessions.reading.messages import Message
    from claude_agent_lsp.workspace.documents.documents import Document
    from claude_agent_lsp.workspace.state import State

# Answers that grow at the same time, of which the document's closing has not been told.
MOST_ANSWERS: Final = 100
CUT_OFF: Final = "*The server ended before this answer: update the document to have what there is.*"


@dataclass(frozen=True)
class Sending:
    """What is sent from a document.

    Attributes:
        document: The document at that moment.
        parsed: What is in it.
        prompt: What is to be said.
        session_id: Its session.
        run_id: The run that answers.
    """

    document: Document
    parsed: PromptText
    prompt: str
    session_id: str
    run_id: str


class PromptDocuments:
    """The prompt documents of one editor.

    Args:
        editor: Has the documents.
        state: Says where those are that the user has not put anywhere.
        lane: Returns a session's.
    """

    def __init__(self, editor: DocumentEditor, state: State, lane: Callable[[str], Lane]) -> None:
        self._editor = editor
        self._state = state
        self._lane = lane
        self._answers: dict[str, GrowingAnswer] = {}
        self._parsed: dict[str, tuple[str, PromptText | None]] = {}
        self._usage: dict[str, UsageReport] = {}
        # Of sessions that are yet to begin.
        self._folders: dict[str, Path] = {}

    def begins(self, session_id: str, folder: Path) -> None:
        """Note the folder in which a session is to begin."""
        self._folders[session_id] = folder

    def folder_of(self, session_id: str) -> Path | None:
        """Return the folder in which a session is to begin, if that was said."""
        return self._folders.get(session_id)

    async def parsed(self, uri: str) -> tuple[Document, PromptText] | None:
        """Return an open prompt document as it is now; None if it is none."""
        document = self._editor.documents.of_uri(uri)
        if document is None or not PromptText.may_be(document.path):
            self._parsed.pop(uri, None)
            self._usage.pop(uri, None)
            return None
        known = self._parsed.get(uri)
        if known is None or known[0] != document.text:
            read = await parsing.run(PromptText.of, document.path, document.text)
            known = self._parsed[uri] = (document.text, read)
            if len(self._parsed) > MOST_ANSWERS:
                del self._parsed[next(iter(self._parsed))]
        return None if known[1] is None else (document, known[1])

    def answers_in(self, uri: str) -> list[GrowingAnswer]:
        """Return the answers that grow in a document."""
        return [each for each in self._answers.values() if each.uri == uri]

    def usage_in(self, uri: str) -> UsageReport | None:
        """Return how full the context of a document's session is, as it was heard last."""
        heard = [each.usage for each in self.answers_in(uri) if each.usage is not None]
        return heard[-1] if heard else self._usage.get(uri)

    async def begin(self, sending: Sending) -> GrowingAnswer | None:
        """Make room for an answer; None if the document has changed meanwhile.

        What is sent stays where it is, with a place for the next prompt below its answer.
        """
        edits = list(_room_for(sending, self._answers.keys()))
        if not await self._editor.apply(sending.document, edits):
            return None
        answer = GrowingAnswer(self._editor, sending.document.uri, sending.run_id, sending.prompt)
        self._answers[sending.run_id] = answer
        self._editor.editor.spawn(self._forget(answer))
        return answer

    async def update(self, document: Document, old: str, new: str) -> bool:
        """Have another text in a document, by the smallest edits; return whether the editor did."""
        edits = await parsing.run(edits_between, old, new)
        return not edits or await self._editor.apply(document, edits)

    def place(self, session_id: str) -> Path:
        """Return where a session's document is that the user has put nowhere else."""
        return self._state.directory / "prompts" / f"{session_id}{SUFFIX}"

    def is_ours(self, path: Path) -> bool:
        """Return whether a document is one that the user has put nowhere else."""
        return path.parent == self._state.directory / "prompts"

    async def standing(self, session_id: str) -> tuple[Document | None, PromptText | None]:
        """Return a session's document as it stands: in the editor, or on the disk.

        Raises:
            OSError: There is one, and it can't be read.
        """
        path = self.place(session_id)
        document = self._editor.documents.at(path)
        if document is not None:
            return document, await parsing.run(PromptText.of, path, document.text)
        return None, await self._lane(session_id).read(_read, path)

    async def show(self, session_id: str, document: Document | None, text: str) -> bool | None:
        """Write a session's document, and have the editor open it where the user types.

        Args:
            session_id: The session.
            document: What `standing` returned; it is changed in the editor, unless an answer grows
                there.
            text: What it is to hold.

        Returns:
            Whether the editor has opened it; None if it has changed since it stood so.

        Raises:
            OSError: It can't be written.
        """
        path = self.place(session_id)
        if document is None:
            if self._editor.documents.at(path) is not None:
                return None
            await self._lane(session_id).run(write_document, path, text)
        elif not self.answers_in(document.uri):
            now = self._editor.documents.at(path)
            if now is None or not await self.update(document, document.text, text):
                return None
        return await open_document(self._editor.editor, path, text.count("\n"))

    async def _forget(self, answer: GrowingAnswer) -> None:
        await answer.done.wait()
        self._answers.pop(answer.run_id, None)
        if answer.usage is not None:
            self._usage[answer.uri] = answer.usage
        document = self._editor.documents.of_uri(answer.uri)
        if document is not None and self.is_ours(document.path):
            # It is ours: what the user saw is not to be lost with the editor.
            await self._editor.save(document)


def new_session_id() -> str:
    """Return the id of a session that begins with a document."""
    return str(uuid.uuid4())


def text_of(
    session_id: str, fields: Mapping[str, str], messages: Iterable[Message], draft: str
) -> str:
    """Return a session's whole document; call it in a thread."""
    from claude_agent_lsp.lsp.services.prompts.wording import document_of

    return document_of({**fields, "session": session_id}, messages, draft)


def _header(fields: Mapping[str, str], parsed: PromptText) -> Edit:
    end = "\r\n" if "\r\n" in parsed.text else "\n"
    header = header_of(fields) + end
    start = 1 if parsed.text.startswith("\ufeff") else 0
    if parsed.header:
        return Edit(start, parsed.header, header)
    return Edit(start, start, header + end)


def _room_for(sending: Sending, working: Iterable[str]) -> Iterable[Edit]:
    parsed, text = sending.parsed, sending.parsed.text
    end = "\r\n" if "\r\n" in text else "\n"
    draft = parsed.draft
    assert draft is not None
    head = _header({**parsed.fields, "session": sending.session_id}, parsed)
    if not parsed.sections:
        heading = f"{Speaker.YOU.heading}{2 * end}"
        yield Edit(head.start, head.end, head.new + heading)
    elif parsed.fields.get("session") != sending.session_id:
        yield head
    known = set(working)
    for run_id, at in parsed.working.items():
        if run_id not in known:  # of a server that is gone
            yield Edit(at, at + len(working_line(run_id)), CUT_OFF)
    said = text[draft.body : draft.end].rstrip()
    at = draft.body + len(said)
    blocks = (Speaker.CLAUDE.heading, working_line(sending.run_id), Speaker.YOU.heading)
    yield Edit(at, draft.end, "".join(f"{2 * end}{block}" for block in blocks) + 2 * end)


def _read(path: Path) -> PromptText | None:
    try:
        text = read_own(path, MOST_BYTES).decode(errors="replace")
    except FileNotFoundError:
        return None
    return PromptText.of(path, text)
