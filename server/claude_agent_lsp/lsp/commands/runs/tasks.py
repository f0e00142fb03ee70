"""The commands about background tasks: which there are, what they put out, and their end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.agent.background import Task, TaskState
from claude_agent_lsp.errors import InvalidArgument, StoreUnavailable
from claude_agent_lsp.lsp.commands import control_arguments as arguments
from claude_agent_lsp.lsp.commands.registry import CommandGroup, command

if TYPE_CHECKING:
    from claude_agent_lsp.lsp.commands.registry import Request

# How long a list waits for a disk that has the ends of outputs.
LINES_SECONDS: Final = 1.0


class TaskCommands(CommandGroup):
    """Lists background tasks, reads what they put out, and stops them."""

    @command("claudeAgent.task.list", arguments.TaskListArgument)
    async def list_tasks(self, argument: arguments.TaskListArgument, _: Request) -> object:
        """List them, each with its last lines; show them where an answer is not seen."""
        tasks = await self._with_lines(self._services.agent.tasks.list(argument.session_id))
        if self._services.editor.profile.drops_results:
            self._services.editor.spawn(self._services.task_documents.show(tasks))
        return {"tasks": tasks}

    @command("claudeAgent.task.output", arguments.TaskOutputArgument)
    async def read_output(self, argument: arguments.TaskOutputArgument, _: Request) -> object:
        """Read a part of what one has put out."""
        task = self._services.agent.tasks.find(argument.task_id, argument.session_id)
        output = self._services.agent.tasks.output(task)
        offset = None if argument.from_end else _offset(argument.cursor)
        over = task.state is not TaskState.RUNNING
        try:
            page = await self._lane(task.session_id).read(
                output.page, offset, argument.limit, over=over
            )
        except OSError as error:
            raise StoreUnavailable(
                f"The output of the task {task.task_id} can't be read: {error.strerror or error}.",
                hint="Look whether its file is still there, in the CLI's temporary directory.",
            ) from error
        if self._services.editor.profile.drops_results:
            self._services.editor.spawn(self._services.task_documents.show_output(task, page.text))
        answer = {"task": task, "text": page.text, "offset": page.offset}
        if over and page.next_offset >= page.size:
            return answer
        return {**answer, "nextCursor": str(page.next_offset)}

    @command("claudeAgent.task.stop", arguments.TaskStopArgument)
    async def stop_task(self, argument: arguments.TaskStopArgument, _: Request) -> object:
        """Stop one."""
        task = await self._services.agent.tasks.stop(argument.task_id, argument.session_id)
        return {"task": task}

    async def _with_lines(self, tasks: list[Task]) -> list[Task]:
        """Return tasks with their last lines, as far as the disk tells them in time."""
        agent = self._services.agent
        reading = [
            asyncio.ensure_future(self._lane(t.session_id).read(agent.tasks.output(t).last_lines))
            for t in tasks
        ]
        if reading:
            await asyncio.wait(reading, timeout=LINES_SECONDS)
        for each in reading:
            each.add_done_callback(lambda done: done.cancelled() or done.exception())
        return [
            replace(task, last_lines=each.result()) if each.done() else task
            for task, each in zip(tasks, reading, strict=True)
        ]


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 20):
        raise InvalidArgument("cursor: expected the `nextCursor` of an answer")
    return int(cursor)
