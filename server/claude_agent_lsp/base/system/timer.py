"""A timer of the system that interrupts whatever the main thread does; Windows has none."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

HAS_TIMER: Final = sys.platform != "win32"


def on_alarm(look: Callable[[int, FrameType | None], None]) -> None:
    """Call something with what is being done each time the alarm comes."""
    if sys.platform != "win32":
        signal.signal(signal.SIGALRM, look)


def set_alarm(seconds: float) -> None:
    """Have the alarm come once after so many seconds; 0 for never."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)
