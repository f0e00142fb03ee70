"""The `claude` executable: which one it is, whether it is one, and whether its disk answers.

A process is started in the thread that asks for it, which for asyncio, and so for the SDK, is the
event loop's: it waits until the system has found the folder and read the executable. CPython keeps
even its interpreter lock for that long (`vfork`; 3.11 to 3.14), so a thread would help nobody. So a
disk that hangs has to hang before, in a thread: `reach` looks at all that a start needs. What is
left is a disk that begins to hang in the millisecond after.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.cli_places import bundled_in, find_cli, how_to_get_one
from claude_agent_lsp.agent.os_processes.output import output_of
from claude_agent_lsp.base.disk.reading import open_regular
from claude_agent_lsp.base.lanes import Lane, disk
from claude_agent_lsp.base.system.machine import system_name
from claude_agent_lsp.errors import CliFailedToStart, CliNotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

# It answers within 0.1 s; a cold disk takes longer.
VERSION_SECONDS: Final = 20.0
MOST_BYTES: Final = 1000
# The system reads as much of an executable to tell what it is.
FIRST_BYTES: Final = 4096
FIRST_PARTY: Final = "firstParty"
_VERSION = re.compile(r"\d+\.\d+\.\d+\S*")
# Of each file that was named, its last state and its version. There are as many as the user names.
_checked: dict[Path, tuple[int, str]] = {}
_lanes: dict[Path, Lane] = {}


@dataclass(frozen=True, slots=True)
class Cli:
    """An executable and the version that it says it has."""

    path: Path
    version: str


def locate(configured: Path | None) -> Path:
    """Return the executable that runs are made with.

    Args:
        configured: The setting `cliPath`. Left out, it is the SDK's own, else the user's.

    Raises:
        CliNotFound: There is none.
    """
    if configured is not None:
        if not configured.is_file():
            raise CliNotFound(f"{configured} does not exist.")
        return configured
    found = _bundled() or find_cli()
    if found is None:
        raise CliNotFound(
            "No `claude` executable was found on this machine.", hint=how_to_get_one(system_name())
        )
    return found


def named_to_the_sdk(configured: Path | None) -> Path | None:
    """Return the executable that the SDK has to be told of; None for its own.

    Raises:
        CliNotFound: There is none.
    """
    found = locate(configured)
    return None if found == _bundled() else found


def _bundled() -> Path | None:
    spec = importlib.util.find_spec("claude_agent_sdk")
    return None if spec is None or spec.origin is None else bundled_in(Path(spec.origin).parent)


async def find(configured: Path | None) -> Path:
    """Do as `locate` does, in a thread: one executable whose disk hangs holds up no other one."""
    if configured is None:
        return await disk.run(locate, None)
    return await _lane(configured).read(locate, configured)


def reach(executable: Path | None, folder: Path) -> None:
    """Look at what a start needs of the disks. It raises nothing: the start itself tells better.

    Args:
        executable: The setting `cliPath`.
        folder: The folder that it starts in.
    """
    with contextlib.suppress(OSError, CliNotFound):
        _reach(locate(executable))
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        next(entries, None)


def login_of(account: Mapping[str, Any]) -> str | None:
    """Where a CLI's login comes from, as it says itself at its start; never the login.

    Args:
        account: `account` of `AgentProcess.info`.

    Returns:
        The name of a key, a token or a cloud provider; None if there is no login.
    """
    sources = (account.get("apiKeySource"), account.get("tokenSource"))
    source = next((str(source) for source in sources if source and source != "none"), None)
    provider = account.get("apiProvider") or FIRST_PARTY
    return str(provider) if source is None and provider != FIRST_PARTY else source


async def check(path: Path, environment: Mapping[str, str] | None = None) -> Cli:
    """Run `--version` once for each state of the file.

    Args:
        path: The executable.
        environment: What is added to its environment, by which whoever ends it finds it.

    Raises:
        CliFailedToStart: It can't be run, or is something else than the CLI.
    """
    try:
        async with asyncio.timeout(VERSION_SECONDS):
            changed = await _lane(path).read(_reach, path)
    except TimeoutError:
        raise CliFailedToStart(f"{path} can't be read: its disk does not answer.") from None
    before, version = _checked.get(path, (None, ""))
    if before != changed:
        version = await _version(path, environment or {})
        _checked[path] = changed, version
    return Cli(path, version)


def _lane(path: Path) -> Lane:
    return _lanes.setdefault(path, Lane())


def _reach(executable: Path) -> int:
    """Read the beginning of an executable; return its last change, in ns since 1970."""
    # One may be run that may not be read.
    with contextlib.suppress(PermissionError), open_regular(executable) as file:
        file.read(FIRST_BYTES)
    return executable.stat().st_mtime_ns


async def _version(path: Path, environment: Mapping[str, str]) -> str:
    try:
        said, _ = await output_of(
            path,
            "--version",
            environment={**os.environ, **environment},
            seconds=VERSION_SECONDS,
            most_bytes=MOST_BYTES,
        )
    except OSError as error:
        raise CliFailedToStart(f"{path} can't be run: {error.strerror}.") from error
    text = said.decode(errors="replace")
    match = _VERSION.match(text)
    if match is None:
        shown = text.split("\n", 1)[0][:80]
        raise CliFailedToStart(f"{path} is not the Claude CLI: `--version` printed {shown!r}.")
    return match[0]
