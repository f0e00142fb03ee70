"""Stopping a run whose tools are at work: they end with it, and no others."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from claude_agent_lsp.loopback import call, reply, say, tokens
from tests.e2e.runs import (
    allow_tools,
    assert_knows_code,
    assert_told_of_once,
    begin,
    cancelled,
    eventually,
    none_sleep,
    processes_at,
    remember,
    requests_of,
    sleepers,
    status,
)

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from claude_agent_lsp.loopback.script import Call
    from tests.e2e.editor import Editor

# What ignores SIGTERM: the tool's shell, a child of it, and one in a session of its own.
STUBBORN_TOOL = """
trap '' TERM
sh -c 'sleep 1000; true' &
setsid sh -c 'sleep 1000; true' &
wait
"""


@pytest.fixture
def tools_allowed(environment: dict[str, str]) -> None:
    allow_tools(environment)


@pytest.mark.usefixtures("tools_allowed")
async def test_while_a_tool_runs_that_ignores_sigterm(
    patient: Editor, model: Loopback, environment: dict[str, str]
) -> None:
    model.add(reply("run it", [call("Bash", command=STUBBORN_TOOL)], [say("It ran.")]))
    await remember(patient)
    before = await processes_at(patient)
    query = begin(patient, "run it")
    await eventually(lambda: len(sleepers(environment)) == 2)
    await cancelled(patient, query)
    await none_sleep(environment)
    await assert_knows_code(patient)
    assert_told_of_once(patient, query, "cancelled")
    assert len(requests_of(model, "run it")) == 1
    assert await processes_at(patient) == before  # it ended on the first rung


@pytest.mark.usefixtures("tools_allowed")
async def test_what_a_tool_has_detached_ends_with_its_run(
    editor: Editor, model: Loopback, environment: dict[str, str]
) -> None:
    detach = call("Bash", command="setsid sleep 1000 & true")
    model.add(
        reply("detach it", [detach], [say("It is detached.")]),
        reply("detach more", [detach], [tokens(5000, pace=0.02)]),
    )
    await begin(editor, "detach it").asked
    (earlier,) = sleepers(environment)
    query = begin(editor, "detach more", 1)
    await editor.event("text", query.events)
    await eventually(lambda: len(sleepers(environment)) == 2)
    await cancelled(editor, query)
    await none_sleep(environment, earlier)
    # What an earlier run has left goes on, until the editor goes.
    await begin(editor, "say something", 2).asked
    assert sleepers(environment) == {earlier}
    assert await editor.quit() == 0
    assert not sleepers(environment)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives a server what it has lost")
@pytest.mark.usefixtures("tools_allowed")
async def test_a_daemon_without_parents_and_mark_ends_with_its_run(
    editor: Editor, model: Loopback, folder: Path
) -> None:
    def daemon(name: str) -> Call:
        inner = f"trap : TERM HUP; sleep 1000 & echo $$ > {name}.new; mv {name}.new {name}; wait"
        return call("Bash", command=f"(env -i setsid sh -c '{inner}' &) ; true")

    async def process(name: str) -> psutil.Process:
        await eventually((folder / name).exists)
        return psutil.Process(int((folder / name).read_text()))

    model.add(
        reply("leave one", [daemon("earlier")], [say("It is left.")]),
        reply("leave another", [daemon("short")], [say("It is left.")]),
        reply("leave more", [daemon("later")], [tokens(5000, pace=0.02)]),
    )
    await begin(editor, "leave one").asked
    await begin(editor, "leave another", 1).asked
    earlier, short = await process("earlier"), await process("short")
    query = begin(editor, "leave more", 2)
    await editor.event("text", query.events)
    later = await process("later")
    tree = [later, *later.children()]
    await cancelled(editor, query)
    await eventually(lambda: not any(each.is_running() for each in tree))
    assert earlier.is_running()
    # What ends by itself is reaped.
    for each in (*short.children(), short):
        each.kill()
    await eventually(lambda: not short.is_running())
    assert await editor.quit() == 0
    assert not earlier.is_running()


@pytest.mark.usefixtures("tools_allowed")
async def test_background_tasks_of_the_run_end_with_it(
    editor: Editor, model: Loopback, environment: dict[str, str]
) -> None:
    task = call("Bash", command="sleep 1000; true", run_in_background=True)
    model.add(reply("in the background", [task], [tokens(5000, pace=0.02)]))
    session = await remember(editor)
    query = begin(editor, "run it in the background")
    await eventually(lambda: sleepers(environment))
    await editor.event("text", query.events)
    await cancelled(editor, query)
    await none_sleep(environment)
    answer = await assert_knows_code(editor)
    assert answer["sessionId"] == session
    assert_told_of_once(editor, query, "cancelled")


@pytest.mark.usefixtures("tools_allowed")
async def test_background_tasks_of_earlier_runs_go_on(
    editor: Editor, model: Loopback, environment: dict[str, str]
) -> None:
    task = call("Bash", command="sleep 1000; true", run_in_background=True)
    model.add(
        reply("in the background", [task], [say("It is running.")]),
        reply("run it now", [call("Bash", command=STUBBORN_TOOL)], [say("It ran.")]),
    )
    await editor.query("run it in the background", wait=True)
    await eventually(lambda: sleepers(environment))
    before = sleepers(environment)
    query = begin(editor, "run it now")
    await eventually(lambda: len(sleepers(environment)) == 3)
    await cancelled(editor, query)
    await none_sleep(environment, *before)
    assert sleepers(environment) == before


@pytest.mark.usefixtures("tools_allowed")
async def test_a_cancel_ends_its_runs_background_tasks_and_leaves_those_of_earlier_ones(
    editor: Editor, model: Loopback, environment: dict[str, str], folder: Path
) -> None:
    # It starts more while the later run is at work: that is its own, and goes on.
    earlier = "until test -e more; do :; done; sleep 1000 & echo $! > pid; wait"
    model.add(
        reply(
            "in the background",
            [call("Bash", command=earlier, run_in_background=True)],
            [say("It is running.")],
        ),
        reply(
            "run more",
            [call("Bash", command="sleep 1000; true", run_in_background=True)],
            [tokens(5000, pace=0.02)],
        ),
    )
    await begin(editor, "run it in the background").asked
    before = await processes_at(editor)
    query = begin(editor, "run more", 1)
    await eventually(lambda: sleepers(environment))
    await editor.event("text", query.events)
    (folder / "more").touch()
    await eventually(lambda: len(sleepers(environment)) == 2 and (folder / "pid").exists())
    await cancelled(editor, query)
    kept = int((folder / "pid").read_text())
    await none_sleep(environment, kept)
    assert sleepers(environment) == {kept}
    assert await processes_at(editor) == before
    (task,) = (await status(editor))["tasks"]
    assert task["command"] == earlier
