"""An agent that may run commands, in a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.conversations.test_changes import git
from tests.e2e.runs import allow_tools

if TYPE_CHECKING:
    from pathlib import Path

TEN = "".join(f"{number}\n" for number in range(10))


@pytest.fixture
def repository(environment: dict[str, str], folder: Path) -> Path:
    """The folder of the editor."""
    allow_tools(environment)
    (folder / "deep").mkdir()
    (folder / "a.txt").write_text(TEN)
    (folder / "b.txt").write_text("one\ntwo\n")
    (folder / "gone.txt").write_text("soon\n")
    (folder / "gone.txt").chmod(0o755)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    return folder
