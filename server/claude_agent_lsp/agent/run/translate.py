"""From the SDK's messages to events, and to the figures that a Run shows."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

from claude_agent_sdk import (
    AssistantMessage,
    ConversationResetMessage,
    HookEventMessage,
    RateLimitEvent,
    ResultMessage,
    StreamEvent,
    SystemMessage,
    TextBlock,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
    UserMessage,
)

from claude_agent_lsp.agent.accounts.run_cost import RunCost
from claude_agent_lsp.agent.events import (
    Change,
    Compacted,
    FileChanged,
    Level,
    Notice,
    PermissionDenial,
    Retracted,
    Text,
    Thinking,
    TokenUsage,
    ToolCall,
    ToolResult,
    ToolStatus,
    UsageReport,
)
from claude_agent_lsp.agent.permissions.policy.tool_policy import EDITS
from claude_agent_lsp.agent.permissions.tool_titles import locations_of, path_in, title_of
from claude_agent_lsp.agent.saying.answer import Answer
from claude_agent_lsp.agent.saying.hooks import Hooks
from claude_agent_lsp.agent.saying.notices import Notices, shown
from claude_agent_lsp.base.texts.json_bounds import bounded, bounded_fields
from claude_agent_lsp.base.texts.results import plain, shown_result
from claude_agent_lsp.sessions.transcripts.call_ids import CallIds
from claude_agent_lsp.sessions.transcripts.terminal_commands import explained

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from claude_agent_sdk import Message

    from claude_agent_lsp.agent.events import Emit
    from claude_agent_lsp.agent.permissions.policy.tool_policy import Ruling

logger = logging.getLogger(__name__)

NOT_ALLOWED = "It is not allowed by the permission rules."
BROKE_OFF = "The model's answer broke off. What was last said of it does not stand."
EMPTY = "The agent's answer is empty. Ask it to go on, or ask in other words."


class Translator:
    """Reads one run's messages in order, emits its events and keeps its figures.

    Args:
        folder: The run's folder; relative paths of tools are below it.
        emit: Takes each event, at once.
        cost_before: What the process had cost before this run, in US dollars: the CLI counts on.
        rule: What this server rules on a tool call.

    Attributes:
        cost: What the run costs.
        notices: What the user is told beside the answer.
        api_error: What kind of error the agent's last message was, as the CLI calls it.
    """

    def __init__(
        self,
        folder: Path,
        emit: Emit,
        cost_before: float,
        rule: Callable[[str, Mapping[str, Any]], Ruling | None] = lambda _, __: None,
    ) -> None:
        self._folder = folder
        self._emit = emit
        self.cost = RunCost(cost_before)
        self._rule = rule
        self._answer = Answer()
        self.notices = Notices(emit)
        self._hooks = Hooks(emit, self.notices)
        self._calls: dict[str, ToolCall] = {}
        self._ids = CallIds()
        self._denied: dict[str, str] = {}
        self._refusals: Counter[str] = Counter()
        self._context_tokens = 0
        self.open_calls: set[str] = set()
        self.turns = 0
        self.usage = TokenUsage()
        self.stop_reason: str | None = None
        self.api_error: str | None = None
        self.structured_output: Any = None
        self.files_changed: dict[Path, None] = {}
        self.permission_denials: list[PermissionDenial] = []

    @property
    def text(self) -> str:
        """The agent's last message, as far as it was said."""
        return self._answer.text

    def deny(self, tool_call_id: str, reason: str) -> None:
        """Remember why a tool call was refused."""
        self._denied[tool_call_id] = reason
        self._refusals[tool_call_id] += 1

    def read(self, message: Message) -> None:
        """Take in the next message."""
        if isinstance(message, StreamEvent):
            self._read_stream(message)
        elif isinstance(message, AssistantMessage):
            self._read_assistant(message)
        elif isinstance(message, UserMessage):
            self._read_user(message)
        elif isinstance(message, ResultMessage):
            self._read_result(message)
        elif isinstance(message, RateLimitEvent):
            self._read_rate_limit(message)
        elif isinstance(message, SystemMessage):
            self._read_system(message)
        elif isinstance(message, ConversationResetMessage):
            self.cost.leave_session()

    def _read_stream(self, message: StreamEvent) -> None:
        self.cost.estimate.stream(message.event, message.parent_tool_use_id)
        if message.parent_tool_use_id is not None:
            return
        event = self._answer.stream(message.event)
        if event is not None:
            self._emit(event)
        if isinstance(event, Retracted):
            self.notices.tell(Level.WARNING, BROKE_OFF)

    def _read_assistant(self, message: AssistantMessage) -> None:
        main = message.parent_tool_use_id is None
        if message.usage:
            self.cost.estimate.take(message.message_id or "", message.model, message.usage)
        if main and message.usage:
            self._context_tokens = _context_tokens(message.usage)
        if main:
            self._answer.stand(message.message_id)
            self.api_error = message.error
        # What the CLI says by itself (an error, a command's output) was never streamed.
        unheard = main and (message.message_id or "") not in self._answer.heard
        for block in message.content:
            if isinstance(block, ToolUseBlock):
                self._begin_call(block, message.parent_tool_use_id)
            elif unheard and message.error and isinstance(block, TextBlock):
                # An API error that the CLI reports in the agent's name.
                self._emit(Notice(Level.ERROR, block.text, message.message_id or message.uuid))
            elif unheard and isinstance(block, TextBlock):
                self._say(message.message_id or message.uuid or "", block.text)
            elif (unheard or not main) and isinstance(block, TextBlock | ThinkingBlock):
                self._tell_whole(block, message)

    def _say(self, message_id: str, text: str) -> None:
        text = explained(text)
        self._answer.say(text)
        self._emit(Text(message_id, plain(text)))

    def _tell_whole(self, block: TextBlock | ThinkingBlock, message: AssistantMessage) -> None:
        """Tell what comes in one piece: a subagent's words, which are no part of the answer."""
        message_id, parent = message.message_id or message.uuid or "", message.parent_tool_use_id
        if isinstance(block, TextBlock):
            self._emit(Text(message_id, plain(block.text), parent))
        else:
            self._emit(Thinking(message_id, plain(block.thinking), parent))

    def _begin_call(self, block: ToolUseBlock, parent: str | None) -> None:
        given = bounded_fields(block.input)
        own = self._ids.begin(block.id)
        call = ToolCall(
            tool_call_id=own,
            tool=block.name,
            title=title_of(block.name, given),
            input=given,
            locations=locations_of(given, self._folder),
            parent_tool_call_id=parent,
            shares_id_of=None if own == block.id else block.id,
        )
        self._calls[own] = call
        self.open_calls.add(own)
        self._emit(call)

    def _read_user(self, message: UserMessage) -> None:
        if isinstance(message.content, str):
            return
        for block in message.content:
            if not isinstance(block, ToolResultBlock):
                continue
            own = self._ids.of_result(block.tool_use_id)
            if own in self.open_calls:
                self._end_call(self._calls[own], block, message.tool_use_result)

    def _end_call(self, call: ToolCall, block: ToolResultBlock, outcome: object) -> None:
        self.open_calls.discard(call.tool_call_id)
        result = shown_result(bounded(block.content))
        text = result.text
        if block.is_error:
            self._note_denial(call, block.tool_use_id, text)
        if self._was_refused(block):
            status = ToolStatus.DENIED
        elif block.is_error:
            status = ToolStatus.FAILED
        else:
            status = ToolStatus.COMPLETED
        self._emit(
            ToolResult(
                tool_call_id=call.tool_call_id,
                status=status,
                text=text,
                truncated=result.truncated,
            )
        )
        path = path_in(call.input)
        if status is ToolStatus.COMPLETED and call.tool in EDITS and path is not None:
            created = isinstance(outcome, dict) and outcome.get("type") == "create"
            self.files_changed[self._folder / path] = None
            self._emit(
                FileChanged(self._folder / path, Change.CREATED if created else Change.EDITED)
            )

    def _note_denial(self, call: ToolCall, given_id: str, text: str) -> None:
        """Remember why a hook has denied a call, or this server has by its own."""
        reason = self._hooks.take_denial(call.tool, text) or self._own_denial(call, text)
        if reason is not None:
            self.deny(given_id, reason)

    def _own_denial(self, call: ToolCall, text: str) -> str | None:
        try:
            ruling = self._rule(call.tool, call.input)
        except Exception:
            # Then it wasn't done either, and what the CLI says of it is told.
            logger.exception("A call of %s could not be ruled on", call.tool)
            return None
        if ruling is None or ruling.decision != "deny" or not text.endswith(ruling.reason):
            return None
        return ruling.reason

    def _was_refused(self, block: ToolResultBlock) -> bool:
        """Return whether the call of a result was refused."""
        name = block.tool_use_id
        if not self._refusals[name]:
            return False
        if not self._ids.is_shared(name):
            return True
        # One of several: what was refused has failed, and each refusal is of one call.
        self._refusals[name] -= bool(block.is_error)
        return bool(block.is_error)

    def _read_result(self, result: ResultMessage) -> None:
        self.turns += result.num_turns
        self.stop_reason = result.stop_reason or self.stop_reason
        if result.structured_output is not None:  # a background task's own turn has none
            self.structured_output = bounded(result.structured_output)
        if result.total_cost_usd is not None:
            self.cost.settle(result.total_cost_usd)
        if result.usage:
            self.usage = _added(self.usage, result.usage)
        for denial in result.permission_denials or ():
            call_id = str(denial.get("tool_use_id", ""))
            reason = self._denied.get(call_id, NOT_ALLOWED)
            self.permission_denials.append(
                PermissionDenial(str(denial.get("tool_name", "")), reason)
            )
        # A slash command's answer may stand in the result alone.
        if result.result and not result.is_error and not self.text and not self._answer.heard:
            self._say(result.uuid or "", result.result)
        elif self._is_empty(result):
            self.notices.tell(Level.WARNING, EMPTY)
        windows = [int(m.get("contextWindow") or 0) for m in (result.model_usage or {}).values()]
        if windows and self._context_tokens:
            self._emit(UsageReport(self._context_tokens, max(windows), self.cost.told))

    def _is_empty(self, result: ResultMessage) -> bool:
        """Return whether the model was asked and has said nothing at the end."""
        said = result.result or self.text.strip() or result.structured_output is not None
        return (
            bool(self._answer.heard)
            and not (said or result.is_error)
            and (result.stop_reason == "end_turn")
        )

    def _read_rate_limit(self, message: RateLimitEvent) -> None:
        info = message.rate_limit_info
        if info.status == "allowed":
            return
        reached = "is reached" if info.status == "rejected" else "is close"
        level = Level.ERROR if info.status == "rejected" else Level.WARNING
        self._emit(Notice(level, f"The rate limit {reached}{_until(info.resets_at)}."))

    def _read_system(self, message: SystemMessage) -> None:
        data = message.data
        if isinstance(message, HookEventMessage):
            self._hooks.read(message.subtype, data)
        elif message.subtype == "permission_denied":
            # By a rule, the mode or the CLI's own judgement: nobody was asked.
            reason = str(data.get("decision_reason") or data.get("message") or NOT_ALLOWED)
            self.deny(str(data.get("tool_use_id")), shown(reason.partition(" IMPORTANT: ")[0]))
        elif message.subtype == "compact_boundary":
            self._emit(_compacted(data.get("compact_metadata")))
        else:
            self.notices.read(message.subtype, data)


def _compacted(about: Any) -> Compacted:
    known = about if isinstance(about, dict) else {}
    before, after = known.get("pre_tokens"), known.get("post_tokens")
    return Compacted(
        "auto" if known.get("trigger") == "auto" else "manual",
        before if isinstance(before, int) else 0,
        after if isinstance(after, int) else None,
    )


def _context_tokens(usage: dict[str, Any]) -> int:
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    return sum(int(usage.get(name) or 0) for name in (*names, "output_tokens"))


def _added(before: TokenUsage, more: dict[str, Any]) -> TokenUsage:
    return TokenUsage(
        before.input_tokens + int(more.get("input_tokens") or 0),
        before.output_tokens + int(more.get("output_tokens") or 0),
        before.cache_read_tokens + int(more.get("cache_read_input_tokens") or 0),
        before.cache_write_tokens + int(more.get("cache_creation_input_tokens") or 0),
    )


def _until(timestamp: int | None) -> str:
    if timestamp is None:
        return ""
    from datetime import datetime

    moment = datetime.fromtimestamp(timestamp).astimezone()
    return f"; it is reset at {moment:%Y-%m-%d %H:%M}"
