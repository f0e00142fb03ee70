"""The audit log: what the user was asked and answered, and what the agent has changed.

    <state>/audit/audit.jsonl       one JSON object a line, the newest last
    <state>/audit/audit.1.jsonl     what came before, up to `audit.4.jsonl`

Secrets are masked and long inputs cut. Several servers append to it, a line at a time.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from claude_agent_lsp.agent.events import Ended, QuestionAsked, ToolCall, ToolResult
from claude_agent_lsp.agent.permissions.destinations import Destinations
from claude_agent_lsp.agent.permissions.question_detail import describe, shortened
from claude_agent_lsp.agent.permissions.tool_titles import title_of
from claude_agent_lsp.base.disk.files import locked, open_own
from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.base.lanes import Lane
from claude_agent_lsp.base.system.file_io import read_at, replace
from claude_agent_lsp.base.texts.redaction import mask_secrets, mask_secrets_in_json
from claude_agent_lsp.base.texts.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from claude_agent_lsp.agent.events import Event
    from claude_agent_lsp.agent.permissions.queue import Answer
    from claude_agent_lsp.agent.question import Question

logger = logging.getLogger(__name__)

MOST_BYTES: Final = 1_000_000
OLDER_FILES: Final = 4
TEXT_LENGTH: Final = 2_000
# Of each text of a tool's input so much is looked at: more than is kept, and than any path has.
_FIELD_LENGTH: Final = 5_000
UNFINISHED: Final = "unfinished"
UNWRITTEN: Final = (
    "The audit log {} can't be written: {}. Until it can be, nothing is recorded of what is asked, "
    "answered and changed."
)
# Tools that change nothing; of any other one can't know.
_READERS: Final = frozenset(
    {
        *("Agent", "AskUserQuestion", "BashOutput", "EnterPlanMode", "ExitPlanMode", "Glob"),
        *("Grep", "LS", "NotebookRead", "Read", "Skill", "Task", "TaskOutput", "TodoWrite"),
        *("ToolSearch", "WebFetch", "WebSearch"),
    }
)


# What a line holds, or what makes it: to mask a long input takes its time.
Entry: TypeAlias = Mapping[str, Any] | Callable[[], Mapping[str, Any]]


class AuditLog:
    """The log. Its calls touch the disk: make them in a thread.

    Args:
        directory: The user's own state directory, which no setting moves.
        editor: The editor's name.
    """

    def __init__(self, directory: Path, editor: str = "") -> None:
        self._directory = directory
        self._editor = editor
        self._warned = False

    @property
    def file(self) -> Path:
        """The newest file."""
        return self._directory / "audit" / "audit.jsonl"

    def write(self, kind: str, entry: Entry) -> str | None:
        """Add a line; one that can't be written is logged, and costs nothing else.

        Returns:
            What the user should know of it, once until a line can be written again.
        """
        entry = entry() if callable(entry) else entry
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "kind": kind, "editor": self._editor, "process": os.getpid(), **entry}
        masked = mask_secrets_in_json(json.loads(json.dumps(line, default=str)))
        content = json.dumps(masked, ensure_ascii=False)
        try:
            self._append(content.encode(errors="replace") + b"\n")
        except OSError as error:
            logger.warning("The audit log %s can't be written: %s", self.file, error)
            told, self._warned = self._warned, True
            return None if told else UNWRITTEN.format(self.file, error.strerror or error)
        self._warned = False
        return None

    def read(self) -> Iterator[dict[str, Any]]:
        """Return all lines, the oldest first; what can't be read is left out."""
        for file in [*reversed(self._older()), self.file]:
            with contextlib.suppress(OSError):
                for line in read_regular(file).splitlines():
                    with contextlib.suppress(ValueError):
                        entry = json.loads(line)
                        if isinstance(entry, dict):
                            yield entry

    def _append(self, line: bytes) -> None:
        file = self.file
        make_directory(file.parent)
        with contextlib.suppress(FileNotFoundError):
            if file.stat().st_size + len(line) > MOST_BYTES:
                self._rotate(len(line))
        handle = open_own(file, os.O_RDWR | os.O_APPEND)
        try:
            size = os.fstat(handle).st_size
            if size and read_at(handle, 1, size - 1) != b"\n":
                line = b"\n" + line  # a disk that was full took a part of a line
            if os.write(handle, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.fspath(file))
        finally:
            os.close(handle)

    def _rotate(self, more: int) -> None:
        with locked(self.file.with_name("lock")):
            if self.file.stat().st_size + more <= MOST_BYTES:
                return  # another server has just done it
            files = [self.file, *self._older()]
            for older, newer in reversed(list(zip(files[1:], files, strict=False))):
                with contextlib.suppress(FileNotFoundError):
                    replace(newer, older)

    def _older(self) -> list[Path]:
        return [self.file.with_name(f"audit.{n}.jsonl") for n in range(1, OLDER_FILES + 1)]


