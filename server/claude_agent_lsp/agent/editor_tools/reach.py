"""Which files the tools may tell of: those of the session's folders that no rule denies.

A language server knows all of a machine's files, and an editor may have any of them open. What is
told of them stays within what the agent could read, and what is changed within what it could edit.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.sessions.claude_settings.deny_rules import DenyRules

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from claude_agent_lsp.base.lanes import Lane

OUTSIDE: Final = "it is outside of this session's folders"
HIDDEN: Final = "it is in a hidden folder, or hidden itself"


class Reach:
    """What one process may know by the editor's tools.

    Args:
        folder: Its folder.
        directories: Where else it may work.
        lane: Of what is read.
    """

    def __init__(self, folder: Path, directories: Iterable[Path], lane: Lane) -> None:
        self._folder = folder
        # As the CLI has them, which works in the folder.
        self._directories = (folder, *(folder / each for each in directories))
        self._lane = lane

    async def refusals(self, paths: Iterable[Path], *, writing: bool = False) -> Mapping[Path, str]:
        """Return which of some files must not be told of, or be changed, each with the reason.

        Args:
            paths: The files.
            writing: Whether they are to be changed.
        """
        return await self._lane.read(self._look, tuple(paths), writing)

    def _look(self, paths: tuple[Path, ...], writing: bool) -> dict[Path, str]:
        rules = DenyRules.read(self._folder)
        roots = [Path(os.path.realpath(each)) for each in self._directories]
        found = {}
        for path in paths:
            if (why := _refusal(path, roots, rules, writing=writing)) is not None:
                found[path] = why
        return found


def _refusal(path: Path, roots: list[Path], rules: DenyRules, *, writing: bool) -> str | None:
    try:
        real = Path(os.path.realpath(path))
    except ValueError:  # a name that no file can have
        return OUTSIDE
    root = next((each for each in roots if real.is_relative_to(each)), None)
    if root is None:
        return OUTSIDE
    if writing and any(part.startswith(".") for part in real.relative_to(root).parts):
        # Where settings and repositories are, which the CLI's own tools ask about each time.
        return HIDDEN
    return rules.refusal_to_edit(path) if writing else rules.refusal(path)
