"""The end of the server, whoever brings it about: nothing of it is left, and soon."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from lsprotocol import types

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.editor import EXECUTABLE
from tests.e2e.runs import (
    CANCELLED,
    Query,
    allow_tools,
    assert_told_of_once,
    begin,
    data_of,
    eventually,
    refusal,
    remember,
    run_of,
    sleepers,
)
from tests.processes import all_gone, processes_of
from tests.standins import stand_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

AT_MOST = 10.0
"""Seconds after which nothing may be left."""
STUBBORN_TOOL = """
trap '' TERM HUP INT
sh -c 'sleep 1000; true' &
setsid sh -c 'sleep 1000; true' &
wait
"""


@dataclass
class Busy:
    """An editor with a run that streams, one whose tool ignores SIGTERM, and an idle process."""

    editor: Editor
    parent: asyncio.subprocess.Process | None = None
    runs: list[Query] = field(default_factory=list)

    @property
    def server(self) -> Any:
        return self.editor._server


@pytest_asyncio.fixture
async def busy(
    editor_with: Open, model: Loopback, environment: dict[str, str]
) -> AsyncIterator[Busy]:
    allow_tools(environment)
    model.add(reply("run it", [call("Bash", command=STUBBORN_TOOL)], [say("It ran.")]))
    # It ends with its input, which is with this test.
    parent = await asyncio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE)
    try:
        editor = await editor_with(process_id=parent.pid)
        await remember(editor, session="new")
        streams = begin(editor, "count slowly", 1, session="new")
        await editor.event("text", streams.events)
        runs = begin(editor, "run it", 2, session="new")
        await eventually(lambda: len(sleepers(environment)) == 2)
        yield Busy(editor, parent, [streams, runs])
    finally:
        assert parent.stdin is not None
        parent.stdin.close()
        await parent.wait()


def close_stdin(busy: Busy) -> None:
    busy.server.stdin.close()


def close_stdout(busy: Busy) -> None:
    busy.server._transport.get_pipe_transport(1).close()


def kill_parent(busy: Busy) -> None:
    # The server's input stays open: this test has the other end.
    assert busy.parent is not None
    busy.parent.kill()


def terminate(busy: Busy) -> None:
    os.kill(busy.editor.pid, signal.SIGTERM)


def hang_up(busy: Busy) -> None:
    os.kill(busy.editor.pid, signal.SIGHUP)


def interrupt(busy: Busy) -> None:
    os.kill(busy.editor.pid, signal.SIGINT)


def exit_at_once(busy: Busy) -> None:
    busy.editor.exit(None)


WAYS: dict[Callable[[Busy], None], int] = {
    close_stdin: 1,
    close_stdout: 1,
    kill_parent: 1,
    terminate: 0,
    hang_up: 0,
    interrupt: 0,
    exit_at_once: 1,
}


@pytest.mark.parametrize("way", WAYS)
async def test_every_run_is_answered_and_nothing_is_left(
    busy: Busy, environment: dict[str, str], way: Callable[[Busy], None]
) -> None:
    began = time.monotonic()
    way(busy)
    # An editor that has closed the server's output gets no answers.
    for query in () if way is close_stdout else busy.runs:
        error = await refusal(query)
        assert error.code == CANCELLED
        assert data_of(error)["run"]["status"] == "cancelled"
    assert await busy.editor.gone() == WAYS[way]
    assert await all_gone(environment, AT_MOST)
    assert time.monotonic() - began < AT_MOST


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not tell of it")
async def test_an_editor_that_reads_no_more_is_gone_although_nothing_is_said(
    editor_with: Open, model: Loopback, environment: dict[str, str]
) -> None:
    allow_tools(environment)
    model.add(reply("run it", [call("Bash", command=STUBBORN_TOOL)], [say("It ran.")]))
    editor = await editor_with()
    begin(editor, "run it")
    await eventually(lambda: len(sleepers(environment)) == 2)
    close_stdout(Busy(editor))
    assert await editor.gone() == 1
    assert await all_gone(environment, AT_MOST)


@pytest.mark.parametrize("way", [close_stdin, terminate, kill_parent], ids=lambda way: way.__name__)
async def test_every_cli_ends_in_order_and_has_written_what_it_said(
    busy: Busy, editor_with: Open, environment: dict[str, str], way: Callable[[Busy], None]
) -> None:
    streams = busy.runs[0]
    way(busy)
    run = data_of(await refusal(streams))["run"]
    await busy.editor.gone()
    assert await all_gone(environment, AT_MOST)
    second = await editor_with()
    read = await second.command("session.read", {"sessionId": run["sessionId"]})
    (answer,) = [m for m in read["messages"] if m["role"] == "assistant" and m["text"]]
    assert answer["text"] == run["text"]
    assert "recovered" not in answer


async def test_shutdown_answers_every_run_before_itself(
    busy: Busy, environment: dict[str, str]
) -> None:
    # One that has not begun yet, and one that never will: nothing stands between.
    late = begin(busy.editor, "which code?", 3, session="new")
    shutdown = busy.editor.ask(types.SHUTDOWN, None)
    await shutdown
    for query in (*busy.runs, late):
        assert query.asked.done
        assert (await refusal(query)).code == CANCELLED
        assert query.asked.answered_at is not None
        assert shutdown.answered_at is not None
        assert query.asked.answered_at <= shutdown.answered_at
        assert_told_of_once(busy.editor, query, "cancelled")
    # Only the server itself is left.
    assert [each.pid for each in processes_of(environment)] == [busy.editor.pid]
    busy.editor.exit(None)
    assert await busy.editor.gone() == 0


async def test_ctrl_c_in_a_terminal_reaches_all_at_once(
    busy: Busy, environment: dict[str, str]
) -> None:
    for process in processes_of(environment):
        process.send_signal(signal.SIGINT)
    assert await busy.editor.gone() == 0
    assert await all_gone(environment, AT_MOST)


async def test_a_second_signal_changes_nothing(busy: Busy, environment: dict[str, str]) -> None:
    terminate(busy)
    interrupt(busy)
    terminate(busy)
    assert await busy.editor.gone() == 0
    assert await all_gone(environment, AT_MOST)


async def test_a_parent_that_is_gone_already_is_not_waited_for(
    editor_with: Open,
) -> None:
    parent = await asyncio.create_subprocess_exec("true")
    await parent.wait()
    editor = await editor_with(process_id=parent.pid)
    # As in a container, where the editor's id means nothing.
    assert (await begin(editor, "say something").asked)["text"] == "OK."


@pytest.mark.parametrize("way", [terminate, close_stdin], ids=["terminate", "close_stdin"])
async def test_a_process_that_is_starting_does_not_hold_it_up(
    editor_with: Open,
    environment: dict[str, str],
    tmp_path: Path,
    way: Callable[[Busy], None],
) -> None:
    editor = await editor_with(settings={"cliPath": str(stand_in("mute", tmp_path))})
    query = begin(editor, "work")
    await run_of(editor, query)
    await eventually(lambda: len(processes_of(environment)) > 1)
    began = time.monotonic()
    way(Busy(editor))
    assert await editor.gone() == WAYS[way]
    assert await all_gone(environment, AT_MOST)
    assert time.monotonic() - began < AT_MOST


async def test_clis_that_ignore_everything_do_not_hold_it_up(
    editor_with: Open, environment: dict[str, str], tmp_path: Path
) -> None:
    cli = str(stand_in("stubborn", tmp_path))
    editor = await editor_with(settings={"cliPath": cli, "cancelGraceSeconds": 60})
    for number in range(3):
        query = begin(editor, "work", number, session="new")
        await editor.event("text", query.events)
    began = time.monotonic()
    editor.exit(None)
    assert (await refusal(query)).code == CANCELLED
    assert await editor.gone() == 1
    assert await all_gone(environment, AT_MOST)
    assert time.monotonic() - began < AT_MOST


async def test_a_cli_that_hangs_at_its_version_does_not_hold_it_up(
    editor_with: Open, environment: dict[str, str], tmp_path: Path
) -> None:
    cli = tmp_path / "claude"
    cli.write_text("#!/bin/sh\nsleep 1000\n")
    cli.chmod(0o755)
    editor = await editor_with(settings={"cliPath": str(cli)})
    query = begin(editor, "work")
    await eventually(lambda: sleepers(environment))
    began = time.monotonic()
    assert await editor.quit() == 0
    assert (await refusal(query)).code == CANCELLED
    assert time.monotonic() - began < 8  # by force it takes 9
    assert await all_gone(environment, AT_MOST)


async def test_an_editor_that_goes_before_it_has_said_anything(
    environment: dict[str, str],
) -> None:
    server = await asyncio.create_subprocess_exec(
        EXECUTABLE,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(server.communicate(b""), AT_MOST)
    assert (server.returncode, out) == (1, b"")
