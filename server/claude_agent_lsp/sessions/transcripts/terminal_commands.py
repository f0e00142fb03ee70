"""The CLI's commands that work in its own terminal alone, and what does the same here.

Asked for one of them, the CLI says "/resume isn't available in this environment." (CLI 2.1.332) and
nothing else: who reads that doesn't know that there is another way.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_REFUSED: Final = re.compile(r"/(\S+) isn't available in this environment\.")
_SESSIONS: Final = (
    "Choose another session in your editor's list of sessions: `claudeAgent.session.list`, then "
    "`claudeAgent.session.select`."
)
_LEAVE: Final = (
    "There is nothing to leave: the session is kept. `claudeAgent.cancel` stops a run, "
    "`claudeAgent.session.select` with `new` begins a new session."
)
_ACCOUNT: Final = (
    "Run `claude` in a terminal for it: its login is used here, too. `claudeAgent.status` says "
    "which one."
)
_BACK: Final = (
    "`claudeAgent.session.rewind` puts files back as they were before a prompt; "
    "`claudeAgent.session.fork` with `at` goes on from an earlier message."
)
_FORK: Final = "`claudeAgent.session.fork` makes a copy of the session to go on with."
_TASKS: Final = "`claudeAgent.task.list` shows what runs in the background."
_EXPORT: Final = "`claudeAgent.session.export` writes the session to a file."
_RULES: Final = (
    "Rules stand in `.claude/settings.json` of the folder; `claudeAgent.mode` sets what is asked "
    "about."
)
_ANY: Final = (
    "It needs a terminal: run `claude` there for it. `claudeAgent.capabilities` lists the commands "
    "that work here."
)
INSTEAD: Final = {
    "add-dir": "The setting `additionalDirectories` names directories outside the folder.",
    "allowed-tools": _RULES,
    "bashes": _TASKS,
    "branch": _FORK,
    "checkpoint": _BACK,
    "continue": _SESSIONS,
    "copy": _EXPORT,
    "exit": _LEAVE,
    "export": _EXPORT,
    "fork": _FORK,
    "help": "`claudeAgent.capabilities` lists the commands that work here.",
    "hooks": "Hooks stand in `.claude/settings.json` of the folder.",
    "login": _ACCOUNT,
    "logout": _ACCOUNT,
    "memory": "Edit the file `CLAUDE.md` of the folder; `claudeAgent.context` lists what is read.",
    "permissions": _RULES,
    "plan": "`claudeAgent.mode` with `plan` has the agent plan first.",
    "quit": _LEAVE,
    "resume": _SESSIONS,
    "rewind": _BACK,
    "session": _SESSIONS,
    "status": "`claudeAgent.status` shows it.",
    "tasks": _TASKS,
    "undo": _BACK,
}
"""What to do, by the command's name."""


# Those that its own servers send, and what is for its makers (CLI 2.1.332).
_NOBODYS: Final = frozenset({"heapdump", "workflow-launch-exec"})


def offered(commands: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return those of the CLI's commands that somebody may want."""
    return [
        each
        for each in commands
        if not (name := str(each.get("name", "")).lstrip("/")).startswith("__")
        and name not in _NOBODYS
        and not str(each.get("description", "")).startswith("(removed)")
    ]


def explained(text: str) -> str:
    """Return what a command has put out; where it does not work here, with what does the same."""
    refused = _REFUSED.fullmatch(text.strip())
    return text if refused is None else f"{text.strip()} {INSTEAD.get(refused[1], _ANY)}"
