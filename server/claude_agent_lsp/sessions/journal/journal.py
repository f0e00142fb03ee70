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
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from claude_agent_lsp.base.disk.files import append_lines, replace_file
from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.sessions.journal.run_records import RunRecords
from claude_agent_lsp.sessions.journal.steps import (
    Called,
    Resulted,
    Said,
    TakenBack,
    Thought,
    settle,
    take_back,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from claude_agent_lsp.sessions.journal.steps import Step

logger = logging.getLogger(__name__)


Mark: TypeAlias = Literal["unsent", "hooked", "passed", "blocked", "settled", "vain"]
_MARKS: Final = ("unsent", "hooked", "passed", "blocked", "settled")


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
        hooked: Whether a hook that may block it has begun to look at it.
        passed: Whether the model was asked with it, so that no hook has blocked it.
        blocked: Whether a hook has blocked it: the agent is not told of it.
        settled: Whether the CLI has it in its own way: nothing of it is told, or read.
        vain: How many prompts that told of it were blocked themselves.
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
    hooked: bool = False
    passed: bool = False
    blocked: bool = False
    settled: bool = False
    vain: int = 0

    @property
    def cut_off(self) -> bool:
        """Whether the agent has had it, and nothing has come of it since."""
        return self.told_by is None and not (self.unsent or self.blocked or self._lacks_thoughts)

    @property
    def _lacks_thoughts(self) -> bool:
        """Whether it lacks thoughts alone, which nobody has to hear of."""
        thoughts = bool(self.steps) and all(isinstance(step, Thought) for step in self.steps)
        return thoughts and not self.lacks_prompt

    @property
    def may_be_told(self) -> bool:
        """Whether the agent may hear of it from somebody else than the user.

        A prompt that hooks were looking at, and are not known to have let through, may be one that
        they have blocked. One that no hook has seen is seen by them as a part of who tells of it.
        """
        known = self.passed or self.own or not self.lacks_prompt or bool(self.steps)
        let_through = known or not self.hooked
        return self.cut_off and let_through and self.vain < MOST_VAIN


# How often a turn is told of in vain: it may be what the hooks block the prompts for.
MOST_VAIN: Final = 2
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

    Attributes:
        runs: What is known of their runs besides.
    """

    def __init__(self, state_directory: Callable[[], Path]) -> None:
        self._state_directory = state_directory
        self.runs = RunRecords(state_directory)

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

    def mark(self, session_id: str, mark: Mark, *turns: str) -> None:
        """Write down what is known of turns, by their message ids: see `JournaledTurn`.

        Raises:
            OSError: It could not be written.
        """
        self._append(session_id, [{"kind": mark, "turn": turn} for turn in turns])

    def append(
        self, session_id: str, steps: Iterable[Step | Resulted | TakenBack | JournaledTurn]
    ) -> None:
        """Write down what is about to be shown: steps of the last turn, or another one's prompt.

        Raises:
            OSError: It could not be written.
        """
        self._append(session_id, [record for step in steps for record in _records_of_step(step)])

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
        return append_lines(self._path(session_id), b"".join(map(_line, records)), looks=begins)


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


def _records_of_step(step: Step | Resulted | TakenBack | JournaledTurn) -> list[dict[str, Any]]:
    return _records_of(step) if isinstance(step, JournaledTurn) else [_record_of(step)]


def _record_of(step: Step | Resulted | TakenBack) -> dict[str, Any]:
    match step:
        case Said(message_id, text, at):
            return {"kind": "text", "message": message_id, "text": text, "at": at.isoformat()}
        case Thought(message_id, text, at):
            return {"kind": "thought", "message": message_id, "text": text, "at": at.isoformat()}
        case Called(call_id, tool, given, at):
            moment = at.isoformat()
            return {"kind": "call", "id": call_id, "tool": tool, "input": dict(given), "at": moment}
        case Resulted(call_id, status, text):
            return {"kind": "result", "id": call_id, "status": status, "text": text}
        case TakenBack(message_id, text):
            return {"kind": "taken back", "message": message_id, "text": text}


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
    marks = [mark for mark in _MARKS if getattr(turn, mark)] + ["vain"] * turn.vain
    records += [{"kind": mark, "turn": turn.message_id} for mark in marks]
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
            case "text" | "thought" as kind:
                step = Said if kind == "text" else Thought
                said = step(str(record["message"]), str(record["text"]), _moment(record))
                self._steps[self._current].append(said)
            case "call":
                self._steps[self._current].append(_call_in(record))
            case "result":
                # A prompt may have come into the turn while the tool was at work.
                for steps in self._steps.values():
                    settle(steps, record)
            case "taken back":
                taken = str(record["message"]), str(record["text"])
                take_back(self._steps[self._current], *taken)
            case "completed":
                self._update(self._current, completed=True)
            case _:
                self._mark(record)

    def _mark(self, record: dict[str, Any]) -> None:
        """Take what is said of a turn as a whole."""
        match record["kind"]:
            case "vain":
                self._update(record["turn"], vain=self._turns[record["turn"]].vain + 1)
            case mark if mark in _MARKS:
                self._update(record["turn"], **{mark: True})
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


def _moment(record: Mapping[str, Any]) -> datetime:
    moment = datetime.fromisoformat(record["at"])
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
