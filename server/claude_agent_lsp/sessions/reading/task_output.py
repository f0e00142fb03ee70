"""What background tasks have put out: files of the CLI's, each read a page at a time.

    <temporary>/claude-UID/*/<session>/tasks/<task>.output      of a command: as it wrote it
    <config>/projects/*/<session>/subagents/agent-<task>.jsonl  of an agent: its conversation

So they lie with CLI 2.1.332, which has a link to the latter in the former directory. No link is
followed here: tools can write there, too. Everything here touches the disk: call it in a thread.
"""

from __future__ import annotations

import codecs
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.base.disk.reading import open_regular
from claude_agent_lsp.base.texts.json_text import parse_line
from claude_agent_lsp.base.texts.text import cut
from claude_agent_lsp.base.texts.visible import visible
from claude_agent_lsp.sessions.transcripts.transcript import config_directory
from claude_agent_lsp.workspace.temporary import directories_of_the_cli

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# A page is a message to the editor, and holds up others as long as it is being made.
MOST_BYTES: Final = 2**20
# Of the end of an output, what a list shows.
LAST_LINES: Final = 10
LAST_BYTES: Final = 4_000
# Of an agent's conversation: a longer line is left out, and of a tool's result so much is shown.
LONGEST_LINE: Final = 2**22
RESULT_LENGTH: Final = 2_000
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class OutputPage:
    """A part of what a task has put out.

    Attributes:
        text: The part; bytes that are no UTF-8 are replaced.
        offset: Where it begins, in bytes.
        next_offset: Where the next one begins.
        size: How many bytes there are so far.
    """

    text: str
    offset: int
    next_offset: int
    size: int


@dataclass(frozen=True, slots=True)
class TaskOutput:
    """Where a task's output is.

    Attributes:
        session_id: The session that it belongs to.
        task_id: The task, as the CLI calls it.
        environment: The CLI's.
        agent: Whether it is an agent, and its output a conversation.
    """

    session_id: str
    task_id: str
    environment: Mapping[str, str]
    agent: bool = False

    def page(self, offset: int | None, limit: int, *, over: bool) -> OutputPage:
        """Return a part of it; an empty one where nothing was put out.

        Args:
            offset: Where it begins; None for the last part.
            limit: How many bytes of it are read, at most.
            over: Whether nothing will be added any more.

        Raises:
            OSError: It can't be read.
        """
        path = self.path()
        if path is None:
            return OutputPage("", offset or 0, offset or 0, 0)
        with open_regular(path, follow=False) as file:
            size = os.fstat(file.fileno()).st_size
            begin = max(0, size - limit) if offset is None else min(offset, size)
            file.seek(begin)
            if offset is None and begin > 0:
                begin += len(file.readline(limit))  # the rest of a line would be half of one
                file.seek(begin)
            if self.agent:
                text, taken = _conversation(file, limit)
            else:
                content = file.read(limit)
                text, taken = _text(content, over=over and begin + len(content) >= size)
        return OutputPage(text, begin, begin + taken, max(size, begin + taken))

    def last_lines(self) -> str:
        """Return the end of it, with nothing hidden in it; empty where it can't be read."""
        try:
            text = self.page(None, LAST_BYTES, over=True).text
        except OSError:
            return ""
        lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
        return visible("\n".join(lines[-LAST_LINES:]), lines=True)

    def path(self) -> Path | None:
        """Return the file; None if there is none."""
        if _NAME.fullmatch(self.task_id) is None:
            return None
        if self.agent:
            below = f"*/{self.session_id}/subagents/agent-{self.task_id}.jsonl"
            return next(iter((config_directory() / "projects").glob(below)), None)
        below = f"*/{self.session_id}/tasks/{self.task_id}.output"
        found = (p for place in directories_of_the_cli(self.environment) for p in place.glob(below))
        return next(found, None)


def _text(content: bytes, *, over: bool) -> tuple[str, int]:
    """Return what bytes say, and how many of them: the last character may still be on its way."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(content, final=over)
    return text, len(content) - len(decoder.getstate()[0])


def _conversation(file: Any, limit: int) -> tuple[str, int]:
    """Return what the lines of a conversation say, and how many bytes they have.

    One line may be longer than a page; it is one of its own then.
    """
    said: list[str] = []
    taken = 0
    while taken < limit:
        line = file.readline(LONGEST_LINE)
        if not line.endswith(b"\n"):
            if len(line) < LONGEST_LINE:
                break  # it is still being written
            while line and not line.endswith(b"\n"):
                taken += len(line)
                line = file.readline(LONGEST_LINE)
            taken += len(line)
            continue
        if said and taken + len(line) > limit:
            break
        taken += len(line)
        said.extend(_said(line))
    return "".join(f"{each}\n" for each in said), taken


def _said(line: bytes) -> Iterator[str]:
    """Return what a line says to a reader, piece by piece."""
    try:
        record = parse_line(line)
    except ValueError:
        return
    message = record.get("message") if isinstance(record, dict) else None
    if not isinstance(message, dict) or record.get("isMeta"):
        return
    content, assistant = message.get("content"), message.get("role") == "assistant"
    if isinstance(content, str):
        yield from (f"> {each}" for each in content.splitlines())
    for block in content if isinstance(content, list) else ():
        match block:
            case {"type": "text", "text": str(text)} if assistant:
                yield text
            case {"type": "tool_use", "name": str(name), "input": {"command": str(command)}}:
                yield f"[{name}] {command}"
            case {"type": "tool_use", "name": str(name)}:
                yield f"[{name}]"
            case {"type": "tool_result", "content": str(text)}:
                yield cut(text, RESULT_LENGTH)
