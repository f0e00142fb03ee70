"""The arguments of the commands, one type for each, read by docs/protocol.md's rules for all.

A field's name, its rule and its default stand together, and everything else comes from them: the
camelCase name, the checks, and the message that says what is wrong where. An object of LSP's own
inside (a range, a diagnostic) may hold more than is looked at here, as LSP's types grow.
"""

# ruff: noqa: RUF009 - optional and required are dataclasses.field with more to say

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, get_args

from claude_agent_lsp.agent.run.message import Diagnostic, EditorContext
from claude_agent_lsp.agent.run.query import LAST, NEW
from claude_agent_lsp.base.problems import shown
from claude_agent_lsp.base.validation import (
    FILE,
    FLAG,
    PROMPT,
    STRING,
    WORD,
    Field,
    MisplacedError,
    Rule,
    UnfitError,
    fields_of,
    list_of,
    number,
    one_of,
    record,
    whole,
)
from claude_agent_lsp.errors import InvalidArgument
from claude_agent_lsp.workspace.documents.positions import Position, Range
from claude_agent_lsp.workspace.modes import PermissionMode
from claude_agent_lsp.workspace.settings import Effort, camel

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.workspace.settings import Settings


IfBusy = Literal["queue", "steer", "refuse"]

_UUID = re.compile(
    r"(?:urn:uuid:)?(?:(?P<open>\{)?"
    r"([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})"
    r"(?(open)\}))",
    re.IGNORECASE,
)


def _ordered(start: Position, end: Position) -> Range:
    if start > end:
        raise UnfitError("one that ends before it starts")
    return Range(start, end)


def _context(
    textDocument: Path | None = None,  # noqa: N803 - the protocol's name
    range: Range | None = None,  # noqa: A002 - likewise
    diagnostics: tuple[Diagnostic, ...] = (),
    text: str | None = None,
) -> EditorContext:
    return EditorContext(textDocument, range, diagnostics, text)


def _token(value: object) -> str | int:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise UnfitError
    return value


