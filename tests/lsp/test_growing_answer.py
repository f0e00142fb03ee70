"""An answer grows in a document, whatever the editor and its user do meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_agent_lsp.agent.events import Ended, Run, RunStatus, Text
from claude_agent_lsp.lsp.services.prompts import growing_answer
from claude_agent_lsp.lsp.services.prompts.growing_answer import GrowingAnswer
from claude_agent_lsp.lsp.services.prompts.prompt_text import working_line
from claude_agent_lsp.workspace.documents.documents import Document, Documents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claude_agent_lsp.workspace.documents.edits import Edit

RUN = "11111111-1111-4111-8111-111111111111"
FILE = Path("/a.claude.md")


@dataclass
class Editor:
    """One that takes edits as its moods say: at once, not at all, or without a word.

    Attributes:
        moods: For each edit; then it takes all of them.
        typed: What its user types at the end, as one edit after the other comes.
    """

    moods: list[str]
    typed: list[str]
    documents: Documents = field(default_factory=Documents)
    told: list[str] = field(default_factory=list)

    @property
    def editor(self) -> Editor:
        """What messages are shown by."""
        return self

    def show_message(self, _: object, text: str) -> None:
        """Show a message."""
        self.told.append(text)

    async def apply(self, document: Document, edits: Sequence[Edit]) -> bool:
        """Take some edits, or not."""
        mood = self.moods.pop(0) if self.moods else "takes"
        if self.typed:
            now = self.now
            self.documents.change(now.uri, now.version + 1, now.text + self.typed.pop(0))
        late = mood == "takes without a word"
        known = self.documents.of_uri(document.uri) or self.now
        if mood == "refuses" or (not late and known.version != document.version):
            return False
        now = self.documents.of_uri(document.uri) or self.now
        text = now.text
        for edit in reversed(edits):
            assert text[: edit.end] == document.text[: edit.end]
            text = text[: edit.start] + edit.new + text[edit.end :]
        self.documents.change(now.uri, now.version + 1, text)
        return not late

    @property
    def now(self) -> Document:
        """The document."""
        document = self.documents.of_uri("uri")
        assert document is not None
        return document


@settings(deadline=None)
@given(
    end=st.sampled_from(["\n", "\r\n"]),
    pieces=st.lists(st.sampled_from(["one ", "two\n", "\n\n", "# You", "word word "]), max_size=12),
    moods=st.lists(st.sampled_from(["takes", "refuses", "takes without a word"]), max_size=8),
    typed=st.lists(st.sampled_from(["x", "y\n", "zz "]), max_size=8),
)
def test_all_that_is_said_is_there_once_and_all_that_is_typed(
    end: str, pieces: list[str], moods: list[str], typed: list[str]
) -> None:
    async def grow() -> str:
        editor = Editor(list(moods), list(typed))
        parts = ("## You", "hello", "## Claude", working_line(RUN), "## You")
        text = (end * 2).join(parts) + end
        editor.documents.open(Document("uri", FILE, 1, text))
        answer = GrowingAnswer(cast("Any", editor), "uri", RUN)
        for piece in pieces:
            answer.take(Text("m", piece))
            await asyncio.sleep(0)
        answer.take(Ended(replace(Run(RUN, "s", Path("/"), RunStatus.COMPLETED))))
        await asyncio.wait_for(answer.done.wait(), 20)
        for each in editor.typed:  # nobody was there to see it
            editor.documents.change("uri", editor.now.version + 1, editor.now.text + each)
        return editor.now.text

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(growing_answer, "EDIT_SECONDS", 0.0)
        text = asyncio.run(grow()).replace("\r\n", "\n")
    said = "".join(pieces).strip("\n")
    shown = f"{said}\n\n" if said else ""
    begins = f"## You\n\nhello\n\n## Claude\n\n{shown}*Done*\n\n## You\n"
    # What looks like a heading is one only where it begins a line.
    assert text.replace("\\#", "#") == begins + "".join(typed)


async def test_renamed_document_goes_on_and_an_old_text_says_what_is_missing() -> None:
    editor = Editor([], [])
    text = f"## Claude\n\n{working_line(RUN)}\n\n## You\n"
    editor.documents.open(Document("uri", FILE, 1, text))
    answer = GrowingAnswer(cast("Any", editor), "uri", RUN)
    answer.take(Text("m", "first"))
    await asyncio.sleep(growing_answer.EDIT_SECONDS * 3)
    assert "first" in editor.now.text
    editor.documents.close("uri")
    answer.take(Text("m", " second"))
    await asyncio.sleep(growing_answer.EDIT_SECONDS * 2)
    editor.documents.open(Document("other", Path("/b.claude.md"), 1, text))
    answer.take(Ended(Run(RUN, "s", Path("/"), RunStatus.COMPLETED)))
    await asyncio.wait_for(answer.done.wait(), 5)
    document = editor.documents.of_uri("other")
    assert document is not None
    assert "A part is missing here" in document.text
    assert "second" in document.text
    assert document.text.endswith("*Done*\n\n## You\n")


async def test_answer_without_its_place_is_told_of_at_its_end() -> None:
    editor = Editor([], [])
    editor.documents.open(Document("uri", FILE, 1, "## You\n"))
    answer = GrowingAnswer(cast("Any", editor), "uri", RUN)
    answer.take(Text("m", "nowhere"))
    await asyncio.sleep(growing_answer.EDIT_SECONDS * 2)
    assert not answer.done.is_set()
    answer.take(Ended(Run(RUN, "s", Path("/"), RunStatus.COMPLETED)))
    await asyncio.wait_for(answer.done.wait(), 5)
    assert "The conversation has it" in editor.told[0]


async def test_document_that_is_opened_again_goes_on() -> None:
    editor = Editor([], [])
    text = f"## Claude\n\n{working_line(RUN)}\n\n## You\n"
    editor.documents.open(Document("uri", FILE, 1, text))
    answer = GrowingAnswer(cast("Any", editor), "uri", RUN)
    editor.documents.close("uri")
    answer.take(Text("m", "while closed"))
    await asyncio.sleep(growing_answer.EDIT_SECONDS * 2)
    assert not answer.done.is_set()
    editor.documents.open(Document("uri", FILE, 1, text))
    answer.take(Ended(Run(RUN, "s", Path("/"), RunStatus.COMPLETED)))
    await asyncio.wait_for(answer.done.wait(), 5)
    assert editor.now.text == "## Claude\n\nwhile closed\n\n*Done*\n\n## You\n"
