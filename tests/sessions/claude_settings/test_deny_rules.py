"""What the user's rules keep from the agent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from claude_agent_lsp.sessions.claude_settings.deny_rules import DenyRules

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(home / ".claude"))
    (home / ".claude").mkdir(parents=True)
    return home


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / ".claude").mkdir(parents=True)
    return folder


def deny(file: Path, *rules: str) -> None:
    file.write_text(json.dumps({"permissions": {"deny": rules, "allow": ["Read"]}}))


@pytest.mark.parametrize(
    ("rule", "path", "denied"),
    [
        ("Read(.env)", ".env", True),
        ("Read(.env)", "deep/down/.env", True),
        ("Read(./.env)", ".env", True),
        ("Read(./.env)", "deep/.env", False),
        ("Read(./secrets/**)", "secrets/a/b", True),
        ("Read(/.env)", ".env", True),
        ("Read(*.pem)", "a/b.pem", True),
        ("Read(.env)", ".envrc", False),
        ("Read", "anything", True),
        ("Edit(.env)", ".env", False),
        ("Bash(cat .env)", ".env", False),
    ],
)
def test_projects_rules_are_meant_in_the_folder(
    home: Path, folder: Path, rule: str, path: str, denied: bool
) -> None:
    deny(folder / ".claude" / "settings.json", rule)
    rules = DenyRules.read(folder)
    assert rules.rules == (rule.replace("(/", f"(/{folder}/"),)
    assert rules.denies_reading(folder / path) is denied


def test_a_rule_about_a_place_beside_its_settings_means_it_wherever_it_is_given(
    home: Path, tmp_path: Path, managed: Path
) -> None:
    folder = tmp_path / "a(b)[c]*\\d"
    (folder / ".claude").mkdir(parents=True)
    deny(home / ".claude" / "settings.json", "Read(/own)", "Bash(/usr/bin/x)", "Read(//etc/x)")
    deny(folder / ".claude" / "settings.local.json", " Edit(/src/**) ", "Read(/)")
    deny(managed, "Read(/.env)")
    name = str(tmp_path / r"a\(b\)\\[c\\]\\*\\\\d")
    rules = DenyRules.read(folder)
    assert rules.rules == (
        *(f"Read(/{home}/.claude/own)", "Bash(/usr/bin/x)", "Read(//etc/x)"),
        *(f"Edit(/{name}/src/**)", f"Read(/{name}/)", f"Read(/{name}/.env)"),
    )
    assert rules.denies_reading(home / ".claude" / "own")
    assert not rules.denies_reading(home / "own")
    assert rules.denies_reading(folder / ".env")


def test_users_rules_may_be_about_other_places(home: Path, folder: Path, tmp_path: Path) -> None:
    deny(home / ".claude" / "settings.json", f"Read(/{tmp_path}/keys/**)", "Read(~/.ssh/**)")
    rules = DenyRules.read(folder)
    assert rules.denies_reading(tmp_path / "keys" / "a")
    assert rules.denies_reading(home / ".ssh" / "id")
    assert not rules.denies_reading(folder / "keys" / "a")


def test_the_organisations_rules_hold_too(folder: Path, managed: Path) -> None:
    deny(managed, "Read(.env)")
    rules = DenyRules.read(folder)
    assert rules.rules == ("Read(.env)",)
    assert rules.denies_reading(folder / ".env")


def test_a_link_to_what_is_denied_is_denied(home: Path, folder: Path) -> None:
    deny(folder / ".claude" / "settings.local.json", "Read(.env)")
    (folder / ".env").touch()
    (folder / "link").symlink_to(".env")
    assert DenyRules.read(folder).denies_reading(folder / "link")


@pytest.mark.parametrize(
    "content",
    ["", "{}", '{"permissions": null}', '{"permissions": {}}', '{"permissions": {"deny": null}}'],
)
def test_file_without_rules_denies_nothing(home: Path, folder: Path, content: str) -> None:
    (folder / ".claude" / "settings.json").write_text(content)
    assert DenyRules.read(folder) == DenyRules()


def test_where_there_can_be_no_file_nothing_is_denied(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / ".claude").touch()
    assert DenyRules.read(folder) == DenyRules()


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        "[" * 100_000,
        '{"permissions": 1}',
        '{"permissions": {"deny": "Read(.env)"}}',
        '{"permissions": {"deny": ["Bash(x)", 1]}}',
        json.dumps({"permissions": {"deny": ["Bash(x)"] * 1001}}),
        "a directory",
    ],
)
def test_file_that_makes_no_sense_may_deny_anything(home: Path, folder: Path, content: str) -> None:
    broken = folder / ".claude" / "settings.json"
    if content == "a directory":
        broken.mkdir()
    else:
        broken.write_text(content)
    deny(home / ".claude" / "settings.json", "Read(.env)", "Bash(cat:*)")
    rules = DenyRules.read(folder)
    # The tools of the agent have the rules that are known: it can be worked with.
    assert (rules.rules, rules.unknown) == (("Read(.env)", "Bash(cat:*)"), (broken,))
    assert rules.denies_reading(folder / "main.py")
    assert str(broken) in (rules.refusal(folder / "main.py") or "")
    assert rules.refusal(folder / ".env") == "a deny rule in your settings forbids reading it"
