"""A CLI that did not come with the SDK: where it is looked for, what is said if there is none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from claude_agent_lsp.agent import cli, cli_places
from claude_agent_lsp.agent.cli import locate, named_to_the_sdk
from claude_agent_lsp.errors import CliNotFound


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with nothing in it, an SDK without a CLI, and nothing on the PATH."""
    home = tmp_path / "home"
    monkeypatch.setattr(Path, "home", lambda: home)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("NPM_CONFIG_PREFIX", raising=False)
    monkeypatch.setattr(cli, "_bundled", lambda: None)
    usual = cli_places._directories
    machines = ("/usr/local/bin", "/opt/homebrew/bin")  # what is there is this machine's own
    monkeypatch.setattr(
        cli_places,
        "_directories",
        lambda: [place for place in usual() if str(place) not in machines],
    )
    return home


@pytest.mark.parametrize(
    "place",
    [
        ".local/bin/claude",
        ".npm-global/bin/claude",
        "node_modules/.bin/claude",
        ".nvm/versions/node/v22.3.0/bin/claude",
        ".volta/bin/claude",
    ],
)
def test_it_is_found_where_installers_put_it(place: str, elsewhere: Path) -> None:
    wanted = program(elsewhere / place)
    assert locate(None) == wanted
    assert named_to_the_sdk(None) == wanted


def test_the_path_comes_first_and_the_newest_node(elsewhere: Path, tmp_path: Path) -> None:
    program(elsewhere / ".nvm/versions/node/v9.1.0/bin/claude")
    newest = program(elsewhere / ".nvm/versions/node/v22.3.0/bin/claude")
    assert locate(None) == newest
    first = program(tmp_path / "bin" / "claude")
    assert locate(None) == first


def test_a_prefix_of_npm_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPM_CONFIG_PREFIX", str(tmp_path / "prefix"))
    wanted = program(tmp_path / "prefix" / "bin" / "claude")
    assert locate(None) == wanted


def test_windows_has_the_program_beside_the_script_of_npm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_places, "WINDOWS", True)
    monkeypatch.setenv("APPDATA", str(tmp_path / "Roaming"))
    package = tmp_path / "Roaming/npm/node_modules/@anthropic-ai/claude-code"
    wanted = program(package / "bin" / "claude.exe")
    assert locate(None) == wanted


@pytest.mark.parametrize(
    ("system", "says"),
    [
        ("linux-x86_64", "Reinstall claude-agent-sdk"),
        ("linux-musl-x86_64", "npm install -g @anthropic-ai/claude-code"),
        ("win-aarch64", "npm install -g @anthropic-ai/claude-code"),
        ("freebsd-x86_64", r"\(freebsd-x86_64\).*run on Linux, macOS and Windows"),
    ],
)
def test_without_one_the_hint_fits_the_system(
    system: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "system_name", lambda: system)
    with pytest.raises(CliNotFound) as refused:
        locate(None)
    assert refused.value.hint is not None
    assert re.search(says, refused.value.hint)
    assert "cliPath" in refused.value.hint


def test_the_sdks_own_is_not_named_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = program(tmp_path / "sdk" / "_bundled" / "claude")
    assert cli_places.bundled_in(tmp_path / "sdk") == own
    monkeypatch.setattr(cli, "_bundled", lambda: own)
    assert locate(None) == own
    assert named_to_the_sdk(None) is None
