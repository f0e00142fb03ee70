"""`uninstall`: what the server has kept goes, and nothing else."""

from __future__ import annotations

import ast
import os
import pty
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.sessions.lock import SessionLocks
from claude_agent_lsp.terminal.uninstall import AGENTS, OURS, UNASKED

from .conftest import EXECUTABLE, SECONDS

if TYPE_CHECKING:
    from .conftest import User

SERVER = Path(__file__).parents[2] / "server" / "claude_agent_lsp"


@pytest.fixture
def state(user: User) -> Path:
    """A state directory with something of the server's, and something else."""
    directory = user.home / "state"
    (directory / "journal").mkdir(parents=True)
    (directory / "journal" / "a.jsonl").write_text("{}")
    (directory / "trust.json").write_text("{}")
    (directory / "diary.txt").write_text("mine")
    user.environment["CLAUDE_AGENT_LSP_STATE_DIRECTORY"] = str(directory)
    return directory


def answered(user: User, answer: str) -> tuple[int, str]:
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        [EXECUTABLE, "uninstall"],
        env=user.environment,
        stdin=terminal,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.write(controller, f"{answer}\n".encode())
        _, said = process.communicate(timeout=SECONDS)
    os.close(terminal)
    os.close(controller)
    return process.returncode, said


def test_it_asks_and_no_means_no(user: User, state: Path) -> None:
    status, said = answered(user, "")
    assert status == 1
    assert f"Remove all that is kept in {state}" in said
    assert (state / "trust.json").exists()


def test_yes_removes_what_is_the_servers_and_nothing_else(user: User, state: Path) -> None:
    status, said = answered(user, "y")
    assert status == 0
    assert f"Removed what was kept in {state}." in said
    assert [path.name for path in state.iterdir()] == ["diary.txt"]
    again = user.run("uninstall", "--yes")
    assert again.returncode == 0
    assert "Nothing is kept" in again.stderr


def test_without_a_terminal_it_wants_to_be_told(user: User, state: Path) -> None:
    done = user.run("uninstall")
    assert (done.returncode, done.stderr) == (1, f"{UNASKED}\n")
    assert (state / "journal" / "a.jsonl").exists()


def test_a_link_goes_and_what_it_leads_to_stays(user: User, state: Path) -> None:
    elsewhere = user.home / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").write_text("mine")
    (state / "kept").symlink_to(elsewhere, target_is_directory=True)
    assert user.run("uninstall", "--yes").returncode == 0
    assert not (state / "kept").is_symlink()
    assert (elsewhere / "file").read_text() == "mine"


def test_an_agent_removes_nothing(user: User, state: Path) -> None:
    user.environment["CLAUDE_AGENT_LSP_PROCESS"] = "its"
    done = user.run("uninstall", "--yes")
    assert (done.returncode, done.stderr) == (1, f"{AGENTS}\n")
    assert (state / "trust.json").exists()


def test_while_a_run_is_at_work_nothing_goes(user: User, state: Path) -> None:
    locks = SessionLocks(lambda: state, "an editor")
    locks.claim("a-session", "run")
    done = user.run("uninstall", "--yes")
    assert done.returncode == 1
    assert "a-session" in done.stderr
    assert (state / "trust.json").exists()
    locks.release("a-session", "run")
    assert user.run("uninstall", "--yes").returncode == 0


def test_every_name_in_the_state_directory_is_known() -> None:
    named = set()
    for path in SERVER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.BinOp)
                and isinstance(node.op, ast.Div)
                and ast.unparse(node.left) in ("self._state_directory()", "state_directory()")
                and isinstance(node.right, ast.Constant)
            ):
                named.add(node.right.value)
    assert len(named) > 5
    assert named <= OURS