class AuditWriter:
    """Writes lines in the log's own lane: nobody waits for its disk.

    Args:
        log: The log.
        begin: Begins work that nobody waits for.
        notify: Tells the user whether all is well, and of what is wrong.
    """

    def __init__(
        self,
        log: AuditLog,
        begin: Callable[[Awaitable[None]], object],
        notify: Callable[[bool, str], None],
    ) -> None:
        self._log = log
        self._begin = begin
        self._notify = notify
        self._lane = Lane()

    def put(self, kind: str, entry: Entry) -> None:
        """Add a line behind those before."""
        self._begin(self._write(kind, entry))

    async def _write(self, kind: str, entry: Entry) -> None:
        wrong = await self._lane.run(self._log.write, kind, entry)
        if wrong is not None:
            self._notify(False, wrong)


def question_entry(
    question: Question, answer: Answer, call: ToolCall | None = None, folder: Path | None = None
) -> dict[str, Any]:
    """Return what is kept of a question.

    Args:
        question: As the user was shown it, and cut: half of a secret would not be found in it.
        answer: How it was settled.
        call: The tool call that it is about, of which it is worded anew without secrets.
        folder: Where the agent works.
    """
    title, detail = question.title, question.detail
    if question.document is not None:
        detail = shortened(mask_secrets(question.document))
    elif call is not None and folder is not None and question.kind == "permission":
        title, detail = _masked(question, call, folder)
    return {
        "runId": question.run_id,
        "sessionId": question.session_id,
        "toolCallId": question.tool_call_id,
        "question": question.kind,
        "title": title,
        "detail": mask_secrets(detail, limit=TEXT_LENGTH),
        "answer": answer.value,
        "by": answer.by.value,
        "note": answer.note,
        **({"edited": True} if answer.edits is not None else {}),
    }


def _masked(question: Question, call: ToolCall, folder: Path) -> tuple[str, str]:
    """Return the title and the detail of a tool call's question, masked before they are cut."""
    tool_input = mask_secrets_in_json(call.input)
    title, detail, diff = question.title, question.detail, question.diff
    where = Destinations(folder)
    shown = describe(call.tool, call.input, where, diff=diff)
    masked = describe(call.tool, tool_input, where, diff=diff and mask_secrets(diff))
    # Where a hook has changed the input meanwhile, the new one is not known here.
    if title == shown.title:
        title = masked.title
    if detail.startswith(shown.detail):
        # Behind it stand the reason and what the answers would allow.
        detail = masked.detail + detail.removeprefix(shown.detail)
    return title, detail


class ToolTrail:
    """Follows the events of one run, for the tool calls that may have changed something.

    Args:
        write: Writes a line, and makes its entry: beside the loop.
        run_id: The run.
        session_id: Its session.
        folder: Where it works.
    """

    def __init__(
        self,
        write: Callable[[str, Entry], None],
        run_id: str,
        session_id: str,
        folder: Path,
    ) -> None:
        self._write = write
        self._about = {"runId": run_id, "sessionId": session_id, "workspace": str(folder)}
        self._calls: dict[str, ToolCall] = {}
        self._asked: Counter[tuple[str, str]] = Counter()

    def call(self, tool_call_id: str | None) -> ToolCall | None:
        """Return a tool call that has no result yet."""
        return self._calls.get(tool_call_id or "")

    def follow(self, event: Event) -> None:
        """Take the next event."""
        if isinstance(event, ToolCall):
            self._calls[event.tool_call_id] = event
        elif isinstance(event, QuestionAsked):
            action = event.question.action
            tool = action.tool if action is not None else None
            self._asked[event.question.tool_call_id or "", tool or ""] += 1
        elif isinstance(event, ToolResult) and event.tool_call_id in self._calls:
            self._record(self._calls.pop(event.tool_call_id), event.status.value)
        elif isinstance(event, Ended):
            # The run was stopped in their middle: what they have done by then is not known.
            for call in self._calls.values():
                self._record(call, UNFINISHED)
            self._calls.clear()

    def _record(self, call: ToolCall, status: str) -> None:
        if call.tool in _READERS:
            return
        # Not asked: a rule or the mode has allowed it, or refused it.
        asked = (call.shares_id_of or call.tool_call_id, visible(call.tool))
        by = "question" if self._asked[asked] else "rule"
        # Another call that the model has given the same id may not have been asked about.
        self._asked[asked] -= by == "question"
        self._write("tool", partial(_tool_entry, call, {**self._about, "status": status, "by": by}))


def _tool_entry(call: ToolCall, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a tool call. It takes the longer, the more fields its input has."""
    tool_input = mask_secrets_in_json(call.input, _FIELD_LENGTH)
    return {
        "toolCallId": call.tool_call_id,
        "tool": call.tool,
        "title": title_of(call.tool, tool_input),
        "input": json.dumps(tool_input, default=str)[:TEXT_LENGTH],
        **about,
    }
