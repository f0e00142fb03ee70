"""What goes on in a CLI process behind its turns, and may begin one by itself.

The CLI reports its background tasks as they begin, change and end (CLI 2.1.330): commands, agents,
and what else it may have by then. A timer it keeps to itself; the tools that set one are known.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from claude_agent_lsp.base.texts.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

TITLE_LENGTH: Final = 80
# A task names the call that began it, which came just before.
CALLS_KEPT: Final = 100
_STOPPED: Final = "was stopped"
_ENDS: Final = {
    "completed": "has ended",
    "failed": "has failed",
    "killed": _STOPPED,
    "stopped": _STOPPED,
}


class Call(Protocol):
    """A tool call, as the SDK has it."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def input(self) -> Mapping[str, Any]: ...  # noqa: D102


class TaskState(Enum):
    """How a background task stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"


_STATES: Final = {
    "completed": TaskState.COMPLETED,
    "failed": TaskState.FAILED,
    "killed": TaskState.STOPPED,
    "stopped": TaskState.STOPPED,
}


@dataclass(frozen=True, slots=True)
class BackgroundTask:
    """Something that goes on behind the turns of a process.

    Attributes:
        kind: As the CLI calls it: "local_bash", "local_agent".
        title: The command that runs, else what the agent has called it, in a line.
        began: When it was first heard of.
        command: The whole command, if it is one.
        tool_call_id: The call that has begun it, as the model calls that.
        ended: When it was heard to be over.
    """

    task_id: str
    kind: str
    title: str
    began: datetime
    command: str | None = None
    tool_call_id: str | None = None
    state: TaskState = TaskState.RUNNING
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A picture of a background task at one moment.

    Attributes:
        title: The command, else what the agent has called it, in a line.
        command: The whole command, if it is one.
        tool_call_id: The call that has begun it, as the model calls that.
        duration_ms: How long it has run by now, or ran.
        last_lines: The end of what it has put out, where that was looked at.
    """

    task_id: str
    session_id: str
    workspace: Path
    kind: Literal["command", "agent", "other"]
    title: str
    state: TaskState
    started_at: datetime
    duration_ms: int
    ended_at: datetime | None = None
    command: str | None = None
    tool_call_id: str | None = None
    last_lines: str | None = None


