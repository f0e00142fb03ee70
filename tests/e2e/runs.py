"""Runs as a test sees them: asking, stopping, and what must hold of every one."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from pygls.exceptions import JsonRpcException

from claude_agent_lsp.agent.os_processes.adoption import OWN
from tests.processes import processes_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from claude_agent_lsp.loopback import Loopback, Request

    from .editor import Asked, Editor

CANCELLED = -32800
FAILED = -32803
SECONDS = 20.0


@dataclass
class Query:
    """A query that is on its way, with the tokens that it was given."""

    asked: Asked
    events: str
    work_done: str | None
    number: int

    @property
    def own_token(self) -> str:
        assert self.work_done is not None
        return self.work_done


def begin(editor: Editor, prompt: str, number: int = 0, **fields: Any) -> Query:
    """Asks, with event and progress tokens of this number."""
    events = f"events-{number}"
    work_done = fields.pop("work_done_token", f"work-{number}")
    asked = editor.query(
        prompt, partialResultToken=events, work_done_token=work_done, wait=True, **fields
    )
    return Query(asked, events, work_done, number)


@contextlib.asynccontextmanager
async def in_one_write(editor: Editor) -> AsyncIterator[None]:
    """All that is sent inside arrives at the server at once."""
    protocol: Any = editor.protocol
    writer, together = protocol.writer, io.BytesIO()
    protocol.writer = together
    try:
        yield
        await asyncio.sleep(0)  # requests are written by a task
    finally:
        protocol.writer = writer
    writer.write(together.getvalue())


async def refusal(query: Query) -> JsonRpcException:
    """How a query fails."""
    with pytest.raises(JsonRpcException) as failed:
        await query.asked
    return failed.value


def data_of(error: JsonRpcException) -> dict[str, Any]:
    assert isinstance(error.data, dict)
    return error.data


async def run_of(editor: Editor, query: Query) -> dict[str, Any]:
    run: dict[str, Any] = (await editor.event("started", query.events))["run"]
    return run


def assert_told_of_once(editor: Editor, query: Query, status: str, *, queued: bool = False) -> None:
    """One `started` first, one `ended` last, and progress that has ended; nothing after."""
    kinds = [event["kind"] for event in editor.events(query.events)][queued:]
    assert (kinds[0], kinds[-1]) == ("started", "ended")
    assert (kinds.count("started"), kinds.count("ended")) == (1, 1)
    assert editor.events(query.events)[-1]["run"]["status"] == status
    answered = query.asked.answered_at
    arrived = [at for at, _, params in editor.log if getattr(params, "token", None) == query.events]
    assert answered is not None
    assert max(arrived) <= answered, "something of the run came after its answer"
    if query.work_done is not None:
        progress = [value["kind"] for value in editor.events(query.work_done)]
        assert (progress[0], progress[-1]) == ("begin", "end")
        assert (progress.count("begin"), progress.count("end")) == (1, 1)


async def assert_knows_code(editor: Editor, number: int = 1000) -> dict[str, Any]:
    """The session goes on as if nothing had been; what came before is over by then."""
    answer: dict[str, Any] = await begin(editor, "which code?", number).asked
    assert answer["text"] == "PINEAPPLE-42"
    return answer


async def remember(editor: Editor, **fields: Any) -> str:
    told = await editor.query("remember the code PINEAPPLE-42", wait=True, **fields)
    return str(told["sessionId"])


async def status(editor: Editor) -> dict[str, Any]:
    answer: dict[str, Any] = await editor.command("status")
    return answer


def requests_of(model: Loopback, prompt: str) -> list[Request]:
    return [request for request in model.requests if prompt in request.prompt]


async def eventually(look: Callable[[], object]) -> None:
    """Waits for what nothing tells of, a file or a process, by looking."""
    async with asyncio.timeout(SECONDS):
        while not look():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def status_when(editor: Editor, look: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Waits for what the server tells in its status alone; returns that."""
    async with asyncio.timeout(SECONDS):
        while not look(told := await status(editor)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return told


def sleepers(environment: dict[str, str]) -> set[int]:
    """What the tools of a test have at work."""
    return {each.pid for each in processes_of(environment, "sleep")}


async def none_sleep(environment: dict[str, str], *but: int) -> None:
    """Waits until these are all that is left of them."""
    await eventually(lambda: not sleepers(environment) - set(but))


def kinds(editor: Editor, token: str | int = "events") -> list[str]:
    """The kinds of all events of a token, each once where it repeats."""
    found: list[str] = []
    for event in editor.events(token):
        if found[-1:] != [event["kind"]]:
            found.append(event["kind"])
    return found


async def processes_at(editor: Editor) -> list[int]:
    """The ids of the server's CLIs."""
    return [each["pid"] for each in (await status(editor))["processes"]]


def clis(editor: Editor) -> list[psutil.Process]:
    """The agent's processes that a server has at work.

    Not what these have started: until a child of theirs has become another program, it has
    their name.
    """
    found = []
    for child in psutil.Process(editor.pid).children():
        with contextlib.suppress(psutil.Error):  # it may be gone at any moment
            if child.name() == "claude" and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
    return found


def pid_of_watchdog(editor: Editor) -> int:
    """The server's child in a session of its own."""
    for child in psutil.Process(editor.pid).children():
        with contextlib.suppress(psutil.Error):
            if OWN in child.environ():
                return child.pid
    raise AssertionError("there is no watchdog")


def allow_tools(environment: dict[str, str], *more: str) -> None:
    """The user lets the agent run shell commands, and use these tools."""
    directory = Path(environment["CLAUDE_CONFIG_DIR"])
    directory.mkdir(exist_ok=True)
    allowed = {"permissions": {"allow": ["Bash", *more]}}
    (directory / "settings.json").write_text(json.dumps(allowed))


async def cancelled(editor: Editor, query: Query) -> dict[str, Any]:
    """Cancels a query; returns its run."""
    at = editor.cancel(query.asked)
    error = await refusal(query)
    assert error.code == CANCELLED
    assert query.asked.answered_at is not None
    assert query.asked.answered_at - at < 5
    run: dict[str, Any] = data_of(error)["run"]
    assert run["status"] == "cancelled"
    return run
