"""What this server's runs knew, put between what the transcript has: as the editor was told it.

    prompt, its context ──▶ messages and what was told between them ──▶ outcome

What was told beside the answer follows the message or the tool call behind which it was told; where
the transcript has neither (a slash command's answer has another id there) it stands by its time.
An outcome stands where its run's last line does.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from claude_agent_lsp.base.texts.text import one_line
from claude_agent_lsp.sessions.reading.messages import Message
from claude_agent_lsp.sessions.reading.outline import Kind, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from claude_agent_lsp.sessions.journal.run_records import Note, Outcome, RunRecord
    from claude_agent_lsp.sessions.reading.subagents import Nested

_WORDS: Final = {
    "completed": "Done",
    "cancelled": "Stopped",
    "timedOut": "Stopped: time limit reached",
    "failed": "Failed",
}
_STOPPED: Final = ("cancelled", "timedOut")
# Between the line that notes an interrupt, or a summary, and what is told of it.
_APART: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Known:
    """A place of which more is known than stands there.

    Attributes:
        fields: Those of its message that are others.
    """

    place: Place
    fields: Mapping[str, Any]

    @property
    def message_id(self) -> str:
        """Its id."""
        return self.place.message_id

    @property
    def timestamp(self) -> datetime | None:
        """When it was said."""
        return self.place.timestamp


Item = TypeVar("Item", bound="Place | Message")


@dataclass(slots=True)
class _Waiting:
    """What is to be put in somewhere."""

    entry: Message
    after: str | None
    at: datetime | None
    run: RunRecord

    @property
    def is_outcome(self) -> bool:
        return self.entry.kind is Kind.OUTCOME


def with_runs(
    items: Iterable[Place | Message], runs: Iterator[RunRecord], *, at_work: bool
) -> Iterator[Place | Message | Known]:
    """Put what runs knew into a conversation.

    Args:
        items: Its entries, in their order.
        runs: The runs, the oldest first; only those are taken that an entry may be of.
        at_work: Whether the last one may be at work: then nothing is said of its end.
    """
    merging = _Merging(runs, at_work=at_work)
    if merging.is_empty:  # as of a terminal's sessions
        yield from items
        return
    for item in items:
        merging.reach(item.timestamp)
        yield from merging.before(item)
        if not merging.tells_anew(item):
            yield merging.known(item)
        yield from merging.behind(item)
    yield from merging.rest()


def not_left(runs: Iterable[RunRecord], said: Callable[[], Collection[str]]) -> Iterator[RunRecord]:
    """Return the runs that a session has not left by going back to before them.

    Args:
        runs: Them, the oldest first.
        said: Returns the ids of what is said in the session now. One that was stopped before it
            went back has left nothing.
    """
    known: list[RunRecord] = []
    for run in runs:
        if (since := run.begun.left_from) is not None:
            ids = said()
            left = [each for each in known if each.begun.at >= since]
            if not any(each.begun.message_id in ids for each in left):
                known = [each for each in known if each.begun.at < since]
        known.append(run)
    yield from known


@dataclass
class _Merging:
    runs: Iterator[RunRecord]
    at_work: bool
    _next: RunRecord | None = None
    _waiting: deque[_Waiting] = field(default_factory=deque)
    _prompts: dict[str, RunRecord] = field(default_factory=dict)
    _compacted: list[Note] = field(default_factory=list)
    _stops: list[tuple[datetime, datetime]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._next = next(self.runs, None)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known of any run."""
        return self._next is None

    def reach(self, moment: datetime | None) -> None:
        """Take the runs that had begun by then; of all time, all of them."""
        while (run := self._next) is not None:
            if moment is not None and run.begun.at > moment:
                return
            self._next = next(self.runs, None)
            self._take(run)

    def _take(self, run: RunRecord) -> None:
        self._prompts[run.begun.message_id] = run
        self._waiting.extend(_notes_of(run))
        self._compacted += [note for note in run.notes if note.kind == "compacted"]
        if run.end is not None:
            self._waiting.append(_outcome_of(run))
            if run.end.outcome.status in _STOPPED:
                self._stops.append((run.begun.at - _APART, run.end.at + _APART))
        elif self._next is not None or not self.at_work:
            self._waiting.append(_outcome_of(run))

    def before(self, item: Place | Message) -> Iterator[Message]:
        """Return what stands before an entry."""
        next_run = self._prompts.get(item.message_id)
        while self._waiting and self._is_due(self._waiting[0], item, next_run):
            yield self._waiting.popleft().entry

    def behind(self, item: Place | Message) -> Iterator[Message]:
        """Return what stands right behind an entry, and take note that it was there."""
        names = {item.message_id, *calls_of(item)}
        last = 0
        for place, waiting in enumerate(self._waiting, 1):
            if waiting.is_outcome:
                break
            if waiting.after in names:
                last = place
        for _ in range(last):
            yield self._waiting.popleft().entry

    def rest(self) -> Iterator[Message]:
        """Return what stands at the end."""
        self.reach(None)
        while self._waiting:
            yield self._waiting.popleft().entry

    def tells_anew(self, item: Place | Message) -> bool:
        """Return whether it says what an outcome says: that the user has stopped the agent."""
        at = item.timestamp
        return (
            item.kind is Kind.INTERRUPTED
            and at is not None
            and any(begin <= at <= end for begin, end in self._stops)
        )

    def known(self, item: Place | Message) -> Place | Message | Known:
        """Return an entry with what is known of it."""
        fields: dict[str, Any] = {}
        if (run := self._prompts.get(item.message_id)) is not None:
            given = run.begun.given
            fields = {"context": given.context, "attachments": given.attachments or None}
        elif item.kind is Kind.COMPACTION and (note := self._compaction_at(item.timestamp)):
            before, after = note.about.get("tokensBefore"), note.about.get("tokensAfter")
            fields = {"tokens_before": before, "tokens_after": after}
        fields = {name: value for name, value in fields.items() if value is not None}
        if not fields:
            return item
        return replace(item, **fields) if isinstance(item, Message) else Known(item, fields)

    def _compaction_at(self, at: datetime | None) -> Note | None:
        for place, note in enumerate(self._compacted):
            if at is None or abs(note.at - at) <= 12 * _APART:
                return self._compacted.pop(place)
        return None

    def _is_due(self, waiting: _Waiting, item: Place | Message, next_run: RunRecord | None) -> bool:
        if next_run is not None and next_run is not waiting.run:
            # What is told of a run stands before the next one, and of that nothing yet.
            return waiting.run.begun.at <= next_run.begun.at
        if next_run is waiting.run or waiting.after in {item.message_id, *calls_of(item)}:
            # Whatever the clock says: it was noted later, or is the last line of a copy, which has
            # the time of the copy.
            return False
        at, moment = waiting.at, item.timestamp
        return at is not None and moment is not None and at < moment


