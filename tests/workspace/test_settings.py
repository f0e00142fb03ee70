from __future__ import annotations

import dataclasses
import json
import math
import re
from dataclasses import FrozenInstanceError, replace
from itertools import permutations, product
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from claude_agent_lsp.workspace import Settings
from claude_agent_lsp.workspace.editor_tools import EDITOR_TOOLS
from claude_agent_lsp.workspace.modes import ASKING_MODES, PermissionMode
from claude_agent_lsp.workspace.setting import Scope, Setting
from claude_agent_lsp.workspace.settings import Effort, KeepSessions, LogLevel, _plain

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULTS = Settings()
SECRET = "hunter2"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def sent(settings: Settings) -> dict[str, Any]:
    """What an editor would send for these."""
    return {s.name: _plain(getattr(settings, s.attribute)) for s in Settings.fields()}


def only_problem(raw: object, base: Settings | None = None) -> str:
    settings, problems = Settings.parse(raw, base)
    assert settings == (base or DEFAULTS)
    assert len(problems) == 1
    return str(problems[0])


def test_the_defaults_are_those_of_the_protocol() -> None:
    assert {s.name: s.default for s in Settings.fields()} == {
        "model": None,
        "effort": None,
        "permissionMode": "default",
        "appendSystemPrompt": None,
        "maxTurns": None,
        "maxBudgetUsd": None,
        "dailyBudgetUsd": None,
        "onUnknownCost": "refuse",
        "timeoutSeconds": None,
        "cancelGraceSeconds": 2,
        "onStop": "keep",
        "liveDocuments": True,
        "saveEdits": "ifClean",
        "editorTools": [
            *("open_documents", "diagnostics", "definition", "references", "symbols"),
            "rename_symbol",
        ],
        "questionTimeoutSeconds": 300,
        "codeActionSession": "current",
        "showAnswers": "message",
        "idleProcessSeconds": 300,
        "maxProcesses": 4,
        "prewarm": True,
        "spareProcess": False,
        "settingSources": ["user", "project", "local"],
        "mcpServers": {},
        "additionalDirectories": [],
        "cliPath": None,
        "env": {},
        "sessionStore": None,
        "stateDirectory": None,
        "keepSessions": "all",
        "keepMaxMegabytes": 1000,
        "reviewDiagnostics": False,
        "logLevel": None,
    }


def test_each_row_of_the_table_says_what_it_is() -> None:
    for setting in Settings.fields():
        assert setting.expected
        assert setting.about.endswith(".")
        assert hasattr(DEFAULTS, setting.attribute)
    assert {s.name for s in Settings.fields() if s.secret} == {
        "mcpServers",
        "env",
        "sessionStore",
    }


FREE = Settings(
    spare_process=True,
    permission_mode="acceptEdits",
    append_system_prompt="Do as I say.",
    max_turns=9,
    max_budget_usd=9.0,
    daily_budget_usd=9.0,
    on_unknown_cost="warn",
    timeout_seconds=9.0,
    cancel_grace_seconds=9.0,
    on_stop="clear",
    live_documents=False,
    save_edits="always",
    editor_tools=EDITOR_TOOLS,
    question_timeout_seconds=900.0,
    code_action_session="new",
    mcp_servers={"db": {"command": "db"}},
    additional_directories=(Path("/a"),),
    cli_path=Path("/claude"),
    env={"A": "b"},
    session_store="redis://host",
    state_directory=Path("/state"),
    keep_sessions="tagged",
    keep_max_megabytes=9,
    review_diagnostics=True,
    show_answers="document",
    log_level="debug",
)


def test_each_setting_that_needs_trust_is_restrained_without_it_and_no_other_is() -> None:
    users = Settings(
        model="haiku",
        effort="low",
        max_turns=3,
        max_budget_usd=1.0,
        daily_budget_usd=2.0,
        timeout_seconds=4.0,
    )
    held = FREE.restricted(users=users)
    changed = {
        row.name
        for row in Settings.fields()
        if getattr(held, row.attribute) != getattr(FREE, row.attribute)
    }
    assert changed == {row.name for row in Settings.fields() if row.needs_trust}
    assert (held.max_budget_usd, held.daily_budget_usd) == (1.0, 2.0)
    assert held.restricted(users=held) == held


