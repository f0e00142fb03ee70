"""Real paths of folders, any of which may be on a disk that hangs.

What is done for one folder often has to know whether a path that somebody has written down leads
to it. That path may be anywhere, on a network disk that is gone say, and following its links would
wait for that disk. So it is looked at in a thread of its own, and waited for only so long.
"""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.lanes import disk

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class _Found:
    real: str
    exists: bool


REAL_SECONDS: Final = 0.5
# The looks on their way, each with when it began. One that hangs is neither begun again nor waited
# for again, so there are no more of them than paths.
_looks: dict[str, tuple[Future[_Found], float]] = {}
_changing: Final = threading.Lock()


def real_paths(paths: Iterable[str | Path]) -> dict[str, str | None]:
    """Follow the links of several paths, side by side. It blocks: call it in a thread.

    Returns:
        By its path, the real one; None where the disk does not answer within half a second.
    """
    return {name: None if found is None else found.real for name, found in _seen(paths).items()}


def real_path(path: str | Path) -> str | None:
    """Follow the links of one path, as `real_paths` does."""
    (real,) = real_paths([path]).values()
    return real


def is_same_path(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same place; of a disk that hangs, whether they are the same."""
    if one == other:
        return True
    first, second = real_paths([one, other]).values()
    return first is not None and first == second


def is_gone(path: Path) -> bool:
    """Whether there is nothing any more; of a disk that hangs, it is not known to be so."""
    (found,) = _seen([path]).values()
    return found is not None and not found.exists


def _seen(paths: Iterable[str | Path]) -> dict[str, _Found | None]:
    looks = {name: _look(name) for name in (os.fspath(path) for path in paths)}
    for future, began in looks.values():
        wait([future], timeout=max(0.0, began + REAL_SECONDS - time.monotonic()))
    return {name: each.result() if each.done() else None for name, (each, _) in looks.items()}


def _look(name: str) -> tuple[Future[_Found], float]:
    with _changing:
        look = _looks.get(name)
        if look is not None:
            return look
        look = _looks[name] = Future(), time.monotonic()
    try:
        disk.begin(partial(_follow, name, look[0]))
    except BaseException:
        # The system has no thread left: it is not the disk that does not tell.
        with _changing:
            del _looks[name]
        raise
    return look


def _follow(name: str, found: Future[_Found]) -> None:
    real, exists = name, True
    try:
        # A loop of links, or no path at all, is what it is called.
        with suppress(OSError, ValueError):
            real = os.path.realpath(name)
            exists = os.path.lexists(real)
    finally:
        with _changing:
            del _looks[name]
        found.set_result(_Found(real, exists))
