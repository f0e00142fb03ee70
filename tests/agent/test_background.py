"""What goes on behind the turns of a process, as its CLI says it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.agent.background import Background

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Call:
    name: str
    input: dict[str, Any] = field(default_factory=dict)
    id: str = "call"


def begin(background: Background, *tasks: dict[str, Any]) -> None:
    background.read("background_tasks_changed", {"tasks": list(tasks)})


def shell(task_id: str = "t", description: str = "serves") -> dict[str, Any]:
    return {"task_id": task_id, "task_type": "local_bash", "description": description}


def test_a_command_is_called_by_what_runs() -> None:
    background = Background()
    background.calls([Call("Bash", {"command": "npm run dev\n# and so on"})])
    begin(background, shell())
    assert background.waits_for == "serves"
    background.read("task_started", {**shell(), "tool_use_id": "call"})
    assert background.waits_for == "npm run dev # and so on"
    assert background.ids == {"t"}


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("completed", "has ended"),
        ("failed", "has failed"),
        ("killed", "was stopped"),
        ("stopped", "was stopped"),
        (7, "has ended"),
    ],
)
def test_its_end_is_the_cause_of_what_follows_and_of_nothing_after(status: Any, said: str) -> None:
    background = Background()
    begin(background, shell(), {"task_id": "a", "task_type": "local_agent", "description": "look"})
    background.read("task_notification", {"task_id": "t", "status": status})
    background.read("task_notification", {"task_id": "a", "status": status})
    begin(background)
    assert background.take_cause() == f"`serves` {said}. The agent “look” {said}."
    assert background.take_cause() == "The agent goes on by itself."
    assert background.waits_for == ""


def test_what_a_turn_was_told_of_is_no_cause_of_the_next() -> None:
    background = Background()
    begin(background, shell())
    background.read("task_notification", {"task_id": "t", "status": "completed"})
    background.read("session_state_changed", {"state": "idle"})
    assert background.take_cause() == "The agent goes on by itself."


def test_a_timer_is_waited_for_until_it_has_fired() -> None:
    background = Background()
    background.calls([Call("ScheduleWakeup"), Call("CronCreate", {"recurring": False})])
    for _ in range(2):
        assert background.waits_for == "a timer"
        assert background.take_cause() == "A timer has fired."
    assert background.waits_for == ""


def test_one_that_repeats_is_waited_for_until_it_is_deleted() -> None:
    background = Background()
    background.calls([Call("CronCreate", {"cron": "* * * * *"})])
    assert background.take_cause() == "A timer has fired."
    assert background.waits_for == "a timer"
    background.calls([Call("CronDelete", {"id": "1"})])
    assert background.waits_for == ""


async def test_each_change_is_told() -> None:
    background = Background()
    changes: list[Callable[[], None]] = [
        lambda: begin(background, shell()),
        lambda: begin(background),
        lambda: background.calls([Call("ScheduleWakeup")]),
    ]
    for change in changes:
        told = background.next_change
        change()
        assert told.is_set()
        assert not background.next_change.is_set()


def told_by(background: Background) -> list[tuple[str, str]]:
    told: list[tuple[str, str]] = []
    background.tell = lambda task: told.append((task.title, task.state.value))
    return told


def test_each_is_told_once_as_it_begins_by_what_runs_and_once_as_it_has_ended() -> None:
    background = Background()
    told = told_by(background)
    background.calls([Call("Bash", {"command": "make"}, "1")])
    begin(background, shell())
    background.read("task_started", {**shell(), "tool_use_id": "1"})
    begin(background, shell(), shell("u", "waits"))
    assert told == [("make", "running")]
    background.read("status", {})  # of the second nothing more is said
    assert told[1:] == [("waits", "running")]
    background.read("task_updated", {"task_id": "t", "patch": {"status": "completed"}})
    background.read("task_notification", {"task_id": "u", "status": "stopped"})
    begin(background)
    assert sorted(told[2:]) == [("make", "completed"), ("waits", "stopped")]


def test_what_runs_ends_with_its_process() -> None:
    background = Background()
    told = told_by(background)
    begin(background, shell())
    background.end()
    assert told == [("serves", "running"), ("serves", "stopped")]
    background.end()
    assert len(told) == 2


@pytest.mark.parametrize("tasks", [None, "x", [7], [{}], {"a": 1}])
def test_rubbish_does_no_harm(tasks: Any) -> None:
    background = Background()
    background.read("background_tasks_changed", {"tasks": tasks})
    background.read("task_started", {})
    background.read("task_updated", {"patch": 7})
    background.read("task_updated", {"task_id": 7, "patch": {"status": ["completed"]}})
    background.read("task_notification", {})
    assert isinstance(background.take_cause(), str)
