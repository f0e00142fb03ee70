"""What a session reads at its start, and whether hooks would run for it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.sessions.claude_settings import start_files as module
from claude_agent_lsp.sessions.claude_settings.start_files import hooks_at_start, start_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MCP = {"mcpServers": {"a": {"command": "b"}}}
SOURCES = ("user", "project", "local")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    config = tmp_path / "config"
    config.mkdir()
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(config))
    return config


@pytest.fixture
def folder(tmp_path: Path, config: Path) -> Path:
    folder = tmp_path / "above" / "folder"
    (folder / ".claude").mkdir(parents=True)
    return folder


def hook(event: str) -> dict[str, Any]:
    return {"hooks": {event: [{"hooks": [{"type": "command", "command": "true"}]}]}}


@pytest.mark.parametrize(
    ("settings", "run"),
    [
        ({}, False),
        (hook("PreToolUse"), False),
        (hook("UserPromptSubmit"), False),
        (hook("SessionStart"), True),
        (hook("SessionEnd"), True),
        (hook("Setup"), True),
        (hook("InstructionsLoaded"), True),
        (hook("SomethingOfALaterVersion"), True),
        ({"hooks": "what?"}, True),
        ({"enabledPlugins": {"a@b": False}}, False),
        ({"enabledPlugins": {"a@b": True}}, True),
    ],
)
def test_hooks_that_a_mere_start_would_run_are_seen(
    folder: Path, config: Path, settings: dict[str, Any], run: bool
) -> None:
    for file in (config / "settings.json", folder / ".claude" / "settings.local.json"):
        file.write_text(json.dumps(settings))
        assert hooks_at_start(folder, SOURCES) is run
        file.unlink()


def test_a_source_that_is_not_read_has_no_say(folder: Path) -> None:
    (folder / ".claude" / "settings.json").write_text(json.dumps(hook("SessionStart")))
    assert hooks_at_start(folder, SOURCES)
    assert not hooks_at_start(folder, ("user",))


def test_settings_that_nobody_can_read_may_name_hooks(folder: Path) -> None:
    (folder / ".claude" / "settings.json").write_text("{")
    assert hooks_at_start(folder, SOURCES)


def write(*below: str, text: str = "x") -> Callable[[Path, Path], object]:
    def change(folder: Path, config: Path) -> None:
        file = (config if below[0] == "config" else folder).joinpath(*below[1:])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("FOLDER", str(folder)))

    return change


@pytest.mark.parametrize(
    "change",
    [
        write("folder", "CLAUDE.md"),
        write("folder", "CLAUDE.local.md"),
        write("folder", "..", "CLAUDE.md"),
        write("folder", ".mcp.json"),
        write("folder", ".claude", "settings.local.json", text="{}"),
        write("folder", ".claude", "rules", "one.md"),
        write("folder", ".claude", "skills", "one", "SKILL.md"),
        write("folder", ".claude", "agents", "one.md"),
        write("config", "CLAUDE.md"),
        write("config", "settings.json", text="{}"),
        write("config", "plugins", "installed_plugins.json", text="{}"),
        write("config", ".claude.json", text=json.dumps({"mcpServers": {"a": {}}})),
        write("config", ".claude.json", text=json.dumps({"projects": {"FOLDER": MCP}})),
        write("folder", "imported.md"),
        write("folder", "docs", "imported too.md"),
    ],
)
def test_each_change_of_what_is_read_is_seen(
    folder: Path, config: Path, change: Callable[[Path, Path], object]
) -> None:
    (folder / "AGENTS.md").write_text("See @imported.md and\n@docs/imported\\ too.md")
    before = start_files(folder)
    assert before is not None
    assert start_files(folder) == before
    change(folder, config)
    assert start_files(folder) not in (before, None)


def test_what_is_imported_by_an_import_is_seen(folder: Path) -> None:
    (folder / "CLAUDE.md").write_text("@one.md")
    (folder / "one.md").write_text("@two.md and @one.md")
    before = start_files(folder)
    (folder / "two.md").write_text("x")
    assert start_files(folder) != before


def test_what_is_not_read_changes_nothing(folder: Path, config: Path) -> None:
    before = start_files(folder)
    (folder / "main.py").write_text("x")
    (config / "history.jsonl").write_text("{}")
    (folder / ".claude" / "rules").mkdir()
    record = {"numStartups": 7, "projects": {str(folder): {"mcpServers": {}, "allowedTools": []}}}
    (config / ".claude.json").write_text(json.dumps(record))
    assert start_files(folder) == before
    assert before is not None


def test_too_many_files_are_not_looked_at(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_FILES", 100)
    skills = folder / ".claude" / "skills"
    skills.mkdir()
    for number in range(101):
        (skills / str(number)).touch()
    assert start_files(folder) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs")
def test_nothing_is_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "CLAUDE.md")
    os.mkfifo(folder / "one.md")
    (folder / "AGENTS.md").write_text("@one.md")
    assert start_files(folder) is not None
