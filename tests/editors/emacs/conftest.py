"""A user of Emacs who has the package on their load-path."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.editors.installed import ROOT, executable

if TYPE_CHECKING:
    from tests.editors.conftest import OpenTerminal
    from tests.editors.terminal import Terminal

PACKAGE = ROOT / "editors" / "emacs"
SECONDS = 100  # only catches hangs

INIT = """\
;; -*- lexical-binding: t -*-
;; This Emacs has no compiler of native code, and a trial of one would cost time.
(setq native-comp-jit-compilation nil
      native-comp-enable-subr-trampolines nil
      suggest-key-bindings nil
      inhibit-startup-screen t
      initial-scratch-message nil
      make-backup-files nil
      auto-save-default nil
      create-lockfiles nil)
(menu-bar-mode -1)
(add-to-list 'load-path "PACKAGE")
(require 'claude-agent)
"""


class OpenEmacs(Protocol):
    """Starts Emacs on a screen."""

    def __call__(self, *arguments: str | Path, columns: int = 100, lines: int = 30) -> Terminal:
        """See `Terminal`."""


class RunEmacs(Protocol):
    """Runs Emacs without a screen."""

    def __call__(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Returns how it went."""


@pytest.fixture
def emacs() -> Path:
    """The executable; the test is skipped where there is none."""
    return executable("emacs")


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it is installed: compiled."""
    home = tmp_path_factory.mktemp("home")
    installed = home / "claude-agent"
    shutil.copytree(PACKAGE, installed)
    subprocess.run(
        [
            *(executable("emacs"), "--batch", "-Q", "-L", installed),
            *("--eval", "(setq native-comp-jit-compilation nil)", "-f", "batch-byte-compile"),
            *sorted(installed.glob("*.el")),
        ],
        env={**os.environ, "HOME": str(home)},
        check=True,
        capture_output=True,
        timeout=SECONDS,
    )
    return installed


@pytest.fixture
def init(environment: dict[str, str], package: Path) -> Path:
    """The user's init.el."""
    path = Path(environment["XDG_CONFIG_HOME"]) / "emacs" / "init.el"
    path.parent.mkdir(parents=True)
    path.write_text(INIT.replace("PACKAGE", str(package)), encoding="utf-8")
    return path


@pytest.fixture
def open_emacs(emacs: Path, init: Path, terminal_with: OpenTerminal) -> OpenEmacs:
    """Opens Emacs on screens."""

    def start(*arguments: str | Path, columns: int = 100, lines: int = 30) -> Terminal:
        return terminal_with(emacs, "-nw", *arguments, columns=columns, lines=lines)

    return start


@pytest.fixture
def run_emacs(emacs: Path, init: Path, environment: dict[str, str], folder: Path) -> RunEmacs:
    """Runs Emacs to its end, with the user's init.el."""

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [emacs, "--batch", "-l", init, *arguments],
            env=environment,
            cwd=folder,
            check=False,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    return run


def command(emacs: Terminal, name: str) -> None:
    """Executes a command by its name."""
    emacs.keys("M-x")
    emacs.wait_for("M-x")
    emacs.type(name, "Enter")


def ask(emacs: Terminal, prompt: str) -> None:
    """Asks as a user does."""
    command(emacs, "claude-agent-ask")
    emacs.wait_for("Ask Claude")
    emacs.type(prompt, "Enter")


def conversation(emacs: Terminal, folder: Path) -> str:
    """Returns all that is in the conversation's buffer."""
    path = folder.parent / "conversation.txt"
    path.unlink(missing_ok=True)
    evaluate(
        emacs,
        "(with-current-buffer (car (claude-agent-conversation-buffers))"
        f' (let ((coding-system-for-write \'utf-8)) (write-region nil nil "{path}.new"))'
        f' (rename-file "{path}.new" "{path}"))',
    )
    emacs.wait_for(lambda _: path.exists())
    return path.read_text(encoding="utf-8")


def evaluate(emacs: Terminal, expression: str) -> None:
    """Has an expression evaluated."""
    emacs.keys("M-:")
    emacs.wait_for("Eval:")
    emacs.type(expression, "Enter")
