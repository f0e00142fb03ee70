"""Draws the editors' pictures anew, each the screen of the real one: `make screenshots`.

Each editor is at work in the same project, against the loopback model. What it shows is drawn as
its user sees it, with the theme of the other pictures.
"""

# ruff: noqa: INP001 - a script, which nobody imports

from __future__ import annotations

import io
import os
import re
import shutil
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from scripts.pictures import IMAGES, SVG, THEME  # noqa: E402
from tests.editors.installed import directory  # noqa: E402
from tests.editors.terminal import Terminal  # noqa: E402

from claude_agent_lsp.loopback import Loopback, call, reply, say, think  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

VSCODE = "vscode"
COLUMNS, LINES = 104, 32
HELIX_READY = 'claude-agent -> {"jsonrpc":"2.0","method":"initialized"'
PROGRAM = '''\
"""Say hello."""

import sys


def greeting(name):
    return "Hello, " + name


def main():
    print(greeting(sys.argv[1]))


main()
'''
OLD = "    print(greeting(sys.argv[1]))"
NEW = '    print(greeting(sys.argv[1] if sys.argv[1:] else "world"))'
ANSWER = """\
`main` takes the name from the command line and does not look whether there is one:

- `python hello.py Ada` says **Hello, Ada**
- `python hello.py` ends with an `IndexError`

I'll let it greet the world then."""


@dataclass(frozen=True)
class Stage:
    """Where an editor is at work.

    Attributes:
        project: The folder that is open, with a file `hello.py`.
        environment: Of the editor, with a home of its own.
        binaries: Where `make editors` has put the editors.
    """

    project: Path
    environment: Mapping[str, str]
    binaries: Path

    def terminal(self, *command: str | Path) -> Terminal:
        """Start a program on a screen."""
        return Terminal(command, self.environment, self.project, columns=COLUMNS, lines=LINES)


def neovim(stage: Stage) -> str:
    """Neovim: lines of a file are asked about, and the edit waits for the user's leave."""
    packages = Path(stage.environment["XDG_DATA_HOME"]) / "nvim" / "site" / "pack" / "a" / "start"
    packages.mkdir(parents=True)
    (packages / "claude-agent").symlink_to(ROOT / "editors" / "neovim")
    init = Path(stage.environment["XDG_CONFIG_HOME"]) / "nvim" / "init.lua"
    init.parent.mkdir(parents=True)
    init.write_text("vim.o.termguicolors = true\nvim.o.background = 'dark'\nvim.o.number = true\n")
    with stage.terminal(stage.binaries / "nvim", "hello.py") as terminal:
        terminal.wait_for("greeting")
        terminal.type(":10,11ClaudeAgent ask What is wrong here?", "Enter")
        terminal.wait_for("2: Allow once")
        return terminal.screen(colours=True)


def emacs(stage: Stage) -> str:
    """Emacs: lines of a file are asked about, and the edit waits for the user's leave."""
    init = Path(stage.environment["XDG_CONFIG_HOME"]) / "emacs" / "init.el"
    init.parent.mkdir(parents=True)
    init.write_text(
        "(setq native-comp-jit-compilation nil inhibit-startup-screen t)\n"
        "(menu-bar-mode -1)\n(setq frame-background-mode 'dark)\n"
        "(setq-default mode-line-front-space nil mode-line-mule-info nil)\n"
        f"(add-to-list 'load-path \"{ROOT / 'editors' / 'emacs'}\")\n(require 'claude-agent)\n"
    )
    with stage.terminal(stage.binaries / "emacs", "-nw", "hello.py") as terminal:
        terminal.wait_for("greeting")
        terminal.keys("M-g", "g")
        terminal.type("10", "Enter")
        terminal.keys("C-Space", "C-n", "C-n", "M-x")
        terminal.type("claude-agent-ask", "Enter")
        terminal.wait_for("Ask Claude about lines 10-11")
        terminal.type("What is wrong here?", "Enter")
        terminal.wait_for("default Deny)")
        return terminal.screen(colours=True)


def helix(stage: Stage) -> str:
    """Helix: lines of a file were asked about, and the edit is read in full before its leave."""
    configuration = Path(stage.environment["XDG_CONFIG_HOME"]) / "helix"
    configuration.mkdir(parents=True)
    for name in ("languages.toml", "config.toml"):
        shutil.copy(ROOT / "editors" / "helix" / name, configuration)
    (stage.project / ".git").mkdir()
    log = stage.project.parent / "helix.log"
    with stage.terminal(stage.binaries / "hx", "-v", "--log", log, "hello.py") as terminal:
        terminal.wait_for(lambda _: log.exists() and HELIX_READY in log.read_text())
        terminal.keys("1", "0", "g", "g", "x", "x", "Space", "q", "s")
        terminal.wait_for('"prompt": "')
        terminal.type("What is wrong here?", "Enter")
        terminal.wait_for("Read it in full")
        terminal.keys("Down", "Enter")
        terminal.wait_for("## Answer")
        return terminal.screen(colours=True)


EDITORS: dict[str, Callable[[Stage], str]] = {"neovim": neovim, "emacs": emacs, "helix": helix}


def main(names: list[str]) -> int:
    """Draw the pictures of these editors, or of all; returns the exit status."""
    for name in names or [*EDITORS, VSCODE]:
        if name == VSCODE:
            draw_vscode()
            continue
        (IMAGES / f"{name}.svg").write_text(picture(name, shown(name)), encoding="utf-8")
    return 0


def shown(name: str) -> str:
    """Return an editor's screen, with its escape sequences."""
    with stage() as place:
        screen = EDITORS[name](place)
        home = str(place.project.parent)
        return "\n".join(without(line, home) for line in screen.splitlines())


def draw_vscode() -> None:
    """Draws VS Code, which is no terminal."""
    from scripts.vscode_screenshots import draw

    with stage() as place:
        draw(place.project, place.environment, IMAGES)


@contextmanager
def stage() -> Iterator[Stage]:
    """Return where an editor is at work, with the model that answers there."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory_, Loopback() as model:
        home = Path(directory_)
        project = home / "hello"
        project.mkdir()
        (project / "hello.py").write_text(PROGRAM)
        path = str(project / "hello.py")
        edit = call("Edit", file_path=path, old_string=OLD, new_string=NEW)
        model.add(
            reply(
                "wrong",
                [think("Let me look."), call("Read", file_path=path)],
                [say(ANSWER), edit],
                [say("It greets the world now.")],
            )
        )
        venv = ROOT / ".venv" / "bin"
        own = model.environment(home)
        environment = own | {"PATH": f"{venv}{os.pathsep}{own['PATH']}"}
        yield Stage(project, environment, directory() / "bin")


def without(line: str, home: str) -> str:
    """Return a line as long as it was: a picture tells nothing of the machine it was drawn on."""
    gap = " " * (len(home) - 1)
    return re.sub(re.escape(home) + r"(\S*)", lambda path: f"~{path[1]}{gap}", line)


def picture(name: str, screen: str) -> str:
    """Return a screen as SVG."""
    console = Console(
        file=io.StringIO(),
        record=True,
        width=COLUMNS,
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
    )
    for text in Text.from_ansi(screen).split("\n"):  # a colour may go on in the next line
        # Gaps as pieces of their own: some viewers draw leading blanks too narrow.
        text.highlight_regex(r" {2,}", "italic")
        console.print(text, no_wrap=True, crop=True, highlight=False)
    return console.export_svg(title=name.title(), theme=THEME, code_format=SVG, unique_id=name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