# What a folder may say of each setting although nobody trusts it, given what the user has said.
LIMIT = "no more than the user"
SERVERS = "anything: what is the whole server's is read of no folder that isn't trusted"
SHOWN = "anything: it is about what the editor shows, and about nothing that is done"
NOTHING_OF_IT = "nothing"
THE_USERS = "nothing: what the user has said holds"
NO_MORE = "some of what the user has said"
UNSAID = "what the user has said nothing about"
OTHERWISE = "only what asks, and does no more than what the user has said"
DIRECTIONS = {
    "model": UNSAID,
    "effort": UNSAID,
    "permissionMode": OTHERWISE,
    "appendSystemPrompt": NOTHING_OF_IT,
    "maxTurns": LIMIT,
    "maxBudgetUsd": LIMIT,
    "dailyBudgetUsd": LIMIT,
    "onUnknownCost": THE_USERS,
    "timeoutSeconds": LIMIT,
    "cancelGraceSeconds": LIMIT,
    "onStop": THE_USERS,
    "liveDocuments": THE_USERS,
    "saveEdits": THE_USERS,
    "editorTools": NO_MORE,
    "questionTimeoutSeconds": LIMIT,
    "codeActionSession": THE_USERS,
    "showAnswers": SHOWN,
    "idleProcessSeconds": SERVERS,
    "maxProcesses": SERVERS,
    "prewarm": NOTHING_OF_IT,
    "spareProcess": NOTHING_OF_IT,
    "settingSources": NOTHING_OF_IT,
    "mcpServers": NOTHING_OF_IT,
    "additionalDirectories": NOTHING_OF_IT,
    "cliPath": NOTHING_OF_IT,
    "env": NOTHING_OF_IT,
    "sessionStore": NOTHING_OF_IT,
    "stateDirectory": NOTHING_OF_IT,
    "keepSessions": THE_USERS,
    "keepMaxMegabytes": THE_USERS,
    "reviewDiagnostics": SHOWN,
    "logLevel": NOTHING_OF_IT,
}
VALUES: dict[str, Sequence[Any]] = {
    "model": (None, "opus"),
    "effort": (None, *get_args(Effort)),
    "permissionMode": get_args(PermissionMode),
    "appendSystemPrompt": (None, "", "Do as I say."),
    "maxTurns": (None, 1, 5, 10**9),
    "maxBudgetUsd": (None, 0.01, 5.0, 1e9),
    "dailyBudgetUsd": (None, 0.01, 5.0, 1e9),
    "onUnknownCost": ("refuse", "warn"),
    "timeoutSeconds": (None, 0.01, 5.0, 1e9),
    "cancelGraceSeconds": (0.0, 2.0, 1e9),
    "onStop": ("keep", "clear"),
    "liveDocuments": (True, False),
    "saveEdits": ("never", "ifClean", "always"),
    "editorTools": [c for n in range(3) for c in permutations(("symbols", "reveal"), n)],
    "questionTimeoutSeconds": (0.01, 300.0, 1e9),
    "codeActionSession": ("current", "new"),
    "showAnswers": ("message", "document"),
    "idleProcessSeconds": (0.0, 300.0, 1e9),
    "maxProcesses": (1, 4, 10**9),
    "prewarm": (True, False),
    "spareProcess": (True, False),
    "settingSources": [c for n in range(4) for c in permutations(("user", "project", "local"), n)],
    "mcpServers": ({}, {"a": {"command": "x"}}),
    "additionalDirectories": ((), (Path("/"),)),
    "cliPath": (None, Path("/claude")),
    "env": ({}, {"A": "b"}),
    "sessionStore": (None, "redis://host"),
    "stateDirectory": (None, Path("/state")),
    "keepSessions": get_args(KeepSessions),
    "keepMaxMegabytes": (1, 1000, 10**9),
    "reviewDiagnostics": (True, False),
    "logLevel": (None, *get_args(LogLevel)),
}


