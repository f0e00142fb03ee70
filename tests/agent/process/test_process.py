"""One process and its owner, with stand-ins for the CLI."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from claude_agent_sdk import ClaudeSDKClient, PermissionResultDeny, ResultMessage

from claude_agent_lsp.agent.cli import check
from claude_agent_lsp.agent.os_processes.watchdog import Watchdog
from claude_agent_lsp.agent.process import process as process_module
from claude_agent_lsp.agent.process import shutdown
from claude_agent_lsp.agent.process.process import AgentProcess
from claude_agent_lsp.base.system.processes import now
from claude_agent_lsp.errors import CliFailedToStart, ProcessDied, RequestFailed
from claude_agent_lsp.sessions.transcripts.transcript import Transcript
from tests.agent.conftest import launch_of, new_session

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

    from claude_agent_sdk import Message

    from claude_agent_lsp.agent.os_processes.tree import ProcessTree
    from claude_agent_lsp.agent.process.launch import Launch

pytestmark = pytest.mark.starts

SECONDS = 20


class Run:
    """A receiver that tells when it gets its first message and its last."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.over: asyncio.Future[RequestFailed | None] = asyncio.Future()

    def receive(self, message: Message) -> None:
        self.begun.set()
        if isinstance(message, ResultMessage):
            self.over.set_result(None)

    def room(self) -> Awaitable[None] | None:
        return None

    def lost(self, fault: RequestFailed) -> None:
        if not self.over.done():
            self.over.set_result(fault)

    async def decide(self, *_: Any) -> Any:
        return PermissionResultDeny()

    async def recorded(self, _: Any, edit: Any) -> str:
        done: str = await edit()
        return done

    async def before_tool(self, *_: Any) -> None:
        """Looks at nothing."""


def prompt(text: str) -> dict[str, Any]:
    return {
        "type": "user",
        "uuid": "00000000-0000-4000-8000-000000000000",
        "message": {"role": "user", "content": text},
        "parent_tool_use_id": None,
    }


async def started(launch: Launch) -> AgentProcess:
    process = AgentProcess(launch, new_session())
    await asyncio.wait_for(process.started, SECONDS)
    return process


async def running(process: AgentProcess) -> None:
    """Waits until there is a process; nothing tells of it."""
    async with asyncio.timeout(SECONDS):
        while (await process.tree()).root is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def ended(process: AgentProcess) -> None:
    await asyncio.wait_for(process.end(), SECONDS)
    assert process.gone.is_set()


async def test_it_tells_its_process_id_when_it_has_started(launch: Launch) -> None:
    process = await started(launch)
    assert process.pid is not None
    assert psutil.Process(process.pid).ppid() == psutil.Process().pid
    assert process.ready
    await ended(process)
    assert not psutil.pid_exists(process.pid)
    assert not process.usable


async def test_a_prompt_is_answered_to_the_one_who_has_it(launch: Launch) -> None:
    process = await started(launch)
    run = Run()
    process.attach(run)
    process.prompt(prompt("hello"))
    assert await asyncio.wait_for(run.over, SECONDS) is None
    assert process.used
    process.detach()
    await ended(process)


async def test_ending_it_any_number_of_times_ends_it_once(launch: Launch) -> None:
    process = await started(launch)
    await asyncio.gather(*(ended(process) for _ in range(3)))
    await ended(process)


async def test_it_can_be_ended_at_any_moment_of_its_start(home: Path) -> None:
    mute = launch_of("mute", home)
    for steps in (0, 1, 3, 10, 30, 100):
        process = AgentProcess(mute, new_session())
        for _ in range(steps):
            await asyncio.sleep(0)
        await ended(process)
        with pytest.raises(ProcessDied, match="stopped before it started"):
            await process.started


