"""An editor that stops reading for a while."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from claude_agent_lsp.loopback import reply, say, tokens
from tests.e2e.runs import (
    CANCELLED,
    SECONDS,
    assert_knows_code,
    assert_told_of_once,
    begin,
    data_of,
    eventually,
    refusal,
    remember,
)
from tests.e2e.wire import open_wire
from tests.processes import all_gone

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.editor import Editor

MIB = 2**20
MAY_GROW = 30 * MIB
REST = 0.3
LOOKS = 3
"""So many looks, with so many seconds between two, without a byte: a server counts as blocked."""


FLOOD = (say(" ".join(["y" * 1000] * 4_000)), tokens(5_000, pace=0.02))
"""More than is held for an editor that does not read; then a trickle, so that it goes on."""


def stop_reading(editor: Editor) -> None:
    server: Any = editor._server
    server._transport.get_pipe_transport(1).pause_reading()


def go_on_reading(editor: Editor) -> None:
    server: Any = editor._server
    server._transport.get_pipe_transport(1).resume_reading()


def memory(pid: int) -> int:
    info = psutil.Process(pid).memory_full_info()
    return int(getattr(info, "pss", info.uss))


async def blocked(pid: int) -> None:
    """Waits until a server can write no more."""
    seen: list[int] = []
    async with asyncio.timeout(60):
        while len(seen) < LOOKS or len(set(seen[-LOOKS:])) > 1:
            seen.append(psutil.Process(pid).io_counters().write_chars)
            await asyncio.sleep(REST)  # in which nothing may be written


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at what a process writes")


@pytest.mark.long
async def test_memory_is_bounded(editor: Editor, model: Loopback) -> None:
    model.add(reply("flood", say(" ".join(["y" * 1000] * 60_000))))
    await remember(editor)
    before = memory(editor.pid)
    query = begin(editor, "flood")
    await editor.event("text", query.events)
    stop_reading(editor)
    request = await model.request("flood", SECONDS)
    await eventually(lambda: len(request.sent) > 35_000_000)
    assert memory(editor.pid) - before < MAY_GROW
    editor.cancel(query.asked)
    go_on_reading(editor)
    assert (await refusal(query)).code == CANCELLED


@pytest.mark.long
async def test_a_cancel_is_handled(editor: Editor, model: Loopback) -> None:
    model.add(reply("flood", *FLOOD))
    await remember(editor)
    query = begin(editor, "flood")
    await editor.event("text", query.events)
    stop_reading(editor)
    request = await model.request("flood", SECONDS)
    await blocked(editor.pid)
    before = memory(editor.pid)
    at = editor.cancel(query.asked)
    assert await request.hang_up(SECONDS) - at < 5
    assert memory(editor.pid) - before < MAY_GROW
    assert not query.asked.done
    go_on_reading(editor)
    error = await refusal(query)
    assert error.code == CANCELLED
    # What the editor was spared stands in the run's text.
    text = data_of(error)["run"]["text"]
    assert text.startswith(editor.text(query.events))
    await assert_knows_code(editor)
    assert_told_of_once(editor, query, "cancelled")


@pytest.mark.long
async def test_nothing_is_lost_on_an_editor_that_goes_on_reading(
    editor: Editor, model: Loopback
) -> None:
    words = 60_000
    model.add(reply("flood", tokens(words)))
    await remember(editor)
    query = begin(editor, "flood")
    await editor.event("text", query.events)
    stop_reading(editor)
    await blocked(editor.pid)
    assert not query.asked.done
    go_on_reading(editor)
    run = await query.asked
    assert run["text"] == " ".join(f"word{number}" for number in range(words))
    assert editor.text(query.events) == run["text"]
    assert_told_of_once(editor, query, "completed")


@pytest.mark.long
async def test_the_end_does_not_wait_for_an_editor_that_reads_no_more(
    editor: Editor, model: Loopback, environment: dict[str, str]
) -> None:
    model.add(reply("flood", *FLOOD))
    query = begin(editor, "flood")
    await editor.event("text", query.events)
    stop_reading(editor)
    await blocked(editor.pid)
    server: Any = editor._server
    server.stdin.close()
    assert await all_gone(environment, 20)  # by force it takes 9, and a busy machine longer
    go_on_reading(editor)
    with contextlib.suppress(asyncio.IncompleteReadError):  # a message that was cut off
        await editor.gone()


async def test_a_log_that_nobody_reads_holds_up_nothing(
    environment: dict[str, str], tmp_path: Path
) -> None:
    unread, log = os.pipe()
    try:
        async with open_wire(environment, tmp_path, "--log-level", "info", stderr=log) as wire:
            os.close(log)
            wire.initialize()
            await wire.read()
            for number in range(3000):  # each is a line of the log, and it has room for a third
                wire.notify("$/cancelRequest", {"id": f"nothing-{number}"})
            wire.request(1, "shutdown")
            assert (await wire.read())["result"] is None
            wire.notify("exit")
            assert await wire.status() == 0
    finally:
        os.close(unread)
