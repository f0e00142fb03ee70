"""A server that runs out of file descriptors, at any point of a query: it says so, and goes on.

`make torture` leaves it each number of them; the suite a few.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.loopback import call, reply, say
from tests.e2e.runs import (
    CANCELLED,
    FAILED,
    SECONDS,
    allow_tools,
    begin,
    data_of,
    refusal,
    remember,
)
from tests.processes import all_gone

if sys.platform == "linux":
    import resource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claude_agent_lsp.loopback import Loopback
    from tests.e2e.conftest import Open
    from tests.e2e.editor import Editor
    from tests.e2e.runs import Query

TORTURE = "TORTURE_DESCRIPTORS" in os.environ
LEFT = range(15) if TORTURE else (1, 4)

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="limits another process"),
    pytest.mark.timeout(600 if TORTURE else 120),
]


@contextlib.contextmanager
def descriptors_left(editor: Editor, count: int) -> Iterator[None]:
    """So many more may be open at a time, inside."""
    used = {int(name.name) for name in Path(f"/proc/{editor.pid}/fd").iterdir()}
    free = (number for number in range(10_000) if number not in used)
    limit = [next(free) for _ in range(count + 1)][-1]
    before = resource.prlimit(editor.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(editor.pid, resource.RLIMIT_NOFILE, (limit, before[1]))
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(editor.pid, resource.RLIMIT_NOFILE, before)


async def told(query: Query) -> str:
    """What a query is refused with, if it is: for want of a descriptor, and with what to do."""
    try:
        assert (await query.asked)["status"] == "completed"
    except JsonRpcException as error:
        data = data_of(error)
        assert "Too many open files" in error.message, error  # noqa: PT017
        if data["reason"] in ("internal", "cliFailedToStart"):
            assert "ulimit" in data["hint"]
        return str(data["reason"])
    return ""


async def test_a_query_without_descriptors_is_refused_and_the_next_one_has_its_answer(
    editor_with: Open, model: Loopback, environment: dict[str, str]
) -> None:
    allow_tools(environment)
    model.add(reply("run it", [call("Bash", command="true")], [say("Ran.")]))
    editor = await editor_with(settings={"prewarm": False})
    session = await remember(editor)
    refused = set()
    for left in LEFT:
        with descriptors_left(editor, left):
            refused.add(await told(begin(editor, "run it", 10 * left, session=session)))
            refused.add(await told(begin(editor, "which code?", 10 * left + 1, session="new")))
            await editor.command("status")
            with contextlib.suppress(JsonRpcException):  # as long as none can be opened
                await editor.command("session.list", {})
            query = begin(editor, "count slowly", 10 * left + 2, session=session)
            await asyncio.sleep(0)  # a request is written by a task, a notification at once
            editor.cancel(query.asked)
            assert (await refusal(query)).code in (CANCELLED, FAILED)
        answer = await begin(editor, "which code?", 10 * left + 3, session=session).asked
        assert answer["text"] == "PINEAPPLE-42"
        listed = (await editor.command("session.list", {}))["sessions"]
        assert session in {each["sessionId"] for each in listed}
    assert "cliFailedToStart" in refused
    begin(editor, "count slowly", 1000, session=session)
    with descriptors_left(editor, 0):
        assert await editor.quit() == 0
        assert await all_gone(environment, SECONDS)
