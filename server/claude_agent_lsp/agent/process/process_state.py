"""The states of a CLI process, and which may follow which.

    STARTING ──▶ READY ──▶ ENDING ──▶ GONE
        └───────────────────▲              it failed to start, or was ended before it had

STARTING  it is being started and can take no prompt yet
READY     it takes prompts
ENDING    it was asked to end, or has died: what is left of it is ended, and it is used no more
GONE      nothing of it is left
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class ProcessState(Enum):
    """Where a CLI process is between its start and its end."""

    STARTING = auto()
    READY = auto()
    ENDING = auto()
    GONE = auto()


ALLOWED: Final[Mapping[ProcessState, frozenset[ProcessState]]] = {
    ProcessState.STARTING: frozenset({ProcessState.READY, ProcessState.ENDING}),
    ProcessState.READY: frozenset({ProcessState.ENDING}),
    ProcessState.ENDING: frozenset({ProcessState.GONE}),
    ProcessState.GONE: frozenset(),
}


class Lifecycle:
    """The state of one process. It begins with STARTING.

    Attributes:
        state: The state now.
    """

    def __init__(self) -> None:
        self.state = ProcessState.STARTING

    @property
    def usable(self) -> bool:
        """Whether it takes prompts, now or soon."""
        return self.state in (ProcessState.STARTING, ProcessState.READY)

    def enter(self, state: ProcessState) -> None:
        """Go on to another state.

        Raises:
            RuntimeError: It can't follow the one now: a fault of the caller.
        """
        if state not in ALLOWED[self.state]:
            raise RuntimeError(f"A process can't go from {self.state.name} to {state.name}.")
        self.state = state

    def begin_ending(self) -> None:
        """Go on to ENDING, unless it is that or GONE."""
        if self.usable:
            self.enter(ProcessState.ENDING)
