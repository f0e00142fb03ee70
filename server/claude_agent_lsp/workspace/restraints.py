"""What holds of a setting in a folder that is not trusted: it may only add restraint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claude_agent_lsp.workspace.modes import ASKING_MODES
from claude_agent_lsp.workspace.setting import Restraint

if TYPE_CHECKING:
    from claude_agent_lsp.workspace.modes import PermissionMode


def _least(*limits: float | None) -> float | None:
    return min((limit for limit in limits if limit is not None), default=None)


def ignored(instead: object) -> Restraint:
    """Return the one that puts something in the place of whatever is set."""
    return Restraint("ignored", lambda _value, _users: instead)


# That there is a limit is no reason to ask for trust.
AT_MOST_THE_USERS: Final = Restraint("at most the value sent with `initialize`", _least, told=False)
THE_USERS: Final = Restraint(
    "the value sent with `initialize`", lambda _value, users: users, told=False
)
ONLY_THE_USERS: Final = Restraint(
    "only those in the value sent with `initialize`",
    lambda value, users: tuple(each for each in value if each in users),
    told=False,
)
# An editor may send the user's own with the folder's alone: then nobody can tell them apart.
THE_USERS_IF_NAMED: Final = Restraint(
    "the value sent with `initialize`, if there is one",
    lambda value, users: value if users is None else users,
    told=False,
)


def _asking(mode: PermissionMode, users: PermissionMode) -> PermissionMode:
    if users in ASKING_MODES and users != "default":  # in these the agent does less
        return users
    return mode if mode in ASKING_MODES else "default"


ASKING: Final = Restraint(
    f"only {', '.join(f'`{mode}`' for mode in ASKING_MODES)}; none in place of a `plan` or "
    "`dontAsk` sent with `initialize`",
    _asking,
)
USERS_FILES: Final = Restraint(
    "`user`, unless what was sent with `initialize` leaves it out",
    lambda _sources, users: tuple(source for source in users if source == "user"),
    told=False,  # the files that are not read are named to the user instead
)
