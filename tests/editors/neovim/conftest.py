"""A user of Neovim who has installed the plugin as a native package."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.editors.installed import ROOT, executable

if TYPE_CHECKING:
    from tests.editors.conftest import OpenTerminal
    from tests.editors.terminal import Terminal

PLUGIN = ROOT / "editors" / "neovim"
SECONDS = 60  # only catches hangs
PRELUDE = """
local agent = require('claude_agent')

local function talk()
  return require('claude_agent.conversation').of(0)
end

local function idle()
  assert(vim.wait(30000, function() return talk().state == 'idle' end, 5), talk().activity)
end

local function ask(command)
  vim.cmd(command)
  idle()
end

local function text()
  return table.concat(vim.api.nvim_buf_get_lines(talk().page.buf, 0, -1, false), '\\n')
end
"""


class OpenNeovim(Protocol):
    """Starts Neovim on a screen."""

    def __call__(self, *arguments: str | Path, columns: int = 100, lines: int = 30) -> Terminal:
        """See `Terminal`."""


@pytest.fixture
def nvim() -> Path:
    """The executable; the test is skipped where there is none."""
    return executable("nvim")


@pytest.fixture
def configuration(environment: dict[str, str]) -> Path:
    """The user's init.lua; the plugin is in their packages."""
    packages = Path(environment["XDG_DATA_HOME"]) / "nvim" / "site" / "pack" / "ours" / "start"
    packages.mkdir(parents=True)
    (packages / "claude-agent").symlink_to(PLUGIN)
    init = Path(environment["XDG_CONFIG_HOME"]) / "nvim" / "init.lua"
    init.parent.mkdir(parents=True)
    # The server's folder needs no repository, and what Neovim says stays on the screen.
    init.write_text("vim.o.swapfile = false\nvim.o.shadafile = 'NONE'\n")
    return init


@pytest.fixture
def open_neovim(nvim: Path, configuration: Path, terminal_with: OpenTerminal) -> OpenNeovim:
    def start(*arguments: str | Path, columns: int = 100, lines: int = 30) -> Terminal:
        return terminal_with(nvim, *arguments, columns=columns, lines=lines)

    return start


class RunLua(Protocol):
    """Runs a script in a Neovim without a screen."""

    def __call__(self, script: str, *, bare: bool = False) -> Any:
        """Returns what the script returns, by way of JSON; `bare` is without the `PRELUDE`."""


@pytest.fixture
def lua(
    nvim: Path, configuration: Path, environment: dict[str, str], folder: Path, tmp_path: Path
) -> RunLua:
    def run(script: str, *, bare: bool = False) -> Any:
        answer, program = tmp_path / "answer.json", tmp_path / "program.lua"
        program.write_text(
            f"local value = (function()\n{'' if bare else PRELUDE}{script}\nend)()\n"
            f"vim.fn.writefile({{ vim.json.encode(value) }}, {json.dumps(str(answer))})\n"
            "vim.cmd.qall({ bang = true })\n"
        )
        # As `-l` does, but with the user's plugins.
        done = subprocess.run(
            [nvim, "--headless", "-c", f"luafile {program}", "-c", "cquit 1"],
            env=environment,
            cwd=folder,
            check=False,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(answer.read_text())

    return run
