"""From values to medians, quartiles, and ratios taken pair by pair."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Round: TypeAlias = Mapping[str, float]
"""One value for each peer that took part in a round."""


@dataclass(frozen=True)
class Summary:
    """Values in short."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Summary:
        """Return the median and the quartiles.

        Raises:
            ValueError: There is no value.
        """
        if not values:
            raise ValueError("nothing was measured")
        if len(values) == 1:
            return cls(values[0], values[0], values[0], 1)
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high, len(values))


@dataclass(frozen=True)
class Bound:
    """What is wanted of this server.

    Attributes:
        limit: A ratio to the `peer`, or a value if there is none.
        peer: Who it is compared with.
        at_least: Whether more is better.
    """

    limit: float
    peer: str | None = None
    at_least: bool = False

    def holds(self, value: float) -> bool:
        """Whether a ratio, or a value, is as wanted."""
        return value >= self.limit if self.at_least else value <= self.limit

    @property
    def sign(self) -> str:
        """Between the value and the limit."""
        return "≥" if self.at_least else "≤"


@dataclass(frozen=True)
class Measure:
    """A line of the table: what was measured, of whom, and what is wanted.

    Attributes:
        name: What it is, in a few words.
        unit: "s", "B", "tokens/s".
        rounds: The values, in the order in which they were taken.
        subject: Whose value the bound is for.
        bound: What is wanted.
        beside: The peer whose ratio is shown where no bound names one.
    """

    name: str
    unit: str
    rounds: Sequence[Round]
    subject: str
    bound: Bound | None = None
    beside: str | None = None

    @property
    def peers(self) -> tuple[str, ...]:
        """Who was measured, in the order of their turns."""
        return tuple(dict.fromkeys(peer for values in self.rounds for peer in values))

    def of(self, peer: str) -> Summary:
        """Return a peer's values in short."""
        return Summary.of([values[peer] for values in self.rounds if peer in values])

    @property
    def reference(self) -> str | None:
        """The peer that the ratio is taken to."""
        return self.bound.peer if self.bound is not None and self.bound.peer else self.beside

    @property
    def ratio(self) -> Summary | None:
        """The ratio to the reference: each round's own, so that a slow moment hits both."""
        other = self.reference
        pairs = [
            v[self.subject] / v[other]
            for v in self.rounds
            if other and {self.subject, other} <= v.keys()
        ]
        return Summary.of(pairs) if pairs else None

    @property
    def met(self) -> bool | None:
        """Whether the bound is met; None if there is none, or it could not be looked at."""
        if self.bound is None or self.subject not in self.peers:
            return None
        if self.bound.peer is None:
            return self.bound.holds(self.of(self.subject).median)
        return None if self.ratio is None else self.bound.holds(self.ratio.median)

    def as_json(self) -> dict[str, Any]:
        """Return all of it."""
        ratio = self.ratio
        return {
            "name": self.name,
            "unit": self.unit,
            "subject": self.subject,
            "peers": {
                peer: {
                    "median": (summary := self.of(peer)).median,
                    "quartiles": [summary.low, summary.high],
                    "values": [values[peer] for values in self.rounds if peer in values],
                }
                for peer in self.peers
            },
            "ratio": ratio
            and {
                "to": self.reference,
                "median": ratio.median,
                "quartiles": [ratio.low, ratio.high],
            },
            "wanted": self.bound
            and {
                "limit": self.bound.limit,
                "sign": self.bound.sign,
                "to": self.bound.peer,
                "met": self.met,
            },
        }
