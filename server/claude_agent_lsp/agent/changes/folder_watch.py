"""The files of a folder as a run finds them, and what has become of them since.

    settle() ──▶ a tool is at work ──▶ take() ──▶ what has changed
       └─ what somebody else has changed by now is nobody's business here

What a file held before is known from git where git has it, and else from a copy that is made while
nothing is at work.
"""

from __future__ import annotations

import asyncio
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.agent.changes.git_view import GitView
from claude_agent_lsp.base.lanes import Lane
from claude_agent_lsp.sessions.changes.copies import Version
from claude_agent_lsp.sessions.changes.folder_scan import Look, changed, look_at, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from claude_agent_lsp.sessions.changes.copies import Copies
    from claude_agent_lsp.sessions.changes.folder_scan import Status

# Of what is copied before a tool may change it: it waits for that.
MOST_COPIED: Final = 2000
MOST_BYTES_COPIED: Final = 16 * 2**20
# Of a file that is in an editor alone.
NEW_MODE: Final = 0o644
NOT_COPIED: Final = "there were too many files that git does not have to copy all of them"
IN_ANOTHER_FORM: Final = "git has it in another form"
GONE: Final = "git does not have it any more"


@dataclass(frozen=True, slots=True)
class Difference:
    """A file that is not as it was; the fields are those of a change."""

    path: str
    before: Version | None
    after: Version | None
    moved_from: str | None = None
    moved_to: str | None = None


class FolderWatch:
    """Watches a folder for one run.

    Args:
        folder: The folder.
        copies: Takes the copies.
    """

    def __init__(self, folder: Path, copies: Copies) -> None:
        self._folder = folder
        self._copies = copies
        self._lane = Lane()
        self._turn = asyncio.Lock()
        self._git: GitView | None = None
        self._known: Look | None = None
        # How each file was: in git under a name, or as a copy.
        self._in_git: dict[str, str] = {}
        self._versions: dict[str, Version] = {}
        self._single: dict[str, Version | None] = {}

    async def settle(self) -> None:
        """Take the folder as it is now.

        Raises:
            TooManyError: It has too many files.
            RequestFailed: Nobody can tell what git would run here.
            OSError: It can't be read, or nothing can be copied.
        """
        async with self._turn:
            first = self._known is None
            if first:
                self._git = await GitView.find(self._folder)
            if first and self._git is not None:
                now, self._in_git = await asyncio.gather(self._look(), self._git.unchanged())
            else:
                now = await self._look()
            self._known = await self._lane.run(self._settle, self._known, now)

    async def take(self) -> list[Difference]:
        """Return what has changed since it was looked at last.

        Raises:
            TooManyError: It has too many files.
            OSError: It can't be read, or nothing can be copied.
        """
        async with self._turn:
            if self._known is None:
                return []
            now = await self._look()
            paths = await self._lane.run(changed, self._known, now)
            names = [self._in_git[path] for path in paths if path in self._in_git]
            known = {} if self._git is None else await self._git.contents(names)
            found = await self._lane.run(self._compare, self._known, now, paths, known)
            self._known = now
            return found

    async def before_file(self, path: Path, unsaved: bytes | None = None) -> None:
        """Take a file as it is now, before a tool changes it.

        Args:
            path: The file.
            unsaved: What an editor has of it that is not saved.

        Raises:
            OSError: Nothing can be copied.
        """
        async with self._turn:
            kept = await self._lane.run(self._keep, self._folder / path, unsaved)
            self._single[self._name(path)] = kept

    async def after_file(self, path: Path, unsaved: bytes | None = None) -> list[Difference]:
        """Return what has become of it: see `before_file`.

        Raises:
            OSError: Nothing can be copied.
        """
        async with self._turn:
            name = self._name(path)
            if name not in self._single:
                return []
            before = self._single.pop(name)
            after = await self._lane.run(self._keep, self._folder / path, unsaved)
            if self._known is not None and unsaved is None:
                self._known |= await self._lane.run(look_at, self._folder, [name])
                self._remember(name, after)
            return [Difference(name, before, after)] if _differ(before, after) else []

    def _keep(self, path: Path, unsaved: bytes | None) -> Version | None:
        if unsaved is None:
            return self._copies.keep_file(path)
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:  # it is in the editor alone
            return self._copies.keep(unsaved, NEW_MODE)
        return self._copies.keep(unsaved, mode)

    def _name(self, path: Path) -> str:
        full = os.path.normpath(self._folder / path)
        try:
            return Path(full).relative_to(self._folder).as_posix()
        except ValueError:
            return full

    async def _look(self) -> Look:
        if self._git is None:
            paths = await self._lane.run(walk, self._folder)
        else:
            paths = await self._git.paths()
        return await self._lane.run(look_at, self._folder, paths)

    def _settle(self, known: Look | None, now: Look) -> Look:
        paths = [path for path in now if path not in self._in_git] if known is None else []
        if known is not None:
            paths = changed(known, now)
        # What was written last is likely to be what is worked on.
        self._copy(sorted(paths, key=lambda path: now.get(path, (0,)), reverse=True), now)
        return now

    def _copy(self, paths: Iterable[str], now: Look) -> None:
        room = MOST_BYTES_COPIED
        for number, path in enumerate(paths):
            status = now.get(path)
            size = 0 if status is None else status[2]
            if status is not None and (number >= MOST_COPIED or size > room):
                self._remember(path, Version(None, stat.S_IMODE(status[4]), NOT_COPIED))
                continue
            room -= size
            self._remember(path, self._copies.keep_file(self._folder / path))

    def _remember(self, path: str, version: Version | None) -> None:
        self._in_git.pop(path, None)
        if version is None:
            self._versions.pop(path, None)
        else:
            self._versions[path] = version

    def _compare(
        self, known: Look, now: Look, paths: Iterable[str], contents: Mapping[str, bytes]
    ) -> list[Difference]:
        found = []
        for path in paths:
            before = None
            if (status := known.get(path)) is not None:
                before = self._before(path, status, contents)
            after = self._copies.keep_file(self._folder / path)
            self._remember(path, after)
            if _differ(before, after):
                found.append(Difference(path, before, after))
        return _with_moves(found, known, now)

    def _before(self, path: str, status: Status, contents: Mapping[str, bytes]) -> Version:
        mode, size = stat.S_IMODE(status[4]), status[2]
        if path not in self._in_git:
            return self._versions.get(path) or Version(None, mode, NOT_COPIED)
        content = contents.get(self._in_git[path])
        if content is None:
            return Version(None, mode, GONE)
        if len(content) != size:
            content = content.replace(b"\n", b"\r\n")
        if len(content) != size:
            return Version(None, mode, IN_ANOTHER_FORM)
        return self._copies.keep(content, mode)


def _differ(before: Version | None, after: Version | None) -> bool:
    """Return whether a file has changed, as far as anybody can tell."""
    return before != after or (after is not None and after.digest is None)


def _with_moves(found: list[Difference], known: Look, now: Look) -> list[Difference]:
    """Return the differences, each file that was moved with where it was and where it is."""
    gone = {_identity(known[each.path]): each.path for each in found if each.after is None}
    moved = {
        each.path: gone[_identity(now[each.path])]
        for each in found
        if each.before is None and each.path in now and _identity(now[each.path]) in gone
    }
    back = {old: new for new, old in moved.items()}
    return [
        Difference(each.path, each.before, each.after, moved.get(each.path), back.get(each.path))
        for each in found
    ]


def _identity(status: Status) -> tuple[int, int, int]:
    """Return what a file keeps when it is moved: its inode, its size, when it was written."""
    return status[3], status[2], status[0]
