"""Processes where the systems differ: groups, starts, signals, the least environment."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

if sys.platform == "win32":
    TICKS_PER_SECOND: Final = 100
else:
    TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
# Without these Windows starts no program that wants random numbers or a socket: Python is one.
_NEEDED: Final = ("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR")
_PR_SET_CHILD_SUBREAPER: Final = 36
# What asks a program to end. SIGHUP is how an editor in a terminal ends when its window is closed,
# SIGBREAK what Windows has for both.
ENDING_SIGNALS: Final = ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")


def group_of(pid: int) -> int | None:
    """Return the group of a process; None if it is gone, or on Windows, which has no groups."""
    if sys.platform == "win32":
        return None
    else:
        try:
            return os.getpgid(pid)
        except OSError:
            return None


def session_of(pid: int) -> int:
    """Return the session that a process is in; one of its own where there are none."""
    if sys.platform == "win32":
        return pid
    else:
        try:
            return os.getsid(pid)
        except OSError:
            return pid


def user_id() -> int | None:
    """Return the number of this process's user; None on Windows, where users have none."""
    if sys.platform == "win32":
        return None
    else:
        return os.geteuid()


def now() -> int:
    """Return this moment in ticks, as the system counts the starts of processes.

    Linux counts from its own start, others from 1970.
    """
    if sys.platform == "linux":
        nanoseconds = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    else:
        nanoseconds = time.time_ns()
    return nanoseconds * TICKS_PER_SECOND // 10**9


def apart() -> dict[str, Any]:
    """Return the arguments of `subprocess.Popen` for what must outlive a closed terminal.

    It gets a session of its own; on Windows a group of its own, and no window.
    """
    if sys.platform == "win32":
        import subprocess

        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        return {"creationflags": flags}
    else:
        return {"start_new_session": True}


def bare_environment(**variables: str) -> dict[str, str]:
    """Return the least environment that a program starts with, and what is given."""
    if sys.platform == "win32":
        needed = {name: os.environ[name] for name in _NEEDED if name in os.environ}
        return needed | variables
    else:
        return variables


def stop_waiting(handle: int) -> None:
    """Have a pipe refuse what it has no room for, instead of waiting.

    Windows can't do so before Python 3.12: a write waits there.

    Raises:
        OSError: It is no pipe.
    """
    if sys.platform != "win32" or sys.version_info >= (3, 12):
        os.set_blocking(handle, False)


def on_signal(loop: asyncio.AbstractEventLoop, name: str, act: Callable[[], object]) -> bool:
    """Do something on the loop whenever a signal comes. Call it in the main thread.

    Args:
        loop: The running loop. On Windows it can't wait for signals: Python's handler wakes it.
        name: The signal's name, such as "SIGTERM"; where there is none, nothing is done.
        act: What is done.

    Returns:
        Whether the signal can come here.
    """
    number = getattr(signal, name, None)
    if number is None:
        return False
    if sys.platform == "win32":
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(act))
    else:
        loop.add_signal_handler(number, act)
    return True


def become_subreaper() -> bool:
    """Have the system give this process what loses its parents below it; Linux alone can.

    Returns:
        Whether it does.
    """
    if sys.platform != "linux":
        return False
    else:
        import ctypes

        try:
            return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
        except (OSError, AttributeError):
            return False


def any_child_ended() -> bool:
    """Return whether a child has ended that nobody has waited for; it costs one call.

    It is for those who became a subreaper: elsewhere it is never known.
    """
    if sys.platform != "linux":
        return False
    else:
        try:
            return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return False


def reap(pid: int) -> None:
    """Take note of the end of a child that nobody else waits for."""
    if sys.platform != "win32":
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            return
