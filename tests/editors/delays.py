"""How long an editor does not look at its keys."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

AT_MOST = 50.0
"""Milliseconds that a key may take."""
PACE_SECONDS = 0.03
"""Between two keys or words: quicker than anybody types. Each is a process that tmux starts."""


@dataclass(frozen=True)
class Delays:
    """The times, in ms, in which an editor did not look, as a probe in it has measured them.

    By its own work, by the clock, and as much of the work as collected garbage.
    """

    worked: list[float]
    late: list[float]
    collected: list[float] | None = None

    @classmethod
    def of(cls, taken: Path) -> Delays:
        """Reads what a probe has written."""
        return cls(**json.loads(taken.read_text()))

    def __str__(self) -> str:
        return ", ".join(
            f"{name}: median {part(values, 0.5):.1f}, 99 % {part(values, 0.99):.1f}, "
            f"longest {max(values):.1f} ms"
            for name, values in vars(self).items()
            if values is not None
        )

    def assert_short_beside(self, alone: Delays) -> None:
        """No key has waited, as far as it is the editor's doing.

        Args:
            alone: How it fares without the agent. By the clock the machine's other work counts
                too: not the longest, but nearly all of them.
        """
        assert max(self.worked) < AT_MOST
        assert part(self.late, 0.95) < max(AT_MOST, 2 * part(alone.late, 0.95))


def part(values: list[float], share: float) -> float:
    """What this share of the values is not above."""
    return sorted(values)[int(len(values) * share)]
