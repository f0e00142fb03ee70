# ruff: noqa: RUF001 - the signs that are shown

from __future__ import annotations

import io

import pytest
from rich.console import Console

from claude_agent_lsp.terminal.demo import wire
from claude_agent_lsp.terminal.demo.stage import Stage
from claude_agent_lsp.terminal.screen import Signs, open_screen

QUERY = {"method": "workspace/executeCommand", "params": {"command": "claudeAgent.query"}}


def progress(kind: str) -> dict[str, object]:
    return {"method": "$/progress", "params": {"token": "t", "value": {"kind": kind}}}


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (QUERY, "workspace/executeCommand claudeAgent.query"),
        ({"method": "initialized", "params": {}}, "initialized"),
        (
            {"id": 1, "result": {"capabilities": {}, "serverInfo": {"name": "x", "version": "1"}}},
            "result x 1",
        ),
        ({"id": 1, "result": {"status": "completed", "runId": "r"}}, "result completed"),
        ({"id": 1, "result": None}, "result null"),
        ({"id": 1, "result": []}, "result"),
        ({"id": 1, "error": {"code": -32800}}, "error -32800 RequestCancelled"),
        ({"id": 1, "error": {"code": -1}}, "error -1"),
    ],
)
def test_message_is_shown_in_short(message: dict[str, object], shown: str) -> None:
    lines: list[wire.Line] = []
    wire.add(lines, message, sent=True)
    assert [line.shown("×") for line in lines] == [shown]


def test_progress_is_gathered_until_another_message_comes() -> None:
    lines: list[wire.Line] = []
    for kind in ("started", "text", "text", "text"):
        wire.add(lines, progress(kind), sent=False)
    wire.add(lines, {"method": "$/cancelRequest", "params": {"id": 1}}, sent=True)
    wire.add(lines, progress("ended"), sent=False)
    assert [line.shown("x") for line in lines] == [
        "$/progress started, text x3",
        "$/cancelRequest",
        "$/progress ended",
    ]


def draw(width: int) -> list[str]:
    out = io.StringIO()
    stage = Stage(Console(file=out, width=width))
    stage.open("1  A scene")
    stage.user("Why?")
    stage.message(QUERY, sent=True)
    stage.agent()
    for word in ("Because", " it", " is."):
        stage.says(word)
        stage.message(progress("text"), sent=False)
    stage.note("a remark")
    stage.close()
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_messages_stand_beside_what_the_user_sees() -> None:
    assert draw(80) == [
        "1  A scene " + "─" * 69,
        "› Why?" + " " * 28 + "│ → workspace/executeCommand claudeAgent.query",
        "● Because it is." + " " * 18 + "│ ← $/progress text ×3",
        " " * 34 + "│ a remark",
        "",
    ]


def test_messages_stand_below_on_a_narrow_terminal() -> None:
    lines = draw(50)
    assert lines[1:] == [
        "› Why?",
        "→ workspace/executeCommand claudeAgent.query",
        "● Because it is.",
        "← $/progress text ×3",
        "a remark",
        "",
    ]


def test_colours_only_on_a_terminal_and_not_against_no_color() -> None:
    def written(*, terminal: bool, variables: dict[str, str]) -> str:
        out = io.StringIO()
        console = Console(file=out, force_terminal=terminal, width=80, _environ=variables)
        Stage(console).verdict("It held.")
        return out.getvalue()

    terminal = {"TERM": "xterm"}
    assert "\x1b[32m" in written(terminal=True, variables=terminal)
    assert "\x1b[32m" not in written(terminal=True, variables=terminal | {"NO_COLOR": "1"})
    assert "\x1b" not in written(terminal=False, variables=terminal)


def test_messages_between_scenes_are_not_shown() -> None:
    out = io.StringIO()
    stage = Stage(Console(file=out, width=80))
    stage.message(QUERY, sent=True)
    stage.close()
    assert out.getvalue() == ""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "no-such-encoding"])
def test_signs_are_ascii_where_the_encoding_lacks_them(encoding: str) -> None:
    console = Console(file=io.TextIOWrapper(io.BytesIO(), "utf-8"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Console, "encoding", encoding)
        assert Signs.for_console(console).good == "ok"
    assert Signs.for_console(console).good == "✓"


def test_character_that_stdout_lacks_is_written_as_a_question_mark(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, "ascii"))
    screen = open_screen()
    screen.print("naïve")
    assert raw.getvalue() == b"na?ve\n"
