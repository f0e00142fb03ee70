"""The package as a user installs it, where there is a Python and no server."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.editor import EXECUTABLE
from tests.processes import processes_of

if TYPE_CHECKING:
    from .conftest import OpenWindow

# All that the server needs is fetched, a CLI of 200 MB among it.
INSTALLED_MS = 400_000
pytestmark = [pytest.mark.long, pytest.mark.timeout(560)]


@pytest.fixture
def extension(vsix: Path, tmp_path: Path) -> Path:
    """The extension as it comes out of the package."""
    with zipfile.ZipFile(vsix) as archive:
        archive.extractall(tmp_path / "package")
    return tmp_path / "package" / "extension"


@pytest.fixture
def environment(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """Of a user who has Python, and not the server."""
    commands = tmp_path / "commands"
    commands.mkdir()
    (commands / "python3").symlink_to(Path(sys.executable).resolve())
    own = str(EXECUTABLE.parent)
    path = [each for each in environment["PATH"].split(os.pathsep) if each != own]
    environment = {**environment, "PATH": os.pathsep.join([str(commands), *path])}
    if (server := shutil.which("claude-agent-lsp", path=environment["PATH"])) is not None:
        pytest.skip(f"{server} is installed for all")
    return environment


def test_package_brings_the_server_that_it_needs(
    open_window: OpenWindow, environment: dict[str, str]
) -> None:
    window = open_window()
    # What the conversation begins with is for the server to say.
    window.ask("remember the code PINEAPPLE-42", INSTALLED_MS)
    window.wait_for("I will remember it.")
    window.wait_idle()
    servers = [each for each in processes_of(environment) if "--stdio" in each.cmdline()]
    assert servers
    assert all("globalStorage" in " ".join(each.cmdline()) for each in servers)
