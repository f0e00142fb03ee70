"""`claude-agent-lsp login`: the login of the CLI that the server runs, in this terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.agent.cli import locate
from claude_agent_lsp.base.texts.results import plain
from claude_agent_lsp.errors import CliNotFound

if TYPE_CHECKING:
    from argparse import Namespace

NO_TERMINAL: Final = "A login asks you something: run it in a terminal."
DONE: Final = "Logged in. `claude-agent-lsp doctor` checks the rest."


def login(options: Namespace) -> int:
    """Run `claude auth login`.

    Args:
        options: What `cli.py` has read of the command line.

    Returns:
        The exit status: the CLI's own; 1 if there is none, or no terminal.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        sys.stderr.write(f"{NO_TERMINAL}\n")
        return 1
    try:
        cli = locate(options.cli)
    except CliNotFound as error:
        sys.stderr.write(f"{plain(str(error))} {plain(error.hint)}\n")
        return 1
    try:
        done = subprocess.run([cli, "auth", "login", *_words(options)], check=False)  # noqa: S603
    except OSError as error:
        sys.stderr.write(f"{plain(os.fspath(cli))} can't be run: {error.strerror}.\n")
        return 1
    if done.returncode == 0:
        sys.stderr.write(f"{DONE}\n")
    return done.returncode if done.returncode >= 0 else 128 - done.returncode


def _words(options: Namespace) -> list[str]:
    words = [f"--{name}" for name in ("console", "sso") if getattr(options, name)]
    return words if options.email is None else [*words, f"--email={options.email}"]
