"""A terminal that a test types into and looks at: tmux, with a server of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SECONDS = 30.0  # only catches hangs
# Each look is a process that tmux starts, and takes from what is waited for.
LOOK_SECONDS = 0.05


class Terminal:
    """A program on a screen. It ends with the program, or with `close`.

    Args:
        command: The program and its arguments.
        environment: Of the program, complete.
        folder: Where it is started.
        columns, lines: The size of the screen.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        environment: Mapping[str, str],
        folder: Path,
        *,
        columns: int = 100,
        lines: int = 30,
    ) -> None:
        # A socket's path may have no more than 107 bytes, a test's own directory has more.
        self._directory = Path(tempfile.mkdtemp(prefix="tmux-"))
        self._environment = {
            **environment,
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
        }
        for name in ("TMUX", "TMUX_PANE", "NO_COLOR", "VIM", "VIMRUNTIME", "NVIM"):
            self._environment.pop(name, None)
        self._tmux(
            *("set-option", "-g", "default-terminal", "tmux-256color", ";"),
            *("set-option", "-g", "escape-time", "0", ";"),
            *("set-option", "-g", "status", "off", ";"),
            *("set-option", "-ga", "terminal-overrides", ",*:Tc", ";"),
            *("new-session", "-d", "-x", str(columns), "-y", str(lines), "-c", str(folder)),
            *("--", *(str(word) for word in command)),
        )
        self.pid = int(self._tmux("display-message", "-p", "#{pane_pid}"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def running(self) -> bool:
        """Whether the program is still there."""
        return self._run("has-session").returncode == 0

    @property
    def cursor(self) -> tuple[int, int]:
        """Where the cursor stands: column and line, from 0."""
        column, line = self._tmux("display-message", "-p", "#{cursor_x} #{cursor_y}").split()
        return int(column), int(line)

    def keys(self, *keys: str) -> None:
        """Presses keys by tmux's names: "Enter", "Escape", "C-c", "a"."""
        self._tmux("send-keys", *keys)

    def type(self, text: str, *keys: str) -> None:
        """Types a text as it is, then presses keys."""
        self._tmux("send-keys", "-l", "--", text)
        if keys:
            self.keys(*keys)

    def screen(self, *, colours: bool = False) -> str:
        """Returns what is shown, a line each; with its escape sequences if `colours`."""
        return self._tmux("capture-pane", "-p", *(["-e", "-N"] if colours else []))

    def wait_for(self, wanted: str | Callable[[str], object], *, seconds: float = SECONDS) -> str:
        """Waits until the screen holds a text, or is as a function wants it; returns the screen.

        Raises:
            AssertionError: It has not come within so many seconds; the message has the screen.
        """
        look = (lambda screen: wanted in screen) if isinstance(wanted, str) else wanted
        until = time.monotonic() + seconds
        while not look(screen := self.screen()):
            assert time.monotonic() < until, f"{wanted!r} did not come:\n{screen}"
            time.sleep(LOOK_SECONDS)
        return screen

    def wait_without(self, unwanted: str, *, seconds: float = SECONDS) -> str:
        """Waits until a text is no longer shown; returns the screen."""
        return self.wait_for(lambda screen: unwanted not in screen, seconds=seconds)

    def wait_gone(self, *, seconds: float = SECONDS) -> None:
        """Waits until the program has ended.

        Raises:
            AssertionError: It has not within so many seconds; the message has the screen.
        """
        until = time.monotonic() + seconds
        while self.running:
            assert time.monotonic() < until, f"it did not end:\n{self.screen()}"
            time.sleep(LOOK_SECONDS)

    def kill(self) -> None:
        """Ends the program as nothing can be prepared for: by SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Ends the program, if it is still there, and the terminal."""
        self._run("kill-server")
        shutil.rmtree(self._directory, ignore_errors=True)

    def _tmux(self, *arguments: str) -> str:
        done = self._run(*arguments)
        assert done.returncode == 0, f"tmux {arguments}: {done.stderr}"
        return done.stdout

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["tmux", "-u", "-S", str(self._directory / "s"), "-f", "/dev/null", *arguments],
            env=self._environment,
            check=False,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
