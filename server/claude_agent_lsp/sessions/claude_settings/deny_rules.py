"""What the user's rules keep from the agent: `permissions.deny` in Claude Code's settings.

The CLI holds its own tools to them. This is for what is not a tool of the CLI's: the lines that an
editor's selection tells of, an attached image, and a folder that isn't trusted, whose settings the
CLI does not read: what they forbid is forbidden there all the same. It reads files: call it in a
thread.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.sessions.claude_settings.settings_files import settings_files, settings_in

if TYPE_CHECKING:
    from collections.abc import Iterable

_READ: Final = re.compile(r"Read(?:\((?P<pattern>.*)\))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class DenyRules:
    """The rules that deny something in a folder.

    Attributes:
        rules: As they are written, those of a repository's own files too.
        patterns: Of those about reading: where they are meant, and their gitignore pattern.
    """

    rules: tuple[str, ...] = ()
    patterns: tuple[tuple[Path, str], ...] = ()

    @classmethod
    def read(cls, folder: Path) -> DenyRules:
        """Those of a folder; a file that can't be read has none."""
        rules: list[str] = []
        patterns: list[tuple[Path, str]] = []
        for file in settings_files(folder).values():
            for rule in _denied_in(file):
                rules.append(rule)
                match = _READ.fullmatch(rule.strip())
                if match is not None:
                    patterns.append(_placed(match["pattern"] or "**", file, folder))
        return cls(tuple(dict.fromkeys(rules)), tuple(patterns))

    def denies_reading(self, path: Path) -> bool:
        """Whether the agent must not read a file, by its absolute name or by what it links to."""
        try:
            names = {os.fspath(path), os.path.realpath(path)}
        except ValueError:  # a name that no file can have
            return False
        return any(_matches(name, *pattern) for name in names for pattern in self.patterns)


def _matches(name: str, base: Path, pattern: str) -> bool:
    from pathspec import GitIgnoreSpec

    inside = os.path.relpath(name, base)
    if inside.startswith(os.pardir + os.sep) or inside in (os.curdir, os.pardir):
        return False
    return bool(GitIgnoreSpec.from_lines([pattern]).match_file(inside))


def _placed(pattern: str, file: Path, folder: Path) -> tuple[Path, str]:
    """Where a pattern is meant, and what it is there: as the CLI reads it (CLI 2.1.330)."""
    if pattern.startswith("//"):
        return Path("/"), pattern[1:]
    if pattern.startswith("~/"):
        return Path.home(), pattern[1:]
    if pattern.startswith("/"):
        # Beside the settings: a project's stand in its `.claude`.
        return file.parent.parent if file.parent.name == ".claude" else file.parent, pattern
    return folder, pattern.removeprefix(".") if pattern.startswith("./") else pattern


def _denied_in(file: Path) -> Iterable[str]:
    permissions = settings_in(file).get("permissions")
    denied = permissions.get("deny") if isinstance(permissions, dict) else None
    return [rule for rule in denied if isinstance(rule, str)] if isinstance(denied, list) else []
