"""What `doctor` looks at, one thing after the other. No request is made to the model."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
import uuid
from dataclasses import dataclass
from enum import Enum
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_agent_lsp.agent.cli import check, find, login_of
from claude_agent_lsp.agent.process.launch import Launch, SessionStart
from claude_agent_lsp.base.disk.private import others_may
from claude_agent_lsp.base.disk.reading import read_regular
from claude_agent_lsp.base.lanes import disk
from claude_agent_lsp.base.system.machine import system_name
from claude_agent_lsp.base.system.programs import find_program
from claude_agent_lsp.base.texts.redaction import mask_secrets, register_secrets
from claude_agent_lsp.base.texts.text import one_line
from claude_agent_lsp.errors import CliNotFound, NotAuthenticated, RequestFailed
from claude_agent_lsp.sessions.transcripts.transcript import config_directory
from claude_agent_lsp.workspace.settings import Settings
from claude_agent_lsp.workspace.state import ENVIRONMENT_VARIABLE, State, state_directory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from claude_agent_lsp.agent.cli import Cli

PACKAGE: Final = "claude-agent-lsp"
OLDEST_PYTHON: Final = (3, 11)
SHOWN_TITLES: Final = 3
TITLE_LENGTH: Final = 50
SHOWN_DAMAGE: Final = 5
SHOWN: Final = ("claude-agent-sdk", "pygls", "lsprotocol")
NO_REQUEST: Final = "no request was sent to the model, so an invalid key only shows with a query"

_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(?P<limits>[^;]*)")


class Verdict(Enum):
    """How a check ended."""

    GOOD = "good"
    FAULT = "fault"
    NOTE = "note"  # to know, whatever it is


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        about: What was looked at, a word or two.
        verdict: How it is.
        text: What was found.
        hint: What to do about a fault.
    """

    about: str
    verdict: Verdict
    text: str
    hint: str | None = None


async def examine(file: Path | None) -> AsyncIterator[Finding]:
    """Make all checks.

    Args:
        file: JSON with the settings, as an editor would send them; left out, the defaults.

    Yields:
        What each check found, as soon as it has.
    """
    yield _python()
    packages = _packages()
    yield packages
    settings, findings = _settings(file)
    for finding in findings:
        yield finding
    cli: Cli | None = None
    try:
        cli = await check(await find(settings.cli_path))
    except RequestFailed as error:
        yield _no_cli(error, settings)
    else:
        yield await _version(cli, settings)
    if cli is None or packages.verdict is Verdict.FAULT:
        yield Finding("Start", Verdict.NOTE, "not checked: see above")
    else:
        for finding in await _start(cli, settings):
            yield finding
    yield await disk.run(_state, settings)
    yield await disk.run(_transcripts, settings)
    yield await disk.run(_retention, settings)
    yield await disk.run(_kept, settings)
    yield _git()


def _python() -> Finding:
    version = ".".join(str(number) for number in sys.version_info[:3])
    text = f"{version}, {system_name()}, {sys.executable}"
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return Finding("Python", Verdict.GOOD, text)
    oldest = ".".join(str(number) for number in OLDEST_PYTHON)
    return Finding(
        "Python", Verdict.FAULT, text, f"Install {PACKAGE} with Python {oldest} or newer."
    )


def _packages() -> Finding:
    """Return whether each requirement is there, in a version that it allows."""
    try:
        requirements = metadata.requires(PACKAGE) or ()
        version = metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return Finding("Packages", Verdict.NOTE, f"{PACKAGE} is not installed as a package")
    shown = [f"{PACKAGE} {version}"]
    wrong = []
    for requirement in requirements:
        match = _REQUIREMENT.match(requirement)
        if match is None or "extra ==" in requirement:
            continue
        name = match["name"]
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        if not _allowed(found, match["limits"]):
            wrong.append(f"{name} is {found}, not {match['limits'].strip()}")
        elif name in SHOWN:
            shown.append(f"{name} {found}")
    if wrong:
        hint = f"Reinstall {PACKAGE}: `make setup`, or the way that you installed it."
        return Finding("Packages", Verdict.FAULT, "; ".join(wrong), hint)
    return Finding("Packages", Verdict.GOOD, ", ".join(shown))


