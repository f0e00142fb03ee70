"""What `demo` and `doctor` write on: a terminal, or a pipe."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from typing import Self

WIDEST = 100


@dataclass(frozen=True, slots=True)
class Signs:
    """The few characters beyond ASCII; each has a stand-in where there is only ASCII."""

    good: str = "✓"
    bad: str = "✗"
    note: str = "·"
    sent: str = "→"
    received: str = "←"
    user: str = "›"  # noqa: RUF001 - as prompts have it
    agent: str = "●"
    times: str = "×"  # noqa: RUF001 - that is the sign
    ellipsis: str = "…"
    bar: str = "│"
    line: str = "─"

    @classmethod
    def for_console(cls, console: Console) -> Self:
        """Return the signs that this console's encoding has."""
        signs = cls()
        try:
            "".join(getattr(signs, name) for name in cls.__slots__).encode(console.encoding)
        except (UnicodeEncodeError, LookupError):
            return cls("ok", "X", "-", "->", "<-", ">", "*", "x", "...", "|", "-")
        return signs


def open_screen() -> Console:
    """Return a console on stdout: no wider than is pleasant, colours on a terminal only.

    It keeps to NO_COLOR, and writes a character that the encoding lacks as "?".
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        with contextlib.suppress(io.UnsupportedOperation):
            sys.stdout.reconfigure(errors="replace")
    console = Console(highlight=False, markup=False, emoji=False)
    console.width = min(console.width, WIDEST)
    return console
