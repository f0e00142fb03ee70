"""Where the CLI keeps what is not to last: output of background tasks, the agent's own notes.

The CLI (2.1.330) makes `claude-UID` in the system's temporary directory, and does not start where
somebody else has made that first. So where others may write there it is given a directory of this
user's alone, and is not kept from starting by them. On macOS each user has one already.

    CLAUDE_CODE_TMPDIR, TMPDIR, TMP, TEMP, /tmp ──▶ may others write there? ──▶ <state>/tmp

The tools' own TMPDIR stays what it is. In the CLI's sandbox alone it is the CLI's directory, or,
where that has more than 44 bytes, the system's: the CLI knows what is too long for a socket.
Everything here touches the disk: call it in a thread.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.disk.private import WRITE, make_directory, others_may
from claude_agent_lsp.base.system.processes import user_id
from claude_agent_lsp.workspace.state import state_directory

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE: Final = "CLAUDE_CODE_TMPDIR"
_NAMES: Final = (VARIABLE, "TMPDIR", "TMP", "TEMP")


def own_directory(environment: Mapping[str, str]) -> Path | None:
    """Make the directory that the CLI is given; None if it has one that nobody else can write to.

    Args:
        environment: The CLI's.

    Raises:
        OSError: It can't be made.
    """
    try:
        if others_may(_usual(environment), WRITE) is None:
            return None
    except OSError:  # what is not there is the CLI's to make, and to name if it can't
        return None
    directory = _ours()
    make_directory(directory)
    return directory


def directories_of_the_cli(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Return where the CLI may have kept something, started here or in a terminal."""
    user = user_id()
    name = "claude" if user is None else f"claude-{user}"
    return (_usual(environment) / name, _ours() / name)


def _usual(environment: Mapping[str, str]) -> Path:
    named = (environment.get(name) for name in _NAMES)
    return Path(next(filter(None, named), "/tmp"))  # noqa: S108 - it is what the CLI takes


def _ours() -> Path:
    return state_directory() / "tmp"