def _schema(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UnfitError
    return value


def _answer(value: object) -> object:
    several = list_of(WORD, "a list of values")
    return (several if isinstance(value, list | tuple) else WORD).read(value)


def session(*words: str) -> Rule:
    """Return the rule for a session id, or one of some words."""

    def read(value: object) -> str:
        if isinstance(value, str):
            if value in words:
                return value
            if match := _UUID.fullmatch(value):
                return "-".join(match.groups()[1:]).lower()
        raise UnfitError

    expected = " or ".join([*(f'"{word}"' for word in words), "a session id (a UUID)"])
    return Rule(expected, read, {"type": "string"})


_INDEX = Field(whole(least=0), required=True)
_POSITION = record("a position {line, character}", Position, line=_INDEX, character=_INDEX)
_RANGE = record(
    "a range {start, end} that does not end before it starts",
    _ordered,
    start=Field(_POSITION, required=True),
    end=Field(_POSITION, required=True),
)
_ANSWER = Rule(
    "an option's value, or a list of them",
    _answer,
    {"type": ["string", "array"], "items": {"type": "string"}},
)
ID = Rule("a string or a whole number", _token, {"type": ["string", "integer"]})
_DIAGNOSTIC = record(
    "a diagnostic {range, message}",
    Diagnostic,
    range=Field(_RANGE, required=True),
    message=Field(STRING, required=True),
    severity=Field(whole(least=1, most=4)),
    source=Field(STRING),
    code=Field(ID),
)
_DOCUMENT = record("a document {uri}", lambda uri: uri, uri=Field(FILE, required=True))
CONTEXT = record(
    "an object {textDocument, range, diagnostics, text}",
    _context,
    closed=True,
    textDocument=Field(_DOCUMENT),
    range=Field(_RANGE),
    diagnostics=Field(list_of(_DIAGNOSTIC, "a list of diagnostics")),
    text=Field(STRING),
)
_POSITIVE = number(zero=False)
ANY_SESSION = session()


def required(rule: Rule) -> Any:
    """Return a field that has to be there."""
    return dataclasses.field(metadata={"field": Field(rule, required=True)})


def optional(rule: Rule, default: object = None) -> Any:
    """Return a field that may be left out, and what it is then."""
    return dataclasses.field(default=default, metadata={"field": Field(rule)})


@dataclass(frozen=True, kw_only=True)
class Argument:
    """The argument of a command. Subclasses name its fields; `bare` is what a string stands for."""

    bare: ClassVar[str | None] = None


@dataclass(frozen=True, kw_only=True)
class QueryArgument(Argument):
    """Of `claudeAgent.query`."""

    bare: ClassVar[str | None] = "prompt"
    traceless: ClassVar[bool] = False
    prompt: str = required(PROMPT)
    workspace: Path | None = optional(FILE)
    session: str = optional(session(LAST, NEW), LAST)
    fork: bool = optional(FLAG, False)
    resume_at: str | None = optional(WORD)
    in_place: bool = optional(FLAG, False)
    context: EditorContext | None = optional(CONTEXT)
    attachments: tuple[Path, ...] = optional(list_of(FILE, "a list of file: URIs"), ())
    model: str | None = optional(WORD)
    effort: Effort | None = optional(one_of(get_args(Effort)))
    permission_mode: PermissionMode | None = optional(one_of(get_args(PermissionMode)))
    max_turns: int | None = optional(whole(least=1))
    max_budget_usd: float | None = optional(_POSITIVE)
    timeout_seconds: float | None = optional(_POSITIVE)
    output_schema: Mapping[str, Any] | None = optional(
        Rule("a JSON Schema object", _schema, {"type": "object"})
    )
    partial_result_token: str | int | None = optional(ID)
    wait: bool | None = optional(FLAG)
    if_busy: IfBusy = optional(one_of(get_args(IfBusy)), "queue")
    subagent_text: bool | None = optional(FLAG)

    def session_by(self, _: Settings) -> str:
        """Return the session that it is for, by what is set in its folder."""
        return self.session

    def new_id(self) -> str | None:
        """Return the id that a new session gets, if that is chosen."""
        return None

    def __post_init__(self) -> None:
        if self.resume_at is not None and not (self.fork or self.in_place):
            raise InvalidArgument("resumeAt: expected `fork: true` or `inPlace: true` with it")
        if self.in_place and (self.fork or self.resume_at is None):
            raise InvalidArgument("inPlace: expected `resumeAt` with it, and no `fork`")
        if self.in_place and self.if_busy == "steer":
            raise InvalidArgument('ifBusy: expected no "steer" with `inPlace`')


@dataclass(frozen=True, kw_only=True)
class CancelArgument(Argument):
    """Of `claudeAgent.cancel`; without either, everything."""

    run_id: str | None = optional(WORD)
    session_id: str | None = optional(ANY_SESSION)

    def __post_init__(self) -> None:
        if self.run_id is not None and self.session_id is not None:
            raise InvalidArgument("runId: expected either `runId` or `sessionId`, got both")


@dataclass(frozen=True, kw_only=True)
class StatusArgument(Argument):
    """Of `claudeAgent.status`."""


@dataclass(frozen=True, kw_only=True)
class CapabilitiesArgument(Argument):
    """Of `claudeAgent.capabilities`."""

    workspace: Path | None = optional(FILE)


@dataclass(frozen=True, kw_only=True)
class ModeArgument(Argument):
    """Of `claudeAgent.mode`."""

    session_id: str = required(ANY_SESSION)
    permission_mode: PermissionMode = required(one_of(get_args(PermissionMode)))


@dataclass(frozen=True, kw_only=True)
class QuestionListArgument(Argument):
    """Of `claudeAgent.question.list`."""


@dataclass(frozen=True, kw_only=True)
class QuestionAnswerArgument(Argument):
    """Of `claudeAgent.question.answer`; without an id, the open question's."""

    bare: ClassVar[str | None] = "answer"
    question_id: str | None = optional(WORD)
    answer: str | tuple[str, ...] = required(_ANSWER)
    note: str | None = optional(STRING)
    edits: str | None = optional(STRING)

    def __post_init__(self) -> None:
        if self.edits is not None and self.question_id is None:
            raise InvalidArgument("edits: expected `questionId` with it")


@dataclass(frozen=True, kw_only=True)
class TrustArgument(Argument):
    """Of `claudeAgent.trust`."""

    workspace: Path | None = optional(FILE)
    trusted: bool = required(FLAG)


A = TypeVar("A", bound=Argument)


def parse(cls: type[A], arguments: object) -> A:
    """Read a command's argument.

    Args:
        cls: What it has to be.
        arguments: `ExecuteCommandParams.arguments`: a list, or None.

    Raises:
        InvalidArgument: It is something else. The message names the field, what was expected and
            what was found.
    """
    raw = given(cls, arguments)
    table = {camel(f.name): f for f in dataclasses.fields(cls)}
    try:
        values = fields_of(raw, {n: f.metadata["field"] for n, f in table.items()}, closed=True)
    except UnfitError:
        raise InvalidArgument(f"arguments: expected one JSON object, got {shown(raw)}") from None
    except MisplacedError as wrong:
        raise InvalidArgument(f"{wrong.path or 'arguments'}: {wrong.text}") from None
    return cls(**{table[name].name: value for name, value in values.items()})


def given(cls: type[Argument], arguments: object) -> Any:
    """Return a command's argument as it came."""
    came = () if arguments is None else arguments
    if not isinstance(came, list | tuple):
        raise InvalidArgument(f"arguments: expected a list of one JSON object, got {shown(came)}")
    if len(came) > 1:
        raise InvalidArgument(f"arguments: expected one JSON object, got {len(came)} of them")
    # JavaScript's [undefined] arrives as [null].
    raw = {} if not came or came[0] is None else came[0]
    if isinstance(raw, str) and cls.bare:
        return {cls.bare: raw}
    return raw
