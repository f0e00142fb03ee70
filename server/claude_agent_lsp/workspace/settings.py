"""The settings of section `claudeAgent`: one table of names, rules, defaults and meanings."""

# ruff: noqa: RUF009 - _setting is dataclasses.field with more to say

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

from claude_agent_lsp.base import validation as rules
from claude_agent_lsp.base.problems import Problem, kind, shown, unknown
from claude_agent_lsp.base.validation import Rule, UnfitError

Effort = Literal["low", "medium", "high", "xhigh", "max"]
PermissionMode = Literal["default", "acceptEdits", "plan", "bypassPermissions", "dontAsk", "auto"]
SettingSource = Literal["user", "project", "local"]
LogLevel = Literal["debug", "info", "warning", "error"]

# Those in which nothing is done that would be asked for otherwise.
ASKING_MODES: Final = ("default", "plan", "dontAsk")


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the table of settings.

    Attributes:
        name: In camelCase, as editors send it.
        attribute: Of `Settings`, in snake_case.
        expected: What its value must be, in words.
        default: The JSON value that stands for leaving it out.
        about: What it does, one sentence.
        secret: Its value may hold a password or a key: never show it.
    """

    name: str
    attribute: str
    expected: str
    default: object
    about: str
    secret: bool


def _setting(default: object, rule: Rule, about: str, *, secret: bool = False) -> Any:
    return dataclasses.field(
        default_factory=lambda: default,
        hash=None if not isinstance(default, Mapping) else False,
        repr=not secret,
        metadata={"rule": rule, "about": about, "secret": secret},
    )


# Of the configuration of an MCP server.
_SECRETS = ("env", "headers")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Settings:
    """What the user has set; made without arguments, the defaults.

    Instances are hashable and compare by value. Durations are in seconds.
    """

    model: str | None = _setting(None, rules.TEXT, "The model; left out, the CLI's own choice.")
    effort: Effort | None = _setting(
        None, rules.one_of(get_args(Effort)), "How much the model thinks."
    )
    permission_mode: PermissionMode = _setting(
        "default", rules.one_of(get_args(PermissionMode)), "What the agent may do without asking."
    )
    append_system_prompt: str | None = _setting(
        None, rules.TEXT, "Text that is added to the agent's system prompt."
    )
    max_turns: int | None = _setting(
        None, rules.whole(least=1), "How many turns a run may take; left out, any number."
    )
    max_budget_usd: float | None = _setting(
        None, rules.number(zero=False), "What a run may cost in US dollars; left out, anything."
    )
    daily_budget_usd: float | None = _setting(
        None,
        rules.number(zero=False),
        "What all your runs on this machine may cost a day in US dollars; left out, anything.",
    )
    timeout_seconds: float | None = _setting(
        None, rules.number(zero=False), "How long a run may take; left out, any time."
    )
    cancel_grace_seconds: float = _setting(
        2.0, rules.number(zero=True), "How long a cancelled turn may take to end by itself."
    )
    question_timeout_seconds: float = _setting(
        300.0, rules.number(zero=False), "How long a question waits; no answer then means no."
    )
    idle_process_seconds: float = _setting(
        300.0, rules.number(zero=True), "How long a CLI process is kept for the next query."
    )
    max_processes: int = _setting(
        4, rules.whole(least=1), "How many CLI processes live at the same time."
    )
    prewarm: bool = _setting(
        True, rules.FLAG, "Whether a CLI process is started ahead in a folder that was used before."
    )
    setting_sources: tuple[SettingSource, ...] = _setting(
        get_args(SettingSource),
        rules.several_of(get_args(SettingSource)),
        "Which of Claude Code's own settings files are read.",
    )
    mcp_servers: Mapping[str, Mapping[str, Any]] = _setting(
        _NOTHING, rules.SERVERS, "MCP servers, as `.mcp.json` has them.", secret=True
    )
    additional_directories: tuple[Path, ...] = _setting(
        (), rules.PATHS, "Directories beside the folder that the agent may work in."
    )
    cli_path: Path | None = _setting(
        None, rules.ABSOLUTE_PATH, "The `claude` executable; left out, the one of the SDK."
    )
    env: Mapping[str, str] = _setting(
        _NOTHING, rules.ENVIRONMENT, "Environment variables for the CLI.", secret=True
    )
    session_store: str | None = _setting(
        None,
        rules.STORE_URL,
        "The shared store of sessions, postgresql:// or redis://; left out, none.",
        secret=True,
    )
    state_directory: Path | None = _setting(
        None, rules.ABSOLUTE_PATH, "Where the server keeps its state; left out, the system's place."
    )
    log_level: LogLevel | None = _setting(
        None,
        rules.one_of(get_args(LogLevel)),
        "How much the server tells in its log; left out, what `--log-level` says.",
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
        """The names of those that are set and hold in a trusted folder only."""
        return tuple(
            camel(name)
            for name in (
                *("mcp_servers", "cli_path", "env", "append_system_prompt", "log_level"),
                *("session_store", "state_directory", "additional_directories"),
            )
            if getattr(self, name)
        ) + (() if self.permission_mode in ASKING_MODES else ("permissionMode",))

    def restricted(self, users: Settings | None = None) -> Settings:
        """What of them holds in a folder that is not trusted.

        Nothing that could run code there, reach beyond it, send elsewhere what is said in it, let
        the agent do unasked what is asked otherwise, or tell it what to do.

        Args:
            users: What came with `initialize`: no folder may spend more.
        """
        users = users or Settings()
        asks = self.permission_mode in ASKING_MODES
        return dataclasses.replace(
            self,
            permission_mode=self.permission_mode if asks else "default",
            append_system_prompt=None,
            max_budget_usd=_least(self.max_budget_usd, users.max_budget_usd),
            daily_budget_usd=_least(self.daily_budget_usd, users.daily_budget_usd),
            state_directory=None,
            log_level=None,
            setting_sources=tuple(source for source in self.setting_sources if source == "user"),
            mcp_servers=_NOTHING,
            additional_directories=(),
            cli_path=None,
            env=_NOTHING,
            session_store=None,
            prewarm=False,
        )

    @classmethod
    def fields(cls) -> tuple[Setting, ...]:
        """Returns the table of settings, in the order of the documentation."""
        defaults = cls()
        return tuple(
            Setting(
                name=camel(field.name),
                attribute=field.name,
                expected=field.metadata["rule"].expected,
                default=_plain(getattr(defaults, field.name)),
                about=field.metadata["about"],
                secret=field.metadata["secret"],
            )
            for field in dataclasses.fields(cls)
        )

    @classmethod
    def parse(
        cls, raw: object, base: Settings | None = None
    ) -> tuple[Settings, tuple[Problem, ...]]:
        """Reads what the editor sent for section `claudeAgent`; never raises.

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

    def as_dict(self) -> dict[str, Any]:
        """Returns them as JSON by camelCase names, secrets included; `parse` reads it back."""
        return {s.name: _plain(getattr(self, s.attribute)) for s in self.fields()}


def _wrong(
    name: str, field: dataclasses.Field[Any], value: object, unfit: UnfitError, instead: object
) -> Problem:
    secret = field.metadata["secret"]
    found = unfit.found or (kind(value) if secret else shown(value))
    expected = field.metadata["rule"].expected
    if secret or instead is None:
        return Problem(name, expected, found)
    return Problem(name, expected, found, f"using {shown(_plain(instead))}")


def _least(*limits: float | None) -> float | None:
    return min((limit for limit in limits if limit is not None), default=None)


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
    """Returns a snake_case name as the protocol spells it."""
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)
