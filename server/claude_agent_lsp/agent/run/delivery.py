"""The way of a run's events to the editor: gathered, written down, shown; always in order.

    put(event) ──▶ gathered for up to 16 ms ──▶ in the journal ──▶ shown

One notification for each token costs a fifth to a third of the throughput, and so would a write.
So the first text is sent at once, and what comes within 16 ms of the last one sent, or while
the last is being written down, goes out together.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, Protocol

from claude_agent_lsp.agent.events import (
    Compacted,
    FileChanged,
    Notice,
    Retracted,
    Steered,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    UsageReport,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from claude_agent_lsp.agent.events import Emit, Event

logger = logging.getLogger(__name__)

GATHER_SECONDS: Final = 0.016
# What is written down before it is shown.
_WRITTEN: Final = (
    *(Steered, Text, Thinking, Retracted, ToolCall, ToolResult),
    *(Notice, Compacted, FileChanged, UsageReport),
)


class Writer(Protocol):
    """What has each event before it is shown."""

    async def write_down(self, events: Iterable[Event]) -> None:
        """Write them down; never raises."""


class _TextBatch:
    """Text or thoughts of one message that go out together."""

    def __init__(self, first: Text | Thinking) -> None:
        self.kind = type(first)
        self.message_id = first.message_id
        self.parent = first.parent_tool_call_id
        self.pieces = [first.text]

    def takes(self, event: Event) -> bool:
        """Return whether these are more of the same."""
        return type(event) is self.kind and event.message_id == self.message_id

    def event(self) -> Text | Thinking:
        """Return all of them as one."""
        return self.kind(self.message_id, "".join(self.pieces), self.parent)


class Delivery:
    """Delivers one run's events.

    Args:
        writer: Has each of them before it is shown.
        show: Shows one to the editor.
    """

    def __init__(self, writer: Writer, show: Emit) -> None:
        self._writer = writer
        self._show = show
        self._waiting: list[Event | _TextBatch] = []
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None
        self._left_at = float("-inf")
        self._loop = asyncio.get_running_loop()

    def put(self, event: Event) -> None:
        """Deliver an event; what was put before it is shown before it."""
        if isinstance(event, Text | Thinking):
            last = self._waiting[-1] if self._waiting else None
            if isinstance(last, _TextBatch) and last.takes(event):
                last.pieces.append(event.text)
                return
            self._waiting.append(_TextBatch(event))
        else:
            self._waiting.append(event)
        self._continue()

    async def delivered(self) -> None:
        """Wait until all that was put is shown."""
        self._flush()
        while self._writing is not None:
            await asyncio.shield(self._writing)
            self._flush()

    def _continue(self) -> None:
        if self._writing is not None:
            return
        alone = len(self._waiting) == 1 and isinstance(self._waiting[0], _TextBatch)
        due = self._left_at + GATHER_SECONDS
        if not alone or self._loop.time() >= due:
            self._flush()
        elif self._timer is None:
            self._timer = self._loop.call_at(due, self._flush)

    def _flush(self) -> None:
        """Send what waits, unless something is still being written down."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._writing is not None or not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        events = [one.event() if isinstance(one, _TextBatch) else one for one in waiting]
        if any(isinstance(event, Text | Thinking) for event in events):
            self._left_at = self._loop.time()
        if any(isinstance(event, _WRITTEN) for event in events):
            self._writing = asyncio.create_task(self._write(events))
        else:
            self._show_all(events)

    async def _write(self, events: list[Event]) -> None:
        try:
            await self._writer.write_down(events)
        except Exception:
            logger.exception("The journal could not be written before its events were shown")
        finally:
            self._show_all(events)
            self._writing = None
            self._continue()

    def _show_all(self, events: list[Event]) -> None:
        for event in events:
            try:
                self._show(event)
            except Exception:
                # A fault of ours; what the editor misses stands in the session.
                logger.exception("An event could not be shown: %s", event.kind)
