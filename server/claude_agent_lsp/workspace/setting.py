"""What is known of one setting: a row of the table in `settings.py`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_agent_lsp.base.validation import Rule


class Scope(Enum):
    """Whose settings an editor reads a setting from.

    USER: the user's own alone: a folder's settings must not have a say in it.
    WINDOW: also a workspace's, for the whole server.
    FOLDER: also a folder's, for that folder.
    """

    USER = "user"
    WINDOW = "window"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class Restraint:
    """What of a setting holds in a folder that is not trusted.

    Attributes:
        about: It in words, for the documentation.
        apply: Returns what holds there, given what is set and what came with `initialize`. It
            never returns more freedom than what is set.
        told: Whether the user is notified when it takes something away.
    """

    about: str
    apply: Callable[[Any, Any], Any]
    told: bool = True


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the table of settings.

    Attributes:
        name: In camelCase, as editors send it.
        attribute: Of `Settings`, in snake_case.
        expected: What its value must be, in words.
        schema: What its value must be, as JSON Schema.
        default: The JSON value that stands for leaving it out.
        about: What it does, one sentence.
        scope: Whose settings it is read from.
        restraint: What of it holds in a folder that is not trusted; None if all of it.
        secret: Its value may hold a password or a key: never show it.
    """

    name: str
    attribute: str
    expected: str
    schema: Mapping[str, object]
    default: object
    about: str
    scope: Scope
    restraint: Restraint | None
    secret: bool

    @property
    def needs_trust(self) -> bool:
        """Whether some value of it takes effect in a trusted folder only."""
        return self.restraint is not None


def setting(
    default: object,
    rule: Rule,
    about: str,
    scope: Scope = Scope.FOLDER,
    *,
    untrusted: Restraint | None = None,
    secret: bool = False,
) -> Any:
    """Return the field of a setting, for the dataclass that holds them all.

    Args:
        default: What stands for leaving it out.
        rule: What its value must be.
        about: What it does, one sentence.
        scope: Whose settings it is read from.
        untrusted: What of it holds in a folder that is not trusted; left out, all of it.
        secret: Whether its value may hold a password or a key.
    """
    return dataclasses.field(
        default_factory=lambda: default,
        hash=None if not isinstance(default, Mapping) else False,
        repr=not secret,
        metadata={
            "rule": rule,
            "about": about,
            "scope": scope,
            "restraint": untrusted,
            "secret": secret,
        },
    )
