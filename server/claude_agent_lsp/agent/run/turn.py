"""One turn of a run: the prompt goes to the process, its messages become events.

A turn that the agent has begun by itself has no prompt; it is at work when its run gets it.

    prompt ──▶ answering ──┬─▶ over        the result is there and the CLI is idle
                           ├─▶ stopped     by the abort ladder
                           └─▶ lost        the process died

A run has one turn of its own; background tasks may bring about more before the CLI is idle.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from claude_agent_sdk import (
    ConversationResetMessage,
    PermissionResultAllow,
    ResultMessage,
    StreamEvent,
    SystemMessage,
)

from claude_agent_lsp.agent.events import Level, Notice
from claude_agent_lsp.agent.permissions.policy.tool_policy import rule_on
from claude_agent_lsp.agent.process.interrupt import LeftAtWork, stop_turn
from claude_agent_lsp.agent.process.sdk_errors import block_in, fault_of_result
from claude_agent_lsp.agent.run.permission_requests import PermissionRequests
from claude_agent_lsp.agent.run.translate import Translator
from claude_agent_lsp.agent.saying.mcp_servers import McpWatch
from claude_agent_lsp.base.abort import AbortController, Aborted, AbortSignal
from claude_agent_lsp.errors import NotAuthenticated
from claude_agent_lsp.sessions.transcripts.transcript import is_session_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from claude_agent_sdk import Message, PermissionResult, ToolPermissionContext

    from claude_agent_lsp.agent.events import Blocked
    from claude_agent_lsp.agent.process.process import AgentProcess
    from claude_agent_lsp.agent.run.context import RunContext, RunSpec
    from claude_agent_lsp.errors import RequestFailed

# The CLI asks again for minutes when its key is refused. Once is enough for a login that has to
# be refreshed, which it does before it asks again (CLI 2.1.330).
REFUSALS = 2
# What a CLI can that says of each request to the model which prompts it is for (CLI 2.1.330).
TELLS_WHOSE = "request_marker_lists_v1"

# The hooks that a prompt passes.
_SUBMITTED: Final = "UserPromptSubmit"


class Turn:
    """A run's turn in a process. It is the process's receiver while it lasts.

    Args:
        spec: What the run has to do.
        context: What it has to do it with.
        process: The process, which the run has to itself.

    Attributes:
        figures: What the run's picture shows of it.
        blocked: What hooks have said instead of letting the prompt through.
        cleared: Whether the user has left the session: on "/clear" the CLI goes on in another
            one, under an id that it makes up (CLI 2.1.330).
        next_session: That id, once the CLI has told it.
    """

    def __init__(self, spec: RunSpec, context: RunContext, process: AgentProcess) -> None:
        self._spec = spec
        self._context = context
        self._process = process
        self.cleared = self._passed = False
        self.blocked: Blocked | None = None
        self.next_session: str | None = None
        self._result: ResultMessage | None = None
        self._reports_state = spec.cause is not None
        self._others = self._tells_whose = False
        self._refusals = 0
        self._refused = AbortController()
        self._stop = context.signal
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._over.add_done_callback(lambda done: done.cancelled() or done.exception())
        self.figures = Translator(
            spec.launch.folder,
            context.emit,
            process.cost_usd,
            partial(rule_on, trusted=spec.launch.trusted),
        )
        self._servers = McpWatch(
            lambda: process.call(lambda client: client.get_mcp_status()),
            process.background.missing_servers,
            self.figures.notices,
        )
        self._decisions = PermissionRequests(spec, context, self.figures.deny, process.tools)
        if process.tools is not None:
            context.changes.unsaved = process.tools.looks.unsaved

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
        self._context.steering.attach(self._hand_over, process.withdraw)
        try:
            own = self._spec.cause is not None
            await (self._admit() if own else self._prepare())
            before = await LeftAtWork.scan(process)
            if not own:
                await self._send()
            return await self._answered(before)
        finally:
            self._context.steering.close()
            self._servers.stop()
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
        if self._process.tools is not None:
            # What was opened just before is open for this prompt.
            await self._process.tools.buffers.settle()
        context.signal.throw_if_aborted()
        self._process.prompt(dict(message))
        context.journal.sent = True
        self._servers.expect()

    async def _answered(self, before: LeftAtWork) -> RequestFailed | None:
        """Wait for the answer, or stop the turn; what was at work before it stays at work."""
        signal = self._context.signal
        stop = self._stop = AbortSignal.any(signal, self._refused.signal)
        try:
            await stop.wait_or_abort(self._over)
        except Aborted:
            self._context.steering.recall()
            grace = self._spec.launch.settings.cancel_grace_seconds
            await stop_turn(self._process, self._over, before, grace_seconds=grace)
            signal.throw_if_aborted()
            return NotAuthenticated("The API key or the login was refused repeatedly.")
        finally:
            stop.release()
        return (
            None if self._result is None else fault_of_result(self._result, self.figures.api_error)
        )

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
        if not self._passed and self._spec.cause is None:
            self._note_fate(message)
        self.figures.read(message)
        self._context.on_cost(self.figures.cost.usd)
        if isinstance(message, StreamEvent):
            self._context.steering.follow(message)
            return
        if self.cleared:
            self._look_for_next_session(message)
        if isinstance(message, ResultMessage):
            self._context.steering.take(message.user_message_uuids or ())
            if self._answers_prompt(message):
                self._result = message
                if not self._reports_state or self._context.signal.aborted:
                    self._end()
        elif isinstance(message, SystemMessage):
            self._read_system(message)
        elif isinstance(message, ConversationResetMessage):
            self.cleared = True
            if self._spec.prompt.startswith("/"):
                self._context.journal.note("settled")
            text = "The conversation was cleared; the next query begins a new session."
            self._context.emit(Notice(Level.INFO, text))

    def _look_for_next_session(self, message: Message) -> None:
        data = message.data if isinstance(message, SystemMessage) else vars(message)
        named = data.get("session_id")
        own = self._spec.session.session_id
        if isinstance(named, str) and named != own and is_session_id(named):
            self.next_session = named

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
        decision = await self._decisions.decide(tool, tool_input, context)
        if isinstance(decision, PermissionResultAllow):
            # Meanwhile the user may have gone on with their work.
            given = decision.updated_input or tool_input
            await self.before_tool(tool, given, context.tool_use_id or "")
        return decision

    async def before_tool(self, tool: str, tool_input: Mapping[str, Any], call_id: str) -> None:
        """See how files are before a tool is used."""
        await self._context.changes.before(tool, tool_input, call_id)

    async def recorded(self, files: Sequence[Path], edit: Callable[[], Awaitable[str]]) -> str:
        """Have files edited by this server, and see what has become of them."""
        return await self._context.changes.around(files, edit)

    def _note_fate(self, message: Message) -> None:
        """Note what has become of the prompt, before anything of it is shown.

        Behind one that has passed, hooks may block others that came in meanwhile.
        """
        if isinstance(message, StreamEvent):
            # Who tells whose a request is has told it by now.
            self._passed = not self._tells_whose and message.parent_tool_use_id is None
        elif isinstance(message, SystemMessage):
            asked = message.data.get("user_message_uuids") or ()
            self._passed = _is_request(message) and self._spec.message_id in asked
            if message.subtype == "hook_started" and message.data.get("hook_event") == _SUBMITTED:
                self._context.journal.note("hooked")
            if (block := block_in(message)) is not None:
                self.blocked = block
                self._context.journal.note_block(kept=block.kept)
        if self._passed:
            self._context.journal.note("passed")

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
        elif _is_request(message):
            asked = data.get("user_message_uuids") or ()
            self._context.steering.take(asked)
            self._others = self._tells_whose and self._spec.message_id not in asked
        elif message.subtype == "init":
            self._tells_whose = TELLS_WHOSE in (data.get("capabilities") or ())
            self._servers.begin(data.get("mcp_servers"))
            if self._process.tools is not None and (why := self._process.tools.warning()):
                self._context.emit(Notice(Level.WARNING, why))
        elif message.subtype == "api_retry" and data.get("error_status") in (401, 403):
            self._refusals += 1
            if self._refusals >= REFUSALS:
                self._refused.abort()

    def _hand_over(self, message: Mapping[str, Any]) -> None:
        self._process.prompt(dict(message))

    def _end(self) -> None:
        if not self._over.done():
            self._over.set_result(None)

    async def _wait_for_editor(self) -> None:
        try:
            await self._stop.wait_or_abort(self._context.backpressure.drained())
        except Aborted:
            return


def _is_request(message: SystemMessage) -> bool:
    """Return whether it says that the model is asked now."""
    return message.subtype == "status" and message.data.get("status") == "requesting"
