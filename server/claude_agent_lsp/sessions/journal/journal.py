"""The journal: what an editor was shown of a run, on disk before it was shown.

    <state>/journal/<session id>.jsonl      one record a line, appended as the run goes on

The CLI keeps the conversation, but a CLI that is killed loses the half-said answer, and in a first
turn the whole session. So the prompt is written here before it is sent, and each word and tool call
before an editor gets it. What the transcript holds as well is cut away when the run has ended; what
it lacks (`recovery.py`) stays, to be told to the agent with the next prompt and to be read with the
session. A write goes to the system's cache: it survives every death of a process, not a power cut.

Everything here touches the disk: call it in a thread, for one session in one thread at a time.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from claude_agent_lsp.base.disk.files import open_own, replace_file
from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.disk.reading import read_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Said:
    """Words of the agent, to append to what came before under the same message id."""

    message_id: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Called:
    """A tool call; `status` and `text` are what came of it, None while that isn't known."""

    tool_call_id: str
    tool: str
    input: Mapping[str, Any]
    at: datetime
    status: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Resulted:
    """What came of a tool call that was written down before."""

    tool_call_id: str
    status: str
    text: str


Step: TypeAlias = Said | Called


@dataclass(frozen=True, slots=True)
class JournaledTurn:
    """One prompt and what was shown of its answer.

    Attributes:
        message_id: The prompt's, under which the transcript has it too.
        completed: Whether the run has ended well: then the transcript's word stands for its answer.
        told_by: The message that has told the agent of it.
        lacks_prompt: Whether the transcript lacks the prompt itself, as far as is known.
        unsent: Whether it was stopped before the agent got it: the agent is not told of it.
        own: Whether the agent has begun it by itself: there is no prompt.
    """

    message_id: str
    prompt: str
    folder: Path
    at: datetime
    steps: tuple[Step, ...] = ()
    completed: bool = False
    told_by: str | None = None
    lacks_prompt: bool = True
    unsent: bool = False
    own: bool = False


# The id of a prompt that never was: whatever it told, the agent does not know.
NOBODY: Final = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a session's journal holds.

    Attributes:
        turns: The oldest first.
        damaged: Whether some of it could not be read.
    """

    turns: tuple[JournaledTurn, ...] = ()
    damaged: bool = False


class Journal:
    """The journals of all sessions.

    Args:
        state_directory: Returns the state directory, which a setting may move.
    """

    def __init__(self, state_directory: Callable[[], Path]) -> None:
        self._state_directory = state_directory

    @property
    def directory(self) -> Path:
        """Where the journals are."""
        return self._state_directory() / "journal"

    def read(self, session_id: str) -> Entry:
        """Return what a session's journal holds; a line that can't be read is left out."""
        return entry_of(self.content(session_id))

    def content(self, session_id: str) -> bytes:
        """Return a session's journal as it is on disk, for `entry_of`; nothing if unreadable."""
        try:
            return read_regular(self._path(session_id), None)
        except OSError:
            return b""

    def sessions(self) -> tuple[str, ...]:
        """Return the ids of the sessions that have something in their journal."""
        with contextlib.suppress(OSError), os.scandir(self.directory) as files:
            return tuple(
                Path(file.name).stem
                for file in files
                if file.name.endswith(".jsonl") and file.stat().st_size
            )
        return ()

    def begin(self, session_id: str, turn: JournaledTurn) -> bool:
        """Write a prompt down, before it is sent.

        Returns:
            Whether the journal held anything before.

        Raises:
            OSError: It could not be written.
        """
        return self._append(session_id, [_head_of(turn)], begins=True)

    def mark_told(self, session_id: str, turns: Iterable[str], by: str) -> None:
        """Write down which turns a prompt tells the agent of, all by their message ids.

        Raises:
            OSError: It could not be written.
        """
        self._append(session_id, [{"kind": "told", "turn": turn, "by": by} for turn in turns])

    def unmark_told(self, session_id: str, turns: Iterable[str]) -> None:
        """Write down that the agent has not been told of turns after all.

        Raises:
            OSError: It could not be written.
        """
        self.mark_told(session_id, turns, NOBODY)

    def mark_unsent(self, session_id: str, turn_id: str) -> None:
        """Write down that a prompt was never sent.

        Raises:
            OSError: It could not be written.
        """
        self._append(session_id, [{"kind": "unsent", "turn": turn_id}])

    def append(self, session_id: str, steps: Iterable[Step | Resulted]) -> None:
        """Write down what is about to be shown.

        Raises:
            OSError: It could not be written.
        """
        self._append(session_id, map(_record_of, steps))

    def replace(self, session_id: str, turns: Iterable[JournaledTurn]) -> None:
        """Hold these turns and nothing else.

        Raises:
            OSError: It could not be written; the journal is as it was.
        """
        lines = b"".join(_line(record) for turn in turns for record in _records_of(turn))
        if lines:
            replace_file(self._path(session_id), lines)
        else:
            self.forget(session_id)

    def forget(self, session_id: str) -> None:
        """Hold nothing of a session any more."""
        self._path(session_id).unlink(missing_ok=True)

    def _path(self, session_id: str) -> Path:
        return self.directory / f"{session_id}.jsonl"

    def _append(
        self, session_id: str, records: Iterable[Mapping[str, Any]], *, begins: bool = False
    ) -> bool:
        lines = b"".join(map(_line, records))
        path = self._path(session_id)
        flags = os.O_RDWR | os.O_APPEND
        try:
            handle = open_own(path, flags)
        except FileNotFoundError:
            make_directory(path.parent)
            handle = open_own(path, flags)
        try:
            size = os.fstat(handle).st_size if begins else 0
            if size and os.pread(handle, 1, size - 1) != b"\n":
                lines = b"\n" + lines  # somebody was killed in the middle of a line
            rest = memoryview(lines)
            while rest:
                rest = rest[os.write(handle, rest) :]
        finally:
            os.close(handle)
        return size > 0


