"""What a run reports while it goes on: the events of docs/protocol.md, in the order they happen."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from claude_agent_lsp.base.texts.json_bounds import PLAIN_JSON

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

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
class Text:
    """Words of the agent, to append to what came before under the same message id."""

    kind: ClassVar = "text"
    message_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """Thoughts of the agent, to append likewise."""

    kind: ClassVar = "thinking"
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


QuestionKind = Literal["permission", "plan", "choice", "trust"]


@dataclass(frozen=True, slots=True)
class QuestionOption:
    """One possible answer.

    Attributes:
        description: Of a choice: what the agent says about it.
    """

    value: str
    label: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """What happens if the user says yes.

    Attributes:
        subject: What it is done to, in one short line: the start of a command, a file's name, an
            address. Empty where the tool's name says it all.
        tool: The tool's name; None if the question is not about a tool.
        command: The whole command or script, if it runs one.
        path: The file or folder that it is about, where links lead, as it is named in the
            session's folder.
        description: What the agent says that the command of a shell does.
    """

    subject: str
    tool: str | None = None
    command: str | None = None
    path: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """Something that an answer allows beyond the one tool call.

    Attributes:
        kind: Which of the fields below says what it is; "call" is the very same call once more.
        text: The same in a few words: "`npm run *`", "WebFetch(domain:a.b)", "all edits".
        tool: Of a rule: the tool that it allows.
        rule: Of a rule: which uses of the tool; None for all.
        mode: The permission mode that the session gets.
        directory: The folder in which the agent may work, too.
    """

    kind: Literal["call", "rule", "mode", "directory"]
    text: str
    tool: str | None = None
    rule: str | None = None
    mode: str | None = None
    directory: str | None = None


@dataclass(frozen=True, slots=True)
class Grants:
    """What the answers of a question allow beyond the one tool call.

    Attributes:
        session: What "allowSession" allows, until the server ends.
        always: What "allowAlways" allows.
        saved_in: Where the latter is written.
    """

    session: tuple[Grant, ...] = ()
    always: tuple[Grant, ...] = ()
    saved_in: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Something that the user has to decide before the agent goes on.

    Attributes:
        kind: About what: permission for a tool, a plan, the agent's own, or trust in a folder.
        title: What the user decides, as a sentence of one line: "Edit cart.py?".
        title_says_all: Of a permission: whether the title says all that would be done.
        detail: Exactly what would happen, cut where it is long: the fields below as one text.
        diff: The whole change, as a unified diff.
        document: The whole plan, as Markdown.
        multiple: Whether several options can be chosen.
        free_text: Whether words of the user's own are an answer, too.
        tool_call_id: The tool call that waits for it.
        action: What happens if the user says yes.
        notes: What else there is to know of it, such as "In the background" and "shell: zsh".
        reason: Why the CLI asks, in its words.
        grants: What the answers allow beyond it.
    """

    question_id: str
    run_id: str
    session_id: str
    kind: QuestionKind
    title: str
    detail: str
    options: tuple[QuestionOption, ...]
    deadline: datetime
    diff: str | None = None
    document: str | None = None
    multiple: bool | None = None
    free_text: bool | None = None
    tool_call_id: str | None = None
    action: Action | None = None
    notes: tuple[str, ...] = ()
    reason: str | None = None
    grants: Grants = field(default_factory=Grants)
    title_says_all: bool | None = None


@dataclass(frozen=True, slots=True)
class QuestionAsked:
    """A question waits for the user."""

    kind: ClassVar = "question"
    question: Question


@dataclass(frozen=True, slots=True)
class QuestionAnswered:
    """A question is settled: by the "editor", by "command", by its "deadline", or "withdrawn"."""

    kind: ClassVar = "questionAnswered"
    question_id: str
    answer: str
    by: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class FileChanged:
    """The agent changed a file."""

    kind: ClassVar = "fileChanged"
    uri: Path
    change: Change


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
class Notice:
    """Something worth knowing: a retry, a rate limit, a compaction."""

    kind: ClassVar = "notice"
    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The last event of every run."""

    kind: ClassVar = "ended"
    run: Run


Event: TypeAlias = (
    Queued
    | Started
    | Text
    | Thinking
    | ToolCall
    | ToolResult
    | QuestionAsked
    | QuestionAnswered
    | FileChanged
    | ModeChanged
    | UsageReport
    | Notice
    | Ended
)

if TYPE_CHECKING:
    Emit: TypeAlias = Callable[[Event], None]
