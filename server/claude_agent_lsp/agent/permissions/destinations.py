"""Where the paths of a question lead: the user is shown what is touched, not what a link is called.

    docs/x.sh, where docs is a link ──▶ /home/me/x.sh

A repository may hold any links. What is written through them is written where they lead, and a
folder that is granted is the one that they lead to.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.disk.real_paths import real_paths
from claude_agent_lsp.base.system.paths import relative
from claude_agent_lsp.base.texts.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from claude_agent_sdk.types import PermissionUpdate

# Longer than any that a system opens: it leads nowhere.
PATH_LENGTH: Final = 40_000
UNKNOWN: Final = "Where it leads is not known: its disk does not answer"


@dataclass(frozen=True, slots=True)
class Destinations:
    """Where the paths of one question lead.

    Attributes:
        folder: Where the agent works; a path in it is shown as it is there.
        real: By a path, as it is called from the folder, its real path; None if its disk does not
            tell. One that is not among them leads where it says.
    """

    folder: Path
    real: Mapping[str, str | None] = field(default_factory=dict)

    @classmethod
    def follow(cls, folder: Path, paths: Iterable[Path | str]) -> Destinations:
        """Follow the links of several paths. It blocks: call it in a thread."""
        called = (_called(path, folder) for path in (folder, *paths))
        return cls(folder, real_paths(dict.fromkeys(p for p in called if len(p) <= PATH_LENGTH)))

    def of(self, path: Path | str) -> str | None:
        """Return the real path; None if the disk does not tell."""
        called = _called(path, self.folder)
        return self.real.get(called, called)

    def shown(self, path: Path | str) -> str:
        """Return where a path leads, as it is seen from the folder; whole if it leads out of it.

        Where the disk does not tell, it is what the path is called.
        """
        real, folder = self.of(path), self.of(self.folder)
        if real is None or folder is None:
            return _seen(_called(path, self.folder), os.fspath(self.folder))
        return _seen(real, folder)

    def remark(self, path: Path | str) -> str | None:
        """Return what the user has to know beside it: it is called otherwise, or is not known."""
        if self.of(path) is None or self.of(self.folder) is None:
            return UNKNOWN
        called = _seen(_called(path, self.folder), os.fspath(self.folder))
        return (
            f"Called {visible(called)}, which leads there" if called != self.shown(path) else None
        )

    def real_updates(self, updates: Iterable[PermissionUpdate]) -> list[PermissionUpdate]:
        """Return what the CLI suggests to grant, with the folders that its folders' names lead to.

        A folder of which that is not known is not granted.
        """
        granted = []
        for update in updates:
            if update.directories:
                real = dict.fromkeys(filter(None, map(self.of, update.directories)))
                if real:
                    granted.append(replace(update, directories=list(real)))
            else:
                granted.append(update)
        return granted


def _called(path: Path | str, folder: Path) -> str:
    """Return a path from the root on; its ".." takes a name away, as the CLI reads it."""
    return os.path.normpath(folder / path)


def _seen(path: str, folder: str) -> str:
    return relative(path, folder) or path
