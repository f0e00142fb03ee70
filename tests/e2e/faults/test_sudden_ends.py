"""Processes that are stopped, crash or are killed in an order that nobody would think of."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.runs import (
    CANCELLED,
    SECONDS,
    allow_tools,
    assert_knows_code,
    begin,
    clis,
    data_of,
    eventually,
    none_sleep,
    pid_of_watchdog,
    refusal,
    remember,
    sleepers,
)
from tests.processes import all_gone, processes_of

if TYPE_CHECKING:
    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor
    from tests.e2e.runs import Query

# The first one leaves the CLI's process group and session.
TOOL = "echo once >> once; setsid sleep 1000 & sleep 1000"


@pytest.fixture(autouse=True)
def _tool(model: Loopback, environment: dict[str, str]) -> None:
    allow_tools(environment)
    model.add(reply("run it", [say("I run it."), call("Bash", command=TOOL)], [say("Ran.")]))


async def at_work(editor: Editor, environment: dict[str, str], number: int) -> Query:
    """A query whose tool is at work."""
    query = begin(editor, "run it", number)
    await eventually(lambda: len(sleepers(environment)) == 2)
    return query


def crash(pid: int) -> None:
    os.kill(pid, signal.SIGSEGV)


def stop_and_kill(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)


async def test_a_cli_that_crashes_or_is_stopped_is_ended_with_its_tools(
    editor_with: Open, environment: dict[str, str]
) -> None:
    editor = await editor_with(settings={"cancelGraceSeconds": 1})
    await remember(editor)
    for number, end in enumerate((crash, stop_and_kill)):
        query = await at_work(editor, environment, number)
        end(clis(editor)[0].pid)
        error = await refusal(query)
        assert data_of(error)["reason"] == "processDied", error
        await none_sleep(environment)
    query = await at_work(editor, environment, 2)
    clis(editor)[0].suspend()
    editor.cancel(query.asked)
    assert (await refusal(query)).code == CANCELLED
    await none_sleep(environment)
    await assert_knows_code(editor)
    clis(editor)[0].suspend()
    assert await editor.quit() == 0
    assert await all_gone(environment, SECONDS)


async def test_what_a_dead_watchdog_could_not_end_is_gone_after_the_next_start(
    editor_with: Open, environment: dict[str, str], model: Loopback
) -> None:
    first = await editor_with()
    session = await remember(first)
    await at_work(first, environment, 1)
    left = {each.pid for each in processes_of(environment)} - {first.pid}
    clis(first)[0].suspend()
    os.kill(pid_of_watchdog(first), signal.SIGKILL)
    crash(first.pid)
    with contextlib.suppress(Exception):  # a message that was cut off
        assert await first.gone() == -signal.SIGSEGV
    second = await editor_with()
    await eventually(lambda: not left & {each.pid for each in processes_of(environment)})
    assert (await assert_knows_code(second))["sessionId"] == session
    told = "\n".join(said.text for said in model.requests[-1].conversation)
    assert "I run it." in told
    assert "setsid" in told
