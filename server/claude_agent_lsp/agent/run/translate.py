"""From the SDK's messages to events, and to the figures that a Run shows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from claude_agent_sdk import (
    AssistantMessage,
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

from claude_agent_lsp.agent.accounts.prices import Estimate
from claude_agent_lsp.agent.events import (
    Change,
    FileChanged,
    Level,
    Notice,
    PermissionDenial,
    Text,
    Thinking,
    TokenUsage,
    ToolCall,
    ToolResult,
    ToolStatus,
    UsageReport,
)
from claude_agent_lsp.agent.permissions.tool_titles import locations_of, path_in, title_of
from claude_agent_lsp.base.texts.json_bounds import bounded, bounded_fields
from claude_agent_lsp.sessions.transcripts.call_ids import CallIds

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_sdk import Message

    from claude_agent_lsp.agent.events import Emit

RESULT_LENGTH = 4_000
CHANGING_TOOLS = frozenset({"Write", "Edit", "MultiEdit", "NotebookEdit"})


class Translator:
    """Reads one run's messages in order, emits its events and keeps its figures.

    Args:
        folder: The run's folder; relative paths of tools are below it.
        emit: Takes each event, at once.
        cost_before: What the process had cost before this run, in US dollars: the CLI counts on.
    """

    def __init__(self, folder: Path, emit: Emit, cost_before: float) -> None:
        self._folder = folder
        self._emit = emit
        self._cost_before = cost_before
        self._message_id = ""
        self._text: list[str] = []
        self._streamed: set[str] = set()
        self._calls: dict[str, ToolCall] = {}
        self._ids = CallIds()
        self._denied: dict[str, str] = {}
        self._refusals: Counter[str] = Counter()
        self._context_tokens = 0
        self._estimate = Estimate()
        self.open_calls: set[str] = set()
        self.turns = 0
        self.usage = TokenUsage()
        self.cost_usd = 0.0
        self.stop_reason: str | None = None
        self.structured_output: Any = None
        self.files_changed: dict[Path, None] = {}
        self.permission_denials: list[PermissionDenial] = []

    @property
    def text(self) -> str:
        """The agent's last message, as far as it was said."""
        return "".join(self._text)

    @property
    def spent_usd(self) -> float:
        """What it has cost: what the CLI has said, and about what came since."""
        return self.cost_usd + self._estimate.usd

    def deny(self, tool_call_id: str, reason: str) -> None:
        """Remember why the user refused a tool call."""
        self._denied[tool_call_id] = reason
        self._refusals[tool_call_id] += 1

    def read(self, message: Message) -> None:
        """Take in the next message."""
        if isinstance(message, StreamEvent):
            self._estimate.stream(message.event, message.parent_tool_use_id)
            if message.parent_tool_use_id is None:
                self._read_stream(message.event)
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

    def _read_stream(self, event: dict[str, Any]) -> None:
        kind = event.get("type")
        if kind == "content_block_delta":
            delta = event["delta"]
            if delta["type"] == "text_delta":
                self._text.append(delta["text"])
                self._emit(Text(self._message_id, delta["text"]))
            elif delta["type"] == "thinking_delta":
                self._emit(Thinking(self._message_id, delta["thinking"]))
        elif kind == "message_start":
            self._begin_message(event["message"]["id"])

    def _begin_message(self, message_id: str) -> None:
        self._message_id = message_id
        self._streamed.add(message_id)
        self._text.clear()

    def _read_assistant(self, message: AssistantMessage) -> None:
        main = message.parent_tool_use_id is None
        if message.usage:
            self._estimate.take(message.message_id or "", message.model, message.usage)
        if main and message.usage:
            self._context_tokens = _context_tokens(message.usage)
        # What the CLI says by itself (an error, a command's output) was never streamed.
        unheard = main and (message.message_id or "") not in self._streamed
        for block in message.content:
            if isinstance(block, ToolUseBlock):
                self._begin_call(block, message.parent_tool_use_id)
            elif unheard and message.error and isinstance(block, TextBlock):
                # An API error that the CLI reports in the agent's name.
                self._emit(Notice(Level.ERROR, block.text))
            elif unheard and isinstance(block, TextBlock):
                self._say(message.message_id or message.uuid or "", block.text)
            elif unheard and isinstance(block, ThinkingBlock):
                self._emit(Thinking(message.message_id or "", block.thinking))

    def _say(self, message_id: str, text: str) -> None:
        self._text[:] = [text]
        self._emit(Text(message_id, text))

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
        text = _plain(bounded(block.content))
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
                text=text[:RESULT_LENGTH],
                truncated=True if len(text) > RESULT_LENGTH else None,
            )
        )
        path = path_in(call.input)
        if status is ToolStatus.COMPLETED and call.tool in CHANGING_TOOLS and path is not None:
            created = isinstance(outcome, dict) and outcome.get("type") == "create"
            self.files_changed[self._folder / path] = None
            self._emit(
                FileChanged(self._folder / path, Change.CREATED if created else Change.EDITED)
            )

    def _was_refused(self, block: ToolResultBlock) -> bool:
        """Return whether the user has refused the call of a result."""
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
            self.cost_usd = max(0.0, result.total_cost_usd - self._cost_before)
            self._estimate.settle()
        if result.usage:
            self.usage = _added(self.usage, result.usage)
        for denial in result.permission_denials or ():
            call_id = str(denial.get("tool_use_id", ""))
            reason = self._denied.get(call_id, "It is not allowed by the permission rules.")
            self.permission_denials.append(
                PermissionDenial(str(denial.get("tool_name", "")), reason)
            )
        # A slash command's answer may stand in the result alone.
        if result.result and not result.is_error and not self._text and not self._streamed:
            self._say(result.uuid or "", result.result)
        windows = [int(m.get("contextWindow") or 0) for m in (result.model_usage or {}).values()]
        if windows and self._context_tokens:
            self._emit(UsageReport(self._context_tokens, max(windows), self.cost_usd))

    def _read_rate_limit(self, message: RateLimitEvent) -> None:
        info = message.rate_limit_info
        if info.status == "allowed":
            return
        reached = "is reached" if info.status == "rejected" else "is close"
        level = Level.ERROR if info.status == "rejected" else Level.WARNING
        self._emit(Notice(level, f"The rate limit {reached}{_until(info.resets_at)}."))

    def _read_system(self, message: SystemMessage) -> None:
        data = message.data
        if message.subtype == "api_retry":
            wait = float(data.get("retry_delay_ms") or 0) / 1000
            cause = data.get("error_status") or data.get("error") or "no connection"
            attempt, most = data.get("attempt", "?"), data.get("max_retries", "?")
            self._emit(
                Notice(
                    Level.WARNING,
                    f"The model could not answer ({cause}); trying again in {wait:.0f} s "
                    f"({attempt} of {most}).",
                )
            )
        elif message.subtype == "compact_boundary":
            self._emit(Notice(Level.INFO, "The conversation was compacted."))


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


def _plain(content: str | list[dict[str, Any]] | None) -> str:
    if isinstance(content, str):
        return content
    parts = [part for part in content or () if isinstance(part, dict)]
    return "\n".join(str(part.get("text", "")) for part in parts if part.get("type") == "text")


def _until(timestamp: int | None) -> str:
    if timestamp is None:
        return ""
    from datetime import datetime

    moment = datetime.fromtimestamp(timestamp).astimezone()
    return f"; it is reset at {moment:%Y-%m-%d %H:%M}"
