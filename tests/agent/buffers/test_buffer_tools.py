"""Whatever user, agent, editor and disk do in whatever order: nothing that was typed is lost."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from claude_agent_lsp.agent.buffers.buffer_tools import BufferTools
from claude_agent_lsp.agent.buffers.buffers import Buffers
from claude_agent_lsp.workspace.documents.disk_text import digest_of
from claude_agent_lsp.workspace.documents.documents import Document, Documents
from tests.conftest import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claude_agent_lsp.workspace.documents.edits import Edit


@dataclass
class World:
    """A user, an editor with one file, a disk, and an agent.

    Attributes:
        text: What the editor has.
        undo: What it had before.
        known: What the agent was told of the file by its last look.
        typed: Words that the user has typed, each once.
    """

    file: Path
    applies: bool
    saves: bool
    save_edits: Any
    moods: list[str]
    text: str = "one\ntwo\n"
    version: int = 1
    undo: list[str] = field(default_factory=list)
    known: str = ""
    typed: set[str] = field(default_factory=set)
    synchronizes: bool = True

    def __post_init__(self) -> None:
        self.documents = Documents()
        self.file.write_text(self.text)
        uri = self.file.as_uri()
        self.documents.open(Document(uri, self.file, 1, self.text, digest_of(self.text)))
        self.tools = BufferTools(Buffers(self.documents, self), self.file.parent, self.save_edits)

    @property
    def document(self) -> Document:
        """What the server takes the file for."""
        document = self.documents.of_uri(self.file.as_uri())
        assert document is not None
        return document

    def show(self, text: str) -> None:
        """Have another text in the editor, which tells of it."""
        self.undo.append(self.text)
        self.text = text
        self.version += 1
        self.documents.change(self.file.as_uri(), self.version, text)

    def type(self, place: int, word: str) -> None:
        self.typed.add(word)
        at = place % (len(self.text) + 1)
        self.show(self.text[:at] + word + self.text[at:])

    def write_out(self) -> None:
        self.file.write_text(self.text)
        self.documents.is_saved(self.file.as_uri(), digest_of(self.text))

    async def apply(self, document: Document, edits: Sequence[Edit]) -> bool:
        mood = self.moods.pop() if self.moods else "takes"
        if mood == "types":
            self.type(0, "w" + str(len(self.typed)) + "m ")
        if mood == "refuses" or document.version != self.version:
            return False
        text = self.text
        for edit in reversed(edits):
            text = text[: edit.start] + edit.new + text[edit.end :]
        self.show(text)
        return True

    async def save(self, document: Document) -> bool:
        if not self.saves or document.version != self.version:
            return False
        self.write_out()
        return True

    async def use(self, tool: str, **given: Any) -> dict[str, Any]:
        """Have the agent use a tool as the CLI and the mod do, the disk being the tool's."""
        call = {"tool": tool, "file_path": str(self.file), "tool_use_id": "1", **given}
        answer = await self.tools.answer("perform", call)
        if not answer:
            return self._natively(call)
        if tool == "Read":
            self.known = answer["result"]["file"]["content"]
        elif "result" in answer:
            self.known = self.text
        return answer

    def _natively(self, call: dict[str, Any]) -> dict[str, Any]:
        there = self.file.read_text()
        if call["tool"] == "Read":
            self.known = there
        elif call["tool"] == "Write":
            if self.known != there:
                return {"deny": "modified since read"}
            self.file.write_text(call["content"])
        elif there.count(call["old_string"]) == 1 and self.known == there:
            self.file.write_text(there.replace(call["old_string"], call["new_string"]))
        else:
            return {"deny": "not found, or modified since read"}
        self.known = self.file.read_text()
        return {"result": {}}


STEPS = st.sampled_from(["type", "save", "read", "edit", "write", "bash", "reload"])


@given(
    steps=st.lists(st.tuples(STEPS, st.integers(0, 40)), max_size=14),
    applies=st.booleans(),
    saves=st.booleans(),
    save_edits=st.sampled_from(["never", "ifClean", "always"]),
    moods=st.lists(st.sampled_from(["takes", "refuses", "types"]), max_size=6),
)
@settings(max_examples=EXAMPLES * 40)
def test_nothing_that_the_user_typed_is_lost(
    steps: list[tuple[str, int]],
    applies: bool,
    saves: bool,
    save_edits: str,
    moods: list[str],
) -> None:
    async def live() -> None:
        with tempfile.TemporaryDirectory() as name:
            world = World(Path(name, "a.txt"), applies, saves, save_edits, moods)
            for number, (step, value) in enumerate(steps):
                await _step(world, step, value, number)

    asyncio.run(live())


async def _step(world: World, step: str, value: int, number: int) -> None:
    before, disk, known = world.text, world.file.read_text(), world.known
    words = [word for word in world.typed if word in before]
    if step == "type":
        world.type(value, f"w{number}u ")
    elif step == "save":
        world.write_out()
    elif step == "bash":
        world.file.write_text(f"{world.file.read_text()}bash {number}\n")
    elif step == "reload" and digest_of(before) == world.document.saved:
        # As editors do: only what has nothing unsaved.
        world.show(world.file.read_text())
        world.documents.is_saved(world.file.as_uri(), digest_of(world.text))
    elif step == "read":
        await world.use("Read")
        # It was told what the user sees, or what the disk has newer.
        assert world.known in (world.text, world.file.read_text())
    elif step == "write":
        await world.use("Write", content=f"agent {number}\n")
    elif step == "edit":
        line = next(iter(itertools.islice(before.splitlines(), value % 5, None)), "two")
        await world.use("Edit", old_string=line or "two", new_string=f"edited {number}")
        known += line
    # What the editor has is what the server takes it for.
    assert (world.document.text, world.document.version) == (world.text, world.version)
    if step in ("write", "edit"):
        lost = [w for w in words if w not in world.text and w not in known]
        assert not lost, f"{lost} were never seen by the agent"
        gone = [w for w in words if w in disk and w not in world.file.read_text() + world.text]
        assert all(word in known for word in gone)
