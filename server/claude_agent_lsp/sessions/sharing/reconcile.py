"""One session in two copies, here and in a shared store, brought to the same state.

What decides is how far both say the same:

    the store has no more than that      this one is ahead: `send` sends it the rest
    this one has no more than that       the store is ahead: `fetch` takes the rest
    both have more, the store what we    the CLI has written its file anew: `send` cuts the
    had sent it                          store back first
    both have more                       both went on. The store's keeps the id; this one is
                                         kept, as it is, under a new id
    the store lacks what it once had     it has lost it: `send` sends it again, but for a session
                                         that was deleted there and not gone on with here
"""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final, cast

from claude_agent_lsp.base.disk.reading import open_regular
from claude_agent_lsp.base.lanes import parsing
from claude_agent_lsp.errors import AgentLspError
from claude_agent_lsp.sessions.sharing.line_codec import (
    BEGIN,
    Place,
    Rewritten,
    each_after,
    local,
    read_after,
    renamed,
    tail_of,
)
from claude_agent_lsp.sessions.sharing.losses import places_lost
from claude_agent_lsp.sessions.sharing.replacement import Replacement
from claude_agent_lsp.sessions.sharing.stores.store import (
    START,
    Diverged,
    Mark,
    digest_after,
    encoded,
)
from claude_agent_lsp.sessions.transcripts.projects import project_directory
from claude_agent_lsp.sessions.transcripts.transcript import (
    find_transcript,
    is_turn,
)

if TYPE_CHECKING:
    from claude_agent_sdk import SessionStoreEntry

    from claude_agent_lsp.base.lanes import Lane
    from claude_agent_lsp.sessions.sharing.stores.store import SharedStore
    from claude_agent_lsp.sessions.sharing.sync_state import Mirrored

# So much is in memory at a time, in either direction.
BATCH_BYTES: Final = 1 << 20
BATCH_LINES: Final = 500


class DeletedThere(AgentLspError):
    """Somebody has deleted the session in the store, and it was not gone on with here since."""


@dataclass(frozen=True, slots=True)
class _Common:
    """How far two copies say the same, and whether the one here says more, turns even."""

    place: Place = BEGIN
    more: bool = False
    turns: bool = False


