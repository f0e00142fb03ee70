"""What the user's rules keep from the agent: `permissions.deny` in Claude Code's settings.

The CLI holds its own tools to them. This is for what is not a tool of the CLI's: the lines that an
editor's selection tells of, an attached image, and a folder that isn't trusted, whose settings the
CLI does not read: what they forbid is forbidden there all the same. It reads files: call it in a
thread.

What a file forbids that is there but makes no sense is not known. The CLI (2.1.330) goes on without
such a file, and so do the agent's own tools, which ask as ever: a broken file must not keep the
user from working. But of a file that it may deny nothing is sent unasked, which costs the text of a
selection and an attachment. Who attaches something is told which file to mend.
"""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from claude_agent_lsp.base.system.paths import relative
from claude_agent_lsp.sessions.claude_settings.ignore_pattern import IgnorePattern
from claude_agent_lsp.sessions.claude_settings.settings_files import (
    read_settings,
    settings_files,
)

logger = logging.getLogger(__name__)

# A CLI (2.1.330) that is given tens of thousands takes a minute to start.
MOST_RULES: Final = 1000
# The tools whose rules are about files.
_FILES: Final = "Cd|Edit|Glob|Grep|LS|MultiEdit|NotebookEdit|NotebookRead|Read|Write"
_IN_ROOT: Final = re.compile(rf"(?P<tool>{_FILES})\((?P<pattern>/(?!/).*)\)", re.DOTALL)
_READ: Final = re.compile(r"Read(?:\((?P<pattern>.*)\))?", re.DOTALL)
# The CLI takes a rule about one of them as one about all (2.1.330).
_EDIT: Final = re.compile(r"(?:Edit|MultiEdit|Write)(?:\((?P<pattern>.*)\))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class DenyRules:
    """The rules that deny something in a folder.

    Attributes:
        rules: As they mean the same in any settings file, those of a repository's own files too.
        patterns: Of those about reading: where they are meant, and their gitignore pattern.
        unknown: Files that may deny anything: they can't be read.
        edits: Of those about editing, as `patterns`.
    """

    rules: tuple[str, ...] = ()
    patterns: tuple[tuple[Path, str], ...] = ()
    unknown: tuple[Path, ...] = ()
    edits: tuple[tuple[Path, str], ...] = ()

    @classmethod
    def read(cls, folder: Path) -> DenyRules:
        """Read those of a folder."""
        rules: list[str] = []
        patterns: list[tuple[Path, str]] = []
        edits: list[tuple[Path, str]] = []
        unknown: list[Path] = []
        for source, file in settings_files(folder).items():
            root = file.parent if source == "user" else folder
            try:
                denied = _denied_in(file)
            except (OSError, ValueError) as error:
                logger.warning("The deny rules in %s are unknown: %s", file, error)
                unknown.append(file)
                continue
            for rule in denied:
                rules.append(_anywhere(rule, root))
                for tools, kept in ((_READ, patterns), (_EDIT, edits)):
                    match = tools.fullmatch(rule.strip())
                    if match is not None:
                        kept.append(_placed(match["pattern"] or "**", root, folder))
        return cls(tuple(dict.fromkeys(rules)), tuple(patterns), tuple(unknown), tuple(edits))

    def denies_reading(self, path: Path) -> bool:
        """Whether nothing of a file may be sent: a rule denies it, or may do so."""
        return bool(self.unknown) or _is_denied(path, self.patterns)

    def refusal(self, path: Path) -> str | None:
        """Why nothing of a file may be sent, in a few words; None if it may be."""
        if _is_denied(path, self.patterns):
            return "a deny rule in your settings forbids reading it"
        if self.unknown:
            files = " and ".join(map(str, self.unknown))
            return f"{files} can't be read, and may deny it; correct the error there"
        return None

    def refusal_to_edit(self, path: Path) -> str | None:
        """Why nothing of a file may be changed, in a few words; None if it may be."""
        if _is_denied(path, self.edits):
            return "a deny rule in your settings forbids editing it"
        return self.refusal(path)


def _is_denied(path: Path, patterns: tuple[tuple[Path, str], ...]) -> bool:
    """Whether a rule is about a file, by its absolute name or by what it links to."""
    try:
        names = {os.fspath(path), os.path.realpath(path)}
    except ValueError:  # a name that no file can have
        return False
    return any(_matches(name, *pattern) for name in names for pattern in patterns)


def _matches(name: str, base: Path, pattern: str) -> bool:
    inside = relative(name, base)
    if inside in (None, os.curdir):
        return False
    return IgnorePattern(pattern).matches(inside.replace(os.sep, "/"))


def _placed(pattern: str, root: Path, folder: Path) -> tuple[Path, str]:
    """Where a pattern is meant, and what it is there: as the CLI reads it (CLI 2.1.330).

    With a "/" in front it is meant in the root: the user's directory of settings, or the folder.
    """
    if pattern.startswith("//"):
        return Path("/"), pattern[1:]
    if pattern.startswith("~/"):
        return Path.home(), pattern[1:]
    if pattern.startswith("/"):
        return root, pattern
    return folder, pattern.removeprefix(".") if pattern.startswith("./") else pattern


def _anywhere(rule: str, root: Path) -> str:
    """Return a rule that means in any settings file what it means in its own, with its root."""
    match = _IN_ROOT.fullmatch(rule.strip())
    if match is None:
        return rule
    # A backslash for the pattern, and then one for the rule.
    name = re.sub(r"[\\\[\]*?]", r"\\\g<0>", os.fspath(root).rstrip("/"))
    name = re.sub(r"[\\()]", r"\\\g<0>", name)
    return f"{match['tool']}(/{name}{match['pattern']})"


def _denied_in(file: Path) -> list[str]:
    """Read the rules of a file; none if there is no such file.

    Raises:
        OSError: It can't be read.
        ValueError: It makes no sense.
    """
    try:
        content = read_settings(file)
    except (FileNotFoundError, NotADirectoryError):
        return []
    match content:
        case {"permissions": {"deny": list(denied)}} if len(denied) > MOST_RULES:
            raise ValueError(f"it has more than {MOST_RULES:,} rules")
        case {"permissions": {"deny": list(denied)}} if all(isinstance(r, str) for r in denied):
            return denied
        case {"permissions": {"deny": rules}} if rules is not None:
            raise ValueError("`deny` is not a list of rules")
        case {"permissions": dict() | None}:
            return []
        case {"permissions": _}:
            raise ValueError("`permissions` is not an object")
    return []
