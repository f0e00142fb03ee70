"""Where a CLI may be that did not come with the SDK, and how to get one.

The SDK's wheels have one for some systems; on others pip builds the SDK from source, without one
(0.2.187). npm has packages of the CLI for more of them (2.1.332).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claude_agent_lsp.base.system.paths import WINDOWS
from claude_agent_lsp.base.system.programs import find_program, program_file, program_in

if TYPE_CHECKING:
    from collections.abc import Iterator

# As `system_name` of base/system/machine.py has them.
BUNDLED_FOR: Final = frozenset(
    {"linux-x86_64", "linux-aarch64", "macosx-arm64", "macosx-x86_64", "win-x86_64"}
)
ALSO_FOR: Final = frozenset({"linux-musl-x86_64", "linux-musl-aarch64", "win-aarch64"})
NPM: Final = "npm install -g @anthropic-ai/claude-code"
_PACKAGE: Final = ("node_modules", "@anthropic-ai", "claude-code", "bin", "claude.exe")


def find_cli() -> Path | None:
    """Return the user's own CLI: the one on the PATH, else where installers put it."""
    return (
        find_program("claude")
        or program_in([os.fspath(place) for place in _directories()], "claude")
        or next((place for place in _npm_on_windows() if place.is_file()), None)
    )


def bundled_in(package: Path) -> Path | None:
    """Return the CLI in the SDK's directory; None if it came without."""
    found = package / "_bundled" / program_file("claude")
    return found if found.is_file() else None


def how_to_get_one(system: str) -> str:
    """Return in a few sentences how a user gets a CLI.

    Args:
        system: As `system_name` has it.
    """
    if system in BUNDLED_FOR:
        return (
            "Reinstall claude-agent-sdk, which brings the CLI along for this system, or name one "
            "by the setting claudeAgent.cliPath."
        )
    known = f"claude-agent-sdk brings no CLI along for this system ({system})."
    if system in ALSO_FOR:
        return (
            f"{known} Install it with `{NPM}`; it is found on the PATH and where npm puts it, or "
            "name it by the setting claudeAgent.cliPath."
        )
    return (
        f"{known} Those that there are run on Linux, macOS and Windows, on x86-64 and Arm in 64 "
        "bits. If you have one, name it by the setting claudeAgent.cliPath."
    )


def _directories() -> Iterator[Path]:
    """Where installers and npm put it: those that the SDK looks at, and other prefixes of npm."""
    home = Path.home()
    if prefix := os.environ.get("NPM_CONFIG_PREFIX"):
        yield Path(prefix, "bin")
    yield from (
        home / ".local/bin",
        home / ".npm-global/bin",
        Path("/usr/local/bin"),
        Path("/opt/homebrew/bin"),
        home / "node_modules/.bin",
        home / ".yarn/bin",
        home / ".bun/bin",
        home / ".volta/bin",
        home / ".claude/local",
    )
    # Of several versions of Node, the newest.
    nodes = (home / ".nvm/versions/node").glob("v*/bin")
    yield from sorted(nodes, key=lambda place: _numbers(place.parent.name), reverse=True)


def _npm_on_windows() -> list[Path]:
    """Npm's own `claude` is a script there, which the SDK refuses: the program is beside it."""
    named = (os.environ.get("NPM_CONFIG_PREFIX"), os.environ.get("APPDATA"))
    return [
        Path(directory, *below, *_PACKAGE)
        for directory in named
        if directory and WINDOWS
        for below in ((), ("npm",))
    ]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.lstrip("v").split(".") if part.isdecimal())
