"""The permission modes: what the agent may do without asking, in the CLI's own terms."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

PermissionMode = Literal["default", "acceptEdits", "plan", "dontAsk", "auto", "bypassPermissions"]


@dataclass(frozen=True, slots=True)
class Mode:
    """A permission mode as editors show it.

    Attributes:
        label: Its name for the user.
        about: What the agent does in it, a phrase in the third person.
        needs_trust: Whether the agent does something there without a question that it would ask in
            `default`. As a setting it holds in a trusted folder only.
    """

    label: str
    about: str
    needs_trust: bool


MODES: Final[Mapping[PermissionMode, Mode]] = MappingProxyType(
    {
        "default": Mode("Ask first", "Asks before it edits a file or runs a command", False),
        "acceptEdits": Mode(
            "Edit freely", "Edits files without asking; asks before it runs a command", True
        ),
        "plan": Mode("Plan", "Reads and makes a plan; changes nothing", False),
        "dontAsk": Mode("Don't ask", "Does only what is already allowed; never asks", False),
        "auto": Mode("Auto", "Asks only when the CLI decides that a question is needed", True),
        "bypassPermissions": Mode("Bypass", "Does everything without asking", True),
    }
)

# Those in which nothing is done that would be asked for otherwise.
ASKING_MODES: Final = tuple(name for name, mode in MODES.items() if not mode.needs_trust)
