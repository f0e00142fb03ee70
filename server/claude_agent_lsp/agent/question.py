"""What the user has to decide, with its facts in fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

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
        editable: Whether the answer may say how the file shall be instead.
        held_by: Of another server's question: its editor and its process.
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
    editable: bool | None = None
    held_by: str | None = None