class Reconciler:
    """A session's files here, and its transcripts in a store.

    Args:
        store: The store.
        mirrored: What is known of the session; kept up to date.
        lane: The session's.
    """

    def __init__(self, store: SharedStore, mirrored: Mirrored, lane: Lane) -> None:
        self._store = store
        self._mirrored = mirrored
        self._lane = lane

    async def send(self, token: int, *, at_work: bool) -> bool:
        """Send what the store lacks, also what it had once.

        Args:
            token: The claim that it is sent under.
            at_work: Whether a run is about to go on with the session, or does.

        Returns:
            Whether the store had lost something.

        Raises:
            DeletedThere: The session was deleted in the store, and not gone on with here.
            Diverged: The store's copy has gone on without this one: `fetch` first.
            ClaimLost: The claim doesn't hold any more.
            StoreUnavailable: The store can't be used.
        """
        lost = await places_lost(self._store, [self._mirrored])
        files = dict(await self._lane.read(self._files))
        if lost and not at_work and await self._was_deleted():
            raise DeletedThere(self._mirrored.session_id)
        anew = {subpath for _, subpath in lost}
        for subpath in anew - files.keys():
            del self._mirrored.places[subpath]  # it is here no more either
        for subpath, path in files.items():
            await self._send(subpath, path, token, anew=subpath in anew)
        self._mirrored.token = token
        return bool(lost)

    async def _was_deleted(self) -> bool:
        """Return whether it was deleted in the store after it was last gone on with here."""
        if not await self._store.deleted(self._mirrored.key(), since=self._mirrored.token):
            return False
        return not await self._lane.read(self._has_gone_on)

    def _has_gone_on(self) -> bool:
        path, place = self._path(""), self._mirrored.place("")
        try:
            lines = each_after(path, self._mirrored.folder, place)
            return any(is_turn(cast("dict[str, Any]", entry)) for entry, _, _ in lines)
        except (FileNotFoundError, NotADirectoryError):
            return False

    async def fetch(self) -> str | None:
        """Bring this copy up to date.

        Returns:
            The id under which this machine's own copy is kept, where both had gone on.

        Raises:
            Diverged: The store's copy has changed meanwhile.
            StoreUnavailable: The store can't be used, or a file here can't be written.
        """
        if await self._is_as_sent():
            return None
        common, stored = await self._compared("")
        kept = None
        if self._is_behind("", common, stored) and common.turns:
            kept = str(uuid.uuid4())
            await self._lane.run(self._copy_session, kept)
        # What a conversation rests on is there before it.
        subkeys = await self._store.list_subkeys(
            {
                "project_key": self._mirrored.project_key,
                "session_id": self._mirrored.session_id,
            }
        )
        for subpath in subkeys:
            if _is_safe(subpath):
                await self._fetch(subpath)
        await self._fetch("")
        return kept

    async def _is_as_sent(self) -> bool:
        """Return whether the store has what it was sent, and it is still here."""
        place = self._mirrored.place("")
        if await self._store.head(self._mirrored.key()) != place.mark:
            return False
        path = await self._lane.read(self._path, "")
        try:
            await self._lane.read(read_after, path, self._mirrored.folder, place, 1)
        except (FileNotFoundError, NotADirectoryError, Rewritten):
            return False
        return True

    async def _send(self, subpath: str, path: Path, token: int, *, anew: bool) -> None:
        place = BEGIN if anew else self._mirrored.place(subpath)
        settled = False
        while True:
            try:
                entries, after = await self._lane.read(
                    read_after, path, self._mirrored.folder, place, BATCH_BYTES
                )
                if not entries:
                    return
                await self._store.append(
                    self._mirrored.key(subpath), entries, after=place.mark, token=token
                )
            except (FileNotFoundError, NotADirectoryError):
                if anew:
                    self._mirrored.places.pop(subpath, None)
                return
            except (Rewritten, Diverged):
                if settled:
                    raise Diverged("The session is being rewritten repeatedly.") from None
                await self._settle(subpath, token)
                place, settled = self._mirrored.place(subpath), True
                continue
            self._mirrored.places[subpath] = place = after

    async def _settle(self, subpath: str, token: int) -> None:
        """Find the place to go on from."""
        common, stored = await self._compared(subpath)
        if self._is_behind(subpath, common, stored):
            raise Diverged("The store's copy has newer lines.")
        if common.place.mark.lines < len(stored):
            await self._store.cut(self._mirrored.key(subpath), common.place.mark, token=token)
        self._mirrored.places[subpath] = common.place

    async def _fetch(self, subpath: str) -> None:
        common, stored = await self._compared(subpath)
        if not self._is_behind(subpath, common, stored):
            return
        path = await self._lane.read(self._path, subpath)
        replacement = await self._lane.run(Replacement, path)
        try:
            if common.place.offset:
                await self._lane.run(replacement.copy, common.place.offset)
            place = await self._write_rest(subpath, replacement, common.place.mark, stored)
            await self._lane.run(replacement.commit)
        finally:
            # Behind what may still be at work in it: nothing waits for that here.
            self._lane.put(replacement.close)
        self._mirrored.places[subpath] = place

    async def _write_rest(
        self, subpath: str, replacement: Replacement, mark: Mark, stored: list[str]
    ) -> Place:
        """Write the store's lines behind a mark."""
        while mark.lines < len(stored):
            entries = await self._store.load_after(
                self._mirrored.key(subpath), mark.lines, BATCH_LINES
            )
            if not entries:
                raise Diverged("The store's copy has become shorter.")
            del entries[len(stored) - mark.lines :]
            content, mark = await parsing.run(_as_here, entries, mark, self._mirrored.folder)
            if _is_whole(subpath):
                content = content.rstrip(b"\n")
            await self._lane.run(replacement.write, content)
        if mark.digest != stored[-1]:
            raise Diverged("The store's copy has changed.")
        return await self._lane.run(_end_of, replacement, mark)

    async def _compared(self, subpath: str) -> tuple[_Common, list[str]]:
        stored = await self._store.digests(self._mirrored.key(subpath))
        return await self._lane.read(self._compare, subpath, stored), stored

    def _compare(self, subpath: str, stored: list[str]) -> _Common:
        """Return how far a file here says the same as the store."""
        path = self._path(subpath)
        offset, mark, more, turns = 0, START, False, False
        try:
            for entry, end, behind in each_after(path, self._mirrored.folder):
                if not more and behind.lines <= len(stored):
                    more = stored[behind.lines - 1] != behind.digest
                else:
                    more = True
                if not more:
                    offset, mark = end, behind
                turns = turns or (more and is_turn(cast("dict[str, Any]", entry)))
            with open_regular(path) as file:
                return _Common(Place(offset, mark, tail_of(file, offset)), more, turns)
        except (FileNotFoundError, NotADirectoryError):
            return _Common()

    def _is_behind(self, subpath: str, common: _Common, stored: list[str]) -> bool:
        """Return whether the store's copy has gone on without this one."""
        sent = self._mirrored.place(subpath).mark
        sent_by_us = bool(stored) and sent == Mark(len(stored), stored[-1])
        return common.place.mark.lines < len(stored) and not (common.more and sent_by_us)

    def _copy_session(self, session_id: str) -> None:
        """Copy this machine's session, as it is, to a new id."""
        path = self._path("")
        copy = Replacement(path.with_name(f"{session_id}.jsonl"))
        try:
            with open_regular(path) as file:
                for line in file:
                    # The last one isn't written to its end yet.
                    if line.endswith(b"\n"):
                        copy.write(renamed(line, session_id))
            beside = path.with_suffix("")
            if beside.is_dir():
                shutil.copytree(beside, path.with_name(session_id))
            copy.commit()
        finally:
            copy.close()

    def _path(self, subpath: str) -> Path:
        """Return where a file is here, or where the CLI looks for it."""
        session_id = self._mirrored.session_id
        transcript = find_transcript(session_id)
        if transcript is None:
            transcript = project_directory(Path(self._mirrored.folder)) / f"{session_id}.jsonl"
        if not subpath:
            return transcript
        name = subpath if _is_whole(subpath) else f"{subpath}.jsonl"
        return transcript.with_suffix("") / name

    def _files(self) -> list[tuple[str, Path]]:
        """Return a session's files here, the conversation last: it rests on the others."""
        transcript = self._path("")
        beside = transcript.with_suffix("")
        others = [*sorted(beside.rglob("*.jsonl")), *sorted(beside.rglob("*.meta.json"))]
        names = [path.relative_to(beside).as_posix().removesuffix(".jsonl") for path in others]
        return [*zip(names, others, strict=True), ("", transcript)]


def _as_here(entries: list[SessionStoreEntry], mark: Mark, folder: str) -> tuple[bytes, Mark]:
    """Return lines behind a mark as they are in a folder here, and the mark at their end."""
    lines = []
    for entry in entries:
        mark = Mark(mark.lines + 1, digest_after(mark.digest, encoded(entry)))
        lines.append(local(entry, folder))
    return b"".join(lines), mark


def _is_whole(subpath: str) -> bool:
    """Return whether it names a file that is one JSON value."""
    return subpath.endswith(".json")


def _is_safe(subpath: str) -> bool:
    """Return whether a file of this name is below the session's directory: others have named it."""
    path = PurePosixPath(subpath)
    return bool(path.name) and not path.is_absolute() and ".." not in path.parts


def _end_of(replacement: Replacement, mark: Mark) -> Place:
    file = replacement.file
    file.seek(0, 2)
    offset = file.tell()
    return Place(offset, mark, tail_of(file, offset))
