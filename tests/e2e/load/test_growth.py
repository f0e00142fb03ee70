"""Hours of mixed work: the server holds no more afterwards than before.

`make torture` works for twenty minutes; TORTURE_MINUTES has it be another time.
"""

from __future__ import annotations

import os
import random
import re
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from claude_agent_lsp.loopback import call, reply, say, tokens
from tests.conftest import TOLD
from tests.e2e.runs import allow_tools, begin, cancelled, eventually, remember, status
from tests.told_secrets import LOG

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor

MINUTES = float(os.environ.get("TORTURE_MINUTES", "0"))
WARM_UP = 0.25
"""Of the time: what is loaded once, and kept to a bound, is there by then."""
MOST_BYTES = 10_000
"""That the server may grow by with each query."""
AT_ONCE = 5_000_000
"""So much the interpreter may take from the system in one step."""

pytestmark = [
    pytest.mark.skipif(not MINUTES, reason="takes minutes: make torture"),
    pytest.mark.skipif(sys.platform != "linux", reason="counts what a process has open"),
]


@dataclass(frozen=True)
class Held:
    """What a server has at rest."""

    queries: int
    memory: int
    descriptors: int
    threads: int
    tasks: int


async def held(editor: Editor, log: Path, queries: int) -> Held:
    server = psutil.Process(editor.pid)
    reported = log.stat().st_size
    os.kill(editor.pid, signal.SIGUSR1)
    marks = "The tasks of the event loop"
    await eventually(lambda: marks in log.read_bytes()[reported:].decode(errors="replace"))
    await status(editor)  # the report has been written whole
    report = log.read_bytes()[reported:].decode(errors="replace").partition(marks)[2]
    return Held(
        queries,
        server.memory_info().rss,
        server.num_fds(),
        server.num_threads(),
        len(re.findall(r"^<?Task|Stack for <Task", report, re.MULTILINE)),
    )


async def work(editor: Editor, number: int, session: str, chance: random.Random) -> None:
    """A query of some kind, and some command."""
    kind = chance.random()
    if kind < 0.03:
        query = begin(editor, f"work on {number}", number, session="new")
        new = (await query.asked)["sessionId"]
        await editor.command("session.delete", {"sessionId": new})
    elif kind < 0.2:
        query = begin(editor, "count slowly", number, session=session)
        await editor.event("text", query.events)
        await cancelled(editor, query)
    else:
        prompt = "run it" if kind < 0.35 else f"work on {number}"
        await begin(editor, prompt, number, session=session).asked
    which = {"sessionId": session}
    name, argument = chance.choice(
        (
            ("status", {}),
            ("session.list", {"search": f"work on {number}"}),
            ("session.read", which),
            ("session.show", which),
            ("session.rename", {**which, "title": f"title {number}"}),
            ("cancel", {}),
        )
    )
    await editor.command(name, argument)
    # What a test's editor keeps of it would soon be more than the server's.
    editor.log.clear()
    editor.progress_reports.clear()


@pytest.mark.timeout(120 + 120 * MINUTES)
async def test_nothing_grows(
    editor_with: Open,
    model: Loopback,
    environment: dict[str, str],
    record_property: Callable[[str, object], None],
) -> None:
    allow_tools(environment)
    model.add(
        reply("work on", tokens(30, pace=0.001)),
        reply("run it", [call("Bash", command="true")], [say("Ran.")]),
    )
    editor = await editor_with(settings={"maxProcesses": 2})
    log = Path(environment["HOME"], LOG)
    chance = random.Random(8)
    began, number, sessions = time.monotonic(), 0, 0
    looks: list[Held] = []
    session = ""
    while (elapsed := time.monotonic() - began) < 60 * MINUTES:
        if number % 200 == 0:  # a session is not gone on with for ever
            session, sessions = await remember(editor, session="new"), sessions + 1
        number += 1
        await work(editor, number, session, chance)
        model.requests.clear()
        if number % 50 == 0 and elapsed > 60 * MINUTES * WARM_UP:
            looks.append(await held(editor, log, number))
            print(looks[-1])  # noqa: T201
    first, last = looks[0], looks[-1]
    counted = last.queries - first.queries
    grown = (last.memory - first.memory) / counted
    record_property(
        TOLD,
        f"{number} queries in {sessions} sessions; with 1000 queries the memory grew by "
        f"{grown / 1000:.0f} MB, descriptors from {first.descriptors} to {last.descriptors}, "
        f"threads from {first.threads} to {last.threads}, tasks from {first.tasks} to "
        f"{last.tasks}",
    )
    assert last.memory - first.memory < MOST_BYTES * counted + AT_ONCE
    assert last.descriptors <= first.descriptors + 5
    assert last.threads <= first.threads + 5
    assert last.tasks <= first.tasks + 5
