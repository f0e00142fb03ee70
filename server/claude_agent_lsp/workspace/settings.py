"""The settings of section `claudeAgent`: the one table of all that is known of them.

Package manifests, documentation and what holds in an untrusted folder are derived from it.
"""

# ruff: noqa: RUF009 - setting is dataclasses.field with more to say

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from claude_agent_lsp.base import validation as rules
from claude_agent_lsp.base.problems import Problem, kind, shown, unknown
from claude_agent_lsp.base.validation import UnfitError
from claude_agent_lsp.workspace.editor_tools import EDITOR_TOOLS, USUAL_TOOLS, EditorTool
from claude_agent_lsp.workspace.modes import PermissionMode
from claude_agent_lsp.workspace.restraints import (
    ASKING,
    AT_MOST_THE_USERS,
    ONLY_THE_USERS,
    THE_USERS,
    THE_USERS_IF_NAMED,
    USERS_FILES,
    ignored,
)
from claude_agent_lsp.workspace.setting import Scope, Setting, setting

Effort = Literal["low", "medium", "high", "xhigh", "max"]
SettingSource = Literal["user", "project", "local"]
KeepSessions = Literal["all", "tagged", "none"]
LogLevel = Literal["debug", "info", "warning", "error"]

_NOTHING: Mapping[str, Any] = MappingProxyType({})
# Of the configuration of an MCP server.
_SECRETS = ("env", "headers")


