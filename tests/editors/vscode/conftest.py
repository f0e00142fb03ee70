"""VS Code as its users have it: the extension built, a home of their own, a browser as window."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.editors.conftest import GONE_SECONDS
from tests.processes import gone_within, kill_all

from .code_server import EXTENSION, ROOT, CodeServer, browser, installation, node
from .window import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext

SIZE = (1280, 800)
expect.set_options(timeout=30_000)  # milliseconds; only catches what never comes
CARRIED = ("package.json", "README.md", "media", "walkthrough", "dist", "out", "node_modules")


class OpenWindow(Protocol):
    """Opens a window of VS Code."""

    def __call__(self, *, folder: Path | None = None, workspace: Path | None = None) -> Window:
        """See `CodeServer.url`; without either, the test's folder is open."""


@pytest.fixture(scope="session")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The extension, built for tests in a directory of its own: workers don't share it."""
    installation()
    directory = tmp_path_factory.mktemp("extension")
    for source in EXTENSION.iterdir():
        if source.name == "node_modules":
            (directory / source.name).symlink_to(source, target_is_directory=True)
        elif source.name not in ("dist", "out"):
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, directory / source.name)
    built = subprocess.run(
        [node() / "node", "esbuild.mjs", "--tests"],
        check=False,
        cwd=directory,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def vsix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built in a copy of the tree: workers don't share what is built."""
    installation()
    copy = tmp_path_factory.mktemp("tree")
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    wanted = (
        "editors/vscode/",
        "server/",
        "requirements/server.txt",
        "scripts/",
        "LICENSE",
        "CHANGELOG.md",
        "README.md",
        "py",
    )
    for name in files:
        source = ROOT / name
        if name.startswith(wanted) and source.is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes(source.read_bytes())
    (copy / ".venv").symlink_to(ROOT / ".venv", target_is_directory=True)
    modules = copy / "editors" / "vscode" / "node_modules"
    modules.symlink_to(EXTENSION / "node_modules", target_is_directory=True)
    built = subprocess.run(
        ["sh", "scripts/extension.sh", "package"],
        check=False,
        cwd=copy,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return copy / "editors" / "vscode" / "dist" / "claude-agent.vsix"


# One for a module: no other test may run beside Playwright's loop.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    installation()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=browser(),
            args=["--no-sandbox", "--disable-dev-shm-usage", "--force-color-profile=srgb"],
        )
        yield running
        running.close()


@pytest.fixture
def environment(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """Of VS Code; the place of its sockets is short, since their paths may not be long."""
    run = tempfile.mkdtemp(prefix="run-")
    yield {
        **environment,
        "XDG_RUNTIME_DIR": run,
        "LANG": "C.UTF-8",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    shutil.rmtree(run, ignore_errors=True)


@pytest.fixture
def settings() -> Mapping[str, Any]:
    """The user's settings; tests have others."""
    return {}


@pytest.fixture
def options() -> Sequence[str]:
    """Of VS Code's command line."""
    return ()


@pytest.fixture
def code_server(
    environment: dict[str, str],
    extension: Path,
    settings: Mapping[str, Any],
    options: Sequence[str],
) -> Iterator[CodeServer]:
    """VS Code with the extension; at the end no process of it may be left."""
    server = CodeServer(environment, extension=extension, settings=settings, options=options)
    server.start()
    yield server
    server.remove()
    gone = gone_within(environment, GONE_SECONDS)
    left = kill_all(environment)
    assert gone, f"these processes were left: {left}"


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """One user's: what a window has kept in the browser is there in the next.

    To be asked for after `code_server`: its pages are closed before VS Code ends.
    """
    with chromium.new_context(viewport={"width": SIZE[0], "height": SIZE[1]}) as opened:
        yield opened


@pytest.fixture
def open_window(code_server: CodeServer, context: BrowserContext, folder: Path) -> OpenWindow:
    """Opens windows; they close at the end."""

    def open_(*, folder_: Path | None = None, workspace: Path | None = None) -> Window:
        page = context.new_page()
        page.set_default_timeout(60_000)
        if workspace is None:
            page.goto(code_server.url(folder=folder_ or folder))
        else:
            page.goto(code_server.url(workspace=workspace))
        return Window(page)

    def open_window(*, folder: Path | None = None, workspace: Path | None = None) -> Window:
        return open_(folder_=folder, workspace=workspace)

    return open_window
