"""`claude-agent-lsp uninstall`: removes what the server has kept, once the user has agreed."""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.agent.os_processes.marked import is_of_an_agent
from claude_agent_lsp.base.system.file_io import patiently
from claude_agent_lsp.base.texts.results import plain
from claude_agent_lsp.sessions.catalogue.kept_copies import KeptCopies
from claude_agent_lsp.sessions.lock import SessionLocks
from claude_agent_lsp.workspace.state import state_directory

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator
    from pathlib import Path

# All that any version of the server has put there. A setting may have named a directory in which
# there is more: that stays.
OURS: Final = frozenset(
    {
        *("archived", "audit", "branches", "changes", "costs", "dismissed", "folders", "journal"),
        *(
            "kept",
            "locks",
            "pinned",
            "plans",
            "prompts",
            "questions",
            "queue",
            "reviews",
            "rewinds",
            "runs",
        ),
        *("shared", "tmp", "transcripts"),
        "lock",
    }
)
# Those that have companions: locks, logs of databases, what was damaged or half written.
_OURS_TOO: Final = re.compile(
    r"\.?(?:index\.sqlite|words\.sqlite|known-folders\.|spending\.|trust\.json|check-\d+$).*"
)
AGENTS: Final = "What an agent has started removes nothing."
UNASKED: Final = "stdin is not a terminal: pass --yes to remove it."
NOTHING: Final = "Nothing is kept in {}."
AT_WORK: Final = "A run is at work in the session {}. Close your editors first."
REST: Final = """\
The program itself is removed as it was installed: `uv tool uninstall claude-agent-lsp`, or the
extension in your editor. Conversations in {} and your login are Claude Code's, and stay.
"""


def uninstall(options: Namespace) -> int:
    """Remove the state directory's content.

    Args:
        options: What `cli.py` has read of the command line.

    Returns:
        The exit status: 1 if it is not, or not all, removed.
    """
    directory = state_directory(options.state_directory)
    shown = plain(os.fspath(directory))
    if is_of_an_agent():
        sys.stderr.write(f"{AGENTS}\n")
        return 1
    found = sorted(_ours_in(directory))
    if not found:
        sys.stderr.write(f"{NOTHING.format(shown)}\n{_rest()}")
        return 0
    if (session := _at_work(directory)) is not None:
        sys.stderr.write(f"{AT_WORK.format(plain(session))}\n")
        return 1
    if not (options.yes or _is_confirmed(directory)):
        return 1
    left = [path for path in found if not _removed(path)]
    for path in left:
        sys.stderr.write(f"{plain(os.fspath(path))} could not be removed.\n")
    if not left:
        _remove_if_empty(directory)
        sys.stderr.write(f"Removed what was kept in {shown}.\n{_rest()}")
    return 1 if left else 0


def _rest() -> str:
    from claude_agent_lsp.sessions.transcripts.transcript import config_directory

    return REST.format(plain(os.fspath(config_directory())))


def _ours_in(directory: Path) -> Iterator[Path]:
    try:
        yield from (
            path for path in directory.iterdir() if path.name in OURS or _OURS_TOO.match(path.name)
        )
    except OSError:
        return


def _at_work(directory: Path) -> str | None:
    """Return a session in which a run is at work; None if there is none."""
    locks = SessionLocks(lambda: directory)
    sessions = (path.stem for path in (directory / "locks").glob("*.lock"))
    return next((session for session in sessions if locks.busy(session)), None)


def _is_confirmed(directory: Path) -> bool:
    if not sys.stdin.isatty():
        sys.stderr.write(f"{UNASKED}\n")
        return False
    copies = len(list(KeptCopies(directory).all_copies()))
    kept = f", {copies} sessions that Claude Code has deleted among them" if copies else ""
    sys.stderr.write(
        f"Remove all that is kept in {plain(os.fspath(directory))}{kept}: trust, history of runs, "
        "the audit log? [y/N] "
    )
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _removed(path: Path) -> bool:
    """Remove a file, a link, or a directory with all that is in it; return whether it is gone."""
    try:
        if stat.S_ISDIR(path.lstat().st_mode):
            patiently(lambda: shutil.rmtree(path))
        else:
            patiently(path.unlink)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _remove_if_empty(directory: Path) -> None:
    try:
        directory.rmdir()
    except OSError:  # somebody else's files are there, too
        return