def calls_of(item: Place | Known | Nested | Message) -> Iterable[str]:
    """Return the ids of an entry's tool calls."""
    if isinstance(item, Message):
        return [call.tool_call_id for call in item.tool_calls]
    return item.calls if isinstance(item, Place) else item.place.calls


def _notes_of(run: RunRecord) -> Iterator[_Waiting]:
    for number, note in enumerate(run.notes):
        about, entry_id = note.about, f"{note.kind}:{run.begun.run_id}:{number}"
        text = str(about.get("text", ""))
        entry = Message(entry_id, "system", text, None, (), note.at)
        if note.kind == "notice":
            entry = replace(entry, kind=Kind.NOTICE, level=str(about.get("level", "info")))
        elif note.kind == "retracted":
            of = about.get("message")
            entry = replace(entry, kind=Kind.RETRACTED, retracts=None if of is None else str(of))
        else:
            continue
        yield _Waiting(entry, note.after, note.at, run)


def _outcome_of(run: RunRecord) -> _Waiting:
    outcome, end = run.outcome(), run.end
    at = run.heard if end is None else end.at
    entry = Message(
        f"outcome:{outcome.run_id}",
        "system",
        words_of(outcome),
        None,
        (),
        at,
        kind=Kind.OUTCOME,
        run=outcome,
    )
    # What a CLI goes on saying whose server was killed is still of its run.
    after, moment = (None, None) if end is None else (end.after, end.at)
    return _Waiting(entry, after, moment, run)


def words_of(outcome: Outcome) -> str:
    """Return how a run has ended, in a line."""
    count = len(outcome.files_changed)
    parts = [
        _WORDS.get(outcome.status, outcome.status),
        f"{count} file{'s' if count > 1 else ''} changed" if count else "",
        f"${outcome.cost_usd:.2f}" if outcome.cost_usd >= 0.005 else "",
    ]
    line = ", ".join(filter(None, parts))
    problem = outcome.error or {}
    said = one_line(str(problem.get("message", "")), 500)
    return f"{line}. {said}" if said else line