@dataclass(frozen=True)
class Settings:
    """What the user has set; made without arguments, the defaults.

    Instances are hashable and compare by value. Durations are in seconds.
    """

    model: str | None = setting(
        None,
        rules.TEXT,
        "Model that the agent uses; chosen by the CLI by default.",
        untrusted=THE_USERS_IF_NAMED,
    )
    effort: Effort | None = setting(
        None,
        rules.one_of(get_args(Effort)),
        "How much the model thinks; chosen by the CLI by default.",
        untrusted=THE_USERS_IF_NAMED,
    )
    permission_mode: PermissionMode = setting(
        "default",
        rules.one_of(get_args(PermissionMode)),
        "What the agent may do without asking.",
        Scope.USER,
        untrusted=ASKING,
    )
    append_system_prompt: str | None = setting(
        None,
        rules.TEXT,
        "Text that is added to the agent's system prompt.",
        untrusted=ignored(None),
    )
    max_turns: int | None = setting(
        None,
        rules.whole(least=1),
        "Maximum number of turns per run; unlimited by default.",
        untrusted=AT_MOST_THE_USERS,
    )
    max_budget_usd: float | None = setting(
        None,
        rules.number(zero=False),
        "Maximum cost per run in US dollars; unlimited by default.",
        untrusted=AT_MOST_THE_USERS,
    )
    daily_budget_usd: float | None = setting(
        None,
        rules.number(zero=False),
        "Maximum cost per day in US dollars, of all your runs on this machine in any editor; "
        "unlimited by default.",
        Scope.USER,
        untrusted=AT_MOST_THE_USERS,
    )
    on_unknown_cost: Literal["refuse", "warn"] = setting(
        "refuse",
        rules.one_of(("refuse", "warn")),
        "What a run with a daily budget does while nobody can tell, or keep, what today has cost: "
        "it is refused, or begins and says so.",
        Scope.USER,
        untrusted=THE_USERS,
    )
    timeout_seconds: float | None = setting(
        None,
        rules.number(zero=False),
        "Maximum seconds per run; unlimited by default.",
        untrusted=AT_MOST_THE_USERS,
    )
    cancel_grace_seconds: float = setting(
        2.0,
        rules.number(zero=True),
        "Seconds that a cancelled turn gets to end by itself before its process is ended.",
        untrusted=AT_MOST_THE_USERS,
    )
    on_stop: Literal["keep", "clear"] = setting(
        "keep",
        rules.one_of(("keep", "clear")),
        "What a stop does with the prompts that wait behind the run: keep them until you go on, or "
        "clear them.",
        Scope.USER,
        untrusted=THE_USERS,
    )
    question_timeout_seconds: float = setting(
        300.0,
        rules.number(zero=False),
        "Seconds that a question stays open; no answer within them means no.",
        untrusted=AT_MOST_THE_USERS,
    )
    code_action_session: Literal["current", "new"] = setting(
        "current",
        rules.one_of(("current", "new")),
        "Session in which code actions ask: the folder's current one, or a new one each time.",
        Scope.USER,
        untrusted=THE_USERS,
    )
    show_answers: Literal["message", "document"] = setting(
        "message",
        rules.one_of(("message", "document")),
        "How an answer is shown in an editor that shows no results of commands: in a message, or "
        "as a document that opens.",
        Scope.USER,
    )
    idle_process_seconds: float = setting(
        300.0,
        rules.number(zero=True),
        "Seconds that an idle CLI process is kept for the next query.",
        Scope.WINDOW,
    )
    max_processes: int = setting(
        4,
        rules.whole(least=1),
        "Maximum number of CLI processes at the same time (about 280 MB each).",
        Scope.WINDOW,
    )
    live_documents: bool = setting(
        True,
        rules.FLAG,
        "Have the agent read and edit the text in the editor where a file is open.",
        untrusted=THE_USERS,
    )
    save_edits: Literal["never", "ifClean", "always"] = setting(
        "ifClean",
        rules.one_of(("never", "ifClean", "always")),
        "When an edit of the agent's is saved in the editor: if nothing there was unsaved before.",
        untrusted=THE_USERS,
    )
    editor_tools: tuple[EditorTool, ...] = setting(
        USUAL_TOOLS,
        rules.several_of(EDITOR_TOOLS),
        "Tools by which the agent asks the editor: what is open and wrong there, and what its "
        "language servers know. `reveal`, by which the agent shows you places, is off by default.",
        untrusted=ONLY_THE_USERS,
    )
    prewarm: bool = setting(
        True,
        rules.FLAG,
        "Start a CLI process before the first query in a folder where the agent was used before.",
        untrusted=ignored(False),
    )
    spare_process: bool = setting(
        False,
        rules.FLAG,
        "Keep one more CLI process, ready for the next new session where the agent is in use.",
        untrusted=ignored(False),
    )
    setting_sources: tuple[SettingSource, ...] = setting(
        get_args(SettingSource),
        rules.several_of(get_args(SettingSource)),
        "Which of Claude Code's own settings files are read.",
        Scope.USER,
        untrusted=USERS_FILES,
    )
    mcp_servers: Mapping[str, Mapping[str, Any]] = setting(
        _NOTHING,
        rules.SERVERS,
        "MCP servers by name, each in the format of `.mcp.json`.",
        Scope.USER,
        untrusted=ignored(_NOTHING),
        secret=True,
    )
    additional_directories: tuple[Path, ...] = setting(
        (),
        rules.PATHS,
        "Directories outside the folder that the agent may work in.",
        Scope.USER,
        untrusted=ignored(()),
    )
    cli_path: Path | None = setting(
        None,
        rules.ABSOLUTE_PATH,
        "Path of the `claude` executable; the one of the SDK by default.",
        Scope.USER,
        untrusted=ignored(None),
    )
    env: Mapping[str, str] = setting(
        _NOTHING,
        rules.ENVIRONMENT,
        "Environment variables for the CLI.",
        Scope.USER,
        untrusted=ignored(_NOTHING),
        secret=True,
    )
    session_store: str | None = setting(
        None,
        rules.STORE_URL,
        "URL of the shared session store, `postgresql://` or `redis://`; none by default.",
        Scope.USER,
        untrusted=ignored(None),
        secret=True,
    )
    state_directory: Path | None = setting(
        None,
        rules.ABSOLUTE_PATH,
        "Directory of the server's state; the system's directory for it by default.",
        Scope.USER,
        untrusted=ignored(None),
    )
    keep_sessions: KeepSessions = setting(
        "all",
        rules.one_of(get_args(KeepSessions)),
        "Which sessions are kept when the CLI deletes its transcripts: all, those with the tag "
        "`keep`, or none.",
        Scope.USER,
        untrusted=THE_USERS,
    )
    keep_max_megabytes: int = setting(
        1000,
        rules.whole(least=1),
        "Megabytes that kept sessions may take. The oldest without the tag `keep` go first, which "
        "the list of sessions tells a week ahead.",
        Scope.USER,
        untrusted=THE_USERS,
    )
    review_diagnostics: bool = setting(
        False,
        rules.FLAG,
        "Show what Claude has changed among the diagnostics of open files, as information, until "
        "it was looked at.",
    )
    log_level: LogLevel | None = setting(
        None,
        rules.one_of(get_args(LogLevel)),
        "Least level of messages in the server's log; the one of `--log-level` by default.",
        Scope.WINDOW,
        untrusted=ignored(None),
    )

    @property
    def secrets(self) -> tuple[tuple[str, str], ...]:
        """The CLI's variables, and those and the headers of MCP servers, by name and value."""
        given = [self.env, *(s.get(name) for s in self.mcp_servers.values() for name in _SECRETS)]
        return tuple(
            (str(name), value)
            for each in given
            if isinstance(each, Mapping)
            for name, value in each.items()
            if isinstance(value, str)
        )

    def withheld(self) -> tuple[str, ...]:
        """Return the names of those that are set and do not fully hold in an untrusted folder."""
        restricted, defaults = self.restricted(), Settings()
        return tuple(
            row.name
            for row in self.fields()
            if row.restraint is not None
            and row.restraint.told
            and getattr(self, row.attribute)
            not in (getattr(defaults, row.attribute), getattr(restricted, row.attribute))
        )

    def restricted(self, users: Settings | None = None) -> Settings:
        """Return what of them holds in a folder that is not trusted.

        Nothing that could run code there, reach beyond it, send elsewhere what is said in it, let
        the agent do unasked what is asked otherwise, or tell it what to do.

        Args:
            users: What came with `initialize`: no folder may spend more. Left out, these are the
                user's own.
        """
        users = users or self
        held = {
            row.attribute: row.restraint.apply(
                getattr(self, row.attribute), getattr(users, row.attribute)
            )
            for row in self.fields()
            if row.restraint is not None
        }
        return dataclasses.replace(self, **held)

    @classmethod
    def fields(cls) -> tuple[Setting, ...]:
        """Return the table of settings, in the order of the documentation."""
        return _table()

    @classmethod
    def parse(
        cls, raw: object, base: Settings | None = None
    ) -> tuple[Settings, tuple[Problem, ...]]:
        """Read what the editor sent for section `claudeAgent`; never raises.

        Args:
            raw: An object by camelCase names, or None.
            base: What counts where a setting is missing, null or wrong; left out, the defaults.

        Returns:
            The settings, and what was wrong in `raw`.
        """
        base = base or cls()
        if raw is None:
            return base, ()
        if not isinstance(raw, Mapping):
            return base, (Problem("", "an object", kind(raw)),)
        fields = {camel(field.name): field for field in dataclasses.fields(cls)}
        values: dict[str, Any] = {}
        problems: list[Problem] = []
        for name, value in raw.items():
            if name not in fields:
                problems.append(unknown(str(name), fields))
            elif value is not None:
                field = fields[name]
                try:
                    values[field.name] = field.metadata["rule"].read(value)
                except UnfitError as unfit:
                    problems.append(_wrong(name, field, value, unfit, getattr(base, field.name)))
        return dataclasses.replace(base, **values), tuple(problems)


@cache
def _table() -> tuple[Setting, ...]:
    defaults = Settings()
    return tuple(
        Setting(
            name=camel(field.name),
            attribute=field.name,
            expected=field.metadata["rule"].expected,
            schema=field.metadata["rule"].schema,
            default=_plain(getattr(defaults, field.name)),
            about=field.metadata["about"],
            scope=field.metadata["scope"],
            restraint=field.metadata["restraint"],
            secret=field.metadata["secret"],
        )
        for field in dataclasses.fields(Settings)
    )


def _wrong(
    name: str, field: dataclasses.Field[Any], value: object, unfit: UnfitError, instead: object
) -> Problem:
    secret = field.metadata["secret"]
    found = unfit.found or (kind(value) if secret else shown(value))
    expected = field.metadata["rule"].expected
    if secret or instead is None:
        return Problem(name, expected, found)
    return Problem(name, expected, found, f"using {shown(_plain(instead))}")


def _plain(value: object) -> object:
    match value:
        case Path():
            return str(value)
        case tuple() | list():
            return [_plain(item) for item in value]
        case Mapping():
            return {name: _plain(item) for name, item in value.items()}
        case _:
            return value


def camel(name: str) -> str:
    """Return a snake_case name as the protocol spells it."""
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)
