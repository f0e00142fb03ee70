"""The `claude` executable: which one it is, and whether it is one."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.errors import CliFailedToStart, CliNotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

# It answers within 0.1 s; a cold disk takes longer.
VERSION_SECONDS: Final = 20.0
MOST_BYTES: Final = 1000
FIRST_PARTY: Final = "firstParty"
_VERSION = re.compile(r"\d+\.\d+\.\d+\S*")
# Of each file that was named, its last state and its version. There are as many as the user names.
_checked: dict[Path, tuple[int, str]] = {}


@dataclass(frozen=True, slots=True)
class Cli:
    """An executable and the version that it says it has."""

    path: Path
    version: str


def locate(configured: Path | None) -> Path:
    """Return the executable that runs are made with.

    Args:
        configured: The setting `cliPath`. Left out, it is the SDK's own, else the one on the
            PATH, in the order in which the SDK looks (0.2.187).

    Raises:
        CliNotFound: There is none.
    """
    if configured is not None:
        if not configured.is_file():
            raise CliNotFound(f"{configured} does not exist.")
        return configured
    spec = importlib.util.find_spec("claude_agent_sdk")
    if spec is not None and spec.origin is not None:
        name = "claude.exe" if os.name == "nt" else "claude"
        bundled = Path(spec.origin).parent / "_bundled" / name
        if bundled.is_file():
            return bundled
    found = shutil.which("claude")
    if found is None:
        raise CliNotFound("No `claude` executable was found on this machine.")
    return Path(found)


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
    changed = (await disk.run(path.stat)).st_mtime_ns
    before, version = _checked.get(path, (None, ""))
    if before != changed:
        version = await _version(path, environment or {})
        _checked[path] = changed, version
    return Cli(path, version)


async def _version(path: Path, environment: Mapping[str, str]) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            path,
            "--version",
            env={**os.environ, **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        raise CliFailedToStart(f"{path} can't be run: {error.strerror}.") from error
    assert process.stdout is not None
    said, more = b"", b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(VERSION_SECONDS):
            # One that prints for ever must be neither waited for nor kept in memory.
            while len(said) < MOST_BYTES and (more := await process.stdout.read(MOST_BYTES)):
                said += more
            if not more:
                # It has said all: let it end. To kill it in that very moment makes asyncio warn.
                await process.wait()
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    text = said.decode(errors="replace")
    match = _VERSION.match(text)
    if match is None:
        shown = text.split("\n", 1)[0][:80]
        raise CliFailedToStart(f"{path} is not the Claude CLI: `--version` printed {shown!r}.")
    return match[0]
