"""Read, Edit and Write of one CLI process, where a file is open in the editor.

    the mod asks ──▶ which state has the document? ──▶ the tool itself, on the disk
                                                   ├─▶ the text in the editor
                                                   ├─▶ an edit in the editor, saved there or not
                                                   └─▶ no, and why

Nothing that is unsaved is written over: where an edit and what the user has typed don't go
together, the agent is told, and may read the file again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.buffers import tool_texts
from claude_agent_lsp.agent.buffers.closed_files import ClosedFiles
from claude_agent_lsp.agent.buffers.looks import Looks
from claude_agent_lsp.agent.buffers.tool_texts import ToolRefusedError, plain
from claude_agent_lsp.base.disk.scratch import scratch
from claude_agent_lsp.base.lanes import parsing
from claude_agent_lsp.workspace.documents.disk_text import DiskText, digest_of
from claude_agent_lsp.workspace.documents.documents import DocumentState

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Mapping
    from pathlib import Path

    from claude_agent_lsp.agent.buffers.buffers import Buffers, SaveEdits
    from claude_agent_lsp.workspace.documents.documents import Document

OFF: Final = (
    "The agent can't edit files that have unsaved text in the editor in this session. Its settings "
    "switch plugins off, or its version does not know this one. Save such files before."
)
# What the mod says as it starts.
ANNOUNCED: Final = "claude-agent-lsp buffers 1"
ANNOUNCE_SECONDS: Final = 1.0
_UNREAD: Final = re.compile("modified since read|not been read")
# A document that changes faster than an edit gets there is being typed in.
TRIES: Final = 3
READ_AGAIN: Final = "Read the file again, and decide anew."
LATE_SECONDS: Final = 1.0
MOST_INPUTS: Final = 100
# What a formatter has changed is told up to here.
MOST_TOLD: Final = 4_000


class BufferTools:
    """What one process reads and edits in the editor.

    Args:
        buffers: The editor's documents.
        folder: What relative paths are relative to.
        save_edits: When an edit is saved in the editor.

    Attributes:
        buffers: The editor's documents.
        looks: Find documents.
        hooked: Whether the process has hooks for where the mod is not at work.
    """

    def __init__(self, buffers: Buffers, folder: Path, save_edits: SaveEdits) -> None:
        self.buffers = buffers
        self.hooked = buffers.hooked
        self._announced = asyncio.Event()
        self._save_edits = save_edits
        self.looks = Looks(buffers.documents, folder)
        self._closed = ClosedFiles(self.looks.disk)
        # What the agent has last seen of a document, by the document's URI.
        self._seen: dict[str, bytes] = {}
        # What the tool itself is about to read again.
        self._rereads: set[str] = set()
        # The inputs of calls whose tool was given something that the disk has instead.
        self._inputs: dict[str, Mapping[str, Any]] = {}
        self._copies: list[Path] = []
        self._edits: set[asyncio.Task[dict[str, Any]]] = set()

    def real_input(self, call_id: str | None, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what the agent has given a tool, by what the CLI has of it."""
        real = self._inputs.get(call_id or "")
        return given if real is None else {**given, **real}

    async def replace_input(self, call_id: str | None, wanted: Mapping[str, Any]) -> bool:
        """Do what the user wants instead, with a file that has unsaved text; False with others."""
        document = await self.looks.find(wanted.get("file_path"))
        if document is None or not (await self.looks.state(document)).unsaved:
            return False
        named = {name: value for name, value in wanted.items() if name != "file_path"}
        self._keep_input(call_id or "", named)
        return True

    def _keep_input(self, call_id: str, given: Mapping[str, Any]) -> None:
        self._inputs[call_id] = given
        if len(self._inputs) > MOST_INPUTS:  # a call that was denied never asks for its own
            del self._inputs[next(iter(self._inputs))]

    async def answer(self, what: str, call: Mapping[str, Any]) -> dict[str, Any]:
        """Answer the mod.

        Args:
            what: "refused": the tool won't, by the disk; "perform": it may; "mention": a prompt
                names a file.
            call: The tool's name and input, with `file_path`.

        Returns:
            What the mod makes of it; an empty answer leaves it to the CLI.
        """
        document = await self.looks.find(call.get("file_path"))
        if document is None:
            return await self._answer_for_closed(what, call)
        if what == "refused":
            return await self._prepare(document, call)
        if what == "mention":
            return await self._copy(document)
        return await self._whole(self._perform(document, call))

    async def _answer_for_closed(self, what: str, call: Mapping[str, Any]) -> dict[str, Any]:
        path = self.looks.path(call.get("file_path"))
        if path is None or call.get("tool") == "Read":
            return {}
        if what == "refused" and self._closed.has(path):
            unread = _UNREAD.search(str(call.get("error"))) is not None
            return {"reread": unread and await self._closed.unchanged(path)}
        if what != "perform" or not await self._closed.claim(path, str(call.get("tool"))):
            return {}
        self.buffers.claimed.add(path.name)
        await self.buffers.settle()
        return await self._whole(self._closed.edit(path, call))

    async def _whole(self, edit: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
        """Make an edit to its end: an interrupt cancels who waits for it, and must not halve it."""
        task = asyncio.ensure_future(edit)
        self._edits.add(task)
        task.add_done_callback(self._edits.discard)
        return await asyncio.shield(task)

    def saves(self, state: DocumentState) -> bool:
        """Return whether an edit of a document in this state is saved in the editor."""
        return self._save_edits == "always" or (
            self._save_edits == "ifClean" and state is DocumentState.CLEAN
        )

    def hear(self, subtype: str, data: Mapping[str, Any]) -> None:
        """Take what the CLI says beside the conversation: the mod announces itself."""
        if subtype == "ui_log" and data.get("text") == ANNOUNCED:
            self._announced.set()

    @property
    def ready(self) -> bool:
        """Whether the mod is at work in the process."""
        return self._announced.is_set()

    @property
    def safe(self) -> bool:
        """Whether nothing unsaved is read wrongly or written over by the process."""
        return self.ready or self.hooked

    async def settle(self) -> None:
        """Wait a moment for the mod, which announces itself before the CLI has started."""
        if not self.safe:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._announced.wait(), ANNOUNCE_SECONDS)
        self.buffers.hooked |= not self.safe

    def warning(self) -> str | None:
        """Return what a user has to know at the start of a turn, once for each server."""
        if self.ready or self.buffers.warned:
            return None
        self.buffers.warned = True
        return OFF

    async def refusal(self, call: Mapping[str, Any]) -> str | None:
        """Return why a file must not be changed on the disk, where the mod is not at work."""
        document = await self.looks.find(call.get("file_path"))
        if document is None or not (await self.looks.state(document)).unsaved:
            return None
        return (
            f"The user has unsaved changes to {call['file_path']} in the editor. Nothing was "
            "changed. Ask the user to save the file, and read it again."
        )

    async def close(self) -> None:
        """Remove what was written for the process."""
        if self._copies:
            await asyncio.wait({self.looks.disk.put(_remove, self._copies)}, timeout=1.0)

    # The tool's own look at the disk

    async def _prepare(self, document: Document, call: Mapping[str, Any]) -> dict[str, Any]:
        """Say what the tool may be given for its look at the disk, if the editor has better."""
        disk = await self.looks.on_disk(document)
        state = await parsing.run(document.state, disk)
        try:
            self._check(document, state, call)
            if call.get("tool") == "Edit":
                await parsing.run(tool_texts.edited, plain(document.text), call)
        except ToolRefusedError as refused:
            # What the disk says of it is true of another text.
            return {"deny": str(refused)} if state.unsaved else {}
        answer: dict[str, Any] = {}
        if _UNREAD.search(str(call.get("error"))):
            # It has been, in the editor; and what has changed since may be our own edit.
            if not (state.unsaved or self._seen.get(document.uri) == digest_of(document.text)):
                return {}
            self._rereads.add(document.uri)
            answer = {"reread": True}
        if state.unsaved and call.get("tool") == "Edit":
            answer["input"] = await self._found_on(disk, call)
        return answer

    async def _found_on(self, disk: DiskText | None, call: Mapping[str, Any]) -> dict[str, Any]:
        """Return what an Edit may be given instead, and keep what it was given."""
        named = {
            name: call[name] for name in ("old_string", "new_string", "replace_all") if name in call
        }
        self._keep_input(str(call.get("tool_use_id")), named)
        there = "" if disk is None else plain(disk.text)
        found = await parsing.run(_once_in, there, str(call.get("new_string")))
        return {"old_string": found, "replace_all": False}

    # The tool

    async def _perform(self, document: Document, call: Mapping[str, Any]) -> dict[str, Any]:
        wanted = self._inputs.pop(str(call.get("tool_use_id")), None)
        call = call if wanted is None else {"replace_all": False, **call, **wanted}
        try:
            if call.get("tool") == "Read":
                return await self._read(document, call)
            return await self._edit(document, call)
        except ToolRefusedError as refused:
            return {"deny": str(refused)}

    async def _read(self, document: Document, call: Mapping[str, Any]) -> dict[str, Any]:
        state = await self.looks.state(document)
        document = self.looks.current(document)
        if document.uri in self._rereads:
            # The tool has to look at the disk once more, and the agent does not.
            self._rereads.discard(document.uri)
            return {}
        if not state.unsaved:
            if state is DocumentState.CLEAN:
                self._saw(document)
            return {}
        path = str(call["file_path"])
        result = await parsing.run(tool_texts.read, path, document.text, call)
        self._saw(document)
        answer: dict[str, Any] = {"result": result}
        if state is DocumentState.BOTH:
            answer["context"] = (
                f"This is the text in the user's editor, which is not saved. On the disk {path} "
                "has been changed by somebody else meanwhile, and differs."
            )
        return answer

    async def _edit(self, document: Document, call: Mapping[str, Any]) -> dict[str, Any]:
        for _ in range(TRIES):
            document = self.looks.current(document)
            state = await self.looks.state(document)
            if self._is_the_disks(state):
                self._seen.pop(document.uri, None)
                return {}
            self._check(document, state, call)
            before = plain(document.text)
            after = await parsing.run(tool_texts.after, before, call)
            edits = await parsing.run(tool_texts.edits_for, document.text, after)
            if not edits or await self.buffers.editor.apply(document, edits):
                return await self._done(document, state, call, after)
        raise ToolRefusedError(
            "The user is typing in this file, or the editor does not take the change. Nothing was "
            f"changed. {READ_AGAIN}"
        )

    def _is_the_disks(self, state: DocumentState) -> bool:
        """Whether the tool works on the disk, and the editor loads the file again."""
        editor = self.buffers.editor
        if state is DocumentState.CLEAN:
            saves = editor.saves or self._save_edits == "never"
            return not (editor.applies and saves)
        return state is DocumentState.STALE

    def _check(self, document: Document, state: DocumentState, call: Mapping[str, Any]) -> None:
        """See to it that nothing is written over that nobody has looked at.

        Raises:
            ToolRefusedError: Something would be.
        """
        path = call["file_path"]
        if not self.buffers.editor.applies:
            raise ToolRefusedError(
                f"The user has unsaved changes to {path}, and this editor can't be asked to change "
                "them. Nothing was changed. Ask the user to save the file."
            )
        if call.get("tool") != "Write":
            return
        if state is DocumentState.BOTH:
            raise ToolRefusedError(
                f"{path} has unsaved changes in the user's editor, and was changed on the disk, "
                "too. To write it would lose one of them. Nothing was changed. Edit what has to be "
                "edited, or ask the user."
            )
        if document.text and self._seen.get(document.uri) != digest_of(document.text):
            raise ToolRefusedError(
                f"The user has changed {path} in the editor since you have read it. Nothing was "
                f"changed. {READ_AGAIN}"
            )

    async def _done(
        self, before: Document, state: DocumentState, call: Mapping[str, Any], after: str
    ) -> dict[str, Any]:
        """Save if that is wanted, and return what the tool returns."""
        path, old = str(call["file_path"]), plain(before.text)
        answer: dict[str, Any] = {}
        if self.saves(state):
            if await self.buffers.editor.save(self.looks.current(before)):
                context = await parsing.run(_formatted, after, await self._as_saved(before))
                answer = {} if context is None else {"context": context}
            else:
                answer = {"context": f"{path} was changed in the editor, and is not saved yet."}
        self._saw(self.looks.current(before))
        if call.get("tool") == "Edit":
            result = await parsing.run(tool_texts.result_of_edit, path, old, after, call)
        else:
            there = None if state is DocumentState.NEW and not old else old
            result = await parsing.run(tool_texts.result_of_write, path, there, after)
        return {"result": result, **answer}

    async def _as_saved(self, document: Document) -> str:
        """Return the text that the editor has saved, and now has, too."""
        document, disk = self.looks.current(document), await self.looks.on_disk(document)
        if disk is not None and digest_of(disk.text) != digest_of(document.text):
            # Some editors tell a little later what has become of a document as they saved it.
            await self.buffers.documents.beyond(document, LATE_SECONDS)
        return plain(self.looks.current(document).text)

    def _saw(self, document: Document) -> None:
        self._seen[document.uri] = digest_of(document.text)

    # Prompts

    async def _copy(self, document: Document) -> dict[str, Any]:
        """Return where the text is that a prompt names, if the disk has another."""
        if not (await self.looks.state(document)).unsaved:
            return {}
        document = self.looks.current(document)
        path = await self.looks.disk.run(_write_copy, document)
        self._copies.append(path.parent)
        self._saw(document)
        return {"path": os.fspath(path)}


def _once_in(there: str, new: str) -> str:
    """Return something that a file holds once and that the tool would take for a change of it."""
    lines = [line for line in there.split("\n") if line and line != new]
    found = (line for line in sorted(lines, key=len, reverse=True)[:50] if there.count(line) == 1)
    return next(found, there)


def _formatted(wanted: str, there: str) -> str | None:
    """Return what the agent is told of what saving has changed, or None if nothing."""
    if wanted == there:
        return None
    lines = [line for hunk in tool_texts.patch_of(wanted, there) for line in hunk["lines"]]
    told = "\n".join(lines)
    if len(told) > MOST_TOLD:
        return "The editor has formatted the file as it saved it: read it again before you edit it."
    return f"The editor has formatted the file as it saved it:\n{told}"


def _remove(directories: Iterable[Path]) -> None:
    for each in directories:
        scratch.remove(each)


def _write_copy(document: Document) -> Path:
    directory = scratch.make()
    path = directory / document.path.name
    path.touch(0o600)
    path.write_text(document.text, encoding="utf-8", errors="replace", newline="")
    return path