class Background:
    """What goes on behind the turns of one process, by the messages of its CLI.

    Attributes:
        next_change: Set once something begins or ends; another one takes its place then.
        tell: Called with each task as it begins, and as it has ended.
        missing_servers: The MCP servers that the user knows not to be there, each with its state.
    """

    def __init__(self) -> None:
        self.tell: Callable[[BackgroundTask], None] = lambda _: None
        self.missing_servers: dict[str, str] = {}
        self._tasks: dict[str, BackgroundTask] = {}
        # Those whose beginning has not been told: what they run is about to be known.
        self._untold: set[str] = set()
        self._states: OrderedDict[str, TaskState] = OrderedDict()
        self._commands: OrderedDict[str, str] = OrderedDict()
        self._repeats = False
        self._alarms = 0
        self._news: list[str] = []
        self.next_change = asyncio.Event()

    @property
    def ids(self) -> frozenset[str]:
        """Those of the tasks that are at work."""
        return frozenset(self._tasks)

    @property
    def waits_for(self) -> str:
        """What the agent may go on after, in a line; empty if after nothing."""
        titles = [task.title for task in self._tasks.values()]
        return ", ".join([*titles, *(["a timer"] if self._repeats or self._alarms else [])])

    def take_cause(self) -> str:
        """Return why the agent has just gone on by itself, in a sentence, and forget it."""
        news, self._news = self._news, []
        if news:
            return " ".join(news)
        if self._repeats or self._alarms:
            self._alarms = max(0, self._alarms - 1)
            return "A timer has fired."
        return "The agent goes on by itself."

    def calls(self, calls: Iterable[Call]) -> None:
        """Take note of tool calls."""
        for call in calls:
            # The model may give a tool anything.
            given: object = call.input
            fields = given if isinstance(given, dict) else {}
            self._note_timer(call.name, fields)
            command = fields.get("command")
            if isinstance(command, str):
                self._commands[call.id] = command
                if len(self._commands) > CALLS_KEPT:
                    self._commands.popitem(last=False)

    def _note_timer(self, tool: str, fields: Mapping[str, Any]) -> None:
        """Take note of what sets a timer, or ends one: which, the CLI does not say."""
        if tool == "CronCreate" and fields.get("recurring") is not False:
            self._repeats = True
        elif tool in {"CronCreate", "ScheduleWakeup"}:
            self._alarms += 1
        elif tool == "CronDelete":
            self._repeats = False
        else:
            return
        self._tell_change()

    def read(self, subtype: str, data: Mapping[str, Any]) -> None:
        """Take in what the CLI reports of itself."""
        if subtype == "task_started":
            self._begin(data)
        self._tell_begun()
        if subtype == "background_tasks_changed":
            self._set(data.get("tasks"))
        elif subtype == "task_updated":
            patch = data.get("patch")
            self._note_state(data, patch.get("status") if isinstance(patch, dict) else None)
        elif subtype == "task_notification":
            self._note_state(data, data.get("status"))
            self._note_end(data)
        elif subtype == "session_state_changed" and data.get("state") == "idle":
            self._news.clear()  # the turn that ends has been told of it

    def end(self) -> None:
        """Take note that the CLI is gone, and all that it ran with it."""
        self._tell_begun()
        self._set(())

    def _begin(self, data: Mapping[str, Any]) -> None:
        task_id, call_id = str(data.get("task_id")), str(data.get("tool_use_id"))
        if (known := self._tasks.get(task_id)) is not None:
            task = _task(data, self._commands.get(call_id), call_id)
            self._tasks[task_id] = replace(task, began=known.began)

    def _set(self, tasks: Any) -> None:
        before = self._tasks
        told = [each for each in tasks or () if isinstance(each, dict)]
        self._tasks = {
            task_id: before.get(task_id) or _task(each)
            for each in told
            if (task_id := str(each.get("task_id")))
        }
        self._untold |= self._tasks.keys() - before.keys()
        for task_id in before.keys() - self._tasks.keys():
            # What nobody has told the end of has ended with its CLI.
            state = self._states.pop(task_id, TaskState.STOPPED)
            self.tell(replace(before[task_id], state=state, ended=datetime.now(UTC)))
        self._tell_change()

    def _tell_begun(self) -> None:
        begun, self._untold = self._untold, set()
        for task_id in begun & self._tasks.keys():
            self.tell(self._tasks[task_id])

    def _note_state(self, data: Mapping[str, Any], status: Any) -> None:
        state = _STATES.get(str(status))
        if state is not None:
            self._states[str(data.get("task_id"))] = state
            if len(self._states) > CALLS_KEPT:
                self._states.popitem(last=False)

    def _tell_change(self) -> None:
        change, self.next_change = self.next_change, asyncio.Event()
        change.set()

    def _note_end(self, data: Mapping[str, Any]) -> None:
        task = self._tasks.get(str(data.get("task_id")))
        end = _ENDS.get(str(data.get("status")), "has ended")
        if task is None:
            self._news.append(
                one_line(str(data.get("summary") or "A background task has ended."), TITLE_LENGTH)
            )
        elif task.kind == "local_bash":
            self._news.append(f"`{task.title}` {end}.")
        else:
            self._news.append(f"The agent “{task.title}” {end}.")


def _task(
    data: Mapping[str, Any], command: str | None = None, call_id: str | None = None
) -> BackgroundTask:
    title = command or data.get("description") or data.get("task_type") or "a background task"
    return BackgroundTask(
        task_id=str(data.get("task_id")),
        kind=str(data.get("task_type") or ""),
        title=one_line(str(title), TITLE_LENGTH),
        began=datetime.now(UTC),
        command=command,
        tool_call_id=call_id,
    )
