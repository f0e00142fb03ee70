"""What sessions have cost: by their runs here, and by what the CLI has noted in their transcripts.

    <state>/costs/<session id>.json     one small line, written in its place

The CLI (2.1.330) notes what a session has cost when its process ends in order, and goes on counting
from there. Of a process that was killed it notes nothing, and a fork it begins with the cost of the
session that it is a copy of. So what a run costs is kept here, and of the CLI's note counts what it
is more than the runs here have heard: what was done in a terminal.

Everything here touches the disk: call it in a thread, for one session in one thread at a time.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.disk.files import open_own
from claude_agent_lsp.base.disk.private import make_directory
from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.base.system.file_io import write_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# A line is written over the one before, so that it is whole whoever is killed.
_LINE_BYTES: Final = 256


@dataclass(frozen=True, slots=True)
class _Record:
    """What is kept of a session, in US dollars.

    Attributes:
        usd: What it had cost before its last run.
        run: The last run.
        run_usd: What that has cost.
        noted: What the CLI has said by then that the session has cost.
    """

    usd: float = 0.0
    run: str = ""
    run_usd: float = 0.0
    noted: float = 0.0


class SessionCosts:
    """The costs of all sessions.

    Args:
        state_directory: Returns the state directory, which a setting may move.
    """

    def __init__(self, state_directory: Callable[[], Path]) -> None:
        self._state_directory = state_directory

    def of(self, session_id: str, noted: float) -> float:
        """Return what a session has cost.

        Args:
            session_id: The session.
            noted: What the CLI has noted of it.
        """
        record = self._read(session_id)
        if record is None:
            return noted
        return record.usd + record.run_usd + max(0.0, noted - record.noted)

    def note(
        self, session_id: str, run_id: str, usd: float, *, before: float | None, noted: float
    ) -> None:
        """Note what a run has cost so far, in all.

        Args:
            session_id: The session.
            run_id: The run.
            usd: What it has cost.
            before: What the CLI said before the run that the session had cost; None of a fork's
                first run, which another session has paid for.
            noted: What it says now.

        Raises:
            OSError: It could not be written.
        """
        known = self._read(session_id)
        if known is None:
            cost = before or 0.0
        elif known.run == run_id:
            cost = known.usd
        else:
            cost = known.usd + known.run_usd + max(0.0, (before or 0.0) - known.noted)
        line = json.dumps(asdict(_Record(cost, run_id, usd, noted))).encode()
        path = self._path(session_id)
        make_directory(path.parent)
        handle = open_own(path, os.O_RDWR)
        try:
            write_at(handle, line.ljust(_LINE_BYTES), 0)
        finally:
            os.close(handle)

    def _path(self, session_id: str) -> Path:
        return self._state_directory() / "costs" / f"{session_id}.json"

    def _read(self, session_id: str) -> _Record | None:
        """Return what is kept of a session; nothing if that makes no sense."""
        try:
            record = json.loads(read_regular(self._path(session_id)))
            costs = [float(record[name]) for name in ("usd", "run_usd", "noted")]
            run = str(record["run"])
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return None
        if not all(math.isfinite(cost) and cost >= 0 for cost in costs):
            return None
        return _Record(costs[0], run, costs[1], costs[2])
