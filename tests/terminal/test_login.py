"""`login`: the CLI's own, with this terminal."""

from __future__ import annotations

import os
import pty
import subprocess
from typing import TYPE_CHECKING

from claude_agent_lsp.terminal.login import DONE, NO_TERMINAL

from .conftest import EXECUTABLE, SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import User

CLI = """#!/bin/sh
read -r code
echo "$@ with $code" > "$HOME/asked"
test "$code" = right
"""


def cli(user: User) -> Path:
    path = user.home / "a-claude"
    path.write_text(CLI)
    path.chmod(0o755)
    return path


def typed(user: User, code: str, *arguments: str) -> tuple[int, str]:
    """What comes of a login in a terminal, in which a code is typed."""
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        [EXECUTABLE, "login", *arguments],
        env=user.environment,
        cwd=user.home,
        stdin=terminal,
        stdout=terminal,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.write(controller, f"{code}\n".encode())
        _, said = process.communicate(timeout=SECONDS)
    os.close(terminal)
    os.close(controller)
    return process.returncode, said


def test_the_cli_asks_in_this_terminal(user: User) -> None:
    status, said = typed(user, "right", "--cli", str(cli(user)), "--console", "--email", "a@b.c")
    assert (status, said) == (0, f"{DONE}\n")
    asked = (user.home / "asked").read_text()
    assert asked == "auth login --console --email=a@b.c with right\n"


def test_a_login_that_fails_fails(user: User) -> None:
    assert typed(user, "wrong", "--cli", str(cli(user))) == (1, "")


def test_the_real_cli_has_this_login(user: User) -> None:
    done = user.run("login")  # no terminal: nothing is asked
    assert (done.returncode, done.stderr) == (1, f"{NO_TERMINAL}\n")
    from claude_agent_lsp.agent.cli import locate

    helped = subprocess.run(
        [locate(None), "auth", "login", "--help"],
        env=user.environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS,
    )
    assert all(word in helped.stdout for word in ("--console", "--sso", "--email"))


def test_without_a_cli_it_says_so(user: User) -> None:
    status, said = typed(user, "", "--cli", "/nowhere/claude")
    assert status == 1
    assert "/nowhere/claude does not exist." in said
