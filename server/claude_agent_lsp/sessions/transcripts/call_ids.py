"""An id for each tool call, whatever the model calls it.

The model names its calls, and its results are told by these names. It may give two calls the same
one: who goes by that takes one call for the other, and one is not seen at all.
"""

from __future__ import annotations

from collections import defaultdict, deque


class CallIds:
    """The ids of the calls of one run, or of one transcript, in their order."""

    def __init__(self) -> None:
        self._given: set[str] = set()
        self._next: dict[str, int] = defaultdict(lambda: 1)
        self._waiting: dict[str, deque[str]] = defaultdict(deque)
        self._settled: set[str] = set()

    def begin(self, name: str) -> str:
        """Return the id of a call that the model has named: its name, unless another one has it."""
        own = name
        while own in self._given:
            self._next[name] += 1
            own = f"{name}~{self._next[name]}"
        self._given.add(own)
        if name in self._settled:
            self._settled.discard(name)
            self._waiting[name].clear()
        self._waiting[name].append(own)
        return own

    def of_result(self, name: str) -> str | None:
        """Return the id of the call that a result is of: the first of this name that has none.

        Where all have one, it is another one of the last.
        """
        waiting = self._waiting.get(name)
        if not waiting:
            return None
        if len(waiting) > 1:
            return waiting.popleft()
        self._settled.add(name)
        return waiting[0]

    def is_shared(self, name: str) -> bool:
        """Return whether several calls have had this name."""
        return self._next.get(name, 1) > 1