def now() -> datetime:
    """Return the time, as records have it."""
    return datetime.now(UTC)


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":"), default=str).encode() + b"\n"


def _head_of(turn: JournaledTurn) -> dict[str, Any]:
    return {
        "kind": "prompt",
        "message": turn.message_id,
        "text": turn.prompt,
        "folder": os.fsdecode(turn.folder),
        "at": turn.at.isoformat(),
        **({"own": True} if turn.own else {}),
    }


def _record_of(step: Step | Resulted) -> dict[str, Any]:
    match step:
        case Said(message_id, text, at):
            return {"kind": "text", "message": message_id, "text": text, "at": at.isoformat()}
        case Called(call_id, tool, given, at):
            moment = at.isoformat()
            return {"kind": "call", "id": call_id, "tool": tool, "input": dict(given), "at": moment}
        case Resulted(call_id, status, text):
            return {"kind": "result", "id": call_id, "status": status, "text": text}


def _results_of(turn: JournaledTurn) -> list[dict[str, Any]]:
    return [
        _record_of(Resulted(step.tool_call_id, step.status, step.text or ""))
        for step in turn.steps
        if isinstance(step, Called) and step.status is not None
    ]


def _records_of(turn: JournaledTurn) -> list[dict[str, Any]]:
    records = [_head_of(turn), *map(_record_of, turn.steps), *_results_of(turn)]
    if turn.completed:
        records.append({"kind": "completed"})
    if not turn.lacks_prompt:
        records.append({"kind": "known", "turn": turn.message_id})
    if turn.unsent:
        records.append({"kind": "unsent", "turn": turn.message_id})
    if turn.told_by is not None:
        records.append({"kind": "told", "turn": turn.message_id, "by": turn.told_by})
    return records


def entry_of(content: bytes) -> Entry:
    """Return what a journal holds."""
    reader = _Reader()
    damaged = False
    for line in content.split(b"\n"):
        if not line:
            continue
        try:
            reader.take(json.loads(line))
        except (ValueError, KeyError, TypeError, RecursionError):
            damaged = True
    return Entry(reader.turns, damaged)


class _Reader:
    """Puts a journal's records together to turns."""

    def __init__(self) -> None:
        self._turns: dict[str, JournaledTurn] = {}
        self._steps: dict[str, list[Step]] = {}
        self._current = ""

    @property
    def turns(self) -> tuple[JournaledTurn, ...]:
        """The turns so far."""
        return tuple(
            replace(turn, steps=tuple(self._steps[key])) for key, turn in self._turns.items()
        )

    def take(self, record: dict[str, Any]) -> None:
        """Take the next record; one of a kind that a later version writes is left out."""
        match record["kind"]:
            case "prompt":
                self._begin(record)
            case "text":
                said = Said(str(record["message"]), str(record["text"]), _moment(record))
                self._steps[self._current].append(said)
            case "call":
                self._steps[self._current].append(_call_in(record))
            case "result":
                _settle(self._steps[self._current], record)
            case "completed":
                self._update(self._current, completed=True)
            case "unsent":
                self._update(record["turn"], unsent=True)
            case "known":
                self._update(record["turn"], lacks_prompt=False)
            case "told":
                self._update(record["turn"], told_by=str(record["by"]))

    def _begin(self, record: dict[str, Any]) -> None:
        self._current = str(record["message"])
        self._turns[self._current] = JournaledTurn(
            self._current,
            str(record["text"]),
            Path(record["folder"]),
            _moment(record),
            own=record.get("own") is True,
            lacks_prompt=record.get("own") is not True,
        )
        self._steps[self._current] = []

    def _update(self, turn_id: str, **changes: Any) -> None:
        self._turns[turn_id] = replace(self._turns[turn_id], **changes)


def _call_in(record: Mapping[str, Any]) -> Called:
    given = dict(record["input"])
    return Called(str(record["id"]), str(record["tool"]), given, _moment(record))


def _settle(steps: list[Step], record: Mapping[str, Any]) -> None:
    for place, step in enumerate(steps):
        if isinstance(step, Called) and step.tool_call_id == record["id"]:
            steps[place] = replace(step, status=str(record["status"]), text=str(record["text"]))


def _moment(record: Mapping[str, Any]) -> datetime:
    moment = datetime.fromisoformat(record["at"])
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
