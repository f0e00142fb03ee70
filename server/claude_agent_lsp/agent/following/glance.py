"""A look at the runs of a session as they stand on disk, whichever server is at work in them.

    records of the runs ──┐
    journal, transcript ──┴─▶ of each run: what is known of it, and its entries as they are read

It is what whoever reads the session gets: what is told of a run is what is read of it afterwards.
Everything here reads files: call it in a thread.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from claude_agent_lsp.sessions.reading.reading import Conversation
from claude_agent_lsp.sessions.reading.run_entries import calls_of
from claude_agent_lsp.sessions.transcripts.transcript import find_transcript

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from claude_agent_lsp.sessions.journal.run_records import RunRecord
    from claude_agent_lsp.sessions.reading.messages import Message
    from claude_agent_lsp.sessions.reading.reading import Entry

Traces: TypeAlias = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True, slots=True)
class SeenRun:
    """A run as it stands on disk.

    Attributes:
        record: What is known of it.
        entries: What was said in it, as it is read.
    """

    record: RunRecord
    entries: tuple[Message, ...]


def traces_of(session_id: str, state: Path) -> Traces:
    """Return what changes whenever something is written of a session, or asked."""
    ours = (state / name / f"{session_id}.jsonl" for name in ("journal", "runs"))
    return tuple(map(_trace, (find_transcript(session_id), *ours, state / "questions")))


def look(
    session_id: str, state: Path, runs: Sequence[RunRecord], wanted: Collection[str]
) -> tuple[SeenRun, ...]:
    """Read what was said in some runs of a session.

    Args:
        session_id: The session.
        state: The state directory.
        runs: All of its runs, the oldest first: what was said in another one is told of none.
        wanted: The ids of those to read.
    """
    if not any(run.begun.run_id in wanted for run in runs):
        return ()
    conversation = Conversation.read(session_id, state)
    parts: list[list[Entry]] = [[] for _ in runs]
    with contextlib.suppress(OSError):  # what can't be read now is read with the next look
        for number, item in _numbered(conversation.items, runs):
            if runs[number].begun.run_id in wanted:
                parts[number].append(item)
    return tuple(
        SeenRun(run, tuple(_read(conversation, part)))
        for run, part in zip(runs, parts, strict=True)
        if run.begun.run_id in wanted
    )


def _read(conversation: Conversation, part: list[Entry]) -> Iterator[Message]:
    with contextlib.suppress(OSError):
        yield from conversation.each(part)


def _numbered(items: Iterable[Entry], runs: Sequence[RunRecord]) -> Iterator[tuple[int, Entry]]:
    """Return each entry with the number of its run; those before, between and behind are left out.

    Those are of a bare CLI.
    """
    number, behind = -1, True
    for item in items:
        while number + 1 < len(runs) and _begins(runs[number + 1], item):
            number, behind = number + 1, False
        if number >= 0 and item.timestamp is not None:
            behind = _is_behind(runs[number], item)
        if not behind:
            yield number, item


def _begins(run: RunRecord, item: Entry) -> bool:
    """Return whether an entry is a run's prompt, or was said after it had begun."""
    at = item.timestamp
    return item.message_id == run.begun.message_id or (at is not None and at >= run.begun.at)


def _is_behind(run: RunRecord, item: Entry) -> bool:
    """Return whether an entry was said after a run had ended."""
    at, end = item.timestamp, run.end
    if at is None or end is None or at <= end.at:
        return False
    # The last line of a copy has the time of the copy.
    return end.after not in {item.message_id, *calls_of(item)}


def _trace(path: Path | None) -> tuple[int, int, int] | None:
    try:
        status = None if path is None else path.stat()
    except OSError:
        return None
    return None if status is None else (status.st_ino, status.st_size, status.st_mtime_ns)
