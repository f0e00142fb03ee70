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
    from collections.abc import Awaitable, Callable, Mapping

    from claude_agent_lsp.base.abort import AbortController, AbortSignal
    from claude_agent_lsp.base.lanes import SessionLane
    from claude_agent_lsp.lsp.commands.order import Order
    from claude_agent_lsp.lsp.commands.runs.waiting_queries import WaitingQueries
    from claude_agent_lsp.lsp.services.services import Services

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
        given: Its argument as it came.
        has_run: Set once a run answers it, which ends by itself when it is stopped.
    """

    signal: AbortSignal
    stop: AbortController
    work_done_token: int | str | None
    given: Mapping[str, Any] = field(default_factory=dict)
    has_run: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Command:
    """A row of the table of commands.

    Attributes:
        name: What the editor calls it.
        argument: What its argument has to be.
        group: Whose method it is.
        run: The method.
    """

    name: str
    argument: type[Argument]
    group: type[CommandGroup]
    run: Callable[[Any, Any, Request], Awaitable[object]]


COMMANDS: Final[dict[str, Command]] = {}
_MARK: Final = "command"


class CommandGroup:
    """Commands that are about the same. A subclass puts its own into the table.

    Args:
        services: What they work with.
        order: Assigns each its place.
        queries: Those that wait, and those that begin.
    """

    def __init__(self, services: Services, order: Order, queries: WaitingQueries) -> None:
        self._services = services
        self._order = order
        self._queries = queries

    def __init_subclass__(cls) -> None:
        """Put the methods that `command` has marked into the table."""
        for run in vars(cls).values():
            if hasattr(run, _MARK):
                name, argument = getattr(run, _MARK)
                COMMANDS[name] = Command(name, argument, cls, run)

    def _lane(self, session_id: str) -> SessionLane:
        return self._services.agent.lanes.session(session_id)


def command(name: str, argument: type[A]) -> Callable[[Method[S, A]], Method[S, A]]:
    """Mark a method of a `CommandGroup` as a command.

    Args:
        name: What the editor calls it.
        argument: What its argument has to be.

    Raises:
        LookupError: There is no command of that name.
    """
    if name not in NAMES:
        raise LookupError(name)

    def mark(run: Method[S, A]) -> Method[S, A]:
        setattr(run, _MARK, (name, argument))
        return run

    return mark
