"""The answer of one run, as it grows in the document in which its prompt was typed.

    events ──▶ text to add ──▶ applyEdit before the line "working", at most every `EDIT_SECONDS`

The user may type anywhere meanwhile: an edit is for one version of the document, and is made again
for the next one where the editor has that by now. Without the line nothing is added, until it is
there again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from lsprotocol.types import MessageType

from claude_agent_lsp.agent.events import (
    Ended,
    QuestionAnswered,
    QuestionAsked,
    Text,
    ToolCall,
    ToolResult,
    ToolStatus,
    UsageReport,
)
from claude_agent_lsp.lsp.services.progress import outcome_of
from claude_agent_lsp.lsp.services.prompts.escaping import EscapedText
from claude_agent_lsp.lsp.services.prompts.prompt_text import working_line
from claude_agent_lsp.lsp.services.prompts.wording import (
    aside,
    block_of,
    call_line,
    result_line,
)
from claude_agent_lsp.workspace.documents.edits import Edit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claude_agent_lsp.agent.events import Event
    from claude_agent_lsp.agent.question import Question
    from claude_agent_lsp.lsp.buffers.buffer_editor import DocumentEditor
    from claude_agent_lsp.workspace.documents.documents import Document

# An editor draws no more often.
EDIT_SECONDS: Final = 0.1
# How often an edit is made again that the editor refuses though nobody types.
TRIES: Final = 20
TAIL_LENGTH: Final = 80


class GrowingAnswer:
    """Adds what a run says to its document.

    Args:
        editor: Has the document.
        uri: The document.
        run_id: The run.
        prompt: What it answers.

    Attributes:
        usage: How full the context is, as it was heard last.
        done: Set once the last of it is there, or can't be.
    """

    def __init__(self, editor: DocumentEditor, uri: str, run_id: str, prompt: str = "") -> None:
        self._editor = editor
        self.uri = uri
        self.run_id = run_id
        self.prompt = prompt
        self._questions: dict[str, Question] = {}
        self.usage: UsageReport | None = None
        self.done = asyncio.Event()
        # What the document lacks.
        self._missing = ""
        self._begun = False
        # The text before the line, if the last edit that was refused was made after all.
        self._expected: str | None = None
        self._attempted = 0
        # What it ended with, in case an older text of it is opened again.
        self._tail = ""
        self._was_away = False
        self._last: type[object] | None = None
        self._text = EscapedText()
        self._message_id = ""
        self._outcome: str | None = None
        self._writing: asyncio.Task[None] | None = None

    @property
    def question(self) -> Question | None:
        """The open question of the run, once it stands in the document."""
        if self._missing or not self._begun:
            return None
        return next(iter(self._questions.values()), None)

    def take(self, event: Event) -> None:
        """Take an event of the run."""
        if isinstance(event, QuestionAsked):
            self._questions[event.question.question_id] = event.question
        elif isinstance(event, QuestionAnswered):
            self._questions.pop(event.question_id, None)
        match event:
            case Text(parent_tool_call_id=None):
                self._say(event)
            case ToolCall(parent_tool_call_id=None):
                self._add(call_line(event.title), ToolCall)
            case ToolResult(status=ToolStatus.FAILED | ToolStatus.DENIED):
                self._add(result_line(event.status.value, event.text), ToolCall)
            case UsageReport():
                self.usage = event
            case Ended():
                self._end(outcome_of(event.run))
            case _ if (block := block_of(event)) is not None:
                self._add(block, type(event))
        self._write_soon()

    def fail(self, why: str) -> None:
        """Say that the run did not begin."""
        self._end(f"Failed: {why}")
        self._write_soon()

    def _write_soon(self) -> None:
        if self._writing is None and (self._missing or self._outcome is not None):
            self._writing = asyncio.create_task(self._write())

    def _say(self, event: Text) -> None:
        if self._message_id != event.message_id:
            self._close_text()
            self._message_id = event.message_id
        said = self._text.feed(event.text)
        if said and self._last is Text:
            self._missing += said
        elif said:
            self._add(said, Text)

    def _close_text(self) -> None:
        """Add what was held back of the last message."""
        rest, self._text = self._text.rest(), EscapedText()
        if rest and self._last is Text:
            self._missing += rest
        elif rest:
            self._add(rest, Text)
        self._last = None if self._last is Text else self._last
        self._message_id = ""

    def _add(self, block: str, kind: type[object]) -> None:
        if kind is not Text:
            self._close_text()
        between = "" if not (self._begun or self._missing) else "\n\n"
        # Tool calls are one list.
        self._missing += ("\n" if kind is self._last is ToolCall else between) + block
        self._last = kind

    def _end(self, outcome: str) -> None:
        self._close_text()
        self._outcome = aside(outcome)

    async def _write(self) -> None:
        """Make edits as long as there is something to add."""
        try:
            while not self.done.is_set():
                refused = list[int]()
                while (version := await self._edit()) is not None:
                    refused.append(version)
                    if refused.count(version) == TRIES:
                        # Once more with what comes next.
                        if self._outcome is not None:
                            self._give_up("The editor does not take the answer.")
                        return
                    await asyncio.sleep(EDIT_SECONDS)
                await asyncio.sleep(EDIT_SECONDS)
                if not self._missing and self._outcome is None:
                    return
        finally:
            self._writing = None

    async def _edit(self) -> int | None:
        """Add what is missing; return the document's version if the editor has refused."""
        document = self._document()
        at = -1 if document is None else document.text.rfind(working_line(self.run_id))
        if document is None or at < 0:
            # Closed, or taken out: it may come again.
            self._was_away = self._begun
            if self._outcome is not None:
                self._give_up("The document is closed, or has no place for the answer any more.")
            return None
        self._note_hole(document.text[:at])
        if document.text[:at] == self._expected:
            # The editor was late with its answer.
            self._note_added(self._attempted)
        missing, outcome = self._missing, self._outcome
        edits = list(self._edits(document.text, at, missing, outcome))
        if edits and not await self._editor.apply(document, edits):
            first = edits[0]
            if missing:
                self._expected = document.text[: first.start] + first.new
                self._expected += document.text[first.end : at]
                self._attempted = len(missing)
            return document.version
        self._note_added(len(missing))
        if outcome is not None:
            self.done.set()
        return None

    def _document(self) -> Document | None:
        """Return the document, also if it was renamed."""
        documents = self._editor.documents
        if (document := documents.of_uri(self.uri)) is not None:
            return document
        line = working_line(self.run_id)
        document = next((each for each in documents if line in each.text), None)
        if document is not None:
            self.uri = document.uri
        return document

    def _note_hole(self, before: str) -> None:
        """Say that something is missing, where an older text was opened again."""
        there = before.replace("\r\n", "\n").rstrip("\n")
        if self._was_away and not there.endswith(self._tail.rstrip("\n")):
            hole = aside("A part is missing here: update the document from the conversation")
            self._missing = f"\n\n{hole}\n\n{self._missing.lstrip()}"
        self._was_away = False

    def _give_up(self, why: str) -> None:
        self.done.set()
        text = f"{why} The conversation has it: update its document, or open it."
        self._editor.editor.show_message(MessageType.Warning, text)

    def _note_added(self, count: int) -> None:
        self._tail = (self._tail + self._missing[:count])[-TAIL_LENGTH:]
        self._missing = self._missing[count:]
        self._begun = self._begun or count > 0
        self._expected = None

    def _edits(self, text: str, at: int, missing: str, outcome: str | None) -> Iterator[Edit]:
        end = "\r\n" if "\r\n" in text[:at] else "\n"
        if missing:
            added = missing.replace("\n", end)
            if self._begun and text[:at].endswith(2 * end):
                yield Edit(at - 2 * len(end), at - 2 * len(end), added)
            else:
                yield Edit(at, at, added + 2 * end)
        if outcome is not None:
            yield Edit(at, at + len(working_line(self.run_id)), outcome)