@pytest.mark.parametrize("row", Settings.fields(), ids=lambda row: row.name)
def test_no_value_of_an_untrusted_folder_weakens_what_the_user_has_said(row: Setting) -> None:
    for said, users in product(VALUES[row.name], repeat=2):
        folder = replace(DEFAULTS, **{row.attribute: said})
        user = replace(DEFAULTS, **{row.attribute: users})
        held = getattr(folder.restricted(user), row.attribute)
        match DIRECTIONS[row.name]:
            case direction if direction == LIMIT:
                assert held in (said, users)
                assert users is None or held <= users
                assert said is None or held <= said
            case direction if direction == OTHERWISE:
                assert held in ASKING_MODES
                assert held in ("default", said, users)
                assert held == users or users == "default" or users not in ASKING_MODES
            case direction if direction == THE_USERS:
                assert held == users
            case direction if direction == NO_MORE:
                assert held == tuple(each for each in said if each in users)
            case direction if direction == UNSAID:
                assert held == (said if users is None else users)
            case direction if direction == NOTHING_OF_IT:
                others = {
                    getattr(
                        replace(DEFAULTS, **{row.attribute: each}).restricted(user), row.attribute
                    )
                    == held
                    for each in VALUES[row.name]
                }
                assert others == {True}, "it depends on what the folder says"
            case direction if direction == SHOWN:
                assert held == said
            case _:
                assert row.scope is Scope.WINDOW
                assert held == said
        if row.name == "settingSources":
            assert ("user" in held) == ("user" in users), "the user's own guards are theirs"


def test_what_a_folder_that_is_not_trusted_would_change_is_told_by_name() -> None:
    assert DEFAULTS.withheld() == ()
    told = [r.name for r in Settings.fields() if r.restraint and r.restraint.about == "ignored"]
    told = ["permissionMode", *told]
    told.remove("prewarm")  # by default
    assert list(FREE.withheld()) == told
    assert Settings(setting_sources=("project",), max_budget_usd=1.0).withheld() == ()


def test_a_secret_is_not_read_from_a_folder() -> None:
    for row in Settings.fields():
        if row.secret:
            assert row.scope is Scope.USER, row.name


def test_every_setting_is_read() -> None:
    raw = {
        "model": "opus",
        "effort": "xhigh",
        "permissionMode": "acceptEdits",
        "appendSystemPrompt": "Be brief.",
        "maxTurns": 3,
        "maxBudgetUsd": 0.5,
        "dailyBudgetUsd": 20,
        "onUnknownCost": "warn",
        "timeoutSeconds": 60,
        "cancelGraceSeconds": 0,
        "onStop": "clear",
        "liveDocuments": False,
        "saveEdits": "never",
        "editorTools": ["reveal", "diagnostics"],
        "questionTimeoutSeconds": 1.5,
        "codeActionSession": "new",
        "showAnswers": "document",
        "idleProcessSeconds": 0,
        "maxProcesses": 4.0,
        "prewarm": False,
        "spareProcess": True,
        "settingSources": ["project"],
        "mcpServers": {"db": {"command": "db", "args": ["-v"]}},
        "additionalDirectories": ["/a", "file:///b%20c", "../d"],
        "cliPath": "~/bin/claude",
        "env": {"A": "b"},
        "sessionStore": " redis://host/0 ",
        "stateDirectory": "file:///state",
        "keepSessions": "tagged",
        "keepMaxMegabytes": 500,
        "reviewDiagnostics": True,
        "logLevel": "debug",
    }
    settings, problems = Settings.parse(raw)
    assert problems == ()
    assert settings == Settings(
        model="opus",
        effort="xhigh",
        permission_mode="acceptEdits",
        append_system_prompt="Be brief.",
        max_turns=3,
        max_budget_usd=0.5,
        daily_budget_usd=20.0,
        on_unknown_cost="warn",
        timeout_seconds=60.0,
        cancel_grace_seconds=0.0,
        on_stop="clear",
        live_documents=False,
        save_edits="never",
        editor_tools=("reveal", "diagnostics"),
        question_timeout_seconds=1.5,
        code_action_session="new",
        idle_process_seconds=0.0,
        max_processes=4,
        prewarm=False,
        spare_process=True,
        setting_sources=("project",),
        mcp_servers={"db": {"command": "db", "args": ["-v"]}},
        additional_directories=(Path("/a"), Path("/b c"), Path("../d")),
        cli_path=Path.home() / "bin" / "claude",
        env={"A": "b"},
        session_store="redis://host/0",
        state_directory=Path("/state"),
        keep_sessions="tagged",
        keep_max_megabytes=500,
        review_diagnostics=True,
        show_answers="document",
        log_level="debug",
    )
    assert type(settings.max_processes) is int
    assert set(raw) == {s.name for s in Settings.fields()}
    assert Settings.parse(json.loads(json.dumps(sent(settings)))) == (settings, ())


