"""Background tasks as documents, for an editor that shows no answers of commands."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from lsprotocol import types

from claude_agent_lsp.agent.background import Task, TaskState
from claude_agent_lsp.base.texts.visible import visible
from claude_agent_lsp.lsp.services.documents import open_document, write_document
from claude_agent_lsp.sessions.reading.prose import code, fenced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from claude_agent_lsp.base.lanes import Lane
    from claude_agent_lsp.lsp.editor import Editor
    from claude_agent_lsp.workspace.state import State


class TaskDocuments:
    """Writes tasks below the state directory, and has the editor open them.

    Args:
        editor: The editor.
        state: Says where.
        lane: Returns the lane of a session.
    """

    def __init__(self, editor: Editor, state: State, lane: Callable[[str], Lane]) -> None:
        self._editor = editor
        self._state = state
        self._lane = lane

    async def show(self, tasks: Sequence[Task]) -> None:
        """Open a list of tasks, each session's by itself: they go with it."""
        if not tasks:
            self._editor.show_message(types.MessageType.Info, "There are no background tasks.")
        for session_id in dict.fromkeys(task.session_id for task in tasks):
            lines = [line for t in tasks if t.session_id == session_id for line in _described(t)]
            await self._open(session_id, "\n".join(["# Background tasks", "", *lines]))

    async def show_output(self, task: Task, text: str) -> None:
        """Open what a task has put out."""
        shown = fenced(visible(text.replace("\r\n", "\n").replace("\r", "\n"), lines=True))
        await self._open(task.session_id, f"# {code(task.title)}\n\n{shown}\n")

    async def _open(self, session_id: str, content: str) -> None:
        # A new one each time: Helix shows one that it has as it was.
        name = f"{session_id}-{uuid.uuid4().hex[:8]}.md"
        path = self._state.directory / "transcripts" / name
        await self._lane(session_id).run(write_document, path, content)
        if not await open_document(self._editor, path, 0):
            self._editor.show_message(types.MessageType.Info, f"The tasks are in {path}")


def _described(task: Task) -> Iterator[str]:
    seconds = task.duration_ms // 1000
    lasted = f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s"
    yield from (f"## {code(task.title)}", "", f"{task.state.value}, {lasted}", "")
    if task.last_lines:
        yield from (fenced(task.last_lines), "")
    argument = f'{{"taskId": "{task.task_id}"}}'
    yield from (f"    claudeAgent.task.output {argument}", "")
    if task.state is TaskState.RUNNING:
        yield from (f"    claudeAgent.task.stop {argument}", "")
