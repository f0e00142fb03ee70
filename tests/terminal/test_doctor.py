from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from claude_agent_lsp.base.system.machine import system_name
from claude_agent_lsp.errors import NotAuthenticated

if TYPE_CHECKING:
    from pathlib import Path

    from claude_agent_lsp.loopback import Loopback

    from .conftest import User

KEY = "a-key-that-nobody-may-see"
VERSION_ONLY = """#!/bin/sh
if [ "$1" = --version ]; then echo "{version} (Claude Code)"; exit; fi
echo "Your licence for $ANTHROPIC_API_KEY has ended." >&2
exit 3
"""


class Report:
    """What `doctor --json` found."""

    def __init__(self, user: User, settings: object = None) -> None:
        arguments = ["doctor", "--json"]
        if settings is not None:
            file = user.home / "settings.json"
            file.write_text(settings if isinstance(settings, str) else json.dumps(settings))
            arguments += ["--settings", str(file)]
        done = user.run(*arguments)
        assert KEY not in done.stdout + done.stderr
        self.status = done.returncode
        report = json.loads(done.stdout)
        self.good: bool = report["good"]
        self.checks: list[dict[str, Any]] = report["checks"]

    def of(self, about: str) -> dict[str, Any]:
        (found,) = (check for check in self.checks if check["about"] == about)
        return found

    def only_fault(self) -> dict[str, Any]:
        """The one fault; it has a hint, and the exit status tells of it."""
        (fault,) = (check for check in self.checks if check["verdict"] == "fault")
        assert not self.good
        assert self.status == 1
        assert fault["hint"]
        return fault


