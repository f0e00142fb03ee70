"""A session's transcript, the file that the CLI appends to, and who has written to it.

A warm process that goes on while somebody else has added to its session forks the conversation:
it answers without the other's turn, and nobody can resume to that turn any more (CLI 2.1.330).
So before a process gets its next prompt, its transcript must hold nothing that it hasn't said.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import threading
from pathlib import Path
from typing import Any, Final

from claude_agent_lsp.base.disk.reading import open_regular
from claude_agent_lsp.base.texts.json_text import parse_json, parse_line
from claude_agent_lsp.sessions.transcripts.packed import open_transcript

HEAD_BYTES: Final = 262_144
_BLOCK_BYTES: Final = 1_048_576
_SESSION_ID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
NOTED_COST: Final = b'{"type":"cost-state"'
LOCAL_COMMAND: Final = "local_command"
_SAYING: Final = (b'"type":"user"', b'"type":"assistant"', b'"subtype":"local_command"')
SYNTHETIC: Final = "<synthetic>"
# How the CLI notes a local command, as it does where its model is set from outside.
_CLEARED: Final = "<command-name>/clear</command-name>"
_NO_OUTPUT: Final = "<local-command-stdout></local-command-stdout>"
_NOTES: Final = ("<command-name>", "<local-command-stdout>", "<local-command-stderr>")


def config_directory() -> Path:
    """Return where Claude Code keeps its data: CLAUDE_CONFIG_DIR, or `~/.claude`."""
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home() / ".claude")


def is_session_id(word: str) -> bool:
    """Return whether a word is a UUID as the CLI writes them, fit to be part of a path."""
    return _SESSION_ID.fullmatch(word) is not None


def find_transcript(session_id: str) -> Path | None:
    """Find the file of a session, whatever its folder.

    Returns:
        None if the CLI has none, or if this is no session id.
    """
    return transcript_below(config_directory() / "projects", session_id)


def transcript_below(root: Path, session_id: str) -> Path | None:
    """Find the transcript of a session in one of the directories in `root`."""
    if not is_session_id(session_id):
        return None
    return next(root.glob(f"*/{session_id}.jsonl"), None)


def holds_messages(transcript: Path) -> bool:
    """Return whether a transcript holds any message, or a slash command and its answer.

    That another session was cleared, which the next one begins with, is none.

    The CLI (2.1.330) makes the file first. With no room on the disk it writes nothing into it, says
    nothing, and can't resume the session later.
    """
    try:
        with open_transcript(transcript) as file:
            for line in file:
                # Only what is whole counts.
                if any(mark in line for mark in _SAYING):
                    with contextlib.suppress(ValueError):
                        if not is_clearing(parse_json(line)):
                            return True
    except OSError:
        return True  # nobody can tell
    return False


def is_clearing(entry: Any) -> bool:
    """Return whether a line says no more than that the session before this one was cleared."""
    if not isinstance(entry, dict):
        return True
    if entry.get("type") == "system":
        return entry.get("content") == _NO_OUTPUT
    message = entry.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    cleared = isinstance(content, str) and content.startswith(_CLEARED)
    return entry.get("type") == "user" and (cleared or entry.get("isMeta") is True)


def folder_of(transcript: Path) -> Path | None:
    """Return the folder that a session was begun in, as its first lines say."""
    with open_transcript(transcript) as file:
        for line in file:
            if b'"cwd":' in line:
                try:
                    return Path(parse_json(line)["cwd"])
                except (ValueError, KeyError, TypeError):
                    continue
            if file.tell() > HEAD_BYTES:
                break
    return None


def cost_of(transcript: Path) -> float:
    """Return what a session has cost so far, in US dollars, as the CLI has noted it."""
    line = last_line(transcript, NOTED_COST)
    return 0.0 if line is None else cost_in(line, transcript.stem)


def cost_in(line: bytes, session_id: str) -> float:
    """Return the cost in a line that starts as `NOTED_COST`, in US dollars."""
    try:
        entry = parse_json(line)
        cost = float(entry["totalCostUSD"])
    except (ValueError, KeyError, TypeError, OverflowError):
        return 0.0
    # Of another session's the CLI knows nothing, and what is no amount would never be exceeded.
    is_own = entry.get("sessionId") == session_id
    return cost if is_own and math.isfinite(cost) and cost > 0 else 0.0


def last_line(transcript: Path, start: bytes) -> bytes | None:
    """Find the last line that starts so, looking from the end.

    Raises:
        OSError: It can't be read.
    """
    mark = b"\n" + start
    with open_regular(transcript) as file:
        at = file.seek(0, os.SEEK_END)
        behind = b""  # the beginning of what was read before: the mark may lie across
        while at > 0:
            size = min(_BLOCK_BYTES, at)
            at -= size
            file.seek(at)
            block = file.read(size) + behind
            if (found := block.rfind(mark)) >= 0:
                begin = at + found + 1
            elif at == 0 and block.startswith(start):
                begin = 0
            else:
                behind = block[: len(mark) - 1]
                continue
            file.seek(begin)
            return file.readline().removesuffix(b"\n")
    return None


class Transcript:
    """A transcript as one process knows it. Reads files: call it in a thread.

    Every line of a turn has an id, and the process sends the id of each line that it writes. Of
    the lines that a fork copies it sends none: a file that was not there when the process
    started is taken as its own at the first look.

    Args:
        session_id: The session.
        source: The session that it begins as a copy of.
    """

    def __init__(self, session_id: str, source: str | None = None) -> None:
        self.session_id = session_id
        self._source = source
        self._path: Path | None = None
        self._known = 0
        self._own: set[str] = set()
        self._comparing = threading.Lock()

    def catch_up(self) -> float:
        """Take all that is there now as known: the process is about to read it.

        Returns:
            What the session has cost before, in US dollars, or the one that it is a copy of: the
            process counts on from there (CLI 2.1.330).
        """
        self._path = self._path or find_transcript(self.session_id)
        if self._path is None:
            source = None if self._source is None else find_transcript(self._source)
            return 0.0 if source is None else cost_of(source)
        self._known = self._path.stat().st_size
        return cost_of(self._path)

    def expect(self, line_id: str | None) -> None:
        """Record a line that the process says it writes."""
        if line_id:
            self._own.add(line_id)

    def changed_by_others(self) -> bool:
        """Return whether somebody else has added to it, cut it or removed it since then."""
        with self._comparing:
            return self._compare()

    def _compare(self) -> bool:
        self._path = self._path or find_transcript(self.session_id)
        if self._path is None:
            return self._known > 0
        try:
            size = self._path.stat().st_size
            if size == self._known:
                return False
            if size < self._known:
                return True
            with open_regular(self._path) as file:
                file.seek(self._known)
                added = file.read(size - self._known)
        except OSError:
            return True
        whole = added.rfind(b"\n") + 1
        turns = {entry["uuid"] for entry in _entries(added[:whole].splitlines()) if is_turn(entry)}
        if self._known and not turns <= self._own:
            return True
        self._known += whole
        self._own -= turns  # they are known now, and never looked at again
        return False


def _entries(lines: list[bytes]) -> list[dict[str, Any]]:
    found = []
    for line in lines:
        # Most of a transcript's bytes are records that no turn consists of.
        if b'"type":"user"' not in line and b'"type":"assistant"' not in line:
            continue
        try:
            entry = parse_line(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found


def is_turn(entry: dict[str, Any]) -> bool:
    """Return whether it is a line of a turn, and not one that the CLI adds by itself, untold."""
    origin = entry.get("origin")
    message = entry.get("message")
    message = message if isinstance(message, dict) else {}
    return (
        entry.get("type") in ("user", "assistant")
        and isinstance(entry.get("uuid"), str)
        and not entry.get("isMeta")
        and not entry.get("isSidechain")
        and not entry.get("isCompactSummary")
        # "No response requested.", which a resume puts behind an interrupted turn, and the like.
        and message.get("model") != SYNTHETIC
        and not str(message.get("content")).startswith(_NOTES)
        and (not isinstance(origin, dict) or origin.get("kind") == "human")
    )
