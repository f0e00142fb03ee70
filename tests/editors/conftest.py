"""Real editors as their users have them: in a terminal, with a home of their own.

The server, the SDK and the CLI are the real ones; only the model is a stand-in.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.e2e.editor import EXECUTABLE
from tests.processes import gone_within, kill_all

from .terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GONE_SECONDS = 10.0
"""After the editor, within which nothing of it may be left."""


class Record(Protocol):
    """Notes a property of a test in the results."""

    def __call__(self, name: str, value: object) -> None:
        """See pytest's `record_property`."""


class OpenTerminal(Protocol):
    """Starts a program on a screen."""

    def __call__(self, *command: str | Path, columns: int = 100, lines: int = 30) -> Terminal:
        """See `Terminal`; it is started in the test's `folder`."""


@pytest.fixture(autouse=True)
def shown(request: pytest.FixtureRequest, record_property: Record) -> None:
    """What the test shows, for the table that is made from the results."""
    for mark in request.node.iter_markers("shows"):
        for ability in mark.args:
            record_property("shows", str(ability))


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    """Of an editor whose user has installed the server."""
    return {**environment, "PATH": f"{EXECUTABLE.parent}{os.pathsep}{environment['PATH']}"}


@pytest.fixture
def terminal_with(environment: dict[str, str], folder: Path) -> Iterator[OpenTerminal]:
    """Opens terminals; at the end each is closed, and no process of theirs may be left."""
    terminals: list[Terminal] = []

    def open_terminal(*command: str | Path, columns: int = 100, lines: int = 30) -> Terminal:
        terminal = Terminal(command, environment, folder, columns=columns, lines=lines)
        terminals.append(terminal)
        return terminal

    yield open_terminal
    for terminal in terminals:
        terminal.close()
    gone = gone_within(environment, GONE_SECONDS)
    left = kill_all(environment)
    assert gone, f"these processes were left: {left}"
