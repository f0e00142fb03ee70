"""The background tasks of all processes, as things of their own: listed, told of, read, stopped.

a process ──▶ its background: a task begins, ends ──▶ the run at work, the editor
"""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from claude_agent_lsp.agent.background import BackgroundTask, Task, TaskState
from claude_agent_lsp.agent.os_processes.of_task import TaskProcesses
from claude_agent_lsp.errors import InvalidArgument, RequestFailed
from claude_agent_lsp.sessions.reading.task_output import TaskOutput

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_agent_lsp.agent.process.process import AgentProcess

# Those that have ended are remembered, the newest of all sessions together.
ENDED_KEPT: Final = 100
# How long a CLI may take to end one; it does so within 0.01 s (CLI 2.1.332).
STOP_SECONDS: Final = 2.0
# What has ended with a task is gone by then.
GONE_SECONDS: Final = 0.2
_KINDS: Final[dict[str, Literal["command", "agent"]]] = {
    "local_bash": "command",
    "local_agent": "agent",
}


@dataclass
class _Known:
    """A task, and the process that has it or had it.

    Attributes:
        over: Set once it has ended.
    """

    task: BackgroundTask
    process: AgentProcess
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Tasks:
    """The background tasks of one server.

    Args:
        tell: Called with each as it begins, and as it has ended.
    """

    def __init__(self, tell: Callable[[Task], None]) -> None:
        self._tell = tell
        # The living ones, and behind them those that have ended, in the order of that.
        self._known: OrderedDict[tuple[str, str], _Known] = OrderedDict()

    def watch(self, process: AgentProcess) -> None:
        """Follow what goes on behind the turns of a process, from its start."""
        process.background.tell = partial(self._note, process)

    def list(self, session_id: str | None = None) -> list[Task]:
        """Return those of a session, or of all: the running ones first, the newest first."""
        found = [known for known in self._known.values() if _is_of(known, session_id)]
        found.sort(key=lambda known: known.task.began, reverse=True)
        found.sort(key=lambda known: known.task.state is not TaskState.RUNNING)
        return [_picture(known) for known in found]

    def find(self, task_id: str, session_id: str | None) -> Task:
        """Return one.

        Raises:
            InvalidArgument: There is none.
        """
        return _picture(self._find(task_id, session_id))

    def output(self, task: Task) -> TaskOutput:
        """Return where what it has put out is to be found."""
        process = self._find(task.task_id, task.session_id).process
        environment = {**os.environ, **process.launch.settings.env}
        is_agent = task.kind == "agent"
        return TaskOutput(task.session_id, task.task_id, environment, agent=is_agent)

    async def stop(self, task_id: str, session_id: str | None) -> Task:
        """Stop one with all that it has started; one that has ended already stays as it is.

        Raises:
            InvalidArgument: There is none.
            RequestFailed: It goes on.
        """
        known = self._find(task_id, session_id)
        if known.task.state is TaskState.RUNNING:
            await _stop(known)
        if known.task.state is TaskState.RUNNING:
            raise RequestFailed(
                f"The CLI does not say that the task {task_id} has ended: `{known.task.title}`.",
                hint="Cancel the run that has begun it, or close the editor, to end its process.",
            )
        return _picture(known)

    def _find(self, task_id: str, session_id: str | None) -> _Known:
        for (_, name), known in reversed(self._known.items()):
            if name == task_id and _is_of(known, session_id):
                return known
        raise InvalidArgument(
            "taskId: expected the id of a background task; claudeAgent.task.list has them."
        )

    def _note(self, process: AgentProcess, task: BackgroundTask) -> None:
        key = (process.session_id, task.task_id)
        known = self._known.pop(key, None) or _Known(task, process)
        known.task, known.process = task, process
        self._known[key] = known
        if task.state is not TaskState.RUNNING:
            known.over.set()
            ended = [key for key, known in self._known.items() if known.over.is_set()]
            for oldest in ended[:-ENDED_KEPT]:
                del self._known[oldest]
        self._tell(_picture(known))


async def _stop(known: _Known) -> None:
    """Have the CLI stop it, and end what of it is left then, or if the CLI does not answer."""
    process, task_id = known.process, known.task.task_id
    if process.pid is None:
        return
    file = f"/{process.session_id}/tasks/{task_id}.output"
    started = await TaskProcesses.look(process.pid, file)
    asked = asyncio.ensure_future(process.stop_task(task_id))
    asked.add_done_callback(lambda done: done.cancelled() or done.exception())
    await _within(STOP_SECONDS, known.over)
    if not started.own:
        await asyncio.sleep(GONE_SECONDS)
    process.sweep(await started.left())
    await _within(STOP_SECONDS, known.over)


async def _within(seconds: float, event: asyncio.Event) -> None:
    waiting = asyncio.ensure_future(event.wait())
    await asyncio.wait({waiting}, timeout=seconds)
    waiting.cancel()


def _is_of(known: _Known, session_id: str | None) -> bool:
    return session_id in (None, known.process.session_id)


def _picture(known: _Known) -> Task:
    task, process = known.task, known.process
    lasted = (task.ended or datetime.now(UTC)) - task.began
    return Task(
        task_id=task.task_id,
        session_id=process.session_id,
        workspace=process.launch.folder,
        kind=_KINDS.get(task.kind, "other"),
        title=task.title,
        state=task.state,
        started_at=task.began,
        duration_ms=round(lasted.total_seconds() * 1000),
        ended_at=task.ended,
        command=task.command,
        tool_call_id=task.tool_call_id,
    )
