"""A user of Helix who has taken the files of editors/helix into their configuration."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.editors.installed import ROOT, executable

if TYPE_CHECKING:
    from tests.editors.conftest import OpenTerminal
    from tests.editors.terminal import Terminal


READY = 'claude-agent -> {"jsonrpc":"2.0","method":"initialized"'


class OpenHelix(Protocol):
    """Starts Helix on a screen."""

    def __call__(
        self, *arguments: str | Path, columns: int = 100, lines: int = 40, settings: str = ""
    ) -> Terminal:
        """See `Terminal`; returned once its server listens, with `settings` as the agent's."""


@pytest.fixture
def open_helix(environment: dict[str, str], folder: Path, terminal_with: OpenTerminal) -> OpenHelix:
    """Opens Helix on screens."""
    hx = executable("hx")
    configuration = Path(environment["XDG_CONFIG_HOME"]) / "helix"
    configuration.mkdir(parents=True)
    for name in ("languages.toml", "config.toml"):
        shutil.copy(ROOT / "editors" / "helix" / name, configuration)
    (folder / ".git").mkdir()

    def start(
        *arguments: str | Path, columns: int = 100, lines: int = 40, settings: str = ""
    ) -> Terminal:
        if settings:
            with (configuration / "languages.toml").open("a") as file:
                table = "[language-server.claude-agent.config.claudeAgent]"
                file.write(f"\n{table}\n{settings}\n")
        log = folder.parent / "helix.log"
        log.unlink(missing_ok=True)
        terminal = terminal_with(hx, "-v", "--log", log, *arguments, columns=columns, lines=lines)
        # Nothing on the screen tells that the server is there.
        terminal.wait_for(lambda _: log.exists() and READY in log.read_text())
        return terminal

    return start