def _settings(file: Path | None) -> tuple[Settings, list[Finding]]:
    if file is None:
        text = "the defaults; --settings FILE checks the settings that your editor sends"
        return Settings(), [Finding("Settings", Verdict.NOTE, text)]
    try:
        raw = json.loads(read_regular(file))
    except OSError as error:
        fault = Finding(
            "Settings",
            Verdict.FAULT,
            f"{file} can't be read: {error.strerror}",
            "Name a file that holds the settings as JSON.",
        )
        return Settings(), [fault]
    except (ValueError, RecursionError) as error:
        fault = Finding(
            "Settings",
            Verdict.FAULT,
            f"{file} is not JSON: {error}",
            'It must contain the settings that your editor sends, such as {"model": "sonnet"}, '
            "without comments.",
        )
        return Settings(), [fault]
    # The whole section, or `initializationOptions`, are what an editor sends too.
    if isinstance(raw, dict) and set(raw) in ({"claudeAgent"}, {"settings"}):
        (raw,) = raw.values()
    settings, problems = Settings.parse(raw)
    register_secrets(settings.secrets)
    hint = "Correct it in your editor's settings; docs/protocol.md lists them all."
    if problems:
        return settings, [Finding("Settings", Verdict.FAULT, str(p), hint) for p in problems]
    given = f"{len(raw or ())} settings in {file}"
    return settings, [Finding("Settings", Verdict.GOOD, given)]


def _no_cli(error: RequestFailed, settings: Settings) -> Finding:
    hint = error.hint
    if settings.cli_path is not None:
        hint = "Correct the setting claudeAgent.cliPath, or unset it to use the CLI of the SDK."
        if not isinstance(error, CliNotFound) and not os.access(settings.cli_path, os.X_OK):
            hint = f"Run `chmod +x {settings.cli_path}`, or unset claudeAgent.cliPath."
    return Finding("CLI", Verdict.FAULT, mask_secrets(str(error)), hint)


async def _version(cli: Cli, settings: Settings) -> Finding:
    """Return the CLI's version; one that was set is compared with the default one."""
    text = f"{cli.version}, {cli.path}"
    if settings.cli_path is None:
        return Finding("CLI", Verdict.GOOD, text)
    try:
        usual = await check(await find(None))
    except RequestFailed:
        return Finding("CLI", Verdict.GOOD, text)
    text = f"{text}; without claudeAgent.cliPath it would be {usual.version}"
    found, wanted = _numbers(cli.version), _numbers(usual.version)
    if found >= wanted:
        return Finding("CLI", Verdict.GOOD, text)
    if found[:2] == wanted[:2]:
        return Finding("CLI", Verdict.NOTE, text)
    hint = f"Run `{cli.path} update`, or unset claudeAgent.cliPath."
    return Finding("CLI", Verdict.FAULT, text, hint)


async def _start(cli: Cli, settings: Settings) -> list[Finding]:
    """Start a process as a query would, in an empty folder, and end it in order."""
    # It loads the SDK, which has been found to be there.
    from claude_agent_lsp.agent.process.process import AgentProcess

    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory(prefix="claude-agent-lsp-doctor-") as folder:
        begin = loop.time()
        launch = Launch.build(Path(folder), settings)
        process = AgentProcess(launch, SessionStart(str(uuid.uuid4())))
        try:
            await asyncio.shield(process.started)
            seconds = loop.time() - begin
        except RequestFailed as error:
            text = mask_secrets(str(error))
            hint = f"Run `{cli.path}` in a terminal to see what is wrong."
            return [Finding("Start", Verdict.FAULT, text, hint)]
        finally:
            await process.end()
    text = f"it speaks the SDK's protocol; it started in {seconds:.1f} s"
    return [
        Finding("Start", Verdict.GOOD, text),
        _login(cli, process.info.get("account") or {}),
    ]


def _login(cli: Cli, account: Mapping[str, Any]) -> Finding:
    """Return where the login comes from.

    The process has reported it, with the settings that queries have. `claude auth status` would say
    the same in a process of its own, and a CLI too old to have it would take it for a prompt.
    """
    source = login_of(account)
    if source is not None:
        return Finding("Login", Verdict.GOOD, f"by {source}; {NO_REQUEST}")
    hint = NotAuthenticated.default_hint
    if find_program("claude") is None:
        hint = f"{hint} `claude` is {cli.path} here."
    return Finding("Login", Verdict.FAULT, "no login and no API key", hint)


def _state(settings: Settings) -> Finding:
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    directory = state_directory(settings.state_directory)
    where = f"{directory}, by {ENVIRONMENT_VARIABLE}" if named else str(directory)
    if named and not Path(named).expanduser().is_absolute():
        text = f"{ENVIRONMENT_VARIABLE} is the relative path {named}"
        hint = "Make it absolute: each editor starts the server in a different directory."
        return Finding("State", Verdict.FAULT, text, hint)
    wrong = State(directory).check()
    if wrong is None and directory.is_dir() and (others := others_may(directory)) is not None:
        wrong = f"{directory}: {others}"
    if wrong is None:
        return _state_files({state_directory(), directory}) or Finding("State", Verdict.GOOD, where)
    hint = (
        f"Make it a directory that only you can read and write, or name another one by "
        f"claudeAgent.stateDirectory or {ENVIRONMENT_VARIABLE}."
    )
    return Finding("State", Verdict.FAULT, wrong, hint)


