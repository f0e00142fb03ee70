"""A process whose owner meets with exceptions anywhere: all that wait for it are told."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import itertools
import os
import signal
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from claude_agent_sdk import ClaudeSDKClient

from claude_agent_lsp.agent.os_processes import marked
from claude_agent_lsp.agent.process import process as process_module
from claude_agent_lsp.agent.process.launch import Launch
from claude_agent_lsp.agent.process.process import AgentProcess
from claude_agent_lsp.agent.process.process_state import ProcessState
from claude_agent_lsp.errors import RequestFailed
from claude_agent_lsp.sessions.transcripts.transcript import Transcript
from tests.agent.conftest import launch_of, new_session
from tests.agent.process.test_process import SECONDS, Run, prompt

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.starts

# All that a process calls which is not its own.
CALLS = (
    (Launch, "options"),
    (Transcript, "catch_up"),
    (Transcript, "expect"),
    (process_module, "check"),
    (process_module, "named_to_the_sdk"),
    (process_module, "reach"),
    (process_module, "fault_at_start"),
    (process_module, "fault_in_run"),
    (ClaudeSDKClient, "connect"),
    (ClaudeSDKClient, "get_server_info"),
    (ClaudeSDKClient, "query"),
    (ClaudeSDKClient, "interrupt"),
    (ClaudeSDKClient, "receive_messages"),
    (ClaudeSDKClient, "disconnect"),
    (marked, "in_process_thread"),
    (marked, "kill_all_with"),
)


class Faults:
    """Raises at one moment.

    Args:
        where: Before or after one of the calls.
        time: The first time, or a later one.
        error: What is raised.
    """

    def __init__(self, where: str, time: int, error: type[BaseException]) -> None:
        self._where = where
        self._left = time
        self._error = error

    @property
    def met(self) -> bool:
        """Whether it has raised."""
        return self._left <= 0

    def pass_by(self, where: str) -> None:
        if where == self._where:
            self._left -= 1
            if self._left == 0:
                raise self._error(where)

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            self.pass_by(f"before {name}")
            result = await call(*args, **kwargs)
            self.pass_by(f"after {name}")
            return result

        def called(*args: Any, **kwargs: Any) -> Any:
            self.pass_by(f"before {name}")
            result = call(*args, **kwargs)
            self.pass_by(f"after {name}")
            return result

        return awaited if inspect.iscoroutinefunction(call) else called


async def whole_life(launch: Launch, how: str) -> None:
    """One prompt, and the end; whatever happens, everyone is told."""
    process = AgentProcess(launch, new_session())
    run, call, unanswered = Run(), None, None
    try:
        await asyncio.wait_for(process.started, SECONDS)
    except RequestFailed:
        assert not process.usable
    else:
        process.attach(run)
        try:
            process.prompt(prompt("hello"))
        except (SystemError, asyncio.CancelledError):
            run.over.set_result(None)  # it is the run's to tell
        process.interrupt()
        # The CLI answers in order: with this one it has answered the interrupt.
        call = asyncio.ensure_future(process.call(lambda client: client.get_mcp_status()))
        await asyncio.wait({call}, timeout=SECONDS)
        await asyncio.wait_for(run.over, SECONDS)
        unanswered = asyncio.ensure_future(process.call(lambda client: client.get_mcp_status()))
    if how == "killed" and process.pid is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(process.pid).kill()
    else:
        await asyncio.wait({asyncio.ensure_future(process.end())}, timeout=SECONDS)
    await asyncio.wait_for(process.gone.wait(), SECONDS)
    assert process.started.done()
    assert process._life.state is ProcessState.GONE
    assert process._task.done() or await asyncio.wait({process._task}, timeout=SECONDS)
    for asked in filter(None, (call, unanswered)):
        await asyncio.wait({asked}, timeout=SECONDS)
        assert asked.done()
        asked.exception()
    with pytest.raises(RequestFailed):
        await asyncio.wait_for(process.call(lambda client: client.get_mcp_status()), SECONDS)
    await asyncio.wait({asyncio.ensure_future(process.end())}, timeout=SECONDS)


# In what an orderly life never comes by: only a fault leads there.
RARE = {"fault_at_start", "fault_in_run", "kill_all_with"}


# What the SDK was kept from closing.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("when", "error", "how"),
    [
        ("before", SystemError, "ended"),
        ("after", SystemError, "ended"),
        ("before", SystemError, "killed"),
        ("before", asyncio.CancelledError, "ended"),
    ],
)
@pytest.mark.parametrize("name", [name for _, name in CALLS])
async def test_whatever_raises_everyone_is_told(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    when: str,
    error: type[BaseException],
    how: str,
) -> None:
    for time in itertools.count(1):
        faults = Faults(f"{when} {name}", time, error)
        with monkeypatch.context() as patch:
            for owner, called in CALLS:
                patch.setattr(owner, called, faults.around(called, getattr(owner, called)))
            await whole_life(launch_of("obedient", home), how)
        if not faults.met:
            break
    assert time > 1 or name in RARE or (name == "in_process_thread" and how == "killed")
    gc.collect()


PSUTIL = (
    *((psutil.Process, name) for name in ("__init__", "environ", "create_time", "children")),
    *((psutil.Process, name) for name in ("status", "is_running", "wait", "terminate", "kill")),
    (psutil, "pids"),
    (psutil, "wait_procs"),
)


def broken(patch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
    """Lets a call of psutil raise, whichever process it is about."""

    def fail(*_: Any, **__: Any) -> Any:
        raise SystemError(name)

    patch.setattr(owner, name, fail)


@pytest.mark.parametrize("how", ["ended", "killed"])
@pytest.mark.parametrize(
    ("owner", "name"), PSUTIL, ids=lambda value: getattr(value, "__name__", value)
)
async def test_a_process_ends_whatever_psutil_raises(
    launch: Launch,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    how: str,
) -> None:
    process = AgentProcess(launch, new_session())
    await asyncio.wait_for(process.started, SECONDS)
    assert process.pid is not None
    pid = process.pid
    with monkeypatch.context() as patch:
        broken(patch, owner, name)
        process.sweep((), since=0)
        if how == "killed":
            os.kill(pid, signal.SIGKILL)
            await asyncio.wait_for(process.gone.wait(), SECONDS)
        await asyncio.wait_for(process.end(), SECONDS)
        assert process.gone.is_set()
