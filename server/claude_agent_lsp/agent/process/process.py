"""One CLI process in one session, and the one task that owns its SDK client.

    connect ──▶ serve what others order ──▶ disconnect ──▶ nothing of it is left

The owner task connects, sends what others ask it to send, and disconnects; nobody cancels it. A
second one reads all of the CLI's messages, between turns too. Whatever raises, `started` and
`gone` are settled.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections import deque
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from claude_agent_sdk import (
    AssistantMessage,
    ClaudeSDKClient,
    ResultMessage,
    SystemMessage,
    ToolUseBlock,
    UserMessage,
)

from claude_agent_lsp.agent.background import Background
from claude_agent_lsp.agent.buffers.channel import with_buffers
from claude_agent_lsp.agent.cli import check, named_to_the_sdk, reach
from claude_agent_lsp.agent.editor_tools.offer import offered
from claude_agent_lsp.agent.os_processes.marked import Marked, marks
from claude_agent_lsp.agent.process.client_queue import ClientQueue
from claude_agent_lsp.agent.process.connection import connect, disconnect
from claude_agent_lsp.agent.process.private_files import PrivateFiles
from claude_agent_lsp.agent.process.process_state import Lifecycle, ProcessState
from claude_agent_lsp.agent.process.receiver import CurrentReceiver, nobody
from claude_agent_lsp.agent.process.sdk_errors import fault_at_start, fault_in_run
from claude_agent_lsp.agent.process.shutdown import end_started, end_starting
from claude_agent_lsp.base import lanes
from claude_agent_lsp.base.abort import AbortController
from claude_agent_lsp.base.texts.redaction import mask_secrets, register_secrets
from claude_agent_lsp.errors import CliFailedToStart, ProcessDied, RequestFailed
from claude_agent_lsp.sessions.transcripts.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence

    from claude_agent_sdk import Message

    from claude_agent_lsp.agent.buffers.buffer_tools import BufferTools
    from claude_agent_lsp.agent.buffers.mcp_server import Tool
    from claude_agent_lsp.agent.os_processes.tree import Process, ProcessTree
    from claude_agent_lsp.agent.process.launch import Launch, SessionStart
    from claude_agent_lsp.agent.process.receiver import FindOwner, Receiver

logger = logging.getLogger(__name__)

T = TypeVar("T")

# A CLI is up within a second; a machine with a cold cache and many MCP servers takes longer.
START_SECONDS = 60.0
# A disk that hangs keeps what it keeps; nobody waits for it.
REMOVE_SECONDS = 0.5
STDERR_LINES = 50


class AgentProcess:
    """A CLI process.

    Args:
        launch: What it is started with.
        session: The session it works in.
        before_start: Called in a thread before it starts.
        find_owner: Has a run own a turn that has begun by itself: see `CurrentReceiver`.
        tools: Read and edit what is open in the editor; None leaves all to the disk.

    Attributes:
        launch: What it was started with; model and mode are kept up to date.
        session_id: The session it works in, from before it starts.
        tools: Read and edit what is open in the editor.
        used: Whether it has had a prompt.
        transcript: The session's file, as far as this process has written it.
        pid: Its process id once it has reported it.
        info: What it reported at its start: models, commands, agents, account.
        cost_usd: What its session has cost so far as the CLI counts, in US dollars.
        background: What goes on behind its turns.
        hear: Called with each message of its CLI.
        started: Done once it can take prompts; fails with a `RequestFailed` if it never will.
        gone: Set once it has ended and nothing of it is left.
    """

    def __init__(
        self,
        launch: Launch,
        session: SessionStart,
        before_start: Callable[[], None] = lambda: None,
        find_owner: FindOwner = nobody,
        tools: BufferTools | None = None,
    ) -> None:
        loop = asyncio.get_running_loop()
        # Before it can say any of them.
        register_secrets(launch.settings.secrets, str(launch.folder))
        self.launch = launch
        self.session = session
        self.session_id = session.session_id
        self.tools = tools
        self.transcript = Transcript(session.session_id, session.source)
        self.used = False
        self.pid: int | None = None
        self.info: dict[str, Any] = {}
        self.cost_usd = 0.0
        self.background = Background()
        self.hear: Callable[[Message], None] = lambda _: None
        self.started: asyncio.Future[None] = loop.create_future()
        self.started.add_done_callback(lambda done: done.cancelled() or done.exception())
        self.gone = asyncio.Event()
        self._life = Lifecycle()
        self._mark = str(uuid.uuid4())
        self._marked = Marked(self._mark)
        # Its folder's disk, its transcript's and that of the executable may hang.
        self._disk = lanes.Lane()
        self._client_queue = ClientQueue()
        self._receiver = CurrentReceiver(self.session_id, self.end, partial(find_owner, self))
        self._stderr: deque[str] = deque(maxlen=STDERR_LINES)
        self._fault: RequestFailed | None = None
        self._reading: asyncio.Task[None] | None = None
        # Only of what was asked to end; what has died by itself is ENDING, too.
        self._ending: asyncio.Task[None] | None = None
        self._before_start = before_start
        self._given_up = AbortController()
        self._task = asyncio.create_task(self._run(), name=f"process of {self.session_id}")

    @property
    def usable(self) -> bool:
        """Whether it can take a prompt now or soon."""
        return self._life.usable

    @property
    def ready(self) -> bool:
        """Whether it can take a prompt now."""
        return self._life.state is ProcessState.READY

    def attach(self, receiver: Receiver) -> None:
        """Pass its messages and questions to `receiver` until `detach`."""
        self._marked.works()
        self._receiver.attach(receiver)

    def detach(self) -> None:
        """Detach the receiver; what comes now belongs to no run."""
        self._receiver.detach()
        if not self.background.ids:
            self._marked.rests()

    def prompt(self, message: dict[str, Any]) -> None:
        """Send a user message, after it has started."""
        self.used = True
        self.transcript.expect(message["uuid"])
        self._client_queue.prompt(message)

    def withdraw(self, message_id: str) -> None:
        """Take a user message back, if the CLI has not taken it into a turn."""
        self._client_queue.withdraw(message_id)

    def interrupt(self) -> None:
        """Ask the CLI to stop its turn, which may miss it if it has only just begun."""
        self._client_queue.interrupt()

    async def change(self, *, model: str | None, permission_mode: str) -> None:
        """Set the model and the permission mode for what follows.

        Raises:
            RequestFailed: The CLI refused, or is gone.
        """
        launch = self.launch
        if model != launch.model:
            # Without one, the CLI would take its default, whatever the user has set for it.
            chosen = model or await self._disk.read(launch.own_model)
            await self.call(lambda client: client.set_model(chosen))
        if permission_mode != launch.permission_mode:
            mode = cast("Any", permission_mode)
            await self.call(lambda client: client.set_permission_mode(mode))
        self.launch = replace(self.launch, model=model, permission_mode=permission_mode)

    def changed_by_others(self) -> asyncio.Future[bool]:
        """Return whether somebody else has changed its transcript."""
        return self._disk.put(self.transcript.changed_by_others)

    async def call(self, ask: Callable[[ClaudeSDKClient], Awaitable[T]]) -> T:
        """Ask something of the CLI beside its turns; fails with a `RequestFailed` as `change`."""
        return await self._client_queue.call(ask)

    async def stop_task(self, task_id: str) -> None:
        """Have the CLI stop a background task: see `call`."""
        await self.call(lambda client: client.stop_task(task_id))

    def end(self) -> asyncio.Future[None]:
        """End its input and wait for its exit; then SIGTERM, then SIGKILL, its children too.

        It is done when nothing of it is left. Any number of callers may wait, or not.
        """
        if self._ending is None:
            self._life.begin_ending()
            self._ending = asyncio.create_task(self._shut_down(), name=f"end of {self.session_id}")
        return asyncio.shield(self._ending)

    def sweep(
        self, found: Collection[Process], *, since: int | None = None, but: Collection[Process] = ()
    ) -> None:
        """See `Marked.sweep`."""
        self._marked.sweep(found, self.pid, since, but)

    async def tree(self) -> ProcessTree:
        """Return it and everything below it, at this moment."""
        return await self._marked.tree(self.pid)

    async def _run(self) -> None:
        failure: Exception | None = None
        try:
            async with contextlib.AsyncExitStack() as after:
                await self._start_and_serve(after)
        except Exception as error:  # noqa: BLE001 - whatever it is, who waits gets it
            failure = error
        finally:
            self._settle_end(failure)

    async def _start_and_serve(self, after: contextlib.AsyncExitStack) -> None:
        """Start, and do what is ordered until the end.

        Args:
            after: Takes the steps to do then, the last one first, each whatever the others raise.
        """
        after.push_async_callback(self._kill_if_it_died)
        after.push_async_callback(self._read_to_the_end)
        files = PrivateFiles()
        after.push_async_callback(self._remove, files)
        too_late = asyncio.get_running_loop().call_later(START_SECONDS, self._time_out_start)
        after.callback(too_late.cancel)
        named = await self._unless_given_up(self._prepare(files))
        if named is not None:
            # What it starts is found by the mark, and ended with the rest.
            await check(named, marks(self._mark))
            await self._unless_given_up(self._disk.read(reach, named, self.launch.folder))
        options = self.launch.options(
            self.session,
            executable=named,
            mark=self._mark,
            can_use_tool=self._receiver.decide,
            stderr=self._keep_stderr,
            before_tool=self._receiver.before_tool,
            is_modified=self._receiver.is_modified,
            files=files,
        )
        if self.tools is not None:
            after.push_async_callback(self.tools.close)
            await self.tools.buffers.settle()
            options = with_buffers(options, self.tools, self._editor_tools(self.tools))
        client = ClaudeSDKClient(options)
        after.push_async_callback(disconnect, client, self.tree)
        after.callback(self._client_queue.drop)
        after.callback(self._life.begin_ending)
        self._marked.starts()
        await connect(client, self._given_up.signal)
        self._disk.put(files.remove)
        self._reading = asyncio.create_task(self._read(client))
        self.info = await client.get_server_info() or {}
        if self.tools is not None:
            await self.tools.settle()
        self._raise_if_ending()
        self.pid = pid if isinstance(pid := self.info.get("pid"), int) else None
        self._marked.has_told(self.pid)
        too_late.cancel()
        self._life.enter(ProcessState.READY)
        self.started.set_result(None)
        await self._client_queue.serve(client)

    def _editor_tools(self, tools: BufferTools) -> Sequence[Tool]:
        """Return what its agent can ask the editor for."""
        launch, settings = self.launch, self.launch.settings
        granted = map(Path, launch.granted_directories)
        folders = (launch.folder, *settings.additional_directories, *granted)
        return offered(tools, folders, settings.editor_tools, self._receiver.recorded)

    async def _prepare(self, files: PrivateFiles) -> Path | None:
        """Do what touches disks before the start; one that hangs is waited for until it's ended.

        Args:
            files: Is written.

        Returns:
            The executable that the SDK has to be told of.
        """
        await lanes.processes.run(self._before_start)
        self.cost_usd = await self._disk.run(self.transcript.catch_up)
        named = await self._disk.read(named_to_the_sdk, self.launch.settings.cli_path)
        await self._disk.read(reach, named, self.launch.folder)
        await self._disk.run(files.write, self.launch, await self.launch.restrained())
        await self._disk.run(self.launch.check_place)
        return named

    async def _remove(self, files: PrivateFiles) -> None:
        await asyncio.wait({self._disk.put(files.remove)}, timeout=REMOVE_SECONDS)

    async def _unless_given_up(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for work that a disk may hold up, until the start is given up."""
        working = asyncio.ensure_future(work)
        working.add_done_callback(lambda done: done.cancelled() or done.exception())
        result = await self._given_up.signal.wait_or_abort(working)
        self._raise_if_ending()
        return result

    async def _read_to_the_end(self) -> None:
        if self._reading is not None:
            await asyncio.wait({self._reading})

    async def _kill_if_it_died(self) -> None:
        if self._ending is None:
            # It died by itself, and what it had started has lost its parent.
            await lanes.processes.run(self._marked.kill_all)

    async def _read(self, client: ClaudeSDKClient) -> None:
        try:
            async for message in client.receive_messages():
                self._follow(message)
                await self._receiver.deliver(message)
            if self._life.usable:
                self._fault = self._fault or fault_in_run(None, self._stderr)
        except Exception as error:
            logger.debug("Reading the messages of %s failed", self.session_id, exc_info=True)
            self._fault = self._fault or fault_in_run(error, self._stderr)
        finally:
            self._life.begin_ending()
            self._client_queue.end()

    def _keep_stderr(self, line: str) -> None:
        self._stderr.append(mask_secrets(line))

    def _follow(self, message: Message) -> None:
        self.hear(message)
        if isinstance(message, AssistantMessage | UserMessage):
            self.transcript.expect(message.uuid)
            self.background.calls(c for c in message.content if isinstance(c, ToolUseBlock))
        elif isinstance(message, ResultMessage):
            self.cost_usd = message.total_cost_usd or self.cost_usd
        elif isinstance(message, SystemMessage):
            self.background.read(message.subtype, message.data)
            if self.tools is not None:
                self.tools.hear(message.subtype, message.data)
            # It changes by itself once a plan is approved, or edits are accepted.
            mode = message.data.get("permissionMode") if message.subtype == "status" else None
            if isinstance(mode, str):
                self.launch = replace(self.launch, permission_mode=mode)

    def _raise_if_ending(self) -> None:
        if not self._life.usable:
            raise ProcessDied("The CLI was stopped before it started.")

    def _time_out_start(self) -> None:
        if self._life.state is ProcessState.STARTING:
            what = f"The CLI did not answer within {START_SECONDS:g} seconds of its start."
            self._fault = CliFailedToStart(what)
            self.end()

    async def _shut_down(self) -> None:
        try:
            tree = await self.tree()
            if not self.started.done():
                self._fault = self._fault or ProcessDied("The CLI was stopped before it started.")
                self._given_up.abort()
                await end_starting(tree, self.tree, self.gone)
                return
        finally:
            # Whatever raises: without its end the owner would serve for ever.
            self._client_queue.end()
        await end_started(tree, self.gone)
        self.sweep(tree.descendants)
        await self._marked.swept()

    def _settle_end(self, failure: Exception | None) -> None:
        fault = self._fault
        if fault is None and failure is not None:
            why = fault_in_run if self.started.done() else fault_at_start
            try:
                fault = why(failure, self._stderr)
            except Exception:
                logger.exception("The cause of the end of %s is unknown", self.session_id)
        fault = self._fault = fault or ProcessDied("The CLI has ended.")
        self._life.begin_ending()
        self._life.enter(ProcessState.GONE)
        self._marked.has_told(None)
        self.gone.set()
        if not self.started.done():
            self.started.set_exception(fault)
        self._client_queue.fail(fault)
        self._receiver.lose(fault)
        self.background.end()
