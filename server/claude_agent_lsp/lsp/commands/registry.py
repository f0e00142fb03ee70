"""The table of commands, made from the methods that carry them out.

What the server registers and checks, and what the documentation's test compares, comes from it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from claude_agent_lsp.lsp.commands.arguments import Argument
from claude_agent_lsp.lsp.commands.names import NAMES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from claude_agent_lsp.base.abort import AbortController, AbortSignal

S = TypeVar("S")
A = TypeVar("A", bound=Argument)
Method: TypeAlias = "Callable[[S, A, Request], Awaitable[object]]"


@dataclass(frozen=True, slots=True)
class Request:
    """What came with a command besides its argument.

    Attributes:
        signal: Fires when the editor cancels the request, or `stop` does.
        stop: Stops it from within the server.
        work_done_token: Where it wants to see progress.
        has_run: Set once a run answers it, which ends by itself when it is stopped.
    """

    signal: AbortSignal
    stop: AbortController
    work_done_token: int | str | None
    has_run: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Command:
    """A row of the table of commands."""

    name: str
    argument: type[Argument]
    run: Callable[[Any, Any, Request], Awaitable[object]]


COMMANDS: Final[dict[str, Command]] = {}


def command(name: str, argument: type[A]) -> Callable[[Method[S, A]], Method[S, A]]:
    """Puts a method into the table.

    Args:
        name: What the editor calls it.
        argument: What its argument has to be.

    Raises:
        LookupError: The editor is not told of a command of that name.
    """
    if name not in NAMES:
        raise LookupError(name)

    def register(run: Method[S, A]) -> Method[S, A]:
        COMMANDS[name] = Command(name, argument, run)
        return run

    return register
