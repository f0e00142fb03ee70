"""Stopping a run whose CLI does not do as it is told."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.e2e.conftest import PATIENT
from tests.e2e.runs import (
    CANCELLED,
    FAILED,
    assert_told_of_once,
    begin,
    cancelled,
    data_of,
    eventually,
    refusal,
    run_of,
    status,
)
from tests.processes import processes_of
from tests.standins import stand_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Open

GRACE = 0.3
# What the rungs above the first may take: EXIT, TERMINATE and SWEEP of agent/process.py.
RUNGS = 1.5 + 0.5 + 0.5


async def test_with_an_interrupt_that_gets_lost(editor_with: Open, tmp_path: Path) -> None:
    # The CLI takes one that arrives before the turn has begun, and goes on with the turn.
    cli = str(stand_in("forgetful", tmp_path))
    editor = await editor_with(settings={"cliPath": cli, **PATIENT})
    for number in range(2):
        query = begin(editor, "work", number)
        await editor.event("text", query.events)
        at = editor.cancel(query.asked)
        assert (await refusal(query)).code == CANCELLED
        assert query.asked.answered_at is not None
        assert query.asked.answered_at - at < PATIENT["cancelGraceSeconds"]
    (process,) = (await status(editor))["processes"]
    assert process["state"] == "idle"


async def test_a_cli_that_ignores_everything_is_gone_in_time(
    editor_with: Open, environment: dict[str, str], tmp_path: Path
) -> None:
    cli = stand_in("stubborn", tmp_path)
    editor = await editor_with(settings={"cliPath": str(cli), "cancelGraceSeconds": GRACE})
    query = begin(editor, "work")
    await editor.event("text", query.events)
    # The server, the CLI, and the child of it that ignores SIGTERM as well.
    await eventually(lambda: len(processes_of(environment)) == 3)
    at = editor.cancel(query.asked)
    error = await refusal(query)
    took = time.monotonic() - at
    assert error.code == CANCELLED
    assert data_of(error)["run"]["text"] == "I won't stop."
    assert [each.pid for each in processes_of(environment)] == [editor.pid]
    assert took < GRACE + RUNGS + 2
    assert_told_of_once(editor, query, "cancelled")


async def test_a_cli_that_never_starts_does_not_hold_up_the_cancel(
    editor_with: Open, environment: dict[str, str], tmp_path: Path
) -> None:
    editor = await editor_with(settings={"cliPath": str(stand_in("mute", tmp_path))})
    query = begin(editor, "work")
    await run_of(editor, query)
    await eventually(lambda: len(processes_of(environment)) > 1)
    await cancelled(editor, query)
    assert await editor.quit() == 0


PIPE = 2**16
"""What a pipe holds."""


def written_by(process: psutil.Process) -> int:
    return int(process.io_counters().write_chars)


@pytest.mark.skipif(
    sys.platform != "linux", reason="that the prompt has filled the pipe can be seen on Linux alone"
)
async def test_a_cli_that_does_not_read_a_large_prompt_is_ended(
    editor_with: Open, environment: dict[str, str], tmp_path: Path
) -> None:
    cli = stand_in("deaf", tmp_path)
    editor = await editor_with(settings={"cliPath": str(cli), "cancelGraceSeconds": GRACE})
    query = begin(editor, "x" * 2_000_000)
    await run_of(editor, query)
    server = psutil.Process(editor.pid)
    await eventually(lambda: written_by(server) > PIPE)
    await cancelled(editor, query)
    assert [each.pid for each in processes_of(environment)] == [editor.pid]


async def test_a_cli_that_dies_in_mid_turn_fails_the_run(editor_with: Open, tmp_path: Path) -> None:
    editor = await editor_with(settings={"cliPath": str(stand_in("dying", tmp_path))})
    query = begin(editor, "work")
    error = await refusal(query)
    assert error.code == FAILED
    data = data_of(error)
    assert data["reason"] == "processDied"
    assert "out of memory" in error.message
    assert data["run"]["text"] == "I feel"
    assert_told_of_once(editor, query, "failed")
