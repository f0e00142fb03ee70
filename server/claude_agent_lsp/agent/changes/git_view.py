"""What git knows of a folder's files, asked such that it runs nothing of the folder's.

Git is asked for names and for what it has stored, and never for a difference of contents, for which
a repository may name programs.
"""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.agent.os_processes.output import output_of
from claude_agent_lsp.agent.process.restraint import (
    git_outside,
    named_by,
    restraining_environment,
)
from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.sessions.changes.folder_scan import MOST_FILES, TooManyError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_SECONDS: Final = 10.0
# Names of as many files as are looked at.
_MOST_NAMES: Final = 300 * MOST_FILES
_MOST_CONTENT: Final = 64 * 2**20
# As many names of contents as a pipe takes in one go, of git's longer kind.
_AT_ONCE: Final = 500
_FILE: Final = re.compile(rb"100\d{3} ([0-9a-f]+) 0\t(.+)", re.DOTALL)
_CONTENT: Final = re.compile(rb"([0-9a-f]+) blob (\d+)\n")


@dataclass(frozen=True)
class GitView:
    """The git that a folder's files are in.

    Attributes:
        git: The executable.
        folder: The folder.
        environment: All of the environment that git gets.
    """

    git: Path
    folder: Path
    environment: Mapping[str, str]

    @classmethod
    async def find(cls, folder: Path) -> GitView | None:
        """Return it; None where there is none, or the folder is one that it ignores.

        Raises:
            CliFailedToStart: Nobody can tell what git would run here.
        """
        git = await disk.run(git_outside, folder)
        if git is None:
            return None
        named = await named_by(folder)
        view = cls(git, folder, os.environ | restraining_environment(os.environ, named))
        inside = await view._said("rev-parse", "--is-inside-work-tree")
        ignored = inside.strip() == b"true" and await view._said("check-ignore", ".")
        return view if inside.strip() == b"true" and not ignored else None

    async def paths(self) -> list[str]:
        """Return the folder's files, tracked or not, but for those that are ignored.

        Raises:
            TooManyError: There are more than are looked at.
            OSError: Git can't be run.
        """
        found = _names(await self._said("ls-files", "-z", "-c", "-o", "--exclude-standard"))
        if len(found) > MOST_FILES:
            raise TooManyError
        return found

    async def unchanged(self) -> dict[str, str]:
        """Return the tracked files that are as git has them, and under which names it does.

        Raises:
            OSError: Git can't be run.
        """
        listed, differing = await asyncio.gather(
            self._said("ls-files", "-z", "-s"),
            self._said("diff-files", "-z", "--name-only", "--relative"),
        )
        differ = set(_names(differing))
        found = (_FILE.fullmatch(line) for line in listed.split(b"\0"))
        names = {os.fsdecode(one[2]): one[1].decode() for one in found if one}
        return {path: name for path, name in names.items() if path not in differ}

    async def commit(self, name: str) -> str:
        """Return the commit that has a name, in git's own; empty if there is none.

        Raises:
            OSError: Git can't be run.
        """
        said = await self._said("rev-parse", "-q", "--verify", f"{name}^{{commit}}")
        return said.decode(errors="replace").strip()

    async def merge_base(self, name: str) -> str:
        """Return the last commit that the branch has in common with another; empty if none.

        Raises:
            OSError: Git can't be run.
        """
        other = await self.commit(name)
        said = await self._said("merge-base", "HEAD", other) if other else b""
        return said.decode(errors="replace").strip()

    async def empty_tree(self) -> str:
        """Return what git calls a tree without files.

        Raises:
            OSError: Git can't be run.
        """
        return (await self._said("hash-object", "-t", "tree", "--stdin")).decode().strip()

    async def differing(self, *words: str) -> bytes:
        """Return which files differ from a commit, as `git diff-index --raw -z` prints it.

        Raises:
            TooManyError: There are more than are looked at.
            OSError: Git can't be run.
        """
        return await self._said("diff-index", "--raw", "-z", "--ignore-submodules", *words, "--")

    async def subjects(self) -> str:
        """Return the subjects of the last commits, a line each; empty if there are none.

        Raises:
            OSError: Git can't be run.
        """
        said = await self._said("log", "-n", "10", "--no-show-signature", "--format=%s")
        return said.decode(errors="replace").strip()

    async def untracked(self) -> list[str]:
        """Return the folder's files that git neither tracks nor ignores.

        Raises:
            TooManyError: There are more than are looked at.
            OSError: Git can't be run.
        """
        return _names(await self._said("ls-files", "-z", "-o", "--exclude-standard"))

    async def contents(self, names: Sequence[str]) -> dict[str, bytes]:
        """Return what git has under some names, as far as it is there.

        Raises:
            OSError: Git can't be run.
        """
        found: dict[str, bytes] = {}
        for first in range(0, len(names), _AT_ONCE):
            asked = "".join(f"{name}\n" for name in names[first : first + _AT_ONCE])
            said = await self._said("cat-file", "--batch", given=asked.encode())
            at = 0
            while told := _CONTENT.match(said, at):
                end = told.end() + int(told[2])
                if end > len(said):
                    break
                found[told[1].decode()] = said[told.end() : end]
                at = end + 1
        return found

    async def _said(self, *words: str, given: bytes = b"") -> bytes:
        said, whole = await output_of(
            self.git,
            *words,
            environment=self.environment,
            seconds=_SECONDS,
            most_bytes=_MOST_CONTENT if given else _MOST_NAMES,
            folder=self.folder,
            given=given,
        )
        if not whole and not given:
            raise TooManyError
        return said


def _names(said: bytes) -> list[str]:
    return [os.fsdecode(name) for name in said.split(b"\0") if name]