def _state_files(directories: set[Path]) -> Finding | None:
    """Return what is damaged: some of it no setting moves, so there may be two directories."""
    from claude_agent_lsp.terminal.state_files import damage_in

    wrong = [line for directory in sorted(directories) for line in damage_in(directory)]
    if not wrong:
        return None
    more = f"; and {len(wrong) - SHOWN_DAMAGE} more" if len(wrong) > SHOWN_DAMAGE else ""
    hint = (
        "Make sure that no editor is at work, then repair or remove it. Until then the server does "
        "without it: no folder is trusted by a damaged trust.json, and no run with dailyBudgetUsd "
        "begins by a damaged spending.json."
    )
    return Finding("State", Verdict.FAULT, f"{'; '.join(wrong[:SHOWN_DAMAGE])}{more}", hint)


def _transcripts(settings: Settings) -> Finding:
    directory = config_directory() / "projects"
    if "HOME" in settings.env and not os.environ.get("CLAUDE_CONFIG_DIR"):
        text = "claudeAgent.env sets HOME, so the CLI writes where the server does not read"
        hint = "Set HOME in the editor's own environment instead, or set CLAUDE_CONFIG_DIR."
        return Finding("Transcripts", Verdict.FAULT, text, hint)
    nearest = next(path for path in (directory, *directory.parents) if path.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return Finding("Transcripts", Verdict.GOOD, str(directory))
    text = f"{directory} can't be written, so no session could be resumed"
    hint = f"Make {nearest} a directory that you may write to, or set CLAUDE_CONFIG_DIR."
    return Finding("Transcripts", Verdict.FAULT, text, hint)


def _retention(settings: Settings) -> Finding:
    """Return what the CLI deletes next, if it is started here."""
    # SQLite, and the SDK where a transcript has to be read.
    from claude_agent_lsp.sessions.catalogue.index import Index
    from claude_agent_lsp.sessions.catalogue.retention import (
        SETTING,
        SOON,
        retention,
        retention_days,
    )
    from claude_agent_lsp.sessions.transcripts.projects import all_projects

    days = retention_days(Path.cwd(), settings.setting_sources)
    if days is None:
        text = f"the CLI deletes no sessions: its settings have no valid {SETTING}"
        return Finding("Retention", Verdict.NOTE, text)
    index = Index(state_directory(settings.state_directory))
    found = retention(all_projects(), days, index, limit=SHOWN_TITLES)
    text = (
        f"the CLI deletes sessions that are unchanged for {days} days; in the next "
        f"{SOON.days} days "
    )
    if not found.due:
        return Finding("Retention", Verdict.NOTE, f"{text}nothing")
    titles = [one_line(deletion.title, TITLE_LENGTH) for deletion in found.next_deletions]
    named = ", ".join(f"“{title}”" for title in titles)
    more = f" and {found.due - len(titles)} more" if found.due > len(titles) else ""
    hint = "Set cleanupPeriodDays in ~/.claude/settings.json to have the CLI keep them longer."
    many = f"{found.due} sessions" if found.due > 1 else "one session"
    return Finding("Retention", Verdict.NOTE, f"{text}{many}: {named}{more}", hint)


def _kept(settings: Settings) -> Finding:
    """Return which sessions are kept all the same, and how much room they take."""
    from claude_agent_lsp.sessions.catalogue.keeping import MEGABYTE, room_of
    from claude_agent_lsp.sessions.catalogue.kept_copies import KeptCopies

    room = room_of(KeptCopies(state_directory(settings.state_directory)))
    which = {
        "all": "all sessions are kept",
        "tagged": "sessions with the tag `keep` are kept",
        "none": "no session is kept",
    }[settings.keep_sessions]
    text = (
        f"{which} when the CLI deletes its transcripts; {room.sessions} copies take "
        f"{room.size / MEGABYTE:.1f} of {settings.keep_max_megabytes} MB"
    )
    if not room.leaving:
        return Finding("Kept", Verdict.NOTE, text)
    leaving = f"{room.leaving} of them leave" if room.leaving > 1 else "one of them leaves"
    hint = "Raise claudeAgent.keepMaxMegabytes, or tag those `keep` that have to stay."
    return Finding("Kept", Verdict.NOTE, f"{text}; {leaving} within a week", hint)


def _git() -> Finding:
    found = find_program("git")
    text = str(found or "") or (
        "not found; the agent works without it, but branches and worktrees are not recognized"
    )
    return Finding("git", Verdict.NOTE, text)


def _allowed(version: str, limits: str) -> bool:
    """Return whether a version keeps to limits such as ">=1.23,<2", the only kind here."""
    for limit in limits.split(","):
        wanted = limit.strip().strip("()")
        if wanted.startswith(">=") and _numbers(version) < _numbers(wanted[2:]):
            return False
        if wanted.startswith("<") and not _numbers(version) < _numbers(wanted[1:]):
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    release = re.match(r"\D*(\d+(?:\.\d+)*)", version)
    return tuple(int(number) for number in release[1].split(".")) if release else ()