async def test_it_can_be_ended_when_it_has_been_looked_for_too_early(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starting, looked = asyncio.Event(), asyncio.Event()
    connect, look = ClaudeSDKClient.connect, AgentProcess.tree

    async def connect_late(client: ClaudeSDKClient) -> None:
        starting.set()
        await looked.wait()
        await connect(client)

    async def tree(process: AgentProcess) -> ProcessTree:
        found = await look(process)
        looked.set()
        return found

    monkeypatch.setattr(ClaudeSDKClient, "connect", connect_late)
    monkeypatch.setattr(AgentProcess, "tree", tree)
    process = AgentProcess(launch_of("mute", home), new_session())
    await asyncio.wait_for(starting.wait(), SECONDS)
    await ended(process)


async def test_one_that_never_starts_can_be_ended(home: Path) -> None:
    process = AgentProcess(launch_of("mute", home), new_session())
    await running(process)
    await ended(process)
    with pytest.raises(ProcessDied):
        await process.started


@pytest.fixture
def told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that tells of no process what its environment is."""

    def environ(process: psutil.Process) -> None:
        raise psutil.AccessDenied(process.pid)

    monkeypatch.setattr(psutil.Process, "environ", environ)


@pytest.mark.usefixtures("told_nothing")
async def test_one_that_never_starts_can_be_ended_where_nothing_is_told_of_it(
    home: Path, launch: Launch
) -> None:
    before = await started(launch)
    mute = AgentProcess(launch_of("mute", home), new_session())
    await running(mute)
    after = await started(launch)
    await ended(mute)
    with pytest.raises(ProcessDied, match="stopped before it started"):
        await mute.started
    assert before.ready
    assert after.ready
    await asyncio.gather(ended(before), ended(after))


def mute_children() -> list[psutil.Process]:
    """Those that have become a mute CLI: others come and go, and each begins as a copy of this."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if "mute" in child.cmdline():
                found.append(child)
    return found


@pytest.mark.usefixtures("told_nothing")
async def test_none_is_taken_for_another_where_nothing_is_told_of_them(home: Path) -> None:
    launch = launch_of("mute", home)
    assert launch.settings.cli_path is not None
    await check(launch.settings.cli_path)  # it is not started once more to tell its version
    since = now()
    both = [AgentProcess(launch, new_session()) for _ in range(2)]
    async with asyncio.timeout(SECONDS):
        while len(children := mute_children()) < len(both):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    watchdog = Watchdog()
    await asyncio.to_thread(watchdog.ensure)  # it is a child, too, and must not count
    for process in both:  # as if they had started in the same tick
        process._marked._since = since
    assert [(await process.tree()).root for process in both] == [None, None]
    children[0].kill()
    await asyncio.gather(*(ended(process) for process in both))
    assert watchdog.pid is not None
    await asyncio.to_thread(watchdog.close)


@pytest.mark.parametrize("behaviour", ["mute", "babbling"])
async def test_one_that_never_starts_is_given_up(
    home: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str
) -> None:
    monkeypatch.setattr(process_module, "START_SECONDS", 0.5)
    process = AgentProcess(launch_of(behaviour, home), new_session())
    with pytest.raises(CliFailedToStart, match="within 0"):
        await asyncio.wait_for(process.started, SECONDS)
    await asyncio.wait_for(process.gone.wait(), SECONDS)


async def test_one_that_the_sdk_waits_for_can_be_ended(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connecting = asyncio.Event()

    async def connect(_: ClaudeSDKClient) -> None:
        connecting.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(ClaudeSDKClient, "connect", connect)
    process = AgentProcess(launch_of("obedient", home), new_session())
    await asyncio.wait_for(connecting.wait(), SECONDS)
    await ended(process)
    assert process.gone.is_set()


async def test_one_whose_start_a_disk_holds_up_is_given_up(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung = threading.Event()
    monkeypatch.setattr(process_module, "START_SECONDS", 0.5)
    monkeypatch.setattr(Transcript, "catch_up", lambda _: hung.wait() and 0.0)
    process = AgentProcess(launch_of("obedient", home), new_session())
    try:
        with pytest.raises(CliFailedToStart, match="within 0"):
            await asyncio.wait_for(process.started, SECONDS)
        await asyncio.wait_for(process.end(), SECONDS)
        assert process.gone.is_set()
    finally:
        hung.set()


async def test_one_that_dies_in_a_turn_says_why(home: Path) -> None:
    process = await started(launch_of("dying", home))
    run = Run()
    process.attach(run)
    process.prompt(prompt("hello"))
    fault = await asyncio.wait_for(run.over, SECONDS)
    assert isinstance(fault, ProcessDied)
    assert str(fault).endswith("with status 1: out of memory")
    await asyncio.wait_for(process.gone.wait(), SECONDS)
    assert not process.usable
    await ended(process)


async def test_whoever_takes_one_that_is_gone_is_told(launch: Launch) -> None:
    process = await started(launch)
    await ended(process)
    run = Run()
    process.attach(run)
    process.prompt(prompt("hello"))
    assert isinstance(await asyncio.wait_for(run.over, SECONDS), ProcessDied)


async def test_one_killed_between_take_and_prompt_is_told(launch: Launch) -> None:
    process = await started(launch)
    assert process.pid is not None
    run = Run()
    process.attach(run)
    psutil.Process(process.pid).kill()
    process.prompt(prompt("hello"))
    assert isinstance(await asyncio.wait_for(run.over, SECONDS), ProcessDied)
    await asyncio.wait_for(process.gone.wait(), SECONDS)


async def test_a_call_is_answered(launch: Launch) -> None:
    process = await started(launch)
    call = process.call(lambda client: client.get_mcp_status())
    assert await asyncio.wait_for(call, SECONDS) is not None
    await process.change(model="other", permission_mode="plan")
    assert (process.launch.model, process.launch.permission_mode) == ("other", "plan")
    await ended(process)


async def test_a_call_to_one_that_ends_fails(home: Path) -> None:
    process = await started(launch_of("stuck", home))
    calls = [
        asyncio.ensure_future(process.call(lambda client: client.get_mcp_status()))
        for _ in range(2)
    ]
    await asyncio.sleep(0)
    await ended(process)
    for call in calls:
        with pytest.raises(RequestFailed):
            await asyncio.wait_for(call, SECONDS)
    with pytest.raises(ProcessDied):
        await process.call(lambda client: client.get_mcp_status())


async def test_all_rungs_of_the_ladder_are_taken_in_time(home: Path) -> None:
    process = await started(launch_of("stubborn", home))
    run = Run()
    process.attach(run)
    process.prompt(prompt("hello"))
    await asyncio.wait_for(run.begun.wait(), SECONDS)
    tree = await process.tree()
    assert len(tree.processes) == 2
    loop = asyncio.get_running_loop()
    began = loop.time()
    await ended(process)
    took = loop.time() - began
    rungs = shutdown.EXIT_SECONDS + shutdown.TERMINATE_SECONDS
    assert rungs <= took < rungs + 5
    _, left = psutil.wait_procs(tree.processes, timeout=SECONDS)
    assert all(each.status() == psutil.STATUS_ZOMBIE for each in left)
    assert isinstance(await run.over, ProcessDied)


async def test_what_it_leaves_behind_is_gone_with_it(home: Path) -> None:
    process = await started(launch_of("careless", home))
    (child,) = (await process.tree()).descendants
    await ended(process)
    _, left = psutil.wait_procs([child], timeout=SECONDS)
    assert all(each.status() == psutil.STATUS_ZOMBIE for each in left)


async def test_a_question_that_belongs_to_no_run_is_denied(launch: Launch) -> None:
    process = await started(launch)
    assert isinstance(await process._receiver.decide("Bash", {}, None), PermissionResultDeny)  # type: ignore[arg-type]
    await ended(process)


async def test_a_call_that_can_not_even_be_made_fails_alone(launch: Launch) -> None:
    process = await started(launch)

    def misspelt(client: Any) -> Any:
        return client.no_such_method()

    with pytest.raises(RequestFailed, match="no_such_method"):
        await asyncio.wait_for(process.call(misspelt), SECONDS)
    assert process.ready
    await ended(process)