@pytest.mark.parametrize("raw", [None, {}, {"model": None, "maxProcesses": None}])
def test_null_or_missing_is_the_default(raw: object) -> None:
    assert Settings.parse(raw) == (DEFAULTS, ())


def test_what_is_missing_null_or_wrong_comes_from_the_base() -> None:
    base = Settings(model="opus", max_processes=2, prewarm=False)
    settings, problems = Settings.parse({"model": None, "maxProcesses": 0, "maxTurns": 1}, base)
    assert settings == Settings(model="opus", max_processes=2, prewarm=False, max_turns=1)
    assert [str(problem) for problem in problems] == [
        "claudeAgent.maxProcesses: expected a whole number of at least 1, got 0; using 2."
    ]


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (
            {"maxProcesses": "four"},
            'claudeAgent.maxProcesses: expected a whole number of at least 1, got "four"; using 4.',
        ),
        (
            {"maxTurns": 1.5},
            "claudeAgent.maxTurns: expected a whole number of at least 1, got 1.5; ignoring it.",
        ),
        (
            {"logLevel": "loud"},
            (
                'claudeAgent.logLevel: expected one of "debug", "info", "warning", "error", '
                'got "loud"; ignoring it.'
            ),
        ),
        (
            {"settingSources": "user"},
            (
                'claudeAgent.settingSources: expected a list of any of "user", "project", "local", '
                'got "user"; using ["user", "project", "local"].'
            ),
        ),
        (
            {"maxProceses": 1},
            (
                "claudeAgent.maxProceses: expected a known setting (did you mean "
                '"maxProcesses"?), got an unknown name; ignoring it.'
            ),
        ),
        (
            {"max_turns": 1},
            (
                'claudeAgent.max_turns: expected a known setting (did you mean "maxTurns"?)'
                ", got an unknown name; ignoring it."
            ),
        ),
        (
            {"qqqq": 1},
            "claudeAgent.qqqq: expected a known setting, got an unknown name; ignoring it.",
        ),
        ([1], "claudeAgent: expected an object, got a list; ignoring it."),
        ("model", "claudeAgent: expected an object, got a string; ignoring it."),
        (
            {"env": {"CLAUDE_CONFIG_DIR": SECRET}},
            (
                "claudeAgent.env: expected an object of strings, without CLAUDE_CONFIG_DIR "
                "(set that one in the server's own environment), got one that sets "
                "CLAUDE_CONFIG_DIR; ignoring it."
            ),
        ),
    ],
)
def test_a_problem_is_a_sentence_for_the_user(raw: object, sentence: str) -> None:
    assert only_problem(raw) == sentence


