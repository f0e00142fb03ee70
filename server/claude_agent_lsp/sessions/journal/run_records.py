"""What this server's own runs knew besides what was said: read with the session ever after.

    <state>/runs/<session id>.jsonl      one record a line, appended as the runs go on

    begun ──▶ notice, retracted, compacted, file, usage … ──▶ ended

A transcript has what was said, and nothing of a run's outcome, its cost, what it was given, and
what the user was told beside the answer. Each record is written before it is shown. One of a run
that is not said to have ended was cut off with its server.

Everything here touches the disk: call it in a thread, for one session in one thread at a time.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from claude_agent_lsp.base.disk.files import append_lines
from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.base.texts.json_bounds import PLAIN_JSON, bounded
from claude_agent_lsp.sessions.changes.record import ChangeRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

_LOST: Final = {
    "reason": "processDied",
    "message": "The server ended before the run did.",
    "hint": "What was said is kept. Ask again to go on.",
}


_TOKENS: Final = ("inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens")
_NOTHING: Final = dict.fromkeys(_TOKENS, 0)


@dataclass(frozen=True, slots=True)
class GivenContext:
    """What the user was looking at when they asked.

    Attributes:
        uri: The file.
        range: What was selected in it, as LSP has it.
        problems: How many diagnostics were given.
    """

    uri: Path | None = None
    range: Mapping[str, Any] | None = field(default=None, metadata=PLAIN_JSON)
    problems: int | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What went with a prompt."""

    context: GivenContext | None = None
    attachments: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run has ended, as the editor was told it; the fields are those of a Run."""

    run_id: str
    status: str
    duration_ms: int = 0
    turns: int = 0
    usage: Mapping[str, Any] = field(default_factory=lambda: _NOTHING, metadata=PLAIN_JSON)
    cost_usd: float = 0.0
    files_changed: tuple[Path, ...] = ()
    permission_denials: tuple[Mapping[str, Any], ...] = field(default=(), metadata=PLAIN_JSON)
    origin: str = "user"
    permission_mode: str | None = None
    stop_reason: str | None = None
    cause: str | None = None
    error: Mapping[str, Any] | None = field(default=None, metadata=PLAIN_JSON)
    blocked: Mapping[str, Any] | None = field(default=None, metadata=PLAIN_JSON)
    next_session_id: str | None = None
    context_tokens: int | None = None
    context_window: int | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A run has begun.

    Attributes:
        message_id: Its prompt's, in the session too.
        recorded: Whether what it changes is in the record of changes.
        left: The session that keeps what this one has left, where it has gone back for the run.
        left_from: When the first run began that was left so.
    """

    run_id: str
    message_id: str
    at: datetime
    origin: str = "user"
    cause: str | None = None
    permission_mode: str | None = None
    given: Given = field(default_factory=Given)
    recorded: bool = False
    left: str | None = None
    left_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """What the user was told in a run beside the answer.

    Attributes:
        kind: "notice", "retracted" or "compacted".
        after: The id of the message, or of the tool call, that was shown last before it.
        about: What it tells, by the names of the event's fields.
    """

    kind: str
    at: datetime
    after: str | None
    about: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known of a run that goes on: a file that it has changed, or what it has cost."""

    file: Path | None = None
    cost_usd: float | None = None
    context_tokens: int | None = None
    context_window: int | None = None


@dataclass(frozen=True, slots=True)
class End:
    """A run has ended; `after` is as in a note."""

    at: datetime
    after: str | None
    outcome: Outcome


Record: TypeAlias = Begun | Note | Progress | End


@dataclass(slots=True)
class RunRecord:
    """All that is known of one run.

    Attributes:
        heard: When it was last heard of.
    """

    begun: Begun
    notes: list[Note] = field(default_factory=list)
    files: dict[Path, None] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)
    end: End | None = None
    heard: datetime | None = None

    def outcome(self) -> Outcome:
        """Return how it has ended; of one that was cut off, what is known."""
        if self.end is not None:
            return self.end.outcome
        begun, heard = self.begun, self.heard or self.begun.at
        return Outcome(
            begun.run_id,
            "failed",
            duration_ms=max(0, round((heard - begun.at).total_seconds() * 1000)),
            cost_usd=self.progress.cost_usd or 0.0,
            files_changed=tuple(self.files),
            origin=begun.origin,
            permission_mode=begun.permission_mode,
            cause=begun.cause,
            error=_LOST,
            context_tokens=self.progress.context_tokens,
            context_window=self.progress.context_window,
        )


class RunRecords:
    """The records of all sessions.

    Args:
        state_directory: Returns the state directory, which a setting may move.

    Attributes:
        own: The ids of the runs that were begun here, and by no other server.
    """

    def __init__(self, state_directory: Callable[[], Path]) -> None:
        self._state_directory = state_directory
        self.own: set[str] = set()

    def append(self, session_id: str, run_id: str, records: Iterable[Record]) -> None:
        """Write records of a run down.

        Raises:
            OSError: They could not be written.
        """
        self.own.add(run_id)
        moment = datetime.now(UTC)
        lines = [_line_of(run_id, record, moment) for record in records]
        begins = any(b'{"kind":"begun"' in line for line in lines)
        append_lines(self._path(session_id), b"".join(lines), looks=begins)

    def each(self, session_id: str) -> Iterator[RunRecord]:
        """Return the runs of a session, the oldest first; what can't be read is left out.

        Only those that are asked for are looked into.
        """
        try:
            content = read_regular(self._path(session_id), None)
        except OSError:
            return
        yield from runs_in(content)

    def copy(
        self,
        session_id: str,
        copy_id: str,
        until: datetime | None,
        names: Mapping[str, str] | None = None,
    ) -> None:
        """Have a copy of a session tell of the runs that it has in whole.

        Args:
            session_id: The session.
            copy_id: Its copy, which has had no run yet.
            until: When what was said next was said, which the copy lacks; None if it lacks nothing.
            names: The ids of messages that have others in the copy, and those.

        Raises:
            OSError: They could not be written.
        """
        try:
            content = read_regular(self._path(session_id), None)
        except OSError:
            return  # as of a terminal's sessions
        ends = {run.begun.run_id: run.end.at if run.end else run.heard for run in runs_in(content)}
        whole = {run for run, at in ends.items() if until is None or (at and at <= until)}
        lines = [_renamed(line, names or {}) for line in io.BytesIO(content) if _is_of(line, whole)]
        if lines:
            append_lines(self._path(copy_id), b"".join(lines))
            ChangeRecord(self._state_directory(), session_id).copy(copy_id, until)

    def _path(self, session_id: str) -> Path:
        return self._state_directory() / "runs" / f"{session_id}.jsonl"


def runs_in(content: bytes) -> Iterator[RunRecord]:
    """Return the runs that a file of them tells of, one after the other."""
    run: RunRecord | None = None
    for line in io.BytesIO(content):
        try:
            record = json.loads(line)
            if record["kind"] == "begun":
                begun = _begun(record)
                if run is not None:
                    yield run
                run = RunRecord(begun, heard=begun.at)
            elif run is not None and record["run"] == run.begun.run_id:
                _take(record, run)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue  # half written, or by a later version
    if run is not None:
        yield run


def _is_of(line: bytes, runs: Collection[str]) -> bool:
    try:
        return json.loads(line)["run"] in runs
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def _renamed(line: bytes, names: Mapping[str, str]) -> bytes:
    record = json.loads(line)
    told = {
        key: names.get(record[key], record[key]) for key in ("message", "after") if record.get(key)
    }
    return json.dumps({**record, **told}, separators=(",", ":")).encode() + b"\n"


def _line_of(run_id: str, record: Record, moment: datetime) -> bytes:
    fields = _fields_of(record)
    kind = fields.pop("kind")
    head = {"kind": kind, "run": run_id, "at": moment.isoformat()}
    return json.dumps({**head, **fields}, separators=(",", ":"), default=_plain).encode() + b"\n"


def _fields_of(record: Record) -> dict[str, Any]:
    match record:
        case Begun():
            return {
                "kind": "begun",
                "at": record.at,
                "message": record.message_id,
                "origin": record.origin,
                "cause": record.cause,
                "mode": record.permission_mode,
                "context": record.given.context and dataclasses.asdict(record.given.context),
                "attachments": list(record.given.attachments),
                "recorded": record.recorded,
                "left": record.left,
                "leftFrom": record.left_from,
            }
        case Note(kind, at, after, about):
            return {"kind": kind, "at": at, "after": after, "about": dict(about)}
        case Progress():
            return {"kind": "progress", **dataclasses.asdict(record)}
        case End(at, after, outcome):
            return {
                "kind": "ended",
                "at": at,
                "after": after,
                "outcome": dataclasses.asdict(outcome),
            }


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return os.fsdecode(value) if isinstance(value, Path) else str(value)


def _take(record: dict[str, Any], run: RunRecord) -> None:
    moment = _moment(record)
    run.heard = moment
    after = record.get("after")
    after = after if isinstance(after, str) else None
    match record["kind"]:
        case "progress":
            known = _known(Progress, record, {"file": _path})
            if known.file is not None:
                run.files[known.file] = None
            else:
                run.progress = known
        case "ended":
            outcome = record["outcome"] | {"run_id": run.begun.run_id}
            paths = {"files_changed": _paths, "permission_denials": tuple}
            run.end = End(moment, after, _known(Outcome, outcome, paths))
        case kind:
            run.notes.append(Note(str(kind), moment, after, dict(bounded(record["about"]))))


def _begun(record: dict[str, Any]) -> Begun:
    context = record.get("context")
    return Begun(
        str(record["run"]),
        str(record["message"]),
        _moment(record),
        str(record["origin"]),
        record.get("cause"),
        record.get("mode"),
        Given(
            _known(GivenContext, context, {"uri": _path}) if isinstance(context, dict) else None,
            _paths(record.get("attachments")),
        ),
        record.get("recorded") is True,
        None if record.get("left") is None else str(record["left"]),
        None if record.get("leftFrom") is None else datetime.fromisoformat(record["leftFrom"]),
    )


def _known(cls: type[Any], record: Mapping[str, Any], readers: Mapping[str, Any]) -> Any:
    """Make a dataclass of those of its fields that are there."""
    names = [each.name for each in dataclasses.fields(cls)]
    given = {name: record[name] for name in names if record.get(name) is not None}
    return cls(**{name: readers.get(name, bounded)(value) for name, value in given.items()})


def _path(value: str) -> Path:
    if not Path(value).is_absolute():
        raise ValueError(value)
    return Path(value)


def _paths(values: Any) -> tuple[Path, ...]:
    return tuple(map(_path, values)) if isinstance(values, list) else ()


def _moment(record: Mapping[str, Any]) -> datetime:
    moment = datetime.fromisoformat(record["at"])
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
