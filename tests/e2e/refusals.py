"""How a request is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from pygls.exceptions import JsonRpcException

if TYPE_CHECKING:
    from .editor import Asked

INVALID = -32602
FAILED = -32803
CANCELLED = -32800


@dataclass(frozen=True)
class Refusal:
    """An error that a request was answered with.

    Attributes:
        data: Its `data`, empty if it has none.
    """

    code: int
    message: str
    data: dict[str, Any]

    @property
    def reason(self) -> Any:
        """Why it failed, as a word."""
        return self.data.get("reason")

    @property
    def hint(self) -> str:
        """What the user can do about it."""
        return str(self.data["hint"])

    @property
    def run(self) -> dict[str, Any]:
        """The run that failed."""
        run: dict[str, Any] = self.data["run"]
        return run


async def refusal(asked: Asked) -> Refusal:
    """Wait for the error that a request is answered with; a result is a failure."""
    with pytest.raises(JsonRpcException) as caught:
        await asked
    error = caught.value
    return Refusal(error.code, error.message, dict(error.data or {}))