NO_NUMBERS = [True, False, "1", [], {}, math.nan, math.inf, -math.inf, -1, 10**400, 10**5000]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        *((name, [*NO_NUMBERS, 0, 0.5]) for name in ("maxTurns", "maxProcesses")),
        *(
            (name, [*NO_NUMBERS, 0, -0.0])
            for name in ("maxBudgetUsd", "timeoutSeconds", "questionTimeoutSeconds")
        ),
        *((name, NO_NUMBERS) for name in ("cancelGraceSeconds", "idleProcessSeconds")),
        ("model", [1, "", "  ", "a\0", "\ud800", ["opus"]]),
        ("appendSystemPrompt", [1, False, []]),
        ("effort", ["max!", 3, ""]),
        ("permissionMode", ["acceptedits", 1, ["plan"]]),
        ("prewarm", [0, 1, "true"]),
        ("spareProcess", [0, 1, "true"]),
        ("settingSources", ["user", ["user", "team"], [["user"]], [1], {}]),
        ("additionalDirectories", ["/a", [1], [""], ["file:a"], {"a": "b"}]),
        ("cliPath", [1, "", "claude", "./claude", "file:claude", "~nobody-has-this/claude"]),
        ("sessionStore", [1, "", "mysql://host", "redis://[::1", "redis://host:port"]),
        ("stateDirectory", ["state", {}, "a\0"]),
        (
            "env",
            [
                [],
                "A=b",
                {"A": 1},
                {"A": None},
                {"": "a"},
                {"A=B": "c"},
                {"A": "\0"},
                {1: "a"},
                {"A": "\ud800"},
            ],
        ),
        ("mcpServers", [[], "db", {"db": "run"}, {"": {}}, {"db": {"port": math.nan}}]),
        ("logLevel", ["trace", "INFO", 10]),
    ],
)
def test_a_wrong_value_is_one_problem_and_the_default_is_used(
    name: str, values: list[object]
) -> None:
    for value in values:
        assert only_problem({name: value}).startswith(f"claudeAgent.{name}: expected ")


@pytest.mark.parametrize(
    "raw",
    [
        {"env": {"KEY": [SECRET]}},
        {"env": SECRET},
        {"env": [SECRET]},
        {"env": {"CLAUDE_CONFIG_DIR": "/x", "KEY": SECRET}},
        {"mcpServers": {"db": SECRET}},
        {"mcpServers": {"db": {"env": {"KEY": SECRET}, "port": math.inf}}},
        {"mcpServer": {"db": {"env": {"KEY": SECRET}}}},
        {"environment": {"KEY": SECRET}},
        [{"env": {"KEY": SECRET}}],
    ],
)
def test_a_problem_gives_no_secret_away(raw: object) -> None:
    base = Settings(env={"KEY": SECRET})
    settings, problems = Settings.parse(raw, base)
    assert SECRET not in f"{problems}{problems[0]}"
    assert SECRET not in repr(settings)


def test_a_long_wrong_value_is_cut_short() -> None:
    assert len(only_problem({"effort": "x" * 10_000})) < 300
    assert len(only_problem({"x" * 10_000: 1})) < 300


def test_settings_are_hashable_frozen_and_apart_from_what_was_parsed() -> None:
    raw: dict[str, Any] = {"env": {"A": "b"}, "mcpServers": {"db": {"args": ["-v"]}}}
    settings, _ = Settings.parse(raw)
    same, _ = Settings.parse(raw)
    assert settings == same
    assert hash(settings) == hash(same)
    raw["env"]["A"] = "c"
    raw["mcpServers"]["db"]["args"].append("-x")
    assert settings == same
    assert settings.mcp_servers["db"] == {"args": ["-v"]}
    assert settings != Settings.parse({"env": {"A": "c"}})[0]
    with pytest.raises(FrozenInstanceError):
        settings.model = "x"  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.env["A"] = "c"  # type: ignore[index]


@given(JSON | st.dictionaries(st.sampled_from([s.name for s in Settings.fields()]), JSON))
@example({"cliPath": "file:///%ff"})
@example({"mcpServers": {"a": {}}, "env": {"A": ""}, "additionalDirectories": ["a"]})
def test_whatever_is_sent_yields_settings_that_read_back(raw: object) -> None:
    settings, problems = Settings.parse(raw)
    assert Settings.parse(sent(settings)) == (settings, ())
    assert isinstance(hash(settings), int)
    for problem in problems:
        assert re.fullmatch(r"claudeAgent.*: expected .*, got .*; .*\.", str(problem), re.DOTALL)
        str(problem).encode()


def test_secrets_are_what_the_cli_and_the_servers_are_given() -> None:
    servers: dict[str, Any] = {
        "near": {"command": "x", "env": {"A": "one", "B": 2}},
        "far": {"type": "http", "url": "https://host/", "headers": {"X": "two"}},
        "odd": {"command": "x", "env": None, "headers": ["three"]},
    }
    assert dataclasses.replace(DEFAULTS, env={"C": "four"}, mcp_servers=servers).secrets == (
        ("C", "four"),
        ("A", "one"),
        ("X", "two"),
    )
