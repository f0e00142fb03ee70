"""One turn of a run: the prompt goes to the process, its messages become events.

A turn that the agent has begun by itself has no prompt; it is at work when its run gets it.

    prompt ──▶ answering ──┬─▶ over        the result is there and the CLI is idle
                           ├─▶ stopped     by the abort ladder
                           └─▶ lost        the process died

A run has one turn of its own; background tasks may bring about more before the CLI is idle.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from claude_agent_sdk import (
    ConversationResetMessage,
    ResultMessage,
    StreamEvent,
    SystemMessage,
)

from claude_agent_lsp.agent.events import Level, Notice
from claude_agent_lsp.agent.process.interrupt import LeftAtWork, stop_turn
from claude_agent_lsp.agent.process.sdk_errors import fault_of_result
from claude_agent_lsp.agent.run.permission_requests import PermissionRequests
from claude_agent_lsp.agent.run.translate import Translator
from claude_agent_lsp.base.abort import AbortController, Aborted, AbortSignal
from claude_agent_lsp.errors import NotAuthenticated

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from claude_agent_sdk import Message, PermissionResult, ToolPermissionContext

    from claude_agent_lsp.agent.process.process import AgentProcess
    from claude_agent_lsp.agent.run.context import RunContext, RunSpec
    from claude_agent_lsp.errors import RequestFailed

# The CLI asks again for minutes when its key is refused. Once is enough for a login that has to
# be refreshed, which it does before it asks again (CLI 2.1.330).
REFUSALS = 2
# What a CLI can that says of each request to the model which prompts it is for (CLI 2.1.330).
TELLS_WHOSE = "request_marker_lists_v1"


class Turn:
    """A run's turn in a process. It is the process's receiver while it lasts.

    Args:
        spec: What the run has to do.
        context: What it has to do it with.
        process: The process, which the run has to itself.

    Attributes:
        figures: What the run's picture shows of it.
        cleared: Whether the user has left the session: on "/clear" the CLI goes on in another
            one, under an id that it makes up (CLI 2.1.330).
    """

    def __init__(self, spec: RunSpec, context: RunContext, process: AgentProcess) -> None:
        self._spec = spec
        self._context = context
        self._process = process
        self.cleared = False
        self._result: ResultMessage | None = None
        self._reports_state = spec.cause is not None
        self._others = self._tells_whose = False
        self._refusals = 0
        self._refused = AbortController()
        self._stop = context.signal
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._over.add_done_callback(lambda done: done.cancelled() or done.exception())
        self.figures = Translator(spec.launch.folder, context.emit, process.cost_usd)
        self._decisions = PermissionRequests(spec, context, self.figures.deny)

    async def run(self) -> RequestFailed | None:
        """Send the prompt, if there is one, and wait until it is answered.

        Returns:
            Why the answer is an error, or None if it is none.

        Raises:
            Aborted: The run was stopped; the turn has been, too.
            RequestFailed: The process died.
        """
        process = self._process
        # From now on: the agent may just be going on by itself, and that is this run's, then.
        process.attach(self)
        try:
            own = self._spec.cause is not None
            await (self._admit() if own else self._prepare())
            before = await LeftAtWork.scan(process)
            if not own:
                await self._send()
            return await self._answered(before)
        finally:
            process.detach()
            if self.cleared:
                process.end()

    async def _send(self) -> None:
        context = self._context
        context.signal.throw_if_aborted()
        # A prompt that was announced and never sent is one that the session lacks, too.
        message = await context.signal.wait_or_abort(
            asyncio.ensure_future(context.journal.prepend_untold(self._spec.message))
        )
        context.signal.throw_if_aborted()
        self._process.prompt(dict(message))
        context.journal.sent = True

    async def _answered(self, before: LeftAtWork) -> RequestFailed | None:
        """Wait for the answer, or stop the turn; what was at work before it stays at work."""
        signal = self._context.signal
        stop = self._stop = AbortSignal.any(signal, self._refused.signal)
        try:
            await stop.wait_or_abort(self._over)
        except Aborted:
            grace = self._spec.launch.settings.cancel_grace_seconds
            await stop_turn(self._process, self._over, before, grace_seconds=grace)
            signal.throw_if_aborted()
            return NotAuthenticated("The API key or the login was refused repeatedly.")
        finally:
            stop.release()
        return None if self._result is None else fault_of_result(self._result)

    async def _admit(self) -> None:
        """Let a turn go on that the agent has begun by itself, or end it with its process."""
        try:
            check = asyncio.ensure_future(self._context.check_budget())
            await self._context.signal.wait_or_abort(check)
        except BaseException:
            await self._process.end()
            raise

    async def _prepare(self) -> None:
        """Set the process's model and mode."""
        process, launch = self._process, self._spec.launch
        self._context.signal.throw_if_aborted()
        change = asyncio.ensure_future(
            process.change(model=launch.model, permission_mode=self._context.mode())
        )
        change.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            await self._context.signal.wait_or_abort(change)
        except Aborted:
            # It may or may not have changed by now, and it has not answered at once.
            await process.end()
            raise

    def receive(self, message: Message) -> None:
        """Take the process's next message."""
        self.figures.read(message)
        self._context.on_cost(self.figures.spent_usd)
        if isinstance(message, StreamEvent):
            return
        if isinstance(message, ResultMessage):
            if self._answers_prompt(message):
                self._result = message
                if not self._reports_state or self._context.signal.aborted:
                    self._end()
        elif isinstance(message, SystemMessage):
            self._read_system(message)
        elif isinstance(message, ConversationResetMessage):
            self.cleared = True
            text = "The conversation was cleared; the next query starts a new session."
            self._context.emit(Notice(Level.INFO, text))

    def room(self) -> Awaitable[None] | None:
        """Return what to wait for before the next message, or None."""
        if not self._context.backpressure.congested or self._stop.aborted or self._over.done():
            return None
        return self._wait_for_editor()

    def lost(self, fault: RequestFailed) -> None:
        """Be notified that the process is gone."""
        if not self._over.done():
            self._over.set_exception(fault)

    async def decide(
        self, tool: str, tool_input: dict[str, Any], context: ToolPermissionContext
    ) -> PermissionResult:
        """Let the user decide about a tool call."""
        return await self._decisions.decide(tool, tool_input, context)

    def _answers_prompt(self, result: ResultMessage) -> bool:
        """Return whether this result is our prompt's: a turn of the agent's own has one, too."""
        if self._spec.cause is not None:
            return True
        answered = result.user_message_uuids or (
            [result.user_message_uuid] if result.user_message_uuid else None
        )
        if answered is not None:
            return self._spec.message_id in answered
        # A timer's turn says nothing of where it comes from.
        human = result.origin is None or result.origin.get("kind") == "human"
        return human and not self._others

    def _read_system(self, message: SystemMessage) -> None:
        data = message.data
        if message.subtype == "session_state_changed":
            # A result ends a turn, but agents in the background may bring about more turns: the
            # CLI is "idle" when there will be none.
            self._reports_state = True
            own = self._spec.cause is not None
            if data.get("state") == "idle" and (own or self._result is not None):
                self._end()
        elif message.subtype == "status" and data.get("status") == "requesting":
            asked = data.get("user_message_uuids") or ()
            self._others = self._tells_whose and self._spec.message_id not in asked
        elif message.subtype == "init":
            self._tells_whose = TELLS_WHOSE in (data.get("capabilities") or ())
        elif message.subtype == "api_retry" and data.get("error_status") in (401, 403):
            self._refusals += 1
            if self._refusals >= REFUSALS:
                self._refused.abort()

    def _end(self) -> None:
        if not self._over.done():
            self._over.set_result(None)

    async def _wait_for_editor(self) -> None:
        try:
            await self._stop.wait_or_abort(self._context.backpressure.drained())
        except Aborted:
            return
