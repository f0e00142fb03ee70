"""What a run changes in its folder, by whatever tool: seen, recorded, told.

    a tool that may write ──▶ before() ──▶ the tool works ──▶ its result ──▶ what has changed
                                                                 in the record, then told

What edits a file names it, and that alone is looked at. What may change anything, a shell or a tool
of a server, has the whole folder looked at before and after. A folder that can't be looked at in
time costs the record, and never the run.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from claude_agent_lsp.agent.changes.folder_watch import FolderWatch
from claude_agent_lsp.agent.events import (
    Change,
    FileChanged,
    Level,
    Notice,
    ToolResult,
    ToolStatus,
)
from claude_agent_lsp.agent.permissions.policy.tool_policy import EDITS, NEVER_WRITES
from claude_agent_lsp.agent.permissions.tool_titles import path_in
from claude_agent_lsp.errors import RequestFailed
from claude_agent_lsp.sessions.changes import record as recorded
from claude_agent_lsp.sessions.changes.folder_scan import MOST_FILES, TooManyError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
    from pathlib import Path

    from claude_agent_lsp.agent.changes.folder_watch import Difference
    from claude_agent_lsp.agent.events import Emit, Event
    from claude_agent_lsp.base.lanes import Lane
    from claude_agent_lsp.sessions.changes.record import ChangeRecord, Entry

T = TypeVar("T")

logger = logging.getLogger(__name__)

# How long a tool, and a run's end, wait for a folder to be looked at.
PATIENCE_SECONDS: Final = 5.0


async def _nothing_unsaved(_: Path) -> bytes | None:
    return None


class RunChanges:
    """What one run changes.

    Args:
        run_id: The run.
        folder: Its folder.
        record: That of its session.
        lane: The session's.
        emit: Takes what it tells.

    Attributes:
        files: What was told of.
        unsaved: Returns what an editor has of a file that is not saved, or None.
    """

    def __init__(
        self, run_id: str, folder: Path, record: ChangeRecord, lane: Lane, emit: Emit
    ) -> None:
        self._run_id = run_id
        self._folder = folder
        self._record = record
        self._lane = lane
        self._emit = emit
        self._watch = FolderWatch(folder, record.copies)
        # The calls at work: the file that each names, or None if it may change anything.
        self._open: dict[str, Path | None] = {}
        self._goes_on = False
        self._blind = False
        self._looks: set[asyncio.Task[None]] = set()
        self._used: set[str] = set()
        self.files: dict[Path, None] = {}
        self.unsaved: Callable[[Path], Awaitable[bytes | None]] = _nothing_unsaved

    async def before(self, tool: str, tool_input: Mapping[str, Any], call_id: str) -> None:
        """See how things are before a tool is used, and again once the user has allowed it."""
        if tool in NEVER_WRITES:
            return
        path = path_in(tool_input) if tool in EDITS else None
        if tool in EDITS and path is None:
            return
        others = [each for each, named in self._open.items() if named is None and each != call_id]
        self._open[call_id] = path
        if path is not None:
            await self._patiently(self._take_before(path))
        elif not (self._blind or others or self._goes_on):
            await self._patiently(self._watch.settle())
        self._goes_on = self._goes_on or bool(tool_input.get("run_in_background"))

    async def around(self, files: Sequence[Path], edit: Callable[[], Awaitable[T]]) -> T:
        """Have files edited by this server, and see and tell what has become of them."""
        for path in files:
            await self._patiently(self._take_before(path))
        try:
            return await edit()
        finally:
            for path in files:
                await self._patiently(self._take_edited(path))

    def follow(self, event: Event) -> None:
        """See what a tool has changed once its result is there."""
        if isinstance(event, FileChanged):
            self.files[event.uri] = None
        if not isinstance(event, ToolResult) or event.tool_call_id not in self._open:
            return
        path = self._open.pop(event.tool_call_id)
        if event.status is not ToolStatus.DENIED:
            self._begin(self._take(path))

    async def close(self) -> None:
        """See what is left to be seen, and keep no copies that nobody needs."""
        if self._goes_on or None in self._open.values():
            self._begin(self._take(None))
        for path in self._open.values():
            if path is not None:
                self._begin(self._take(path))
        self._open.clear()
        if self._looks:
            await asyncio.wait(self._looks, timeout=PATIENCE_SECONDS)
        if not self._looks:
            dropping = self._lane.put(self._record.copies.drop_unused, self._used)
            await asyncio.wait({dropping}, timeout=PATIENCE_SECONDS)

    def _begin(self, look: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._patiently(look))
        self._looks.add(task)
        task.add_done_callback(self._looks.discard)

    async def _patiently(self, look: Coroutine[Any, Any, None]) -> None:
        """Have something looked at; what fails or takes too long costs the record alone."""
        looking = asyncio.ensure_future(look)
        looking.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await asyncio.shield(looking)
        except TimeoutError:
            self._give_up(f"the disk took longer than {PATIENCE_SECONDS:g} seconds")
        except TooManyError:
            self._give_up(f"it has more than {MOST_FILES:,} files")
        except RequestFailed as failed:
            self._give_up(str(failed))
        except OSError as error:
            self._give_up(error.strerror or str(error))
        except Exception as error:
            logger.exception("What a run has changed could not be seen")
            self._give_up(f"{type(error).__name__}: {error}")

    def _give_up(self, why: str) -> None:
        if self._blind:
            return
        self._blind = True
        logger.warning("Changes in %s are not recorded: %s", self._folder, why)
        unseen = recorded.Unseen(self._run_id, datetime.now(UTC), why)
        self._lane.put(self._record.append, [unseen]).add_done_callback(
            lambda done: done.cancelled() or done.exception()
        )
        self._emit(
            Notice(
                Level.INFO,
                f"What commands change in {self._folder} from now on in this run is not recorded, "
                f"and can't be rewound: {why}.",
            )
        )

    async def _take_before(self, path: Path) -> None:
        await self._watch.before_file(path, await self.unsaved(self._folder / path))

    async def _take(self, path: Path | None) -> None:
        if path is not None:
            unsaved = await self.unsaved(self._folder / path)
            await self._note(await self._watch.after_file(path, unsaved))
        elif not self._blind:
            found = await self._watch.take()
            await self._note(found)
            for each in found:
                self._emit(self._event(each))

    async def _take_edited(self, path: Path) -> None:
        found = await self._watch.after_file(path, await self.unsaved(self._folder / path))
        await self._note(found)
        for each in found:
            self._emit(self._event(each))

    async def _note(self, found: list[Difference]) -> None:
        now = datetime.now(UTC)
        changes: list[Entry] = [
            recorded.Change(
                self._run_id,
                now,
                each.path,
                each.before,
                each.after,
                each.moved_from,
                each.moved_to,
            )
            for each in found
        ]
        self._used |= recorded.digests_in(changes)
        if changes:
            await self._lane.run(self._record.append, changes)

    def _event(self, found: Difference) -> FileChanged:
        change = Change.EDITED
        if found.before is None:
            change = Change.CREATED
        elif found.after is None:
            change = Change.DELETED
        old, new = found.moved_from, found.moved_to
        return FileChanged(
            self._folder / found.path,
            change,
            None if old is None else self._folder / old,
            None if new is None else self._folder / new,
        )
