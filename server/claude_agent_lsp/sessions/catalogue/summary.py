"""What the list of sessions shows of one, and searches: read from its transcript, each line once.

What the SDK returns for a session is taken as it is, so that titles are the same in every
list; the rest is read here. Everything here reads files: call it in a thread.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.base.texts.json_text import parse_json
from claude_agent_lsp.base.texts.moments import read_moment
from claude_agent_lsp.sessions.transcripts.growth import ReadSoFar
from claude_agent_lsp.sessions.transcripts.packed import open_transcript
from claude_agent_lsp.sessions.transcripts.sdk_view import entries_in, info_of
from claude_agent_lsp.sessions.transcripts.transcript import (
    NOTED_COST,
    SYNTHETIC,
    config_directory,
    cost_in,
    holds_messages,
)
from claude_agent_lsp.sessions.transcripts.user_text import prompt_in

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_sdk import SDKSessionInfo

# Of a longer prompt only the beginning is searched.
PROMPT_LENGTH: Final = 10_000
INTERRUPTED: Final = b"[Request interrupted by user"
_COMMAND: Final = b'"subtype":"local_command"'
_TITLE: Final = b'{"type":"custom-title"'
_TAG: Final = b'{"type":"tag"'
_ENTRYPOINT = re.compile(rb'"entrypoint":"([^"]*)"')
# What a call of a tool names; in a text that a line holds, the quotes would be escaped.
_FILE = re.compile(rb'"(?:file_path|notebook_path)":("(?:[^"\\]|\\.)*+")')
# Of so many files of a session the names are kept.
MOST_FILES: Final = 1000


@dataclass(frozen=True, slots=True)
class Summary:
    """What is known of a session.

    Attributes:
        cwd: The folder that it was begun in.
        created_at: In milliseconds since 1970.
        entrypoint: What it was begun with, as the CLI calls it: "cli", "sdk-py", …
        interrupted: Whether the user stopped its last turn.
        noted_usd: What it has cost, as the CLI has noted it.
        prompts: How many prompts the user has written.
    """

    title: str
    first_prompt: str | None
    tag: str | None
    cwd: str | None
    git_branch: str | None
    created_at: int | None
    entrypoint: str | None
    interrupted: bool
    noted_usd: float
    prompts: int


@dataclass(frozen=True, slots=True)
class Findings:
    """What was read of a transcript: when it has grown, `summarize` goes on from there.

    Attributes:
        summary: What is known of the session.
        own_title: The title that the user has set; empty if there is none.
        prompts: All that the user wrote, casefolded.
        files: The paths that tools were given, casefolded, each in a line.
        so_far: How much was read; None if it ended within a line.
    """

    summary: Summary
    own_title: str
    prompts: str
    files: str
    so_far: ReadSoFar | None


def summarize(
    transcript: Path, folder: Path | None = None, before: Findings | None = None
) -> Findings | None:
    """Read a transcript.

    Args:
        transcript: The file.
        folder: The folder whose sessions its directory holds, if it is known.
        before: What was read of it before. If it has only grown since, the rest is read, else all.

    Returns:
        What is known of the session; None for a file that the SDK takes for none.

    Raises:
        OSError: It can't be read.
    """
    line = b"\n"
    with open_transcript(transcript) as file:
        if before is not None and (before.so_far is None or not before.so_far.holds(file)):
            before = None
        lines = _Lines(transcript.stem, before)
        file.seek(0 if before is None or before.so_far is None else before.so_far.offset)
        for line in file:
            lines.take(line)
        size = file.tell()
        # What is half written will be another line.
        so_far = ReadSoFar.take(file, size) if line.endswith(b"\n") else None
    # On "/clear" the CLI begins a file for what may come.
    empty = not size or (lines.prompts == ["/clear"] and not holds_messages(transcript))
    info = None if empty else _info(transcript, size, folder)
    if info is None and not empty and lines.command is not None:
        info = _info_of_command(transcript, lines.command)
    if info is None:
        return None
    # The SDK sees only the beginning and the end; what the user has set must not get lost between.
    summary = Summary(
        title=_storable(lines.title or info.custom_title or info.summary),
        first_prompt=_storable(info.first_prompt),
        tag=_storable(lines.tag or None),
        cwd=_storable(info.cwd),
        git_branch=_storable(info.git_branch),
        created_at=info.created_at,
        entrypoint=lines.entrypoint,
        interrupted=lines.interrupted,
        noted_usd=lines.noted_usd,
        prompts=lines.count,
    )
    prompts, files = (_storable("\n".join(texts)) for texts in (lines.prompts, lines.files))
    return Findings(summary, _storable(lines.title), prompts, files, so_far)


class _Lines:
    """What is found in the lines of a transcript, one after the other.

    Args:
        session_id: The session.
        before: What was found in those before them.
    """

    def __init__(self, session_id: str, before: Findings | None) -> None:
        self._session_id = session_id
        self.prompts: list[str] = []
        self.count = 0
        self.files: dict[str, None] = {}
        self.entrypoint: str | None = None
        self.interrupted = False
        self.noted_usd = 0.0
        self.title = ""
        self.tag = ""
        self.command: dict[str, Any] | None = None
        if before is not None:
            self.prompts = [before.prompts] if before.prompts else []
            self.count = before.summary.prompts
            self.files = dict.fromkeys(before.files.splitlines())
            self.entrypoint = before.summary.entrypoint
            self.interrupted = before.summary.interrupted
            self.noted_usd = before.summary.noted_usd
            self.title = before.own_title
            self.tag = before.summary.tag or ""

    def take(self, line: bytes) -> None:
        if self.entrypoint is None and (found := _ENTRYPOINT.search(line)):
            self.entrypoint = found[1].decode(errors="replace")
        if line.startswith((_TITLE, _TAG)):
            self._take_mark(line)
            return
        if line.startswith(NOTED_COST):
            self.noted_usd = cost_in(line, self._session_id)
            return
        if self.command is None and _COMMAND in line:
            self.command = next(iter(entries_in(line)), None)
        user = b'"type":"user"' in line
        if not user and b'"type":"assistant"' not in line:
            return
        # A resume puts an answer of its own behind the mark.
        if SYNTHETIC.encode() not in line:
            self.interrupted = INTERRUPTED in line
        if not user:
            self._take_files(line)
        elif not self.interrupted and b'"tool_use_id"' not in line:
            self._take_prompts(line)

    def _take_prompts(self, line: bytes) -> None:
        for entry in entries_in(line):
            if prompt := prompt_in(entry):
                self.prompts.append(prompt[:PROMPT_LENGTH].casefold())
                self.count += 1

    def _take_files(self, line: bytes) -> None:
        for name in _FILE.findall(line):
            if len(self.files) < MOST_FILES:
                with contextlib.suppress(ValueError):
                    self.files[str(parse_json(name)).replace("\n", " ").casefold()] = None

    def _take_mark(self, line: bytes) -> None:
        for entry in entries_in(line):
            match entry:
                case {"type": "custom-title", "customTitle": str(title)} if title.strip():
                    self.title = title
                case {"type": "tag", "tag": str(tag)}:
                    self.tag = tag


def _info(transcript: Path, size: int, folder: Path | None) -> SDKSessionInfo | None:
    from claude_agent_sdk import get_session_info

    session_id = transcript.stem
    if transcript.parent.parent == config_directory() / "projects":
        info = get_session_info(session_id, None if folder is None else str(folder))
        # The SDK takes the first file of this name; there may be another in another folder.
        if info is not None and info.file_size is not None and info.file_size >= size:
            return info
    return info_of(transcript)


def _info_of_command(transcript: Path, entry: dict[str, Any]) -> SDKSessionInfo:
    """Return what is known of a session in which only slash commands were typed so far.

    The SDK takes it for none.
    """
    from claude_agent_sdk import SDKSessionInfo

    title = str(entry.get("content", ""))
    cwd, branch, at = (entry.get(name) for name in ("cwd", "gitBranch", "timestamp"))
    return SDKSessionInfo(
        session_id=transcript.stem,
        summary=title,
        last_modified=0,
        first_prompt=title,
        cwd=cwd if isinstance(cwd, str) else None,
        git_branch=branch if isinstance(branch, str) else None,
        created_at=_milliseconds(at),
    )


def _milliseconds(timestamp: object) -> int | None:
    moment = read_moment(timestamp)
    return None if moment is None else round(moment.timestamp() * 1000)


def _storable(text: Any) -> Any:
    """Return a text without lone surrogates, which neither SQLite nor LSP can hold."""
    return text if text is None else text.encode(errors="replace").decode()
