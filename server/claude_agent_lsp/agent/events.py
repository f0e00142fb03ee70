"""What a run reports while it goes on: the events of docs/protocol.md, in the order they happen."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from claude_agent_lsp.base.texts.json_bounds import PLAIN_JSON

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from claude_agent_lsp.agent.background import Task
    from claude_agent_lsp.agent.question import Question
    from claude_agent_lsp.errors import RequestFailed


class RunStatus(Enum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timedOut"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens that a run used."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0


@dataclass(frozen=True, slots=True)
class PermissionDenial:
    """A tool call that was refused, and why."""

    tool: str
    reason: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """What a hook has said instead of letting a prompt through; `kept`: for a later turn."""

    reason: str
    kept: bool
    hint: str


@dataclass(frozen=True, slots=True)
class Run:
    """A picture of one run at one moment. The session id is valid from the first picture on."""

    run_id: str
    session_id: str
    workspace: Path
    status: RunStatus
    text: str = ""
    structured_output: Any = field(default=None, metadata=PLAIN_JSON)
    stop_reason: str | None = None
    turns: int = 0
    duration_ms: int = 0
    usage: TokenUsage = field(default_factory=TokenUsage)
    cost_usd: float = 0.0
    files_changed: tuple[Path, ...] = ()
    permission_denials: tuple[PermissionDenial, ...] = ()
    error: RequestFailed | None = None
    """Why it failed or timed out."""
    origin: Literal["user", "agent"] = "user"
    """Who has begun it."""
    cause: str | None = None
    """Why the agent has begun it by itself, in a sentence."""
    queued: bool | None = None
    """Whether it waits for its session."""
    prompt: str | None = None
    """What it asks, while it is at work, if it has waited."""
    steered_into: str | None = None
    """The run whose turn has taken its prompt in, and answered it."""
    blocked: Blocked | None = None
    """Why the model was not asked."""
    next_session_id: str | None = None
    """The session that the user goes on in, if they have cleared this one."""
    held_by: str | None = None
    """The editor and the server's process in which it is at work, if it is only followed here."""


@dataclass(frozen=True, slots=True)
class Location:
    """A file, and the lines of it that a tool call is about.

    Attributes:
        first_line: The first line, from 0; None if the whole file is meant.
        last_line: The line after the last one.
    """

    path: Path
    first_line: int | None = None
    last_line: int | None = None


class ToolStatus(Enum):
    """How a tool call ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    DENIED = "denied"


class Change(Enum):
    """What happened to a file."""

    CREATED = "created"
    EDITED = "edited"
    DELETED = "deleted"


class Level(Enum):
    """How much a notice matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Queued:
    """A run waits for its session: `position` runs come before it, but for the one at work."""

    kind: ClassVar = "queued"
    run: Run
    position: int


@dataclass(frozen=True, slots=True)
class Started:
    """The first event of every run that has begun."""

    kind: ClassVar = "started"
    run: Run


@dataclass(frozen=True, slots=True)
class Steered:
    """A prompt has gone into the turn at work, and is answered in it.

    Attributes:
        run_id: The run that it would have had.
        into: The run at work.
        message_id: The prompt's, in the session too.
        text: The prompt.
    """

    kind: ClassVar = "steered"
    run_id: str
    into: str
    message_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """Words of the agent, to append to what came before under the same message id.

    Attributes:
        parent_tool_call_id: The tool call that has begun the subagent that says them, if it is one.
    """

    kind: ClassVar = "text"
    message_id: str
    text: str
    parent_tool_call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Thinking:
    """Thoughts of the agent, or of a subagent, to append likewise."""

    kind: ClassVar = "thinking"
    message_id: str
    text: str
    parent_tool_call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Retracted:
    """The agent's last words under a message id do not stand: the answer broke off.

    Attributes:
        text: These words, which are the end of what came under that id, or all of it.
    """

    kind: ClassVar = "retracted"
    message_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The agent uses a tool.

    Attributes:
        shares_id_of: The id that the model gave it, where an earlier call has that. A question
            about it names that id.
    """

    kind: ClassVar = "toolCall"
    tool_call_id: str
    tool: str
    title: str
    input: Mapping[str, Any] = field(metadata=PLAIN_JSON)
    locations: tuple[Location, ...] = ()
    parent_tool_call_id: str | None = None
    shares_id_of: str | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What came of a tool call; `text` is shortened where `truncated` says so."""

    kind: ClassVar = "toolResult"
    tool_call_id: str
    status: ToolStatus
    text: str
    truncated: bool | None = None


@dataclass(frozen=True, slots=True)
class QuestionAsked:
    """A question waits for the user."""

    kind: ClassVar = "question"
    question: Question


@dataclass(frozen=True, slots=True)
class QuestionAnswered:
    """A question is settled: by the "editor", by "command", by its "deadline", or "withdrawn".

    Attributes:
        edited: Whether the user has said how a file shall be instead.
    """

    kind: ClassVar = "questionAnswered"
    question_id: str
    answer: str
    by: str
    note: str | None = None
    edited: bool | None = None


@dataclass(frozen=True, slots=True)
class FileChanged:
    """The agent changed a file.

    Attributes:
        moved_from: Where a file was that is new here.
        moved_to: Where a file is that is gone here.
    """

    kind: ClassVar = "fileChanged"
    uri: Path
    change: Change
    moved_from: Path | None = None
    moved_to: Path | None = None


@dataclass(frozen=True, slots=True)
class ModeChanged:
    """The session has another permission mode: by command, or by what the user has answered."""

    kind: ClassVar = "mode"
    permission_mode: str


@dataclass(frozen=True, slots=True)
class UsageReport:
    """How full the context is, and what the run cost so far."""

    kind: ClassVar = "usage"
    context_tokens: int
    context_window: int
    cost_usd: float


@dataclass(frozen=True, slots=True)
class TaskChanged:
    """A background task of the session has begun, or has ended."""

    kind: ClassVar = "task"
    task: Task


@dataclass(frozen=True, slots=True)
class Compacted:
    """The agent goes on with a summary of the conversation, as the user or the CLI has wanted."""

    kind: ClassVar = "compacted"
    trigger: Literal["manual", "auto"]
    tokens_before: int
    tokens_after: int | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something worth knowing: a retry, a rate limit.

    Attributes:
        message_id: That of the message in which the CLI says it, in the session too.
    """

    kind: ClassVar = "notice"
    level: Level
    text: str
    message_id: str | None = None


class HookStatus(Enum):
    """Where one of the user's hooks stands."""

    STARTED = "started"
    COMPLETED = "completed"
    BLOCKED = "blocked"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Hook:
    """One of the user's hooks begins, or has ended.

    Attributes:
        name: As the CLI calls it: "PreToolUse:Bash".
        event: What it is run at: "PreToolUse".
        status: "blocked" if it said no, "cancelled" if it did not finish.
        text: Why it said no, or failed.
    """

    kind: ClassVar = "hook"
    hook_id: str
    name: str
    event: str
    status: HookStatus
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The last event of every run."""

    kind: ClassVar = "ended"
    run: Run


Event: TypeAlias = (
    Queued
    | Started
    | Steered
    | Text
    | Thinking
    | Retracted
    | ToolCall
    | ToolResult
    | QuestionAsked
    | QuestionAnswered
    | FileChanged
    | ModeChanged
    | UsageReport
    | TaskChanged
    | Compacted
    | Notice
    | Hook
    | Ended
)

if TYPE_CHECKING:
    Emit: TypeAlias = Callable[[Event], None]
