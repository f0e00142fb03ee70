"""The executable as a user runs it, with a home of its own; only the model is a stand-in."""

from __future__ import annotations

import contextlib
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from claude_agent_lsp.loopback import Loopback
from claude_agent_lsp.terminal.demo.story import SCRIPT

if TYPE_CHECKING:
    from collections.abc import Iterator

EXECUTABLE = Path(__file__).parents[2] / ".venv" / "bin" / "claude-agent-lsp"
# Not one of those that the loopback model's environment leaves out.
MARK = "TERMINAL_TEST"
SECONDS = 100  # only catches hangs
GONE_SECONDS = 15


@dataclass(frozen=True)
class User:
    """Somebody with a shell.

    Attributes:
        home: Their home directory.
        temporary: Where programs may keep what is gone afterwards.
        environment: Of the shell.
    """

    home: Path
    temporary: Path
    environment: dict[str, str]

    def start(self, *arguments: str, **popen: Any) -> subprocess.Popen[str]:
        """Start the executable; what it writes is piped."""
        return subprocess.Popen(
            [EXECUTABLE, *arguments],
            env=self.environment,
            cwd=self.home,
            text=True,
            encoding="utf-8",
            **{
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                **popen,
            },
        )

    def run(self, *arguments: str, **popen: Any) -> subprocess.CompletedProcess[str]:
        """Run the executable to its end."""
        with self.start(*arguments, **popen) as process:
            try:
                out, err = process.communicate(timeout=SECONDS)
            except BaseException:
                process.kill()
                raise
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def processes(self) -> list[psutil.Process]:
        """All that lives and was started from this shell, by whomever."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                alive = process.status() != psutil.STATUS_ZOMBIE
                if alive and process.environ().get(MARK) == self.environment[MARK]:
                    found.append(process)
        return found


@pytest.fixture
def model() -> Iterator[Loopback]:
    with Loopback(*SCRIPT) as running:
        yield running


@pytest.fixture
def user(model: Loopback, tmp_path: Path) -> Iterator[User]:
    """A user whose account is the loopback model; at the end nothing of theirs may be left."""
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    environment = model.environment(home) | {
        "TMPDIR": str(temporary),
        MARK: str(uuid.uuid4()),
        "CLAUDE_CODE_MAX_RETRIES": "0",
        "PYTHONIOENCODING": "utf-8",
    }
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE"):
        environment.pop(name, None)
    someone = User(home, temporary, environment)
    yield someone
    until = time.monotonic() + GONE_SECONDS
    while (left := someone.processes()) and time.monotonic() < until:
        psutil.wait_procs(left, timeout=0.1)
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    assert not left, f"these processes were left: {left}"
    # The CLI keeps a directory of its own there, for all its processes.
    directories = [path.name for path in temporary.iterdir() if "claude-agent-lsp" in path.name]
    assert directories == []