def script(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def test_all_is_well_and_the_model_was_asked_nothing(user: User, model: Loopback) -> None:
    user.environment["ANTHROPIC_API_KEY"] = KEY
    report = Report(user)
    assert report.status == 0
    assert report.good
    verdicts = {check["about"]: check["verdict"] for check in report.checks}
    assert verdicts == {
        "Python": "good",
        "Packages": "good",
        "Settings": "note",
        "CLI": "good",
        "Start": "good",
        "Login": "good",
        "State": "good",
        "Transcripts": "good",
        "Retention": "note",
        "Kept": "note",
        "git": "note",
    }
    assert "ANTHROPIC_API_KEY" in report.of("Login")["text"]
    assert "only shows with a query" in report.of("Login")["text"]
    assert str(user.home / ".claude" / "projects") in report.of("Transcripts")["text"]
    assert model.requests == []


def test_text_has_a_line_for_each_check_and_a_hint_for_a_fault(user: User) -> None:
    del user.environment["ANTHROPIC_API_KEY"]
    done = user.run("doctor")
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    lines = done.stdout.splitlines()
    marks = [line[0] for line in lines if line and not line.startswith((" ", "One"))]
    assert marks.count("✓") == 6
    assert marks.count("✗") == 1
    assert marks.count("·") == 4
    (fault,) = (n for n, line in enumerate(lines) if line.startswith("✗"))
    assert "Login" in lines[fault]
    assert "claude-agent-lsp login" in lines[fault + 1]
    assert lines[-1] == "1 problem found."
    assert done.stderr == ""


def test_text_is_ascii_where_stdout_is(user: User) -> None:
    user.environment["PYTHONIOENCODING"] = "ascii"
    user.environment["CLAUDE_AGENT_LSP_STATE_DIRECTORY"] = "somewhere"
    done = user.run("doctor")
    assert done.stdout.isascii()
    assert "\nX State" in done.stdout
    assert "\nok CLI" in done.stdout


def test_what_others_have_named_does_nothing_to_a_terminal(user: User) -> None:
    named = user.home / "cli \x1b]0;title\x07 \x1b[2J \u202etxt"
    settings = user.home / "settings.json"
    settings.write_text(json.dumps({"cliPath": str(named)}))
    shown = user.run("doctor", "--settings", str(settings)).stdout
    assert r"cli \x1b]0;title\x07" in shown
    assert not any(harmful in shown for harmful in ("\x1b", "\x07", "\u202e"))


def test_no_login(user: User) -> None:
    del user.environment["ANTHROPIC_API_KEY"]
    fault = Report(user).only_fault()
    assert fault["about"] == "Login"
    assert fault["hint"].startswith(NotAuthenticated.default_hint)


def test_login_at_a_cloud_provider_is_one(user: User) -> None:
    del user.environment["ANTHROPIC_API_KEY"]
    user.environment["CLAUDE_CODE_USE_BEDROCK"] = "1"
    report = Report(user)
    assert report.good
    assert "bedrock" in report.of("Login")["text"]


def test_key_in_the_settings_is_a_login(user: User) -> None:
    del user.environment["ANTHROPIC_API_KEY"]
    assert Report(user, {"env": {"ANTHROPIC_API_KEY": KEY}}).good


def test_no_cli(user: User) -> None:
    report = Report(user, {"cliPath": str(user.home / "claude")})
    fault = report.only_fault()
    assert fault["about"] == "CLI"
    assert str(user.home / "claude") in fault["text"]
    assert "claudeAgent.cliPath" in fault["hint"]
    assert report.of("Start")["verdict"] == "note"


def test_cli_that_is_not_executable(user: User) -> None:
    path = user.home / "claude"
    path.write_text("#!/bin/sh\necho 2.1.330\n")
    fault = Report(user, {"cliPath": str(path)}).only_fault()
    assert fault["about"] == "CLI"
    assert "can't be run" in fault["text"]
    assert f"chmod +x {path}" in fault["hint"]


def test_cli_that_is_something_else(user: User) -> None:
    path = script(user.home / "claude", "#!/bin/sh\necho 'Hello, 1.2.3!'\n")
    fault = Report(user, {"cliPath": path}).only_fault()
    assert fault["about"] == "CLI"
    assert "Hello, 1.2.3!" in fault["text"]
    assert "claudeAgent.cliPath" in fault["hint"]


def test_cli_that_does_not_speak_the_protocol_and_tells_the_key(user: User) -> None:
    user.environment["ANTHROPIC_API_KEY"] = KEY
    path = script(user.home / "claude", VERSION_ONLY.format(version="999.0.0"))
    fault = Report(user, {"cliPath": path}).only_fault()
    assert fault["about"] == "Start"
    assert "Your licence for *** has ended." in fault["text"]
    assert path in fault["hint"]


@pytest.mark.parametrize(
    ("version", "verdict"), [("1.9.9", "fault"), ("2.1.0", "note"), ("2.999.0", "good")]
)
def test_version_of_a_cli_is_held_against_that_of_the_sdk(
    version: str, verdict: str, user: User
) -> None:
    path = script(user.home / "claude", VERSION_ONLY.format(version=version))
    found = Report(user, {"cliPath": path}).of("CLI")
    assert found["verdict"] == verdict
    assert version in found["text"]
    assert ("update" in (found["hint"] or "")) == (verdict == "fault")


def test_state_directory_that_cannot_be_written(user: User) -> None:
    file = user.home / "file"
    file.touch()
    fault = Report(user, {"stateDirectory": str(file / "state")}).only_fault()
    assert fault["about"] == "State"
    assert str(file / "state") in fault["text"]
    assert "CLAUDE_AGENT_LSP_STATE_DIRECTORY" in fault["hint"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_state_directory_that_others_may_read(user: User) -> None:
    directory = user.home / "state"
    (directory / "folders").mkdir(parents=True)
    (directory / "folders").chmod(0o755)
    user.environment["CLAUDE_AGENT_LSP_STATE_DIRECTORY"] = str(directory)
    assert "chmod 700" in Report(user).only_fault()["text"]


def test_what_is_damaged_in_the_state_directory_is_named(user: User) -> None:
    directory = user.home / "state"
    user.environment["CLAUDE_AGENT_LSP_STATE_DIRECTORY"] = str(directory)
    for name in ("folders", "locks", "journal"):
        (directory / name).mkdir(parents=True, mode=0o700)
    directory.chmod(0o700)
    (directory / "kept").symlink_to("/dev/null")
    (directory / "trust.json").write_text("{}")
    (directory / "journal" / "1.jsonl").write_text('{"kind":"text"}')
    (directory / "somebodys").symlink_to("nothing")
    os.mkfifo(directory / "locks" / "2.lock")
    (directory / "spending.json").mkdir()
    fault = Report(user).only_fault()
    assert fault["about"] == "State"
    assert fault["text"].split("; ") == [
        f"{directory}/spending.json is not a regular file",
        f"{directory}/journal/1.jsonl is damaged",
        f"{directory}/locks/2.lock is not a regular file",
        f"{directory}/kept is not a directory",
    ]
    for name in ("kept", "trust.json", "spending.json"):
        (directory / name).rename(directory / f"not-{name}")
    (directory / "trust.json").write_text("[]")
    assert f"{directory}/trust.json is damaged" in Report(user).only_fault()["text"]


def test_state_directory_that_depends_on_where_the_editor_starts(user: User) -> None:
    user.environment["CLAUDE_AGENT_LSP_STATE_DIRECTORY"] = "state"
    fault = Report(user).only_fault()
    assert fault["about"] == "State"
    assert "absolute" in fault["hint"]
    assert not (user.home / "state").exists()


def test_transcripts_that_cannot_be_written(user: User) -> None:
    file = user.home / "file"
    file.touch()
    user.environment["CLAUDE_CONFIG_DIR"] = str(file / "claude")
    found = Report(user).of("Transcripts")
    assert found["verdict"] == "fault"
    assert str(file) in found["hint"]


def test_transcripts_that_the_settings_move_away_from_the_server(user: User) -> None:
    del user.environment["CLAUDE_CONFIG_DIR"]
    fault = Report(user, {"env": {"HOME": str(user.temporary)}}).only_fault()
    assert fault["about"] == "Transcripts"
    assert "HOME" in fault["text"]
    user.environment["CLAUDE_CONFIG_DIR"] = str(user.home / ".claude")
    assert Report(user, {"env": {"HOME": str(user.temporary)}}).good


@pytest.mark.parametrize(
    "settings",
    [
        {"model": "sonnet", "maxTurns": 5},
        {"claudeAgent": {"model": "sonnet", "maxTurns": 5}},
        {"settings": {"model": "sonnet", "maxTurns": 5}},
    ],
    ids=["section", "whole", "initializationOptions"],
)
def test_settings_that_are_right(settings: dict[str, Any], user: User) -> None:
    report = Report(user, settings)
    assert report.good
    assert report.of("Settings")["text"].startswith("2 settings")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"modle": "sonnet"}, 'did you mean "model"?'),
        ({"maxTurns": "five"}, "claudeAgent.maxTurns: expected a whole number"),
        ({"env": KEY}, "claudeAgent.env: expected"),
        (["model"], "claudeAgent: expected an object, got a list"),
        ('{"model": "sonnet", // mine\n}', "is not JSON"),
    ],
    ids=["misspelled", "wrong type", "secret", "no object", "no JSON"],
)
def test_settings_that_are_wrong(settings: object, said: str, user: User) -> None:
    fault = Report(user, settings).only_fault()
    assert fault["about"] == "Settings"
    assert said in fault["text"]


def test_settings_that_cannot_be_read(user: User) -> None:
    done = user.run("doctor", "--json", "--settings", str(user.home / "none.json"))
    assert done.returncode == 1
    (found,) = (c for c in json.loads(done.stdout)["checks"] if c["about"] == "Settings")
    assert found["verdict"] == "fault"
    assert "none.json can't be read: No such file" in found["text"]


def test_it_tells_the_system_by_which_packages_are_chosen(user: User) -> None:
    assert f", {system_name()}, " in Report(user).of("Python")["text"]
