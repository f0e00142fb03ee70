"""What goes on in a CLI process behind its turns, and may begin one by itself.

The CLI reports its background tasks as they begin, change and end (CLI 2.1.330): commands, agents,
and what else it may have by then. A timer it keeps to itself; the tools that set one are known.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from claude_agent_lsp.base.texts.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TITLE_LENGTH: Final = 80
# A task names the call that began it, which came just before.
CALLS_KEPT: Final = 100
_ENDS: Final = {"completed": "has ended", "failed": "has failed", "killed": "was stopped"}


class Call(Protocol):
    """A tool call, as the SDK has it."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def input(self) -> Mapping[str, Any]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class BackgroundTask:
    """Something that goes on behind the turns of a process.

    Attributes:
        kind: As the CLI calls it: "local_bash", "local_agent".
        title: The command that runs, else what the agent has called it.
    """

    task_id: str
    kind: str
    title: str


class Background:
    """What goes on behind the turns of one process, by the messages of its CLI.

    Attributes:
        next_change: Set once something begins or ends; another one takes its place then.
    """

    def __init__(self) -> None:
        self._tasks: dict[str, BackgroundTask] = {}
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
        elif subtype == "background_tasks_changed":
            self._set(data.get("tasks"))
        elif subtype == "task_notification":
            self._note_end(data)
        elif subtype == "session_state_changed" and data.get("state") == "idle":
            self._news.clear()  # the turn that ends has been told of it

    def _begin(self, data: Mapping[str, Any]) -> None:
        task_id = str(data.get("task_id"))
        command = self._commands.get(str(data.get("tool_use_id")))
        if command is not None and task_id in self._tasks:
            self._tasks[task_id] = _task(data, command)

    def _set(self, tasks: Any) -> None:
        known = self._tasks
        told = [each for each in tasks or () if isinstance(each, dict)]
        self._tasks = {
            task_id: known.get(task_id) or _task(each)
            for each in told
            if (task_id := str(each.get("task_id")))
        }
        self._tell_change()

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


def _task(data: Mapping[str, Any], command: str | None = None) -> BackgroundTask:
    title = command or data.get("description") or data.get("task_type") or "a background task"
    kind = str(data.get("task_type") or "")
    return BackgroundTask(str(data.get("task_id")), kind, one_line(str(title), TITLE_LENGTH))
